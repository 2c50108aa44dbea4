//! Stripe's meter events: v1, v2, and the stream of v2. (SDK 23.1.0, API 2026-10-28.)
//!
//! No `Idempotency-Key`: Stripe would keep the first answer to it, an outage's too, and give it for ever. The event's
//! `identifier` does the work.

use std::borrow::Cow;

use super::Dedup;
use super::answer::Means;
use super::data::Rules;
use super::vendor::{DAY, Declared, MINUTE, USUAL};
use crate::error::Result;
use crate::json::{Kind, Reader};

/// `POST /v1/billing/meter_events`: a form, and one event a request.
pub(super) const V1: Declared = Declared {
    kind: "stripe-v1",
    options: &["kind", "url", "batch", "customer", "name", "quantity"],
    hosts: &[("", API)],
    path: "/v1/billing/meter_events",
    content_type: "application/x-www-form-urlencoded",
    header: VERSION,
    frame: ["", "", ""],
    event: r#"{"identifier":$id,"event_name":$type,"timestamp":$seconds,"payload":{$customer:$subject,$name:"$quantity"$members}}"#,
    encode: form,
    customer: "stripe_customer_id",
    data: Rules { as_strings: true, quantity: "value", scale_max: 12, ..Rules::FLAT },
    chars_max: [100, 100, usize::MAX],
    hint: "stripe-should-retry",
    events_max: 1,
    oldest_ms: Some(35 * DAY),
    newest_ms: Some(5 * MINUTE),
    dedup: Dedup::Window(DAY),
    says: (400, "\"An event already exists with identifier", Means::Known),
    ..USUAL
};

/// `POST /v2/billing/meter_events`: one event a request.
pub(super) const V2: Declared = Declared {
    kind: "stripe-v2",
    path: "/v2/billing/meter_events",
    content_type: "application/json",
    encode: USUAL.encode,
    event: r#"{"identifier":$id,"event_name":$type,"timestamp":$time,"payload":{$customer:$subject,$name:"$quantity"$members}}"#,
    ..V1
};

/// `POST /v2/billing/meter_event_stream`: accepted is not yet checked; what Stripe refuses later it tells by a webhook.
pub(super) const STREAM: Declared = Declared {
    kind: "stripe-stream",
    hosts: &[("", "https://meter-events.stripe.com")],
    path: "/v2/billing/meter_event_stream",
    session: [API, "/v2/billing/meter_event_session"],
    frame: USUAL.frame,
    events_max: 100,
    ..V2
};

const API: &str = "https://api.stripe.com";
const VERSION: [&str; 2] = ["stripe-version", "2026-10-28.endive"];

/// `event_name=…&payload[value]=…` of an event in JSON.
fn form(event: String) -> String {
    let mut out = String::new();
    // The text is our own.
    let _ = Reader::new(&event).object(|r, name| {
        if matches!(r.kind()?, Kind::Object) {
            return r.object(|r, key| field(&mut out, &[&name, "[", &key, "]"].concat(), r));
        }
        field(&mut out, &name, r)
    });
    out
}

fn field(out: &mut String, name: &str, r: &mut Reader) -> Result<()> {
    let text = if matches!(r.kind()?, Kind::String) { r.string()? } else { Cow::Borrowed(r.skip()?) };
    if !out.is_empty() {
        out.push('&');
    }
    escape(out, name);
    out.push('=');
    escape(out, &text);
    Ok(())
}

/// Percent-encoding; the brackets of a name may stay.
fn escape(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~[]".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(if digit < 10 { b'0' + digit } else { b'A' - 10 + digit }));
            }
        }
    }
}
