//! Polar's events. (Server of 2026-08-22, SDK 0.49.0.)

use super::Dedup;
use super::answer::Named;
use super::data::Rules;
use super::vendor::{Declared, USUAL, WITH_CUSTOMER};

/// `POST /v1/events/ingest`; `_cost` (`{amount,currency}`, in cents) and `_llm` of the data are what Polar makes costs of.
pub(super) const DECLARED: Declared = Declared {
    kind: "polar",
    options: WITH_CUSTOMER,
    hosts: &[("test", "https://sandbox-api.polar.sh"), ("live", "https://api.polar.sh")],
    path: "/v1/events/ingest",
    event: r#"{"external_id":$id,"name":$type,"external_customer_id":$subject,"timestamp":$time,"metadata":$data}"#,
    customer: "external",
    data: Rules {
        members_max: 50,
        key_chars_max: 40,
        value_chars_max: 500,
        takes_empty: false,
        objects: &["_cost", "_llm"],
        ..Rules::FLAT
    },
    chars_max: [usize::MAX, 128, usize::MAX],
    // It takes nothing of the future at all.
    newest_ms: Some(0),
    // `{"inserted":98,"duplicates":2}`
    is_read: true,
    remarks: ["duplicates", ""],
    dedup: Dedup::Unlimited,
    // `{"detail":[{"type","loc":["body","events",3,…],"msg"}]}`: all or nothing, and which events it was.
    named: Named { at: "detail", who: "loc", why: "msg", ..Named::NONE },
    ..USUAL
};
