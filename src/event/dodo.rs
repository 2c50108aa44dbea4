//! Events in the form of Dodo Payments, as its ingest takes them. (SDK 2.52.0 and its OpenAPI description.)

use super::Event;
use super::data::{Rules, check as check_data};
use crate::error::{Error, Result};
use crate::json::{Reader, Value};
use crate::sink::check_metadata;
use crate::time::Instant;

const DATA: Rules = Rules { too_deep: "field_limit", infinite: "number_overflow", keys: false };

impl Event {
    /// Reads an event as a vendor is sent it: a CloudEvent, or Dodo's. Errors: those of [`Self::parse`], [`Self::parse_dodo`].
    pub fn parse_any(text: &str, now: Instant) -> Result<Self> {
        Self::parse(text, now).or_else(|error| Self::parse_dodo(text, now).unwrap_or(Err(error)))
    }

    /// Reads `{event_id, customer_id, event_name, timestamp?, metadata?}`; `None` if it has none of the three names, or is
    /// a CloudEvent.
    ///
    /// The source is empty, for Dodo has none. Errors, with status 400: `json_invalid`, `field_missing`, `field_type`,
    /// `field_empty`, `time_invalid`, `field_limit`, `number_overflow`.
    pub fn parse_dodo(text: &str, now: Instant) -> Option<Result<Self>> {
        let value = Value::parse(text).ok()?;
        let names = ["event_id", "customer_id", "event_name"];
        // A CloudEvent may have them too, as extensions.
        if names.iter().all(|name| value.get(name).is_none()) || value.get("specversion").is_some() {
            return None;
        }
        Some(read(text, &value, now).map_err(|e| e.http(400)))
    }
}

fn read(text: &str, value: &Value, now: Instant) -> Result<Event> {
    let [id, subject, kind] = ["event_id", "customer_id", "event_name"].map(|name| super::ingest::text(value, name));
    let time = value.present("timestamp").map(|time| Instant::parse(time.as_str().unwrap_or_default())).transpose();
    let mut event = Event {
        id: id?.to_owned(),
        source: String::new(),
        subject: subject?.to_owned(),
        kind: kind?.to_owned(),
        time: time.map_err(|e| e.at("timestamp"))?.unwrap_or(now),
        data: None,
    };
    Reader::new(text).object(|r, key| {
        let text = r.skip()?;
        if key == "metadata" {
            event.data = Some(text).filter(|text| *text != "null").map(str::to_owned);
        }
        Ok(())
    })?;
    if let Some(metadata) = &event.data {
        if !metadata.starts_with('{') {
            return Err(Error::new("field_type", "metadata is an object").at("metadata"));
        }
        check_metadata(metadata).map_err(|e| e.at("metadata"))?;
        check_data(metadata, &DATA)?;
    }
    Ok(event)
}
