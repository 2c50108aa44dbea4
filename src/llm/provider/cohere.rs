//! Cohere v2: chat, embed, rerank. Billed units are what is invoiced; they differ from the tokens that were counted.

use crate::llm::answer::Answers;
use crate::llm::members::Members;
use crate::llm::record::Records;
use crate::llm::sieve::{Keep, Kept};
use crate::llm::usage::Usage;

pub(super) const KEPT: &Kept = &[
    ("id", Keep::Scalar),
    ("type", Keep::Scalar),
    ("finish_reason", Keep::Scalar),
    ("delta", Keep::Walk),
    ("usage", Keep::All),
    ("meta", Keep::All),
];

pub(super) fn fold(doc: &Members<'_>, answers: &mut Answers) {
    let answer = &mut answers.current;
    let delta = doc.object("delta");
    answer.note(doc, &[("id", "id")]);
    for from in [doc, &delta] {
        answer.note(from, &[("finish_reason", "finish_reason")]);
        for key in ["usage", "meta"] {
            let usage = from.object(key);
            if !usage.get("billed_units").is_empty() || !usage.get("tokens").is_empty() {
                answer.usage.fold(&usage);
            }
        }
    }
    if doc.text("type") == "message-end" {
        answer.ended = true;
        answers.is_final = true;
    }
}

pub(super) fn write<'a>(raw: &'a str, records: &mut Records<'a>) {
    let told = Members::of(raw);
    let mut billed = told.object("billed_units");
    if billed.is_empty() {
        billed = told.object("tokens");
    }
    let mut usage = Usage::default();
    usage.add_all(
        &billed,
        &[
            ("input_tokens", "input_tokens"),
            ("output_tokens", "output_tokens"),
            ("search_units", "rerank_searches"),
            ("images", "images"),
        ],
    );
    usage.add("cache_read_tokens", told.count("cached_tokens"));
    records.add("", records.model, usage, raw);
}
