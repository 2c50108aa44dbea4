//! Gemini, on its own API and on Vertex: every chunk of a stream has running totals.
//!
//! The prompt contains cached tokens; thoughts lie on top of the candidates, tool input on top of the prompt.

use crate::llm::answer::Answers;
use crate::llm::members::Members;
use crate::llm::record::Records;
use crate::llm::sieve::{Keep, Kept};
use crate::llm::usage::{MODALITIES, Usage};

pub(super) const KEPT: &Kept = &[
    ("modelVersion", Keep::Scalar),
    ("responseId", Keep::Scalar),
    ("finishReason", Keep::Scalar),
    ("blockReason", Keep::Scalar),
    ("candidates", Keep::Walk),
    ("promptFeedback", Keep::Walk),
    ("usageMetadata", Keep::All),
];

pub(super) fn fold(doc: &Members<'_>, answers: &mut Answers) {
    let answer = &mut answers.current;
    let usage = doc.object("usageMetadata");
    answer.note(doc, &[("modelVersion", "model"), ("responseId", "id")]);
    // On Vertex the traffic type tells what the tier is.
    answer.note(&usage, &[("trafficType", "service_tier"), ("serviceTier", "service_tier")]);
    answer.usage.fold(&usage);
    let first = doc.array("candidates").first().map(|text| Members::of(text)).unwrap_or_default();
    for (from, key) in [(first, "finishReason"), (doc.object("promptFeedback"), "blockReason")] {
        answer.note(&from, &[(key, "finish_reason")]);
        answer.ended |= !from.text(key).is_empty();
    }
}

pub(super) fn write<'a>(raw: &'a str, records: &mut Records<'a>) {
    let told = Members::of(raw);
    let mut usage = Usage::default();
    usage.add_all(
        &told,
        &[
            ("promptTokenCount", "input_tokens"),
            ("toolUsePromptTokenCount", "input_tokens"),
            ("toolUsePromptTokenCount", "input_tool_tokens"),
            ("cachedContentTokenCount", "cache_read_tokens"),
            ("candidatesTokenCount", "output_tokens"),
            ("thoughtsTokenCount", "output_tokens"),
            ("thoughtsTokenCount", "output_reasoning_tokens"),
        ],
    );
    for (details, prefix, suffix) in [
        ("promptTokensDetails", "input_", "_tokens"),
        ("toolUsePromptTokensDetails", "input_", "_tokens"),
        ("cacheTokensDetails", "cache_", "_read_tokens"),
        ("candidatesTokensDetails", "output_", "_tokens"),
    ] {
        for detail in told.array(details) {
            let detail = Members::of(detail);
            let modality = detail.text("modality").to_ascii_lowercase();
            // A document is paid for as the images of its pages.
            let modality = if modality == "document" { "image" } else { &modality };
            if MODALITIES.contains(&modality) {
                usage.add(&[prefix, modality, suffix].concat(), detail.count("tokenCount"));
            }
        }
    }
    records.add("", records.model, usage, raw);
}
