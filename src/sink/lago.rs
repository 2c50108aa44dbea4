//! Lago, cloud or self-hosted. (Server and OpenAPI description of 2026-08-21, client 1.53.0.)
//!
//! Its store on ClickHouse knows an event by its id and its time: both are fixed once, so a resend is the same event.

use super::Dedup;
use super::answer::{index, partial, refused};
use super::data::Rules;
use super::vendor::{Declared, USUAL};
use crate::delivery::{Answer, EventVerdict, Verdict};
use crate::json::Value;

/// `POST /api/v1/events/batch`; a subject is the external id of a subscription.
pub(super) const DECLARED: Declared = Declared {
    kind: "lago",
    hosts: &[("", "https://api.getlago.com")],
    path: "/api/v1/events/batch",
    event: r#"{"transaction_id":$id,"code":$type,"external_subscription_id":$subject,"timestamp":$decimal,"properties":$data}"#,
    // It takes numbers as strings, and so no float comes between.
    data: Rules { as_strings: true, ..Rules::FLAT },
    // Seconds until its window ends.
    hint: "x-ratelimit-reset",
    hint_is_wait: true,
    dedup: Dedup::Unlimited,
    judge,
    ..USUAL
};

/// `{"error_details":{"3":{"transaction_id":["value_already_exist"]}}}`, or with the name of a member of the request in
/// place of an event's place. One event that is known already undoes the whole request.
fn judge(answer: &Answer, times: &[i64]) -> Option<Verdict> {
    if answer.status != 422 {
        return None;
    }
    let body = Value::parse(&answer.body).ok()?;
    let details = body.get("error_details")?.as_object()?;
    let mut named = Vec::new();
    for (at, faults) in details {
        match index(at) {
            Some(at) if is_known(faults) => named.push((at, EventVerdict::Accepted)),
            Some(at) => named.push((at, refused(faults))),
            None if at == "events"
                && faults.as_array()?.iter().any(|fault| fault.as_str() == Some("too_many_events")) =>
            {
                return Some(Verdict::Split);
            }
            None => {}
        }
    }
    partial(answer, times.len(), named)
}

fn is_known(faults: &Value) -> bool {
    let Some([(name, faults)]) = faults.as_object() else { return false };
    name == "transaction_id"
        && faults
            .as_array()
            .is_some_and(|faults| matches!(faults, [fault] if fault.as_str() == Some("value_already_exist")))
}
