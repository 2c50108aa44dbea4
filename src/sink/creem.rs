//! Creem's usage events. (Documentation of September 2026.)

use super::Dedup;
use super::answer::Named;
use super::data::Rules;
use super::vendor::{Declared, USUAL, WITH_CUSTOMER};

/// `POST /v1/events/ingest`
pub(super) const DECLARED: Declared = Declared {
    kind: "creem",
    options: WITH_CUSTOMER,
    hosts: &[("test", "https://test-api.creem.io"), ("live", "https://api.creem.io")],
    path: "/v1/events/ingest",
    auth: ["x-api-key", ""],
    event: r#"{"event_id":$id,"name":$type,"external_customer_id":$subject,"timestamp":$time,"properties":$data}"#,
    customer: "external",
    data: Rules { members_max: 50, key_chars_max: 40, value_chars_max: 500, ..Rules::FLAT },
    chars_max: [usize::MAX, usize::MAX, 255],
    accepted: &[202],
    // `{"accepted":100,"warnings":[{"index":3,"code":"no_matching_meter","message"}]}`: it has them, and does not count them.
    is_read: true,
    remarks: ["", "warnings"],
    dedup: Dedup::Unlimited,
    // `{"error":{"param":"events[3].customer_id","message",…}}`: all or nothing, and the first event that it was.
    named: Named { at: "error", who: "param", why: "message", ..Named::NONE },
    ..USUAL
};
