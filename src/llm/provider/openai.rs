//! The OpenAI shape, which most providers share: chat completions, completions, embeddings, responses, images, audio.
//!
//! Input contains cache reads and writes, output contains reasoning (xAI's does not, which its total shows).

use crate::llm::answer::{Answer, Answers};
use crate::llm::members::{Members, count};
use crate::llm::record::{Records, number};
use crate::llm::usage::Usage;

/// Takes in a document or an event. `images`: it is of the images API, which is also billed by image.
pub(super) fn fold(doc: &Members<'_>, images: bool, answers: &mut Answers) {
    let answer = &mut answers.current;
    let kind = doc.text("type");
    let response = doc.object("response");
    if !response.is_empty() {
        // An event of the Responses API.
        document(&response, answer);
        if matches!(kind, "response.completed" | "response.incomplete" | "response.failed") {
            answers.end();
        }
        return;
    }
    let usage = document(doc, answer);
    let choices = doc.array("choices");
    let mut finished = choices.is_empty();
    for (at, (_, choice)) in choices.iter().enumerate() {
        let choice = Members::of(choice);
        finished |= !choice.text("finish_reason").is_empty();
        if at == 0 && matches!(choice.get("index"), "" | "0") {
            answer.note(&choice, "finish_reason finish_reason");
        }
    }
    answer.ended |= usage && finished;
    answers.usage_only = usage && doc.get("choices") == "[]";
    if images {
        let made = match kind {
            "" => doc.array("data").len() as u64,
            // `image_generation.completed`, `image_edit.completed`
            kind => u64::from(kind.ends_with(".completed")),
        };
        if made > 0 {
            let made = count(answer.said.get("images")).unwrap_or(0).saturating_add(made);
            answer.said.set("images", &number(made));
        }
    }
}

/// Folds a document or the `response` of an event; says whether there was usage.
#[inline(never)]
fn document(doc: &Members<'_>, answer: &mut Answer) -> bool {
    answer.note(doc, "id id\nmodel model\nservice_tier service_tier");
    answer.queued = matches!(doc.text("status"), "queued" | "in_progress");
    if !answer.queued {
        answer.note(doc, "finish_reason status");
    }
    let usage = doc.object("usage x_groq.usage");
    answer.usage.fold(&usage);
    answer.said.set("tool_usage", doc.get("tool_usage"));
    answer.said.set("usage_breakdown", doc.get("x_groq.usage_breakdown usage_breakdown"));
    !usage.is_empty()
}

pub(super) fn write<'a>(raw: &'a str, records: &mut Records<'a>) {
    let models = records.known.array("said.usage_breakdown.models");
    for (_, entry) in &models {
        // Groq's compound systems: the total is the sum of these.
        let entry = Members::of(entry);
        let raw = entry.get("usage");
        records.add("compound", entry.text("model"), counts(raw), raw);
    }
    if !models.is_empty() {
        return;
    }
    let mut usage = counts(raw);
    usage.add_all(&records.known, "images said.images\nweb_searches said.tool_usage.web_search.num_requests");
    records.add("", records.model, usage, raw);
    // Tokens of the hosted image model, which are not in the usage of the one that called it. Which one is not said.
    let raw = records.known.get("said.tool_usage.image_gen");
    let usage = counts(raw);
    if usage.get("input_tokens").max(usage.get("output_tokens")) > 0 {
        records.add("tool:image_generation", "", usage, raw);
    }
}

/// The counts of one usage object.
#[inline(never)]
fn counts(raw: &str) -> Usage {
    let told = Members::of(raw);
    let mut usage = Usage::default();
    usage.add_all(
        &told,
        // DeepSeek and Together have their cache reads at the top.
        "input_tokens prompt_tokens input_tokens\n\
        cache_read_tokens prompt_tokens_details.cached_tokens input_tokens_details.cached_tokens \
            input_token_details.cached_tokens prompt_cache_hit_tokens cached_tokens\n\
        output_tokens completion_tokens output_tokens",
    );
    usage.add_all(
        &told.object("prompt_tokens_details input_tokens_details input_token_details"),
        "cache_write_tokens cache_write_tokens\n\
        cache_write_30m_tokens cache_write_tokens_details.ttl_30m_tokens\n\
        cache_write_12h_tokens cache_write_tokens_details.ttl_12h_tokens\n\
        input_text_tokens text_tokens\n\
        input_audio_tokens audio_tokens\n\
        input_image_tokens image_tokens\n\
        input_video_tokens video_tokens\n\
        cache_text_read_tokens cached_tokens_details.text_tokens\n\
        cache_audio_read_tokens cached_tokens_details.audio_tokens\n\
        cache_image_read_tokens cached_tokens_details.image_tokens\n\
        cache_video_read_tokens cached_tokens_details.video_tokens",
    );
    usage.add_all(
        &told.object("completion_tokens_details output_tokens_details output_token_details"),
        "output_reasoning_tokens reasoning_tokens\n\
        output_text_tokens text_tokens\n\
        output_audio_tokens audio_tokens\n\
        output_image_tokens image_tokens\n\
        output_video_tokens video_tokens\n\
        accepted_prediction_tokens accepted_prediction_tokens\n\
        rejected_prediction_tokens rejected_prediction_tokens",
    );
    // xAI reports reasoning beside the output; only the total tells.
    let reasoning = usage.get("output_reasoning_tokens");
    let sum = usage.get("input_tokens").saturating_add(usage.get("output_tokens"));
    if reasoning > 0 && told.count("total_tokens") == Some(sum.saturating_add(reasoning)) {
        usage.add("output_tokens", reasoning);
    }
    usage.0.set("audio_seconds", &told.amount("seconds prompt_audio_seconds"));
    usage
}
