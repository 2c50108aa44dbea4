//! Meter definitions, checked as the server checks them when a meter is created.

use super::dodo::{self, Clause};
use super::path::{Document, Path};
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

const AGGREGATIONS: [(&str, Aggregation); 7] = [
    ("SUM", Aggregation::Sum),
    ("COUNT", Aggregation::Count),
    ("UNIQUE_COUNT", Aggregation::UniqueCount),
    ("AVG", Aggregation::Avg),
    ("MIN", Aggregation::Min),
    ("MAX", Aggregation::Max),
    ("LATEST", Aggregation::Latest),
];

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
    /// What its events must be like, of a meter of Dodo's: a product of its own rules (`dodo.rs`)
    pub dodo: Option<Clause>,
}

/// Reads and checks a list of meters, each in the spelling of OpenMeter's v1 API, of its v3 API, or of Dodo's:
///
/// - `{slug, eventType, aggregation, valueProperty?, groupBy?, eventFrom?, name?, description?, dialect?}`
/// - `{key, event_type, aggregation, value_property?, dimensions?, events_from?, name?, description?, dialect?}`
/// - `{event_name, aggregation: {type, key?}, name?, measurement_unit?, filter?, description?}`
///
/// Errors: `meter_invalid`, `path_invalid`, `unknown_option` (400), `dialect_unavailable`, `path_regex_refused`,
/// `limit_exceeded`; `path` is like `[0].groupBy.model`.
pub fn parse_meters(value: &Value<'_>) -> Result<Vec<Meter>> {
    let Some(list) = value.as_array() else { return Err(Error::new("meter_invalid", "meters are a list").http(400)) };
    if list.len() > METERS_MAX {
        return Err(Error::new("limit_exceeded", "at most 100 meters"));
    }
    let mut meters: Vec<Meter> = Vec::new();
    for (at, value) in list.iter().enumerate() {
        let mut meter = Meter::parse(value);
        if meter.as_ref().is_ok_and(|meter| meters.iter().any(|other| other.slug == meter.slug)) {
            let names = ["slug", "key", "name", "event_name"];
            let name = names.iter().find(|name| value.get(name).is_some());
            meter = Err(invalid(name.unwrap_or(&"slug"), "another meter has this name"));
        }
        meters.push(meter.map_err(|e| e.at_index(at))?);
    }
    Ok(meters)
}

#[cold]
#[inline(never)]
pub(super) fn invalid(field: &str, rule: &'static str) -> Error {
    Error::new("meter_invalid", rule).at(field).http(400)
}

/// The members' names in the two versions of the API, first those that are texts.
const V1: [&str; 9] =
    ["slug", "eventType", "valueProperty", "eventFrom", "name", "description", "groupBy", "aggregation", DIALECT];
const V3: [&str; 9] =
    ["key", "event_type", "value_property", "events_from", "name", "description", "dimensions", "aggregation", DIALECT];
const DIALECT: &str = "dialect";

/// The texts have 1 to so many characters.
const TEXTS: [(usize, &str); 6] = [
    (64, SLUG),
    (usize::MAX, EVENT_TYPE),
    (usize::MAX, VALUE),
    (usize::MAX, FROM),
    (256, "1 to 256 characters"),
    (1024, "1 to 1,024 characters"),
];
const SLUG: &str = "a slug is 1 to 64 lower-case letters and digits, its parts joined by single underscores";
const EVENT_TYPE: &str = "an event type is a string that is not empty";
const VALUE: &str = "a value property is required, except for COUNT, which has none";
const FROM: &str = "not an RFC 3339 time";

fn path(field: &str, text: &str, dialect: Dialect) -> Result<Path> {
    if !text.starts_with('$') {
        return Err(invalid(field, "a path begins with $"));
    }
    dialect(text).map_err(|e| e.at(field))
}

/// How the text of a path is read.
type Dialect = fn(&str) -> Result<Path>;

fn dialect(meter: &Value<'_>) -> Result<Dialect> {
    match meter.present("dialect") {
        None => Ok(Path::parse),
        #[cfg(feature = "rfc9535")]
        Some(Value::String(name)) if name == "rfc9535" => Ok(Path::parse_rfc9535),
        #[cfg(feature = "rfc9535")]
        Some(_) => Err(invalid("dialect", "rfc9535, or leave it out for the meter server's")),
        #[cfg(not(feature = "rfc9535"))]
        Some(_) => {
            Err(Error::new("dialect_unavailable", "other paths than the meter server's need taximeter/full")
                .at("dialect"))
        }
    }
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
        if value.as_object().is_none() {
            return Err(Error::new("meter_invalid", "a meter is an object").http(400));
        }
        if value.get("event_name").is_some() {
            return dodo::parse(value).map_err(|e| e.http(400));
        }
        let v3 = value.get("key").is_some() || value.get("event_type").is_some();
        let names = if v3 { &V3 } else { &V1 };
        value.only(names).map_err(|e| e.http(400))?;
        let mut texts = [""; 6];
        for ((field, (max, rule)), text) in names.iter().zip(&TEXTS).zip(&mut texts) {
            if let Some(value) = value.present(field) {
                *text = value.as_str().unwrap_or_default();
                let characters = text.bytes().filter(|byte| byte & 0xc0 != 0x80).count();
                if text.is_empty() || characters > *max {
                    return Err(invalid(field, rule));
                }
            }
        }
        let [slug, event_type, property, from, ..] = texts;
        let [slug_name, type_name, property_name, from_name, _, _, groups_name, ..] = *names;
        if !is_slug(slug) {
            return Err(invalid(slug_name, SLUG));
        }
        if event_type.is_empty() {
            return Err(invalid(type_name, EVENT_TYPE));
        }
        let name = value.get("aggregation").and_then(Value::as_str).unwrap_or_default();
        let is_name = |(known, _): &&(&str, Aggregation)| {
            if v3 { known.to_ascii_lowercase() == name } else { *known == name }
        };
        let Some((_, aggregation)) = AGGREGATIONS.iter().find(is_name) else {
            let rule = "SUM, COUNT, UNIQUE_COUNT, AVG, MIN, MAX or LATEST; in the names of v3 in lower case";
            return Err(invalid("aggregation", rule));
        };
        if property.is_empty() != (*aggregation == Aggregation::Count) {
            return Err(invalid(property_name, VALUE));
        }
        let mut meter = Self {
            slug: slug.to_owned(),
            event_type: event_type.to_owned(),
            aggregation: *aggregation,
            value: None,
            groups: Vec::new(),
            from: None,
            dodo: None,
        };
        let dialect = dialect(value)?;
        if !property.is_empty() {
            meter.value = Some(path(property_name, property, dialect)?);
        }
        if !from.is_empty() {
            meter.from = Some(Instant::parse(from).map_err(|_| invalid(from_name, FROM))?.seconds);
        }
        if let Some(groups) = value.present(groups_name) {
            let Some(groups) = groups.as_object() else {
                return Err(invalid(groups_name, "an object of keys and paths"));
            };
            for (key, value) in groups {
                if v3 && matches!(key.as_ref(), "subject" | "customer_id") {
                    return Err(invalid(key, "the event's own subject and customer have these names").at(groups_name));
                }
                meter.group(key, value, property, dialect).map_err(|e| e.at(groups_name))?;
            }
        }
        if meter.groups.len() > GROUP_BY_MAX {
            return Err(Error::new("limit_exceeded", "at most 16 group-by keys").at(groups_name));
        }
        Ok(meter)
    }

    /// All that it reads: the value's first.
    pub fn paths(&self) -> Vec<&Path> {
        self.value.iter().chain(self.groups.iter().map(|(_, path)| path)).collect()
    }

    /// Whether it sees an event with this data at this second.
    pub fn sees(&self, second: u32, document: &Document<'_>) -> bool {
        self.is_from(second) && self.dodo.as_ref().is_none_or(|clause| clause.holds(document))
    }

    /// Whether an event of this second is not too old for it.
    pub fn is_from(&self, second: u32) -> bool {
        self.from.is_none_or(|from| i64::from(second) >= from)
    }

    fn group(&mut self, key: &str, value: &Value<'_>, property: &str, dialect: Dialect) -> Result<()> {
        if !is_key(key) {
            return Err(invalid(key, "a key is letters, digits and underscores, and does not begin with a digit"));
        }
        let text = value.as_str().unwrap_or_default();
        if text == property {
            return Err(invalid(key, "a group's path is not that of the value"));
        }
        let path = path(key, text, dialect)?;
        let at = self.groups.iter().take_while(|(other, _)| other.as_str() < key).count();
        match self.groups.get_mut(at) {
            // Of duplicate keys the last wins, as in any JSON object.
            Some((other, kept)) if other == key => *kept = path,
            _ => self.groups.insert(at, (key.to_owned(), path)),
        }
        Ok(())
    }
}
