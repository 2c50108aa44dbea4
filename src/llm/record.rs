//! The usage record: one per HTTP answer and model that ran.

use super::answer::{Answer, Part};
use super::route::Route;
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::time::millis_text;

/// What is known of a call besides its bytes.
pub(super) struct Info {
    pub route: Route,
    pub request_model: String,
    pub request_id: String,
    pub content_type: String,
    pub stream: bool,
    pub hide: bool,
    pub ok: bool,
    pub started_at_ms: i64,
}

impl Info {
    pub fn parse(text: &str) -> Result<Self> {
        let info = Value::parse(text)?;
        let text = |key| info.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let yes = |key| info.get(key) == Some(&Value::Bool(true));
        let route = Route::from_value(info.get("route").unwrap_or(&Value::Null)).map_err(|e| e.at("route"))?;
        let started = info.get("startedAtMs").and_then(Value::as_u64).and_then(|ms| i64::try_from(ms).ok());
        Ok(Self {
            request_model: match text("model") {
                model if model.is_empty() => route.model.clone().unwrap_or_default(),
                model => model,
            },
            route,
            request_id: text("requestId"),
            content_type: text("contentType"),
            stream: yes("stream"),
            hide: yes("hide"),
            ok: info.get("status").is_none_or(|status| status.as_u64().is_some_and(|s| (200..300).contains(&s))),
            started_at_ms: started.ok_or_else(|| {
                Error::new("call_invalid", "the time in whole milliseconds since 1970 is missing").at("startedAtMs")
            })?,
        })
    }

    /// Whether each line of the body is an answer.
    pub fn is_batch(&self) -> bool {
        self.route.api == "messages.batches"
    }
}

/// How much of the usage is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// All of it.
    Complete,
    /// What was told before the answer broke off.
    Partial,
    /// Nothing.
    Unreported,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Unreported => "unreported",
        }
    }
}

/// Appends the records of one answer to an array.
pub(super) fn write(info: &Info, answer: &Answer, status: Status, stream: bool, now_ms: i64, out: &mut Writer) {
    let parts = match &answer.usage {
        Some(usage) => info.route.shape.parts(answer, usage.to_json()),
        None => vec![Part { raw: "null".to_owned(), ..Part::default() }],
    };
    let mut seen: Vec<Option<String>> = Vec::new();
    for mut part in parts {
        let main = part.role.is_none();
        let index = seen.iter().filter(|role| **role == part.role).count();
        let model = part.model.as_deref().unwrap_or(first(&[&answer.model, &info.request_model]));

        let mut w = Writer::object();
        w.string("provider", &info.route.provider).string("api", &info.route.api);
        match model {
            "" => w.raw("model", "null"),
            model => w.string("model", model),
        };
        optional(&mut w, "request_model", &info.request_model);
        optional(&mut w, "response_id", &answer.id);
        optional(&mut w, "request_id", &info.request_id);
        w.string("status", status.name());
        optional(&mut w, "role", part.role.as_deref().unwrap_or_default());
        optional(&mut w, "service_tier", first(&[&answer.service_tier, &part.service_tier]));
        optional(&mut w, "speed", &part.speed);
        optional(&mut w, "region", first(&[&part.region, info.route.region.as_deref().unwrap_or_default()]));
        optional(&mut w, "finish_reason", if main { &answer.finish_reason } else { "" });
        w.raw("stream", if stream { "true" } else { "false" });
        w.string("started_at", &millis_text(info.started_at_ms));
        w.raw("duration_ms", &now_ms.saturating_sub(info.started_at_ms).max(0).to_string());
        optional(&mut w, "provider_cost", part.provider_cost.as_deref().filter(|_| main).unwrap_or_default());
        if part.usage.clamp() {
            w.raw("flags", r#"["clamped"]"#);
        }
        w.raw("usage", &part.usage.to_json()).raw("raw", &part.raw);
        optional(&mut w, "event_id", &event_id(info, answer, part.role.as_deref(), index, status));
        out.item(&w.end());
        seen.push(part.role);
    }
}

/// An id by which an answer that is read again is known to be the same one; empty if nothing tells it from others.
///
/// A record without counts has an id of its own, so that a response that could not be followed to its end is still
/// billed when it is fetched later.
fn event_id(info: &Info, answer: &Answer, role: Option<&str>, index: usize, status: Status) -> String {
    // Ollama's OpenAI-compatible ids are three random digits.
    let response_id = if info.route.provider == "ollama" { "" } else { &answer.id };
    let id = first(&[response_id, &info.request_id]);
    if id.is_empty() {
        return String::new();
    }
    let mut out = [&info.route.provider, "/", id].concat();
    if role.is_some() || index > 0 {
        for part in ["/", role.unwrap_or_default(), "/", &index.to_string()] {
            out.push_str(part);
        }
    }
    if status == Status::Unreported {
        out.push_str("/unreported");
    }
    out
}

fn first<'a>(texts: &[&'a str]) -> &'a str {
    texts.iter().find(|text| !text.is_empty()).copied().unwrap_or_default()
}

fn optional(w: &mut Writer, key: &str, text: &str) {
    if !text.is_empty() {
        w.string(key, text);
    }
}
