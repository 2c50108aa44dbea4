//! Metronome's usage events. (SDK 3.10.0.)

use super::Dedup;
use super::data::Rules;
use super::vendor::{DAY, Declared, USUAL};

/// `POST /v1/ingest`; a subject is a customer's id or one of its ingest aliases.
pub(super) const DECLARED: Declared = Declared {
    kind: "metronome",
    hosts: &[("", "https://api.metronome.com")],
    path: "/v1/ingest",
    frame: ["[", ",", "]"],
    event: r#"{"transaction_id":$id,"event_type":$type,"customer_id":$subject,"timestamp":$time,"properties":$data}"#,
    // Strings have any precision.
    data: Rules { as_strings: true, ..Rules::FLAT },
    gzip: true,
    oldest_ms: Some(34 * DAY),
    newest_ms: Some(DAY),
    dedup: Dedup::Window(34 * DAY),
    ..USUAL
};
