//! Dodo Payments' usage events. (SDK 2.52.0 and its OpenAPI description.)
//!
//! `event_id` alone is what Dodo removes duplicates by: ids must be unique over all sources.

use super::{Declared, Packed, invalid, url};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::json::{Kind, Reader, Value, Writer};

pub(super) const DECLARED: Declared = Declared {
    path: "/events/ingest",
    content_type: "application/json",
    prefix: "{\"events\":[",
    separator: ",",
    suffix: "]}",
    accepted: &[200],
    // The schema's; the guide advises 100, for which a request costs more than its events.
    events_max: EVENTS_MAX,
    packed: Packed {
        form: hot::Form { head: b",{\"event_id\":\"", time: b",\"timestamp\":\"", data: b"Z\",\"metadata\":" },
        source: None,
        kind: ",\"event_name\":",
        subject: ",\"customer_id\":",
        members_max: METADATA_KEYS_MAX,
        // Never fewer than the characters.
        units_max: (METADATA_KEY_CHARS_MAX, METADATA_VALUE_CHARS_MAX),
        takes_null: false,
    },
    oldest_ms: Some(3_600_000),
    newest_ms: Some(300_000),
};

/// Events of one request.
pub const EVENTS_MAX: usize = 1000;
const METADATA_KEYS_MAX: usize = 50;
const METADATA_KEY_CHARS_MAX: usize = 100;
const METADATA_VALUE_CHARS_MAX: usize = 500;

pub(super) fn base(settings: &Value) -> Result<String> {
    match (settings.present("environment").map(Value::as_str), settings.present("url")) {
        (None, Some(url)) => url::base(Some(url)).map_err(|e| e.at("url")),
        (Some(Some("test")), None) => Ok(String::from("https://test.dodopayments.com")),
        (Some(Some("live")), None) => Ok(String::from("https://live.dodopayments.com")),
        _ => Err(invalid("either an environment or a url is needed")
            .at("environment")
            .help("write 'test' or 'live'; there is no default, for test events in the live system are bills")),
    }
}

/// `data` becomes the flat `metadata`, as it was written.
pub(super) fn map(event: &Event) -> Result<String> {
    let mut w = Writer::object();
    w.string("event_id", &event.id)
        .string("event_name", &event.kind)
        .string("customer_id", &event.subject)
        .string("timestamp", &event.time.text());
    if let Some(data) = &event.data {
        check(data).map_err(|e| e.at("data"))?;
        w.raw("metadata", data);
    }
    Ok(w.end())
}

/// Checks what Dodo takes as metadata. Error: `field_limit`.
pub fn check(data: &str) -> Result<()> {
    let mut keys = 0_usize;
    Reader::new(data).object(|r, key| {
        keys += 1;
        if keys > METADATA_KEYS_MAX {
            return Err(limit("Dodo takes at most 50 members"));
        }
        if key.chars().count() > METADATA_KEY_CHARS_MAX {
            return Err(limit("Dodo takes names of at most 100 characters").at(&key));
        }
        let chars = match r.kind()? {
            Kind::String => r.string()?.chars().count(),
            Kind::Number | Kind::Bool => r.skip()?.len(),
            _ => {
                return Err(limit("Dodo takes strings, numbers and booleans only")
                    .help("flatten objects and arrays into members of their own; leave null members out")
                    .at(&key));
            }
        };
        if chars > METADATA_VALUE_CHARS_MAX {
            return Err(limit("Dodo takes values of at most 500 characters").at(&key));
        }
        Ok(())
    })
}

#[cold]
fn limit(message: &'static str) -> Error {
    Error::new("field_limit", message)
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
