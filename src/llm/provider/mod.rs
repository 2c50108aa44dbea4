//! The shapes in which providers answer: what to keep of a body, how to fold it, what records it makes.
//!
//! A shape is three functions in one file; the provider's name never decides, only the members that are present.

mod anthropic;
mod openai;

use super::answer::{Answer, Answers, Part};
use super::members::Members;
use super::route::Shape;
use super::sieve::Keep;

impl Shape {
    /// Which members of a body are needed.
    pub(super) fn keep(self) -> fn(&[u8]) -> Keep {
        match self {
            Self::Openai => openai::keep,
            Self::Anthropic => anthropic::keep,
        }
    }

    /// Takes in one event of a stream, one line, or the whole document.
    pub(super) fn fold(self, doc: &Members<'_>, api: &str, answers: &mut Answers) {
        match self {
            Self::Openai => openai::fold(doc, api, answers),
            Self::Anthropic => anthropic::fold(doc, answers),
        }
    }

    /// The records of an answer whose usage is known, the main one first.
    pub(super) fn parts(self, answer: &Answer, raw: String) -> Vec<Part> {
        match self {
            Self::Openai => openai::parts(answer, raw),
            Self::Anthropic => anthropic::parts(raw),
        }
    }
}
