//! Meters of Dodo Payments: count, sum, max and last of flat metadata, behind a filter.
//!
//! (Types of the SDK 2.52.0 and the guide; what they leave open is marked "our choice". No server was asked.)

use super::definition::{Aggregation, Meter, invalid};
use super::filter::has_part;
use super::path::{Document, Path};
use super::value::{Found, What, scalar};
use crate::decimal::Decimal;
use crate::error::Result;
use crate::json::Value;
use crate::limits::DODO_FILTER_LEVELS_MAX;

const AGGREGATIONS: [(&str, Aggregation); 4] = [
    ("count", Aggregation::Count),
    ("sum", Aggregation::Sum),
    ("max", Aggregation::Max),
    // Of the full time, where OpenMeter's latest value is that of a second.
    ("last", Aggregation::Latest),
];

/// What an event must be like.
pub enum Clause {
    /// All of these hold if true, else one of them.
    Group(bool, Vec<Clause>),
    /// A property stands in a relation to a value.
    Condition(Path, Relation, Found<'static>),
}

/// A relation, and whether it is the opposite that is asked for.
type Relation = (Compare, bool);

/// How two values are compared.
#[derive(Clone, Copy)]
pub enum Compare {
    /// They are equal.
    Equal,
    /// The property is greater.
    Greater,
    /// It is less.
    Less,
    /// It has the value in it.
    Contain,
}

const OPERATORS: [(&str, Relation); 8] = [
    ("equals", (Compare::Equal, false)),
    ("not_equals", (Compare::Equal, true)),
    ("greater_than", (Compare::Greater, false)),
    ("greater_than_or_equals", (Compare::Less, true)),
    ("less_than", (Compare::Less, false)),
    ("less_than_or_equals", (Compare::Greater, true)),
    ("contains", (Compare::Contain, false)),
    ("does_not_contain", (Compare::Contain, true)),
];

/// Reads and checks one meter: `{event_name, aggregation: {type, key?}, name?, measurement_unit?, filter?, description?}`.
///
/// Queries call it by its name, or by that of its events. The unit is a label. Error: `meter_invalid`.
pub(super) fn parse(value: &Value<'_>) -> Result<Meter> {
    value.only(&["name", "event_name", "aggregation", "measurement_unit", "filter", "description", "id"])?;
    for field in ["event_name", "name", "measurement_unit", "description", "id"] {
        let text = value.present(field).map(Value::as_str);
        if text.is_some_and(|text| text.is_none_or(str::is_empty)) || (text.is_none() && field == "event_name") {
            return Err(invalid(field, "a string that is not empty"));
        }
    }
    let text = |field| value.get(field).and_then(Value::as_str);
    let event_type = text("event_name").unwrap_or_default();
    let rule = value.get("aggregation").unwrap_or(&Value::Null);
    rule.only(&["type", "key"]).map_err(|e| e.at("aggregation"))?;
    let name = rule.get("type").and_then(Value::as_str);
    let Some((_, aggregation)) = AGGREGATIONS.iter().find(|(known, _)| Some(*known) == name) else {
        return Err(invalid("type", "count, sum, max or last").at("aggregation"));
    };
    let key = rule.present("key").map(|key| key.as_str().unwrap_or_default());
    // Of a count Dodo does not look at it.
    if key.map_or(*aggregation != Aggregation::Count, str::is_empty) {
        return Err(invalid("key", "the name of a metadata member, except for count").at("aggregation"));
    }
    let filter = match value.present("filter") {
        None => Clause::Group(true, Vec::new()),
        Some(filter) => clause(filter, 0).map_err(|e| e.at("filter"))?,
    };
    Ok(Meter {
        slug: text("name").unwrap_or(event_type).to_owned(),
        event_type: event_type.to_owned(),
        aggregation: *aggregation,
        value: key.filter(|_| *aggregation != Aggregation::Count).map(Path::member),
        groups: Vec::new(),
        from: None,
        dodo: Some(filter),
    })
}

fn clause(value: &Value<'_>, level: usize) -> Result<Clause> {
    if value.get("clauses").is_some() || value.get("conjunction").is_some() {
        if level > DODO_FILTER_LEVELS_MAX {
            return Err(invalid("clauses", "filters are nested at most three levels deep"));
        }
        value.only(&["conjunction", "clauses"])?;
        let all = match value.get("conjunction").and_then(Value::as_str) {
            Some("and") => true,
            Some("or") => false,
            _ => return Err(invalid("conjunction", "and, or")),
        };
        let list = value.get("clauses").and_then(Value::as_array).unwrap_or_default();
        if list.is_empty() {
            return Err(invalid("clauses", "a list of conditions or filters that is not empty"));
        }
        let mut clauses = Vec::new();
        for (at, value) in list.iter().enumerate() {
            clauses.push(clause(value, level + 1).map_err(|e| e.at_index(at).at("clauses"))?);
        }
        return Ok(Clause::Group(all, clauses));
    }
    if level == 0 {
        return Err(invalid("clauses", "a filter is an object with conjunction and clauses"));
    }
    value.only(&["key", "operator", "value"])?;
    let text = |field| value.get(field).and_then(Value::as_str).unwrap_or_default();
    if text("key").is_empty() {
        return Err(invalid("key", "the name of a metadata member"));
    }
    let Some((_, relation)) = OPERATORS.iter().find(|(known, _)| *known == text("operator")) else {
        return Err(invalid("operator", "there is no such operator").help(OPERATORS.map(|(name, _)| name).join(", ")));
    };
    let json = value.get("value").unwrap_or(&Value::Null).to_json();
    let found = scalar(&json);
    if matches!(found.what, What::Missing | What::NotScalar | What::Null) {
        return Err(invalid("value", "a string, a number or a boolean"));
    }
    let value = Found { what: found.what, text: found.text.into_owned().into() };
    Ok(Clause::Condition(Path::member(text("key")), *relation, value))
}

impl Clause {
    /// Whether it holds of an event's metadata. Where a property is missing no condition on it holds, whichever it is.
    pub fn holds(&self, metadata: &Document<'_>) -> bool {
        match self {
            Self::Group(true, clauses) => clauses.iter().all(|clause| clause.holds(metadata)),
            Self::Group(_, clauses) => clauses.iter().any(|clause| clause.holds(metadata)),
            Self::Condition(key, (compare, opposite), value) => {
                let found = key.find(metadata);
                if matches!(found.what, What::Missing | What::NotScalar | What::Null) {
                    return false;
                }
                compare.of(&found, value).is_some_and(|holds| holds != *opposite)
            }
        }
    }

    /// Whether it compares values of different types in an event, which no documentation speaks of.
    pub fn is_guess(&self, metadata: &Document<'_>) -> bool {
        match self {
            Self::Group(_, clauses) => clauses.iter().any(|clause| clause.is_guess(metadata)),
            Self::Condition(key, (compare, _), value) => {
                let found = key.find(metadata);
                !matches!(found.what, What::Missing | What::NotScalar | What::Null)
                    && (found.what != value.what || compare.of(&found, value).is_none())
            }
        }
    }
}

impl Compare {
    /// `None` where the types do not fit, then neither the relation holds nor its opposite. Our choice: values of
    /// different types are unequal, only numbers have an order, only strings have parts, with case.
    fn of(self, found: &Found<'_>, value: &Found<'_>) -> Option<bool> {
        let both = |what| found.what == what && value.what == what;
        match self {
            Self::Equal if both(What::Number) => Some(number(found)? == number(value)?),
            Self::Equal => Some(found.what == value.what && found.text == value.text),
            Self::Contain if both(What::String) => Some(has_part(&found.text, &value.text)),
            Self::Greater if both(What::Number) => Some(number(found)? > number(value)?),
            Self::Less if both(What::Number) => Some(number(found)? < number(value)?),
            _ => None,
        }
    }
}

fn number(found: &Found<'_>) -> Option<Decimal> {
    Decimal::parse(&found.text).ok()
}
