//! The OpenAI shape, which most providers share: chat completions, completions, embeddings, responses, images, audio.
//!
//! Input contains cache reads and writes, output contains reasoning (xAI's does not, which its total shows).

use crate::llm::answer::{Answer, Answers};
use crate::llm::members::Members;
use crate::llm::record::Records;
use crate::llm::sieve::{Keep, Kept};
use crate::llm::usage::Usage;

pub(super) const KEPT: &Kept = &[
    ("id", Keep::Scalar),
    ("model", Keep::Scalar),
    ("type", Keep::Scalar),
    ("status", Keep::Scalar),
    ("service_tier", Keep::Scalar),
    ("finish_reason", Keep::Scalar),
    ("index", Keep::Scalar),
    ("choices", Keep::Walk),
    ("response", Keep::Walk),
    ("data", Keep::Walk),
    ("usage", Keep::All),
    ("tool_usage", Keep::All),
    ("usage_breakdown", Keep::All),
    ("x_groq", Keep::All),
];

/// Takes in a document or an event. `images`: it is of the images API, which is also billed by image.
pub(super) fn fold(doc: &Members<'_>, images: bool, answers: &mut Answers) {
    let answer = &mut answers.current;
    let kind = doc.text("type");
    let response = doc.object("response");
    if !response.is_empty() {
        // An event of the Responses API.
        document(&response, answer);
        if matches!(kind, "response.completed" | "response.incomplete" | "response.failed") {
            answer.ended = true;
            answers.is_final = true;
        }
        return;
    }
    let usage = document(doc, answer);
    let choices = doc.array("choices");
    let mut finished = choices.is_empty();
    for (at, choice) in choices.into_iter().enumerate() {
        let choice = Members::of(choice);
        finished |= !choice.text("finish_reason").is_empty();
        if at == 0 && matches!(choice.get("index"), "" | "0") {
            answer.note(&choice, &[("finish_reason", "finish_reason")]);
        }
    }
    answer.ended |= usage && finished;
    answers.usage_only = usage && doc.get("choices") == "[]";
    if images {
        answer.images += match kind {
            "" => doc.array("data").len() as u64,
            // `image_generation.completed`, `image_edit.completed`
            kind => u64::from(kind.ends_with(".completed")),
        };
    }
}

/// Folds a document or the `response` of an event; says whether there was usage.
fn document(doc: &Members<'_>, answer: &mut Answer) -> bool {
    answer.note(doc, &[("id", "id"), ("model", "model"), ("service_tier", "service_tier")]);
    answer.queued = matches!(doc.text("status"), "queued" | "in_progress");
    if !answer.queued {
        answer.note(doc, &[("status", "finish_reason")]);
    }
    let groq = doc.object("x_groq");
    let mut usage = doc.object("usage");
    if usage.is_empty() {
        usage = groq.object("usage");
    }
    answer.usage.fold(&usage);
    for (from, key) in [(doc, "tool_usage"), (doc, "usage_breakdown"), (&groq, "usage_breakdown")] {
        answer.said.set(key, from.get(key));
    }
    !usage.is_empty()
}

pub(super) fn write<'a>(raw: &'a str, records: &mut Records<'a>) {
    let answer = records.answer;
    let models = Members::of(answer.said.get("usage_breakdown")).array("models");
    if !models.is_empty() {
        // Groq's compound systems: the total is the sum of these.
        for entry in models {
            let entry = Members::of(entry);
            let raw = entry.get("usage");
            records.add("compound", entry.text("model"), counts(raw), raw);
        }
        return;
    }
    let tools = Members::of(answer.said.get("tool_usage"));
    let mut usage = counts(raw);
    usage.add("images", (answer.images > 0).then_some(answer.images));
    usage.add("web_searches", tools.object("web_search").count("num_requests"));
    records.add("", records.model, usage, raw);
    // Tokens of the hosted image model, which are not in the usage of the one that called it. Which one is not said.
    let raw = tools.get("image_gen");
    let usage = counts(raw);
    if usage.get("input_tokens").max(usage.get("output_tokens")) > 0 {
        records.add("tool:image_generation", "", usage, raw);
    }
}

/// The counts of one usage object.
fn counts(raw: &str) -> Usage {
    let told = Members::of(raw);
    let mut usage = Usage::default();
    let first = |keys: &[&str]| keys.iter().find_map(|key| told.count(key));
    let object = |keys: &[&str]| keys.iter().map(|key| told.object(key)).find(|o| !o.is_empty()).unwrap_or_default();

    let input = object(&["prompt_tokens_details", "input_tokens_details", "input_token_details"]);
    usage.add("input_tokens", first(&["prompt_tokens", "input_tokens"]));
    // DeepSeek and Together have their cache reads at the top.
    let read = input.count("cached_tokens").or_else(|| first(&["prompt_cache_hit_tokens", "cached_tokens"]));
    usage.add("cache_read_tokens", read);
    usage.add("cache_write_tokens", input.count("cache_write_tokens"));
    let splits = [("ttl_30m_tokens", "cache_write_30m_tokens"), ("ttl_12h_tokens", "cache_write_12h_tokens")];
    usage.add_all(&input.object("cache_write_tokens_details"), &splits);
    usage.add_modalities(&input, "input_", "_tokens");
    usage.add_modalities(&input.object("cached_tokens_details"), "cache_", "_read_tokens");

    let output = object(&["completion_tokens_details", "output_tokens_details", "output_token_details"]);
    usage.add("output_tokens", first(&["completion_tokens", "output_tokens"]));
    usage.add("output_reasoning_tokens", output.count("reasoning_tokens"));
    usage.add_modalities(&output, "output_", "_tokens");
    for key in ["accepted_prediction_tokens", "rejected_prediction_tokens"] {
        usage.add(key, output.count(key));
    }
    // xAI reports reasoning beside the output; only the total tells.
    let reasoning = usage.get("output_reasoning_tokens");
    let sum = usage.get("input_tokens").saturating_add(usage.get("output_tokens"));
    if reasoning > 0 && told.count("total_tokens") == Some(sum.saturating_add(reasoning)) {
        usage.add("output_tokens", Some(reasoning));
    }
    usage.audio_seconds = told.amount("seconds").or_else(|| told.amount("prompt_audio_seconds"));
    usage
}
