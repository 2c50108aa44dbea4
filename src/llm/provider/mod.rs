//! The shapes in which providers answer: what to keep of a body, how to fold it, what records it makes.
//!
//! A shape is two functions in one file; the provider's name never decides, only the members that are present.

mod anthropic;
mod cohere;
mod gemini;
mod ollama;
mod openai;

use super::answer::Answers;
use super::members::Members;
use super::record::Records;
use super::route::Shape;
use super::sieve::{Keep, Kept};

/// Which members of a body are needed; those of all shapes, since none has content where another has numbers.
pub(super) const KEPT: &Kept = &[
    ("id", Keep::Scalar),
    ("type", Keep::Scalar),
    ("model", Keep::Scalar),
    ("index", Keep::Scalar),
    ("status", Keep::Scalar),
    ("service_tier", Keep::Scalar),
    ("finish_reason", Keep::Scalar),
    ("stop_reason", Keep::Scalar),
    ("modelVersion", Keep::Scalar),
    ("responseId", Keep::Scalar),
    ("finishReason", Keep::Scalar),
    ("blockReason", Keep::Scalar),
    ("done", Keep::Scalar),
    ("done_reason", Keep::Scalar),
    ("prompt_eval_count", Keep::Scalar),
    ("eval_count", Keep::Scalar),
    ("total_duration", Keep::Scalar),
    ("choices", Keep::Walk),
    ("response", Keep::Walk),
    ("data", Keep::Walk),
    ("message", Keep::Walk),
    ("delta", Keep::Walk),
    ("result", Keep::Walk),
    ("candidates", Keep::Walk),
    ("promptFeedback", Keep::Walk),
    ("usage", Keep::All),
    ("tool_usage", Keep::All),
    ("usage_breakdown", Keep::All),
    ("x_groq", Keep::All),
    ("usageMetadata", Keep::All),
    ("meta", Keep::All),
];

impl Shape {
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
