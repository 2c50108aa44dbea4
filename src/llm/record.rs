//! The usage record: one per HTTP answer and model that ran.

use super::answer::Answer;
use super::members::Members;
use super::usage::Usage;
use crate::json::Writer;
use crate::time::millis_text;

/// Writes the records of one answer into an array.
pub(super) struct Records<'a> {
    /// The call's info and its route.
    pub info: &'a Members<'a>,
    pub route: &'a Members<'a>,
    pub answer: &'a Answer,
    /// The model that answered, or else the one that was asked for.
    pub model: &'a str,
    /// The answer's usage object, which also says where and how it ran.
    pub told: &'a Members<'a>,
    /// `complete`: all usage is known. `partial`: what was told before the answer broke off. `unreported`: nothing.
    pub status: &'static str,
    pub stream: bool,
    pub started_at_ms: i64,
    pub now_ms: i64,
    /// The roles of the records so far.
    pub roles: Vec<&'a str>,
    pub out: &'a mut Writer,
}

impl<'a> Records<'a> {
    /// Adds one record. `role` is empty for the main one, `model` if it is not known which one ran.
    pub fn add(&mut self, role: &'a str, model: &str, mut usage: Usage, raw: &str) {
        let said = &self.answer.said;
        let index = self.roles.iter().filter(|r| **r == role).count();
        self.roles.push(role);

        let mut w = Writer::object();
        put(&mut w, "provider", self.route.text("provider"));
        put(&mut w, "api", self.route.text("api"));
        put(&mut w, "model", model);
        if model.is_empty() {
            w.raw("model", "null");
        }
        put(&mut w, "request_model", first(self.info.text("model"), self.route.text("model")));
        put(&mut w, "response_id", said.get("id"));
        put(&mut w, "request_id", self.info.text("requestId"));
        put(&mut w, "status", self.status);
        put(&mut w, "role", role);
        put(&mut w, "service_tier", first(said.get("service_tier"), self.told.text("service_tier")));
        put(&mut w, "speed", self.told.text("speed"));
        put(&mut w, "region", first(self.told.text("inference_geo"), self.route.text("region")));
        put(&mut w, "started_at", &millis_text(self.started_at_ms));
        if role.is_empty() {
            put(&mut w, "finish_reason", said.get("finish_reason"));
            put(&mut w, "provider_cost", &self.told.amount("cost").unwrap_or_default());
        }
        put(&mut w, "event_id", &self.event_id(role, index));
        w.raw("stream", if self.stream { "true" } else { "false" });
        w.raw("duration_ms", &number(self.now_ms.saturating_sub(self.started_at_ms).max(0).unsigned_abs()));
        if usage.clamp() {
            w.raw("flags", r#"["clamped"]"#);
        }
        w.raw("usage", &usage.to_json()).raw("raw", first(raw, "null"));
        self.out.item(&w.end());
    }

    /// An id by which an answer that is read again is known to be the same one; empty if nothing tells it from
    /// others.
    ///
    /// A record without counts has an id of its own, so that a response that could not be followed to its end is
    /// still billed when it is fetched later.
    fn event_id(&self, role: &str, index: usize) -> String {
        let provider = self.route.text("provider");
        // Ollama's OpenAI-compatible ids are three random digits.
        let response_id = if provider == "ollama" { "" } else { self.answer.said.get("id") };
        let id = first(response_id, self.info.text("requestId"));
        if id.is_empty() {
            return String::new();
        }
        let mut out = join(&[provider, "/", id]);
        if !role.is_empty() || index > 0 {
            out = join(&[&out, "/", role, "/", &number(index as u64)]);
        }
        if self.status == "unreported" {
            out = join(&[&out, "/unreported"]);
        }
        out
    }
}

/// Writes text that stood in JSON text, unless it is empty.
pub(super) fn put(w: &mut Writer, key: &str, text: &str) {
    if !text.is_empty() {
        w.raw(key, &join(&["\"", text, "\""]));
    }
}

/// The first text, or the other one if it is empty.
pub(super) fn first<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

/// One text of many. Its own function since each use of `concat` is a copy of it.
#[inline(never)]
pub(super) fn join(parts: &[&str]) -> String {
    parts.concat()
}

/// A number as text.
#[inline(never)]
pub(super) fn number(n: u64) -> String {
    n.to_string()
}
