//! The OpenAI shape, which most providers share: chat completions, completions, embeddings, responses, images, audio.
//!
//! Input contains cache reads and writes, output contains reasoning (xAI's does not, which its total shows).

use crate::llm::answer::{Answer, Answers, Part, told};
use crate::llm::members::Members;
use crate::llm::sieve::Keep;
use crate::llm::usage::Usage;

pub(super) fn keep(key: &[u8]) -> Keep {
    match key {
        b"id" | b"model" | b"type" | b"status" | b"service_tier" | b"finish_reason" | b"index" => Keep::Scalar,
        b"choices" | b"response" | b"data" => Keep::Walk,
        b"usage" | b"tool_usage" | b"usage_breakdown" | b"x_groq" => Keep::All,
        _ => Keep::Drop,
    }
}

pub(super) fn fold(doc: &Members<'_>, api: &str, answers: &mut Answers) {
    let kind = doc.string("type").unwrap_or_default();
    let response = doc.object("response");
    if !response.is_empty() {
        // An event of the Responses API.
        document(&response, &mut answers.current);
        if matches!(kind.as_ref(), "response.completed" | "response.incomplete" | "response.failed") {
            answers.current.ended = true;
            answers.is_final = true;
        }
        return;
    }
    let answer = &mut answers.current;
    let usage = document(doc, answer);
    let choices = doc.array("choices");
    let mut finished = choices.is_empty();
    for (at, choice) in choices.iter().enumerate() {
        let choice = Members::parse(choice).unwrap_or_default();
        finished |= choice.string("finish_reason").is_some();
        if at == 0 && choice.count("index").unwrap_or(0) == 0 {
            told(&mut answer.finish_reason, &choice, "finish_reason");
        }
    }
    answer.ended |= usage && finished;
    answers.usage_only = usage && doc.get("choices") == Some("[]");
    if api == "images" {
        answer.images += match kind.as_ref() {
            "" => doc.array("data").len() as u64,
            // `image_generation.completed`, `image_edit.completed`
            kind => u64::from(kind.ends_with(".completed")),
        };
    }
}

/// Folds a document or the `response` of an event; says whether there was usage.
fn document(doc: &Members<'_>, answer: &mut Answer) -> bool {
    told(&mut answer.id, doc, "id");
    told(&mut answer.model, doc, "model");
    told(&mut answer.service_tier, doc, "service_tier");
    if let Some(status) = doc.string("status") {
        answer.queued = matches!(status.as_ref(), "queued" | "in_progress");
        if !answer.queued {
            told(&mut answer.finish_reason, doc, "status");
        }
    }
    let groq = doc.object("x_groq");
    let mut usage = doc.object("usage");
    if usage.is_empty() {
        usage = groq.object("usage");
    }
    answer.fold_usage(&usage);
    if let Some(tools) = doc.get("tool_usage") {
        tools.clone_into(&mut answer.tools);
    }
    if let Some(breakdown) = doc.get("usage_breakdown").or_else(|| groq.get("usage_breakdown")) {
        breakdown.clone_into(&mut answer.breakdown);
    }
    !usage.is_empty()
}

pub(super) fn parts(answer: &Answer, raw: String) -> Vec<Part> {
    let models = Members::parse(&answer.breakdown).unwrap_or_default().array("models");
    if !models.is_empty() {
        // Groq's compound systems: the total is the sum of these.
        return models.into_iter().map(compound).collect();
    }
    let mut main = part(raw);
    if answer.images > 0 {
        main.usage.add("images", Some(answer.images));
    }
    let tools = Members::parse(&answer.tools).unwrap_or_default();
    main.usage.add("web_searches", tools.object("web_search").count("num_requests"));
    let mut parts = vec![main];
    // Tokens of the hosted image model, which are not in the usage of the one that called it.
    if let Some(raw) = tools.get("image_gen") {
        let mut image = part(raw.to_owned());
        if image.usage.get("input_tokens").max(image.usage.get("output_tokens")) > Some(0) {
            image.role = Some("tool:image_generation".to_owned());
            image.model = Some(String::new());
            parts.push(image);
        }
    }
    parts
}

fn compound(entry: &str) -> Part {
    let entry = Members::parse(entry).unwrap_or_default();
    let mut part = part(entry.get("usage").unwrap_or("{}").to_owned());
    part.role = Some("compound".to_owned());
    part.model = entry.string("model").map(Into::into);
    part
}

/// A record of one usage object.
fn part(raw: String) -> Part {
    let told = Members::parse(&raw).unwrap_or_default();
    let mut usage = Usage::default();
    let first = |keys: &[&str]| keys.iter().find_map(|key| told.count(key));
    let object = |keys: &[&str]| keys.iter().map(|key| told.object(key)).find(|o| !o.is_empty()).unwrap_or_default();

    let input = object(&["prompt_tokens_details", "input_tokens_details", "input_token_details"]);
    usage.add("input_tokens", first(&["prompt_tokens", "input_tokens"]));
    // DeepSeek and Together have their cache reads at the top.
    let read = input.count("cached_tokens").or_else(|| first(&["prompt_cache_hit_tokens", "cached_tokens"]));
    usage.add("cache_read_tokens", read);
    usage.add_all(
        &input,
        &[
            ("cache_write_tokens", "cache_write_tokens"),
            ("text_tokens", "input_text_tokens"),
            ("audio_tokens", "input_audio_tokens"),
            ("image_tokens", "input_image_tokens"),
            ("video_tokens", "input_video_tokens"),
        ],
    );
    usage.add_all(
        &input.object("cache_write_tokens_details"),
        &[("ttl_30m_tokens", "cache_write_30m_tokens"), ("ttl_12h_tokens", "cache_write_12h_tokens")],
    );
    usage.add_all(
        &input.object("cached_tokens_details"),
        &[
            ("text_tokens", "cache_text_read_tokens"),
            ("audio_tokens", "cache_audio_read_tokens"),
            ("image_tokens", "cache_image_read_tokens"),
            ("video_tokens", "cache_video_read_tokens"),
        ],
    );

    let output = object(&["completion_tokens_details", "output_tokens_details", "output_token_details"]);
    usage.add("output_tokens", first(&["completion_tokens", "output_tokens"]));
    usage.add_all(
        &output,
        &[
            ("reasoning_tokens", "output_reasoning_tokens"),
            ("text_tokens", "output_text_tokens"),
            ("audio_tokens", "output_audio_tokens"),
            ("image_tokens", "output_image_tokens"),
            ("video_tokens", "output_video_tokens"),
            ("accepted_prediction_tokens", "accepted_prediction_tokens"),
            ("rejected_prediction_tokens", "rejected_prediction_tokens"),
        ],
    );
    // xAI reports reasoning beside the output; only the total tells.
    let reasoning = usage.get("output_reasoning_tokens").unwrap_or(0);
    let sum = usage.get("input_tokens").unwrap_or(0).saturating_add(usage.get("output_tokens").unwrap_or(0));
    if reasoning > 0 && told.count("total_tokens") == Some(sum.saturating_add(reasoning)) {
        usage.add("output_tokens", Some(reasoning));
    }

    usage.set_audio_seconds(told.amount("seconds").or_else(|| told.amount("prompt_audio_seconds")));
    let service_tier = told.string("service_tier").unwrap_or_default().into_owned();
    let provider_cost = told.amount("cost");
    Part { usage, service_tier, provider_cost, raw, ..Part::default() }
}
