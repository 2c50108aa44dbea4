//! Polar's events. (Server of 2026-08-22, SDK 0.49.0.)

use super::Dedup;
use super::answer::{index, partial, refused};
use super::data::Rules;
use super::vendor::{Declared, MINUTE, USUAL, WITH_CUSTOMER};
use crate::delivery::{Answer, EventVerdict, Verdict, http_date};
use crate::json::Value;

/// `POST /v1/events/ingest`
pub(super) const DECLARED: Declared = Declared {
    kind: "polar",
    options: WITH_CUSTOMER,
    hosts: &[("test", "https://sandbox-api.polar.sh"), ("live", "https://api.polar.sh")],
    path: "/v1/events/ingest",
    event: r#"{"external_id":$id,"name":$type,"external_customer_id":$subject,"timestamp":$time,"metadata":$data}"#,
    customer: "external",
    data: Rules { members_max: 50, key_chars_max: 40, value_chars_max: 500, takes_empty: false, ..Rules::FLAT },
    chars_max: [usize::MAX, 128, usize::MAX],
    // It takes nothing of the future at all.
    newest_ms: Some(0),
    dedup: Dedup::Unlimited,
    judge,
    ..USUAL
};

/// `{"detail":[{"type","loc":["body","events",3,…],"msg"}]}`: all or nothing, and which events it was.
fn judge(answer: &Answer, times: &[i64]) -> Option<Verdict> {
    if answer.status != 422 {
        return None;
    }
    let body = Value::parse(&answer.body).ok()?;
    let named = body.get("detail")?.as_array()?.iter().filter_map(|fault| {
        let place = fault.get("loc")?.as_array()?;
        let at = match place.get(2)? {
            Value::Number(digits) => index(digits)?,
            _ => return None,
        };
        let is_time = place.last().and_then(Value::as_str) == Some("timestamp");
        let verdict = if is_time && soon(answer, *times.get(at)?) {
            // A clock that is a little ahead: the time comes.
            EventVerdict::Retry
        } else {
            refused(fault.get("msg").unwrap_or(fault))
        };
        Some((at, verdict))
    });
    partial(answer, times.len(), named.collect())
}

/// Whether a time lies ahead of the server's clock, but not far.
fn soon(answer: &Answer, time: i64) -> bool {
    let server = answer.date.as_deref().and_then(|date| http_date(date, time));
    server.is_some_and(|server| (0..=5 * MINUTE as i64).contains(&time.saturating_sub(server)))
}
