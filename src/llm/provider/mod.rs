//! The shapes in which providers answer: what to keep of a body, how to fold it, what records it makes.
//!
//! A shape is three functions in one file; the provider's name never decides, only the members that are present.

mod anthropic;
mod cohere;
mod gemini;
mod ollama;
mod openai;

use super::answer::Answers;
use super::members::Members;
use super::record::Records;
use super::route::Shape;
use super::sieve::Kept;

impl Shape {
    /// Which members of a body are needed.
    pub(super) fn kept(self) -> &'static Kept {
        match self {
            Self::Openai => openai::KEPT,
            Self::Anthropic => anthropic::KEPT,
            Self::Gemini => gemini::KEPT,
            Self::Cohere => cohere::KEPT,
            Self::Ollama => ollama::KEPT,
        }
    }

    /// Takes in one event of a stream, one line, or the whole document. `images`: it is of an images API.
    pub(super) fn fold(self, doc: &Members<'_>, images: bool, answers: &mut Answers) {
        match self {
            Self::Openai => openai::fold(doc, images, answers),
            Self::Anthropic => anthropic::fold(doc, answers),
            Self::Gemini => gemini::fold(doc, answers),
            Self::Cohere => cohere::fold(doc, answers),
            Self::Ollama => ollama::fold(doc, answers),
        }
    }

    /// Writes the records of an answer whose usage is known, the main one first. `raw` is the usage object.
    pub(super) fn write<'a>(self, raw: &'a str, records: &mut Records<'a>) {
        match self {
            Self::Openai => openai::write(raw, records),
            Self::Anthropic => anthropic::write(raw, records),
            Self::Gemini => gemini::write(raw, records),
            Self::Cohere => cohere::write(raw, records),
            Self::Ollama => ollama::write(raw, records),
        }
    }
}
