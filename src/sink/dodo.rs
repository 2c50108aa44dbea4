//! Dodo Payments' usage events. (SDK 2.52.0 and its OpenAPI description.)
//!
//! `event_id` alone is what Dodo removes duplicates by: ids must be unique over all sources.

use super::data::Rules;
use super::vendor::{Declared, HOUR, MINUTE, USUAL, WITH_ENVIRONMENT};
use crate::error::Result;

/// Events of one request.
pub const EVENTS_MAX: usize = 1000;

const METADATA: Rules = Rules { members_max: 50, key_chars_max: 100, value_chars_max: 500, ..Rules::FLAT };

/// `POST /events/ingest`
pub(super) const DECLARED: Declared = Declared {
    kind: "dodo",
    options: WITH_ENVIRONMENT,
    hosts: &[("test", "https://test.dodopayments.com"), ("live", "https://live.dodopayments.com")],
    path: "/events/ingest",
    event: r#"{"event_id":$id,"event_name":$type,"customer_id":$subject,"timestamp":$time,"metadata":$data}"#,
    data: METADATA,
    // The schema's; the guide advises 100, for which a request costs more than its events.
    events_max: EVENTS_MAX,
    oldest_ms: Some(HOUR),
    newest_ms: Some(5 * MINUTE),
    ..USUAL
};

/// Checks what Dodo takes as metadata. Error: `field_limit`.
pub fn check(data: &str) -> Result<()> {
    METADATA.read(data, "", &[]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::check;

    fn refused(data: &str) -> Option<String> {
        check(data).err().map(|e| {
            assert_eq!(e.code, "field_limit");
            e.path.clone().unwrap_or_default()
        })
    }

    fn members(n: usize) -> String {
        let members: Vec<String> = (0..n).map(|i| format!("\"k{i}\":{i}")).collect();
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn flat_metadata_only() {
        for ok in ["{}", r#"{"a":"x","b":1.50,"c":true}"#, &members(50)] {
            assert_eq!(refused(ok), None, "{ok}");
        }
        for (data, path) in [(r#"{"a":{}}"#, "a"), (r#"{"b":[1]}"#, "b"), (r#"{"c":null}"#, "c"), (&members(51), "")] {
            assert_eq!(refused(data).as_deref(), Some(path), "{data}");
        }
    }

    #[test]
    fn lengths_are_characters_and_nothing_is_cut() {
        let key = |n: usize| format!("{{\"{}\":1}}", "é".repeat(n));
        assert_eq!(refused(&key(100)), None);
        assert_eq!(refused(&key(101)), Some("é".repeat(101)));
        let value = |n: usize| format!("{{\"v\":\"{}\"}}", "€".repeat(n));
        assert_eq!(refused(&value(500)), None);
        assert_eq!(refused(&value(501)).as_deref(), Some("v"));
        assert_eq!(refused(&format!("{{\"v\":{}}}", "1".repeat(501))).as_deref(), Some("v"));
    }
}
