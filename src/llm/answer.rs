//! What has been seen of an answer so far.

use super::members::{Folded, Members};
use crate::limits::LLM_RECORDS_MAX;

/// One answer of a model, folded from one document or from the events of a stream.
#[derive(Default)]
pub(super) struct Answer {
    /// What is known besides the usage object: the strings `id`, `model`, `service_tier` and `finish_reason`, and what
    /// a shape keeps for itself.
    pub said: Folded,
    /// The usage object.
    pub usage: Folded,
    /// The terminal event was seen: nothing of the usage is still to come.
    pub ended: bool,
    /// A background response that has not run yet: it has no usage now, and will be fetched again.
    pub queued: bool,
    /// Its records were handed out: what comes later changes nothing.
    pub emitted: bool,
}

impl Answer {
    /// Takes in members that are strings, see [`Members::each`].
    pub fn note(&mut self, doc: &Members<'_>, rules: &'static str) {
        doc.each(rules, &mut |ours, text| {
            if text.starts_with('"') {
                self.said.set(ours, text);
            }
        });
    }
}

/// The answers in one HTTP body: one, unless it is a batch file or two streams spliced into one.
#[derive(Default)]
pub(super) struct Answers {
    pub current: Answer,
    pub before: Vec<Answer>,
    /// Nothing more is to come that matters.
    pub is_final: bool,
    /// The event just read is nothing but usage: no content in it.
    pub usage_only: bool,
}

impl Answers {
    /// Another answer begins.
    pub fn next(&mut self) {
        let done = std::mem::take(&mut self.current);
        if self.before.len() < LLM_RECORDS_MAX {
            self.before.push(done);
        }
    }

    /// The answer is complete, and nothing that matters comes behind it.
    pub fn end(&mut self) {
        self.current.ended = true;
        self.is_final = true;
    }
}
