//! The usage record: one per HTTP answer and model that ran.

use super::members::Members;
use super::usage::{Usage, number};
use crate::json::Writer;
use crate::time::millis_text;

/// Writes the records of one answer into an array.
pub(super) struct Records<'a> {
    /// All that is known: the call's `info`, what the answer `said`, and its `usage` object, which also says where and
    /// how it ran.
    pub known: Members<'a>,
    /// The model that answered, or else the one that was asked for.
    pub model: &'a str,
    /// `complete`: all usage is known. `partial`: what was told before the answer broke off. `unreported`: nothing.
    pub status: &'static str,
    pub stream: bool,
    /// The output tokens of the main record, if more than is known; 0 if they are not estimated.
    pub estimate: u64,
    pub started_at_ms: i64,
    pub now_ms: i64,
    /// The roles of the records so far.
    pub roles: Vec<&'a str>,
    pub out: &'a mut Writer,
}

impl<'a> Records<'a> {
    /// Adds one record. `role` is empty for the main one, `model` if it is not known which one ran.
    #[inline(never)]
    pub fn add(&mut self, role: &'a str, model: &str, mut usage: Usage, raw: &str) {
        let missing = self.estimate.saturating_sub(usage.get("output_tokens"));
        let estimated = role.is_empty() && missing > 0;
        if estimated {
            usage.add("output_tokens", missing);
        }
        let index = self.roles.iter().filter(|r| **r == role).count();
        self.roles.push(role);

        let mut w = Writer::object();
        self.put(&mut w, "provider info.route.provider\napi info.route.api");
        put(&mut w, "model", model);
        if model.is_empty() {
            w.raw("model", "null");
        }
        self.put(&mut w, "request_model info.model info.route.model\nresponse_id said.id\nrequest_id info.requestId");
        put(&mut w, "status", self.status);
        put(&mut w, "role", role);
        self.put(
            &mut w,
            "service_tier said.service_tier usage.service_tier\n\
            speed usage.speed\n\
            region usage.inference_geo info.route.region",
        );
        put(&mut w, "started_at", &millis_text(self.started_at_ms));
        if role.is_empty() {
            self.put(&mut w, "finish_reason said.finish_reason");
            put(&mut w, "provider_cost", &self.known.amount("usage.cost"));
        }
        put(&mut w, "event_id", &self.event_id(role, index));
        w.raw("stream", if self.stream { "true" } else { "false" });
        w.raw("duration_ms", &number(self.now_ms.saturating_sub(self.started_at_ms).max(0).unsigned_abs()));
        if estimated {
            w.raw("estimated", "true");
        }
        if usage.clamp() {
            w.raw("flags", r#"["clamped"]"#);
        }
        w.raw("usage", &usage.0.to_json()).raw("raw", first(raw, "null"));
        self.out.item(&w.end());
    }

    /// Writes strings of what is known, see [`Members::each`].
    fn put(&self, w: &mut Writer, rules: &'static str) {
        self.known.each(rules, &mut |ours, text| {
            if text.starts_with('"') {
                w.raw(ours, text);
            }
        });
    }

    /// An id by which an answer that is read again is known to be the same one; empty if nothing tells it from
    /// others.
    ///
    /// A record without counts has an id of its own, so that a response that could not be followed to its end is
    /// still billed when it is fetched later.
    fn event_id(&self, role: &str, index: usize) -> String {
        let provider = self.known.text("info.route.provider");
        // Ollama's OpenAI-compatible ids are three random digits.
        let id = self.known.text(if provider == "ollama" { "info.requestId" } else { "said.id info.requestId" });
        if id.is_empty() {
            return String::new();
        }
        let index = number(index as u64);
        let (slash, index) = if role.is_empty() && index == "0" { ("", "") } else { ("/", index.as_str()) };
        let end = if self.status == "unreported" { "/unreported" } else { "" };
        join(&[provider, "/", id, slash, role, slash, index, end])
    }
}

/// Writes text that stood in JSON text, unless it is empty.
#[inline(never)]
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
