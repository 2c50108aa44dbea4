//! Meter definitions, checked as the server checks them when a meter is created.

use super::path::Path;
use crate::error::{Error, Result};
use crate::json::Value;
use crate::limits::{GROUP_BY_MAX, METERS_MAX};
use crate::time::Instant;

/// How the values of many events become one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// The sum of the usable numbers
    Sum,
    /// Events, whatever their data
    Count,
    /// Distinct texts
    UniqueCount,
    /// The mean of the usable numbers
    Avg,
    /// The smallest usable number
    Min,
    /// The largest usable number
    Max,
    /// The usable number with the greatest time
    Latest,
}

impl Aggregation {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "SUM" => Self::Sum,
            "COUNT" => Self::Count,
            "UNIQUE_COUNT" => Self::UniqueCount,
            "AVG" => Self::Avg,
            "MIN" => Self::Min,
            "MAX" => Self::Max,
            "LATEST" => Self::Latest,
            _ => return None,
        })
    }
}

/// A meter: which events it sees, what it reads of them and how it adds it up.
pub struct Meter {
    /// Its name in queries: `[a-z0-9]+(_[a-z0-9]+)*`
    pub slug: String,
    /// The CloudEvents `type` of its events, exactly
    pub event_type: String,
    /// How values are folded
    pub aggregation: Aggregation,
    /// Where the value is; absent for COUNT
    pub value: Option<Path>,
    /// Group-by keys and where their values are, in bytewise order of the keys
    pub groups: Vec<(String, Path)>,
    /// Unix second of the first visible event
    pub from: Option<i64>,
}

/// Reads and checks a list of meters, in the spelling of OpenMeter's v1 API.
///
/// `[{slug, eventType, aggregation, valueProperty?, groupBy?, eventFrom?, name?, description?}]`. Errors:
/// `meter_invalid`, `path_invalid`, `unknown_option` (400), `limit_exceeded`; `path` is like `[0].groupBy.model`.
pub fn parse_meters(value: &Value<'_>) -> Result<Vec<Meter>> {
    let list = value.as_array().ok_or_else(|| invalid("meters are a list"))?;
    if list.len() > METERS_MAX {
        return Err(Error::new("limit_exceeded", "at most 100 meters"));
    }
    let mut meters: Vec<Meter> = Vec::new();
    for (at, value) in list.iter().enumerate() {
        let meter = Meter::parse(value).and_then(|meter| {
            let taken = meters.iter().any(|other| other.slug == meter.slug);
            if taken { Err(invalid("another meter has this slug").at("slug")) } else { Ok(meter) }
        });
        meters.push(meter.map_err(|e| e.at_index(at))?);
    }
    Ok(meters)
}

#[cold]
#[inline(never)]
fn invalid(rule: &'static str) -> Error {
    Error::new("meter_invalid", rule).http(400)
}

/// An optional string of 1 to `max` characters.
fn text<'v>(value: &'v Value<'_>, field: &str, max: usize, rule: &'static str) -> Result<Option<&'v str>> {
    let Some(value) = value.present(field) else { return Ok(None) };
    match value.as_str() {
        Some(text) if !text.is_empty() && text.chars().nth(max).is_none() => Ok(Some(text)),
        _ => Err(invalid(rule).at(field)),
    }
}

fn path(text: &str) -> Result<Path> {
    if text.starts_with('$') { Path::parse(text) } else { Err(invalid("a path begins with $")) }
}

fn is_slug(text: &str) -> bool {
    let mut before = b'_';
    for byte in text.bytes() {
        if !(matches!(byte, b'a'..=b'z' | b'0'..=b'9') || (byte == b'_' && before != b'_')) {
            return false;
        }
        before = byte;
    }
    before != b'_'
}

fn is_key(text: &str) -> bool {
    let is_part = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    text.bytes().all(is_part) && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

impl Meter {
    /// Reads and checks one meter.
    pub fn parse(value: &Value<'_>) -> Result<Self> {
        const SLUG: &str = "a slug is 1 to 64 lower-case letters and digits, its parts joined by single underscores";
        const EVENT_TYPE: &str = "an event type is a string that is not empty";
        const VALUE: &str = "a value property is required, except for COUNT, which has none";
        if value.as_object().is_none() {
            return Err(invalid("a meter is an object"));
        }
        value
            .only(&["slug", "eventType", "aggregation", "valueProperty", "groupBy", "eventFrom", "name", "description"])
            .map_err(|e| e.http(400))?;
        let missing = |rule, field| move || invalid(rule).at(field);
        let slug = text(value, "slug", 64, SLUG)?.filter(|slug| is_slug(slug)).ok_or_else(missing(SLUG, "slug"))?;
        text(value, "name", 256, "a name has 1 to 256 characters")?;
        text(value, "description", 1024, "a description has 1 to 1,024 characters")?;
        let event_type =
            text(value, "eventType", usize::MAX, EVENT_TYPE)?.ok_or_else(missing(EVENT_TYPE, "eventType"))?;
        let aggregation = value.get("aggregation").and_then(Value::as_str).and_then(Aggregation::parse).ok_or_else(
            missing("an aggregation is SUM, COUNT, UNIQUE_COUNT, AVG, MIN, MAX or LATEST", "aggregation"),
        )?;
        let property = text(value, "valueProperty", usize::MAX, VALUE)?;
        if property.is_none() != (aggregation == Aggregation::Count) {
            return Err(invalid(VALUE).at("valueProperty"));
        }
        let value_path = property.map(path).transpose().map_err(|e| e.at("valueProperty"))?;
        let from = match text(value, "eventFrom", usize::MAX, "not an RFC 3339 time")? {
            None => None,
            Some(time) => {
                let time = Instant::parse(time).map_err(|_| invalid("not an RFC 3339 time").at("eventFrom"))?;
                Some(time.seconds)
            }
        };
        Ok(Self {
            slug: slug.to_owned(),
            event_type: event_type.to_owned(),
            aggregation,
            value: value_path,
            groups: groups(value, property).map_err(|e| e.at("groupBy"))?,
            from,
        })
    }
}

fn groups(meter: &Value<'_>, property: Option<&str>) -> Result<Vec<(String, Path)>> {
    let Some(value) = meter.present("groupBy") else { return Ok(Vec::new()) };
    let members = value.as_object().ok_or_else(|| invalid("groupBy is an object of keys and paths"))?;
    let mut groups: Vec<(String, Path)> = Vec::new();
    for (key, value) in members {
        let fail = |rule| Err(invalid(rule).at(key));
        if !is_key(key) {
            return fail("a group key is letters, digits and underscores, and does not begin with a digit");
        }
        let Some(text) = value.as_str() else { return fail("a group's path is a string") };
        if Some(text) == property {
            return fail("a group's path is not that of the value");
        }
        let path = path(text).map_err(|e| e.at(key))?;
        // Of duplicate keys the last wins, as in any JSON object.
        groups.retain(|(other, _)| other != key);
        let at = groups.iter().take_while(|(other, _)| other.as_str() < key.as_ref()).count();
        groups.insert(at, (key.to_string(), path));
    }
    if groups.len() > GROUP_BY_MAX {
        return Err(Error::new("limit_exceeded", "at most 16 group-by keys"));
    }
    Ok(groups)
}
