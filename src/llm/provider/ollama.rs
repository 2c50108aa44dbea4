//! Ollama: one JSON object, or one a line with the counts in the last.

use crate::llm::answer::Answers;
use crate::llm::members::Members;
use crate::llm::record::Records;
use crate::llm::usage::Usage;

pub(super) fn fold(doc: &Members<'_>, answers: &mut Answers) {
    let answer = &mut answers.current;
    answer.note(doc, "model model\nfinish_reason done_reason");
    // A prompt that was cached has no count; the duration is always there.
    for key in ["prompt_eval_count", "eval_count", "total_duration"] {
        answer.usage.set(key, doc.get(key));
    }
    if doc.get("done") == "true" {
        answers.end();
    }
}

pub(super) fn write<'a>(raw: &'a str, records: &mut Records<'a>) {
    let mut usage = Usage::default();
    usage.add_all(&Members::of(raw), "input_tokens prompt_eval_count\noutput_tokens eval_count");
    records.add("", records.model, usage, raw);
}
