//! Usage events (CloudEvents 1.0).
//!
//! Two doors lead here. [`Event::parse`] takes what the meter server would take, with its rules (`ingest.rs`);
//! [`EventBuilder`] makes the client's own events and is stricter (`build.rs`). After that an event is never rewritten.

mod build;
mod data;
mod dodo;
mod ingest;
mod recent;

pub use build::EventBuilder;
pub use ingest::is_attribute;
pub use recent::Recent;

use crate::error::{Error, Result};
use crate::json::{Reader, Value, Writer};
use crate::time::Instant;

/// A checked event.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Event {
    /// Unique within the source: the two are what the server removes duplicates by.
    pub id: String,
    /// Where it happened.
    pub source: String,
    /// CloudEvents `type`.
    pub kind: String,
    /// Whom it is charged to.
    pub subject: String,
    /// When it happened, in UTC.
    pub time: Instant,
    /// A JSON object, its members and numbers exactly as they were written.
    pub data: Option<String>,
}

impl Event {
    /// Reads a CloudEvent as the meter server (OpenMeter) takes it; a missing time is `now`.
    ///
    /// Errors carry the server's HTTP status: 400 with `json_invalid`, `field_missing`, `field_type`, `field_empty`,
    /// `specversion_unknown`, `datacontenttype_invalid`, `data_not_object`, `data_too_deep`, `time_invalid`,
    /// `extension_name_invalid`, `extension_value_invalid`; 500 with `number_overflow`.
    pub fn parse(text: &str, now: Instant) -> Result<Self> {
        let members = Members::read(text, "data_too_deep").map_err(|e| e.http(400))?;
        ingest::check(&members, now)
    }

    /// As [`Self::parse`], from a value that has been read already.
    pub fn from_value(value: &Value, now: Instant) -> Result<Self> {
        let data = value.get("data").map(Value::to_json);
        let Value::Object(members) = value else {
            return Err(Error::new("event_not_object", "an event is a JSON object").http(400));
        };
        let attributes = members.iter().filter(|(key, _)| key != "data").cloned().collect();
        ingest::check(&Members { attributes: Value::Object(attributes), data: data.as_deref() }, now)
    }

    /// The event as CloudEvents JSON, always the same bytes for the same event.
    pub fn to_json(&self) -> String {
        let mut w = Writer::object();
        w.string("specversion", "1.0").string("id", &self.id).string("source", &self.source);
        w.string("type", &self.kind).string("subject", &self.subject).string("time", &self.time.text());
        if let Some(data) = &self.data {
            w.string("datacontenttype", "application/json").raw("data", data);
        }
        w.end()
    }
}

/// An event's members, `data` apart and as it was written.
struct Members<'a> {
    attributes: Value<'a>,
    data: Option<&'a str>,
}

impl<'a> Members<'a> {
    fn read(text: &'a str, too_deep: &'static str) -> Result<Self> {
        let mut reader = Reader::new(text);
        let (mut attributes, mut data) = (Vec::new(), None);
        reader.object(|r, key| {
            if key == "data" {
                data = Some(r.skip().map_err(|e| data::deep(e, too_deep).at("data"))?);
            } else {
                attributes.push((key, Value::read(r)?));
            }
            Ok(())
        })?;
        reader.end()?;
        Ok(Self { attributes: Value::Object(attributes), data })
    }
}
