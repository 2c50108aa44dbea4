//! Orb's events. (SDK 6.11.0.)

use super::answer::{partial, refused};
use super::data::Rules;
use super::vendor::{Declared, MINUTE, USUAL};
use crate::delivery::{Answer, Verdict};
use crate::json::Value;

/// `POST /v1/ingest`
pub(super) const DECLARED: Declared = Declared {
    kind: "orb",
    options: &["kind", "url", "batch", "customer"],
    hosts: &[("", "https://api.withorb.com")],
    path: "/v1/ingest",
    event: r#"{"idempotency_key":$id,"event_name":$type,"external_customer_id":$subject,"timestamp":$time,"properties":$data}"#,
    customer: "external",
    data: Rules { is_required: true, ..Rules::FLAT },
    is_read: true,
    names_ids: true,
    newest_ms: Some(5 * MINUTE),
    judge,
    ..USUAL
};

/// `{"validation_failed":[{"idempotency_key","validation_errors":[…]}]}`; ids have no blanks.
fn judge(answer: &Answer, times: &[i64]) -> Option<Verdict> {
    if !matches!(answer.status, 200 | 400 | 422) {
        return None;
    }
    let body = Value::parse(&answer.body).ok()?;
    let failed = body.get("validation_failed")?.as_array()?;
    let named = failed.iter().filter_map(|fault| {
        let key = fault.get("idempotency_key")?.as_str()?;
        let at = answer.ids.split(' ').position(|id| id == key)?;
        Some((at, refused(fault.get("validation_errors").unwrap_or(fault))))
    });
    partial(answer, times.len(), named.collect())
}
