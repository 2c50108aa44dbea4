//! Gemini, on its own API and on Vertex: every chunk of a stream has running totals.
//!
//! The prompt contains cached tokens; thoughts lie on top of the candidates, tool input on top of the prompt.

use crate::llm::answer::Answers;
use crate::llm::members::Members;
use crate::llm::record::{Records, join};
use crate::llm::usage::Usage;

pub(super) fn fold(doc: &Members<'_>, answers: &mut Answers) {
    let answer = &mut answers.current;
    let usage = doc.object("usageMetadata");
    answer.note(doc, "model modelVersion\nid responseId");
    // On Vertex the traffic type tells what the tier is.
    answer.note(&usage, "service_tier serviceTier trafficType");
    answer.usage.fold(&usage);
    let first = doc.array("candidates").first().map(|(_, text)| Members::of(text)).unwrap_or_default();
    for (from, path) in [(&first, "finishReason"), (doc, "promptFeedback.blockReason")] {
        answer.said.set("finish_reason", from.get(path));
        answer.ended |= !from.get(path).is_empty();
    }
}

pub(super) fn write<'a>(raw: &'a str, records: &mut Records<'a>) {
    let told = Members::of(raw);
    let mut usage = Usage::default();
    usage.add_all(
        &told,
        "input_tokens promptTokenCount\n\
        input_tokens toolUsePromptTokenCount\n\
        input_tool_tokens toolUsePromptTokenCount\n\
        cache_read_tokens cachedContentTokenCount\n\
        output_tokens candidatesTokenCount\n\
        output_tokens thoughtsTokenCount\n\
        output_reasoning_tokens thoughtsTokenCount",
    );
    for (details, prefix, suffix) in [
        ("promptTokensDetails", "input_", "_tokens"),
        ("toolUsePromptTokensDetails", "input_", "_tokens"),
        ("cacheTokensDetails", "cache_", "_read_tokens"),
        ("candidatesTokensDetails", "output_", "_tokens"),
    ] {
        for (_, detail) in told.array(details) {
            let detail = Members::of(detail);
            let modality = match detail.text("modality") {
                "TEXT" => "text",
                "AUDIO" => "audio",
                "VIDEO" => "video",
                // A document is paid for as the images of its pages.
                "IMAGE" | "DOCUMENT" => "image",
                _ => continue,
            };
            if let Some(n) = detail.count("tokenCount") {
                usage.add(&join(&[prefix, modality, suffix]), n);
            }
        }
    }
    records.add("", records.model, usage, raw);
}
