//! Flexprice's events. (Server of 2026-08-22, SDK 2.0.1.)
//!
//! It knows an event by its id and its time: both are fixed once, so a resend is the same event.

use super::Dedup;
use super::data::Rules;
use super::vendor::{Declared, USUAL};

/// `POST /v1/events/bulk`
pub(super) const DECLARED: Declared = Declared {
    kind: "flexprice",
    hosts: &[("", "https://api.cloud.flexprice.io")],
    path: "/v1/events/bulk",
    auth: ["x-api-key", ""],
    event: r#"{"event_id":$id,"source":$source,"event_name":$type,"external_customer_id":$subject,"timestamp":$time,"properties":$data}"#,
    data: Rules::ANY,
    accepted: &[202],
    events_max: 1000,
    dedup: Dedup::Unlimited,
    ..USUAL
};
