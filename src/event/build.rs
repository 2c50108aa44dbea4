//! The client's own events.

use super::data::{Rules, check as check_data};
use super::{Event, Members};
use crate::error::{Error, Result};
use crate::json::Value;
use crate::limits::{ATTRIBUTE_BYTES_MAX, EVENT_BYTES_MAX};
use crate::time::Instant;

const DATA: Rules = Rules { too_deep: "event_too_deep", infinite: "not_finite", keys: true };
/// More than an event's text has beside its data and attributes: names, quotes, the time.
const FRAME_BYTES: usize = 256;

/// Makes events from what a caller records; holds what a caller may leave out.
pub struct EventBuilder<'a> {
    /// The source of events that name none.
    pub source: &'a str,
    /// The id of an event that names none.
    pub id: &'a str,
    /// The time of events that name none.
    pub now: Instant,
}

impl EventBuilder<'_> {
    /// Makes an event from the JSON text `{type, subject, source?, id?, time?, data?}`.
    ///
    /// Numbers in `data` stay exactly as they are written. A time with an offset becomes UTC, the same instant.
    ///
    /// Errors: `json_invalid`, `unknown_option`, `invalid_event` (the path says which member), `event_too_large`,
    /// `event_too_deep`, `too_many_keys`, `forbidden_key`, `not_finite`.
    pub fn build(&self, text: &str) -> Result<Event> {
        if text.len() > EVENT_BYTES_MAX {
            return Err(too_large());
        }
        let Members { attributes, data } = Members::read(text, DATA.too_deep)?;
        attributes.only(&["type", "subject", "source", "id", "time", "data"])?;
        let event = Event {
            id: attribute(&attributes, "id", Some(self.id))?,
            source: attribute(&attributes, "source", Some(self.source))?,
            kind: attribute(&attributes, "type", None)?,
            subject: attribute(&attributes, "subject", None)?,
            time: time(&attributes)?.unwrap_or(self.now),
            data: data.filter(|data| *data != "null").map(str::to_owned),
        };
        if let Some(data) = &event.data {
            if !data.starts_with('{') {
                return Err(invalid("data is not an object").at("data"));
            }
            check_data(data, &DATA)?;
        }
        // An escaped byte has six at most, so only what comes near the limit needs to be written out to be measured.
        let attributes = event.id.len() + event.source.len() + event.kind.len() + event.subject.len();
        let bytes_max = event.data.as_ref().map_or(0, String::len) + 6 * attributes + FRAME_BYTES;
        if bytes_max > EVENT_BYTES_MAX && event.to_json().len() > EVENT_BYTES_MAX {
            return Err(too_large());
        }
        Ok(event)
    }
}

#[cold]
fn too_large() -> Error {
    Error::new("event_too_large", "the event has more than 32 KiB").help("send less data")
}

#[cold]
fn invalid(message: &'static str) -> Error {
    Error::new("invalid_event", message)
}

fn attribute(attributes: &Value, name: &'static str, default: Option<&str>) -> Result<String> {
    let text = match attributes.present(name) {
        None => default.ok_or_else(|| invalid("the event needs this attribute").at(name))?,
        Some(value) => value.as_str().ok_or_else(|| invalid("the attribute is not a string").at(name))?,
    };
    let fault = if text.is_empty() {
        "the attribute is empty"
    } else if text.len() > ATTRIBUTE_BYTES_MAX {
        "the attribute has more than 1024 bytes"
    } else if name == "id" && !text.bytes().all(|b| b.is_ascii_graphic()) {
        "an id has visible ASCII characters only"
    } else if text.chars().any(char::is_control) {
        "the attribute has a control character"
    } else {
        return Ok(text.to_owned());
    };
    Err(invalid(fault).at(name))
}

fn time(attributes: &Value) -> Result<Option<Instant>> {
    let Some(time) = attributes.present("time") else { return Ok(None) };
    let mut instant = Instant::parse(time.as_str().unwrap_or_default()).map_err(|mut e| {
        e.code = "invalid_event";
        e.at("time")
    });
    // An offset can lead out of the years that can be written.
    if let Ok(Instant { seconds, .. }) = instant
        && Instant::parse(&Instant { seconds, nanos: 0 }.text()).is_err()
    {
        instant = Err(invalid("the time lies beyond the years 0 to 9999").at("time"));
    }
    instant.map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Instant = Instant { seconds: 1_795_226_400, nanos: 250_000_000 };

    fn build(text: &str) -> Result<Event> {
        EventBuilder { source: "app", id: "id-1", now: NOW }.build(text)
    }

    fn refused(text: &str) -> (&'static str, Option<String>) {
        build(text).map_or_else(|e| (e.code, e.path.clone()), |event| panic!("{}", event.to_json()))
    }

    #[test]
    fn defaults_are_filled_in() {
        assert_eq!(
            build(r#"{"type":"request","subject":"customer-1"}"#).unwrap().to_json(),
            r#"{"specversion":"1.0","id":"id-1","source":"app","type":"request","subject":"customer-1","time":"2026-11-21T02:00:00.25Z"}"#
        );
        let all = r#"{"id":"é"}"#;
        assert_eq!(refused(&all.replace('}', r#","type":"t","subject":"s"}"#)), ("invalid_event", Some("id".into())));
        let all = r#"{"data":{"n":9007199254740993,"x":1.0,"s":"\u0007"},"time":"2026-12-31T23:30:00-01:00","id":"a","source":"b","subject":"kund-é","type":"t"}"#;
        assert_eq!(
            build(all).unwrap().to_json(),
            r#"{"specversion":"1.0","id":"a","source":"b","type":"t","subject":"kund-é","time":"2027-01-01T00:30:00Z","datacontenttype":"application/json","data":{"n":9007199254740993,"x":1.0,"s":"\u0007"}}"#
        );
    }

    #[test]
    fn every_code() {
        let with = |change: &str| [r#"{"type":"t","subject":"s","#, change, "}"].concat();
        let long = "x".repeat(1025);
        for (text, code, path) in [
            (r#"{"type":"t"}"#, "invalid_event", "subject"),
            (r#"{"subject":"t","type":null}"#, "invalid_event", "type"),
            (&with(r#""type":"""#), "invalid_event", "type"),
            (&with(r#""subject":7"#), "invalid_event", "subject"),
            (&with(r#""source":"a\r\nb""#), "invalid_event", "source"),
            (&with(r#""source":"a\u0085b""#), "invalid_event", "source"),
            (&with(r#""id":"a b""#), "invalid_event", "id"),
            (&with(&["\"id\":\"", &long, "\""].concat()), "invalid_event", "id"),
            (&with(r#""data":[1]"#), "invalid_event", "data"),
            (&with(r#""time":"yesterday""#), "invalid_event", "time"),
            (&with(r#""time":1795226400"#), "invalid_event", "time"),
            (&with(r#""time":"9999-12-31T23:59:59-01:00""#), "invalid_event", "time"),
            (&with(r#""time":"0000-01-01T00:00:00+01:00""#), "invalid_event", "time"),
            (&with(r#""customer":"x""#), "unknown_option", "customer"),
            (&with(r#""data":{"a":{"__proto__":1}}"#), "forbidden_key", "data.a.__proto__"),
            (&with(r#""data":{"constructor":1}"#), "forbidden_key", "data.constructor"),
            (&with(r#""data":{"a":[{"prototype":1}]}"#), "forbidden_key", "data.a[0].prototype"),
            (&with(r#""data":{"\u005f_proto__":1}"#), "forbidden_key", "data.__proto__"),
            (&with(r#""data":{"n":1e400}"#), "not_finite", "data.n"),
            (&with(r#""data":{"n":[1,-1e400]}"#), "not_finite", "data.n[1]"),
        ] {
            assert_eq!(refused(text), (code, Some(path.to_owned())), "{text}");
        }
        let nested = |n: usize| with(&["\"data\":{\"a\":", &"[".repeat(n - 1), &"]".repeat(n - 1), "}"].concat());
        assert!(build(&nested(32)).is_ok());
        assert_eq!(refused(&nested(33)).0, "event_too_deep");
        assert_eq!(refused(&nested(3000)).0, "event_too_deep");
        let keys = |n: usize| {
            let members: Vec<String> = (0..n).map(|i| format!("\"k{i}\":{i}")).collect();
            with(&["\"data\":{", &members.join(","), "}"].concat())
        };
        assert!(build(&keys(256)).is_ok());
        assert_eq!(refused(&keys(257)).0, "too_many_keys");
        assert_eq!(refused("{").0, "json_invalid");
    }

    #[test]
    fn the_size_is_that_of_the_written_event() {
        let with = |n: usize| [r#"{"type":"t","subject":"s","data":{"s":""#, &"x".repeat(n), "\"}}"].concat();
        let frame = build(&with(0)).unwrap().to_json().len();
        assert_eq!(build(&with(EVENT_BYTES_MAX - frame)).unwrap().to_json().len(), EVENT_BYTES_MAX);
        assert_eq!(refused(&with(EVENT_BYTES_MAX - frame + 1)).0, "event_too_large");
        assert_eq!(refused(&with(EVENT_BYTES_MAX)).0, "event_too_large");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_built_is_taken_by_the_server(text in ".{0,60}", subject in "\\PC{1,20}", id in "[!-~]{1,20}") {
            drop(build(&text));
            let text = serde_json::json!({"type": "t", "subject": subject, "id": id, "data": {"text": text}}).to_string();
            let event = build(&text).unwrap();
            prop_assert_eq!(&Event::parse(&event.to_json(), Instant::from_millis(0)).unwrap(), &event);
        }
    }
}
