//! Ingest endpoints: data and pure functions, one file a vendor.
//!
//! A sink turns an event into the vendor's text ([`Sink::map`]), says how such texts are joined into a request
//! ([`Sink::request_json`]) and judges the answer ([`Sink::verdict`]). The secret never comes here: the host adds it.

mod dodo;
mod openmeter;
mod url;

pub use dodo::{EVENTS_MAX as DODO_EVENTS_MAX, check as check_metadata};

use crate::delivery::{Outcome, Verdict, verdict};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::json::{Value, Writer};
use crate::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, LINGER_MAX_MS};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Vendor {
    OpenMeter,
    Dodo,
}

/// What a vendor's endpoint asks for and answers.
struct Declared {
    /// Added to the base URL.
    path: &'static str,
    /// Sent as it stands, without parameters.
    content_type: &'static str,
    /// What stands before, between and after the events of a body.
    prefix: &'static str,
    separator: &'static str,
    suffix: &'static str,
    /// The statuses with which the vendor takes a batch.
    accepted: &'static [u16],
    /// Events of one request that the vendor takes.
    events_max: usize,
    /// How packed events are written, and which may be packed.
    packed: Packed,
    /// How far an event's time may lie behind and ahead.
    oldest_ms: Option<u64>,
    newest_ms: Option<u64>,
}

/// How a vendor's events are written from packed words: the same bytes as by [`Sink::map`]. What is not within these
/// bounds is not packed, so that [`Sink::map`] sees it.
pub struct Packed {
    /// What stands around id, time and data.
    pub form: hot::Form,
    /// What stands before the source, where the vendor takes one.
    pub source: Option<&'static str>,
    /// What stands before the type.
    pub kind: &'static str,
    /// What stands before the subject.
    pub subject: &'static str,
    /// Members of the data.
    pub members_max: usize,
    /// UTF-16 units of a member's name, and of its string.
    pub units_max: (usize, usize),
    /// Whether a member may be `null`.
    pub takes_null: bool,
}

/// How long the vendor remembers ids, so that an event sent twice counts once.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Dedup {
    /// It does not: an event whose answer was lost may be counted twice.
    Off,
    /// It does, and does not say how long.
    Unknown,
    /// For ever.
    Unlimited,
    /// So many milliseconds.
    Window(u64),
}

/// How many events and bytes one request carries, and how long the first event may wait for company.
#[derive(Clone, Copy)]
pub struct Batching {
    /// Events of one request.
    pub events_max: usize,
    /// Bytes of one request's body.
    pub bytes_max: usize,
    /// Milliseconds for which the first event waits for company.
    pub linger_ms: u64,
}

/// A configured endpoint.
#[derive(Clone)]
pub struct Sink {
    vendor: Vendor,
    base: String,
    dedup: Dedup,
    batching: Batching,
}

impl Sink {
    /// Reads settings:
    ///
    /// - `{"kind":"openmeter","url":…,"dedup"?:"off"|"unlimited"|<ms>,"batch"?}`
    /// - `{"kind":"dodo","environment":"test"|"live","batch"?}`, or with `"url"` instead of the environment
    ///
    /// `batch` is `{"events"?,"bytes"?,"lingerMs"?}`. Errors: `invalid_sink`, `insecure_url`, `unknown_option`, with the
    /// member as path.
    pub fn parse(settings: &Value) -> Result<Self> {
        let (vendor, base, dedup) = match settings.get("kind").and_then(Value::as_str) {
            Some("openmeter") => {
                settings.only(&["kind", "url", "dedup", "batch"])?;
                (Vendor::OpenMeter, openmeter::base(settings)?, openmeter::dedup(settings)?)
            }
            Some("dodo") => {
                settings.only(&["kind", "environment", "url", "batch"])?;
                (Vendor::Dodo, dodo::base(settings)?, Dedup::Unknown)
            }
            _ => return Err(invalid("there is no such sink").at("kind").help("known are openmeter and dodo")),
        };
        let batching = batching(settings.present("batch"), vendor.declared()).map_err(|e| e.at("batch"))?;
        Ok(Self { vendor, base, dedup, batching })
    }

    /// The event as the vendor takes it: the same bytes for the same event, its numbers digit by digit.
    ///
    /// What the vendor would not take is refused with `field_limit` and never changed; the path says where.
    pub fn map(&self, event: &Event) -> Result<String> {
        match self.vendor {
            Vendor::OpenMeter => Ok(event.to_json()),
            Vendor::Dodo => dodo::map(event),
        }
    }

    /// Whether the vendor takes any event as it is, as CloudEvents in JSON.
    pub fn takes_all(&self) -> bool {
        self.vendor == Vendor::OpenMeter
    }

    /// How packed events are written.
    pub fn packed(&self) -> &'static Packed {
        &self.vendor.declared().packed
    }

    /// How the vendor's answer, or its absence, is to be taken.
    pub fn verdict(&self, outcome: &Outcome) -> Verdict {
        verdict(outcome, self.vendor.declared().accepted)
    }

    /// How requests look:
    /// `{url, contentType, authName, authPrefix, prefix, separator, suffix, accepted}`, `accepted` being statuses.
    ///
    /// A body is `prefix`, the events' texts joined by `separator`, `suffix`; the secret goes behind `authPrefix` into
    /// the header `authName`.
    pub fn request_json(&self) -> String {
        let declared = self.vendor.declared();
        let mut accepted = Writer::array();
        for status in declared.accepted {
            accepted.item(&status.to_string());
        }
        let mut w = Writer::object();
        w.string("url", &[&self.base, declared.path].concat())
            .string("contentType", declared.content_type)
            .string("authName", "authorization")
            .string("authPrefix", "Bearer ")
            .string("prefix", declared.prefix)
            .string("separator", declared.separator)
            .string("suffix", declared.suffix)
            .raw("accepted", &accepted.end());
        w.end()
    }

    /// Bytes of a body beside its events: those of its frame, and those between two events.
    pub fn framing(&self) -> (usize, usize) {
        let declared = self.vendor.declared();
        (declared.prefix.len() + declared.suffix.len(), declared.separator.len())
    }

    /// How requests are filled.
    pub fn batching(&self) -> Batching {
        self.batching
    }

    /// How long the vendor remembers ids.
    pub fn dedup(&self) -> Dedup {
        self.dedup
    }

    /// How many milliseconds an event's time may lie behind the present.
    pub fn oldest_ms(&self) -> Option<u64> {
        self.vendor.declared().oldest_ms
    }

    /// How many milliseconds an event's time may lie ahead of the present.
    pub fn newest_ms(&self) -> Option<u64> {
        self.vendor.declared().newest_ms
    }
}

impl Vendor {
    fn declared(self) -> &'static Declared {
        match self {
            Self::OpenMeter => &openmeter::DECLARED,
            Self::Dodo => &dodo::DECLARED,
        }
    }
}

fn batching(batch: Option<&Value>, declared: &Declared) -> Result<Batching> {
    let batch = batch.unwrap_or(&Value::Null);
    if !matches!(batch, Value::Null | Value::Object(_)) {
        return Err(invalid("not an object"));
    }
    batch.only(&["events", "bytes", "lingerMs"])?;
    let number = |name: &str, default: usize, min: usize, max: usize| match batch.present(name) {
        None => Ok(default),
        Some(value) => match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
            Some(n) if (min..=max).contains(&n) => Ok(n),
            _ => Err(invalid("not a whole number of the range that is allowed")
                .at(name)
                .help([&min.to_string(), " to ", &max.to_string()].concat())),
        },
    };
    let events_max = declared.events_max.min(BATCH_EVENTS_MAX);
    Ok(Batching {
        events_max: number("events", events_max, 1, events_max)?,
        bytes_max: number("bytes", BATCH_BYTES_MAX, 1, BATCH_BYTES_MAX)?,
        linger_ms: number("lingerMs", 0, 0, LINGER_MAX_MS as usize)? as u64,
    })
}

#[cold]
fn invalid(message: &'static str) -> Error {
    Error::new("invalid_sink", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    fn sink(settings: &str) -> Result<Sink> {
        Sink::parse(&Value::parse(settings).unwrap())
    }

    fn refused(settings: &str) -> (&'static str, String) {
        sink(settings).map_or_else(|e| (e.code, e.path.clone().unwrap_or_default()), |_| panic!("{settings}"))
    }

    fn event(data: &str) -> Event {
        let text = format!(
            r#"{{"specversion":"1.0","id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","source":"checkout-api","type":"llm.tokens","subject":"cus_42","time":"2026-11-21T02:00:00.250Z"{data}}}"#
        );
        Event::parse(&text, Instant::from_millis(0)).unwrap()
    }

    const DATA: &str = r#","data":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}"#;
    const OPENMETER: &str = r#"{"kind":"openmeter","url":"http://127.0.0.1:8888"}"#;
    const DODO: &str = r#"{"kind":"dodo","environment":"test"}"#;

    #[test]
    fn openmeter_takes_cloudevents() {
        let sink = sink(OPENMETER).unwrap();
        assert_eq!(
            sink.map(&event(DATA)).unwrap(),
            r#"{"specversion":"1.0","id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","source":"checkout-api","type":"llm.tokens","subject":"cus_42","time":"2026-11-21T02:00:00.25Z","datacontenttype":"application/json","data":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}}"#
        );
        assert_eq!(
            sink.request_json(),
            r#"{"url":"http://127.0.0.1:8888/api/v1/events","contentType":"application/cloudevents-batch+json","authName":"authorization","authPrefix":"Bearer ","prefix":"[","separator":",","suffix":"]","accepted":[204]}"#
        );
        assert_eq!((sink.dedup(), sink.oldest_ms(), sink.newest_ms()), (Dedup::Off, None, None));
    }

    #[test]
    fn dodo_takes_its_own_form() {
        let sink = sink(DODO).unwrap();
        assert_eq!(
            sink.map(&event(DATA)).unwrap(),
            r#"{"event_id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","event_name":"llm.tokens","customer_id":"cus_42","timestamp":"2026-11-21T02:00:00.25Z","metadata":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}}"#
        );
        assert_eq!(
            sink.map(&event("")).unwrap(),
            r#"{"event_id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","event_name":"llm.tokens","customer_id":"cus_42","timestamp":"2026-11-21T02:00:00.25Z"}"#
        );
        assert_eq!(
            sink.request_json(),
            r#"{"url":"https://test.dodopayments.com/events/ingest","contentType":"application/json","authName":"authorization","authPrefix":"Bearer ","prefix":"{\"events\":[","separator":",","suffix":"]}","accepted":[200]}"#
        );
        assert_eq!(sink.oldest_ms(), Some(3_600_000));
        assert_eq!(sink.newest_ms(), Some(300_000));
        assert!(
            self::sink(r#"{"kind":"dodo","environment":"live"}"#).unwrap().request_json().contains("https://live.")
        );
    }

    #[test]
    fn digits_are_kept() {
        let numbers = r#"{"a":9007199254740993,"b":0.10,"c":1e2,"d":-0,"e":12345678901234567890.000000000000000001}"#;
        for settings in [OPENMETER, DODO] {
            let text = sink(settings).unwrap().map(&event(&[r#","data":"#, numbers].concat())).unwrap();
            assert!(text.ends_with(&[numbers, "}"].concat()), "{text}");
        }
    }

    #[test]
    fn settings_are_checked() {
        for (settings, code, path) in [
            ("{}", "invalid_sink", "kind"),
            ("null", "invalid_sink", "kind"),
            (r#"{"kind":"polar"}"#, "invalid_sink", "kind"),
            (r#"{"kind":"openmeter"}"#, "invalid_sink", "url"),
            (r#"{"kind":"openmeter","url":7}"#, "invalid_sink", "url"),
            (r#"{"kind":"openmeter","url":"http://example.com"}"#, "insecure_url", "url"),
            (r#"{"kind":"openmeter","url":"https://a.b","token":"x"}"#, "unknown_option", "token"),
            (r#"{"kind":"openmeter","url":"https://a.b","dedup":"on"}"#, "invalid_sink", "dedup"),
            (r#"{"kind":"openmeter","url":"https://a.b","dedup":1.5}"#, "invalid_sink", "dedup"),
            (r#"{"kind":"openmeter","url":"https://a.b","dedup":0}"#, "invalid_sink", "dedup"),
            (r#"{"kind":"dodo"}"#, "invalid_sink", "environment"),
            (r#"{"kind":"dodo","environment":"prod"}"#, "invalid_sink", "environment"),
            (r#"{"kind":"dodo","environment":"test","url":"https://a.b"}"#, "invalid_sink", "environment"),
            (r#"{"kind":"dodo","environment":"test","dedup":"off"}"#, "unknown_option", "dedup"),
            (r#"{"kind":"dodo","environment":"test","batch":5}"#, "invalid_sink", "batch"),
            (r#"{"kind":"dodo","environment":"test","batch":{"events":1001}}"#, "invalid_sink", "batch.events"),
            (r#"{"kind":"dodo","environment":"test","batch":{"events":0}}"#, "invalid_sink", "batch.events"),
            (r#"{"kind":"dodo","environment":"test","batch":{"bytes":262145}}"#, "invalid_sink", "batch.bytes"),
            (r#"{"kind":"dodo","environment":"test","batch":{"lingerMs":-1}}"#, "invalid_sink", "batch.lingerMs"),
            (r#"{"kind":"dodo","environment":"test","batch":{"size":1}}"#, "unknown_option", "batch.size"),
        ] {
            assert_eq!(refused(settings), (code, path.to_owned()), "{settings}");
        }
        for (dedup, want) in
            [("\"off\"", Dedup::Off), ("\"unlimited\"", Dedup::Unlimited), ("2764800000", Dedup::Window(2_764_800_000))]
        {
            let settings = format!(r#"{{"kind":"openmeter","url":"https://a.b","dedup":{dedup}}}"#);
            assert_eq!(sink(&settings).unwrap().dedup(), want);
        }
        let full =
            sink(r#"{"kind":"dodo","url":"http://localhost:1/","batch":{"events":1000,"bytes":1000,"lingerMs":0}}"#)
                .unwrap();
        let Batching { events_max, bytes_max, linger_ms } = full.batching();
        assert_eq!((events_max, bytes_max, linger_ms), (1000, 1000, 0));
        assert!(full.request_json().contains(r#""http://localhost:1/events/ingest""#));
    }
}
