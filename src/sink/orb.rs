//! Orb's events. (SDK 6.11.0.)

use super::answer::Named;
use super::data::Rules;
use super::vendor::{Declared, MINUTE, USUAL};

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
    newest_ms: Some(5 * MINUTE),
    named: Named {
        at: "validation_failed",
        who: "idempotency_key",
        why: "validation_errors",
        by_ids: true,
        ..Named::NONE
    },
    ..USUAL
};
