//! Ollama: one JSON object, or one a line with the counts in the last.

use crate::llm::answer::Answers;
use crate::llm::members::Members;
use crate::llm::record::Records;
use crate::llm::sieve::{Keep, Kept};
use crate::llm::usage::Usage;

pub(super) const KEPT: &Kept = &[
    ("model", Keep::Scalar),
    ("done", Keep::Scalar),
    ("done_reason", Keep::Scalar),
    ("prompt_eval_count", Keep::Scalar),
    ("eval_count", Keep::Scalar),
    ("total_duration", Keep::Scalar),
];

pub(super) fn fold(doc: &Members<'_>, answers: &mut Answers) {
    let answer = &mut answers.current;
    answer.note(doc, &[("model", "model"), ("done_reason", "finish_reason")]);
    // A prompt that was cached has no count; the duration is always there.
    for key in ["prompt_eval_count", "eval_count", "total_duration"] {
        answer.usage.set(key, doc.get(key));
    }
    if doc.get("done") == "true" {
        answer.ended = true;
        answers.is_final = true;
    }
}

pub(super) fn write<'a>(raw: &'a str, records: &mut Records<'a>) {
    let mut usage = Usage::default();
    usage.add_all(&Members::of(raw), &[("prompt_eval_count", "input_tokens"), ("eval_count", "output_tokens")]);
    records.add("", records.model, usage, raw);
}
