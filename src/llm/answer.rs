//! What has been seen of an answer so far.

use super::members::{Folded, Members};
use super::usage::Usage;
use crate::limits::LLM_RECORDS_MAX;

/// One answer of a model, folded from one document or from the events of a stream.
#[derive(Default)]
pub(super) struct Answer {
    pub id: String,
    pub model: String,
    pub service_tier: String,
    pub finish_reason: String,
    /// The usage object; `None` until one was seen.
    pub usage: Option<Folded>,
    /// Usage that lies beside the usage object: hosted tools, or the models behind a compound one. JSON text.
    pub tools: String,
    pub breakdown: String,
    pub images: u64,
    /// The terminal event was seen: nothing of the usage is still to come.
    pub ended: bool,
    /// A background response that has not run yet: it has no usage now, and will be fetched again.
    pub queued: bool,
    /// Its records were handed out: what comes later changes nothing.
    pub emitted: bool,
}

impl Answer {
    /// Folds a usage object, if there is one.
    pub fn fold_usage(&mut self, usage: &Members<'_>) {
        if !usage.is_empty() {
            self.usage.get_or_insert_default().fold(usage);
        }
    }
}

/// Takes in a member that says what the answer is; an empty or absent one says nothing.
pub(super) fn told(slot: &mut String, doc: &Members<'_>, key: &str) {
    if let Some(text) = doc.string(key)
        && *slot != text
    {
        text.as_ref().clone_into(slot);
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
}

/// One record to be made of an answer: what differs from record to record.
#[derive(Default)]
pub(super) struct Part {
    /// `None` for the main record.
    pub role: Option<String>,
    /// `None` for the answer's model; an empty one if it is not known which model ran.
    pub model: Option<String>,
    pub usage: Usage,
    /// The provider's usage JSON.
    pub raw: String,
    pub service_tier: String,
    pub speed: String,
    pub region: String,
    pub provider_cost: Option<String>,
}
