//! Cohere v2: chat, embed, rerank. Billed units are what is invoiced; they differ from the tokens that were counted.

use crate::llm::answer::Answers;
use crate::llm::members::Members;
use crate::llm::record::Records;
use crate::llm::usage::Usage;

pub(super) fn fold(doc: &Members<'_>, answers: &mut Answers) {
    let answer = &mut answers.current;
    answer.note(doc, "id id\nfinish_reason delta.finish_reason finish_reason");
    for key in ["usage", "meta", "delta.usage", "delta.meta"] {
        let usage = doc.object(key);
        if !usage.get("billed_units tokens").is_empty() {
            answer.usage.fold(&usage);
        }
    }
    if doc.text("type") == "message-end" {
        answers.end();
    }
}

pub(super) fn write<'a>(raw: &'a str, records: &mut Records<'a>) {
    let told = Members::of(raw);
    let mut usage = Usage::default();
    usage.add_all(
        &told.object("billed_units tokens"),
        "input_tokens input_tokens\noutput_tokens output_tokens\nrerank_searches search_units\nimages images",
    );
    usage.add_all(&told, "cache_read_tokens cached_tokens");
    records.add("", records.model, usage, raw);
}
