//! The LLM blueprint: one usage record of a provider's answer becomes one event with all its counts.
//!
//! | member of `data` | |
//! |---|---|
//! | `provider`, `model`, `api`, `status` | as in the record; `model` is absent where no one named it |
//! | `service_tier`, `region`, `role` | where the answer says so |
//! | `requests` | 1 for an answer's main record, 0 for a sub-inference, so that a SUM counts answers |
//! | `input_tokens`, `output_tokens`, `cache_read_tokens`, … | the counts as reported; input and output include their parts |
//! | `total_tokens` | input + output, as far as they are reported |
//! | `provider_cost` | US dollars, a decimal string: what the provider charges; only with a price book, never 0 for unknown |
//! | `unpriced` | instead of it: why no cost is known |
//!
//! Dimensions that the caller attributes (`feature`, `team`, …) come first and cannot replace these.

use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::json::{Value, Writer};

/// The type of the event; the meters match it.
pub const EVENT_TYPE: &str = "llm.usage";

/// Members of a record that become dimensions of the event.
const DIMENSIONS: [&str; 7] = ["provider", "model", "api", "status", "service_tier", "region", "role"];

/// What the provider charges for a record, as far as it is known.
pub enum Charge {
    /// US dollars, a canonical decimal.
    Priced(String),
    /// The reason, e.g. `unknown_model`.
    Unpriced(&'static str),
}

/// The text of an event (what `record()` takes) for a usage record and the caller's attribution: `subject`, and any
/// other members as dimensions.
///
/// Error: `invalid_event` for an attribution without a subject.
pub fn event_text(record: &Value, context: &Value, charge: Option<Charge>) -> Result<String> {
    let Some(subject) = context.get("subject").and_then(Value::as_str) else {
        return Err(Error::new("invalid_event", "the usage is not attributed to anyone")
            .at("context.subject")
            .help("wrap the client with { subject: 'customer-1' }"));
    };
    let mut w = Writer::object();
    w.string("type", EVENT_TYPE).string("subject", subject);
    if let Some(id) = record.get("event_id").and_then(Value::as_str) {
        w.string("id", id);
    }
    if let Some(time) = record.get("started_at").and_then(Value::as_str) {
        w.string("time", time);
    }
    w.raw("data", &data(record, context, charge)?);
    Ok(w.end())
}

fn data(record: &Value, context: &Value, charge: Option<Charge>) -> Result<String> {
    let mut w = Writer::object();
    let usage = record.get("usage").and_then(Value::as_object).unwrap_or_default();
    for (key, value) in context.as_object().unwrap_or_default() {
        let ours = DIMENSIONS.contains(&key.as_ref())
            || ["subject", "requests", "total_tokens", "provider_cost", "unpriced"].contains(&key.as_ref())
            || usage.iter().any(|(k, _)| k == key);
        if !ours {
            w.raw(key, &value.to_json());
        }
    }
    for key in DIMENSIONS {
        if let Some(text) = record.get(key).and_then(Value::as_str) {
            w.string(key, text);
        }
    }
    w.raw("requests", if record.present("role").is_some() { "0" } else { "1" });
    let mut total: Option<Decimal> = None;
    for (key, value) in usage {
        let Value::Number(count) = value else { continue };
        w.raw(key, count);
        if key == "input_tokens" || key == "output_tokens" {
            let count = Decimal::parse(count)?;
            total = Some(count.add(total.unwrap_or(Decimal::ZERO))?);
        }
    }
    if let Some(total) = total {
        w.raw("total_tokens", &total.text());
    }
    match charge {
        Some(Charge::Priced(amount)) => w.string("provider_cost", &amount),
        Some(Charge::Unpriced(reason)) => w.string("unpriced", reason),
        None => &mut w,
    };
    Ok(w.end())
}
