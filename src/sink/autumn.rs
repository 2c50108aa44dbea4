//! Autumn's usage. (SDK 1.3.13, server of August 2026.)

use super::Dedup;
use super::answer::Means;
use super::data::Rules;
use super::vendor::{DAY, Declared, USUAL};

/// `POST /v1/balances.batch_track`; a type is the id of a feature. Without a quantity an event counts one.
///
/// `overflow`, since its default deducts only what the balance still holds, and usage is what was used.
pub(super) const DECLARED: Declared = Declared {
    kind: "autumn",
    options: &["kind", "url", "batch", "quantity"],
    hosts: &[("", "https://api.useautumn.com")],
    path: "/v1/balances.batch_track",
    header: ["x-api-version", "2.4.0"],
    frame: ["[", ",", "]"],
    event: r#"{"overage_behavior":"overflow","idempotency_key":$id,"feature_id":$type,"customer_id":$subject,"timestamp":$millis,"value":$quantity,"properties":$data}"#,
    data: Rules::ANY,
    accepted: &[200, 202, 204],
    events_max: 1000,
    dedup: Dedup::Window(DAY),
    // Also while the first attempt is being worked on.
    says: (409, "", Means::Claimed),
    ..USUAL
};
