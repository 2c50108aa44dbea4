//! OpenMeter's v1 endpoint, cloud or self-hosted. (Server of 2026-08-18.)

use super::{Declared, Dedup, Packed, invalid, url};
use crate::error::Result;
use crate::json::Value;

pub(super) const DECLARED: Declared = Declared {
    path: "/api/v1/events",
    // The server compares it as a string: with any parameter behind it, it answers 400.
    content_type: "application/cloudevents-batch+json",
    prefix: "[",
    separator: ",",
    suffix: "]",
    accepted: &[204],
    // The server has no limit; what is in front of it may.
    events_max: usize::MAX,
    packed: Packed {
        form: hot::Form {
            head: b",{\"specversion\":\"1.0\",\"id\":\"",
            time: b",\"time\":\"",
            data: b"Z\",\"datacontenttype\":\"application/json\",\"data\":",
        },
        source: Some(",\"source\":"),
        kind: ",\"type\":",
        subject: ",\"subject\":",
        members_max: usize::MAX,
        units_max: (usize::MAX, usize::MAX),
        takes_null: true,
    },
    oldest_ms: None,
    newest_ms: None,
};

pub(super) fn base(settings: &Value) -> Result<String> {
    url::base(settings.get("url")).map_err(|e| e.at("url"))
}

/// The server's `dedupe.enabled` is false unless its owner has set it.
pub(super) fn dedup(settings: &Value) -> Result<Dedup> {
    let Some(value) = settings.present("dedup") else { return Ok(Dedup::Off) };
    match (value.as_str(), value.as_u64()) {
        (Some("off"), _) => Ok(Dedup::Off),
        (Some("unlimited"), _) => Ok(Dedup::Unlimited),
        (_, Some(ms @ 1..)) => Ok(Dedup::Window(ms)),
        _ => Err(invalid("not a time for which the server remembers ids")
            .at("dedup")
            .help("write 'off', 'unlimited' or milliseconds")),
    }
}
