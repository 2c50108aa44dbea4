//! Filters on a group's text: the operators of OpenMeter's v1 API (`$eq`, …) and of v3 (`eq`, …).
//!
//! The spelling says which is meant. As on the server, an operator that v1 does not know is ignored.

use crate::error::{Error, Result};
use crate::json::Value;
use crate::limits::FILTER_DEPTH_MAX;

/// A checked filter.
pub enum Filter<'v> {
    /// All of them match.
    All(Vec<Filter<'v>>),
    /// One of them matches.
    Any(Vec<Filter<'v>>),
    /// An operator on one text or, for [`Operator::In`], a list; true if it must not match.
    Test(Operator, bool, Vec<&'v str>),
}

#[cold]
#[inline(never)]
fn invalid(message: &'static str) -> Error {
    Error::new("filter_invalid", message).http(400)
}

impl<'v> Filter<'v> {
    /// Checks a filter; `None` filters nothing. Errors: `filter_invalid` (400, or 500), `limit_exceeded`.
    pub fn parse(value: &'v Value<'_>) -> Result<Option<Self>> {
        parse(value, 0)
    }

    /// True if it lets the text through.
    pub fn matches(&self, text: &str) -> bool {
        let (operator, negative, texts) = match self {
            Self::All(parts) => return parts.iter().all(|part| part.matches(text)),
            Self::Any(parts) => return parts.iter().any(|part| part.matches(text)),
            Self::Test(operator, negative, texts) => (operator, negative, texts),
        };
        let other = texts.first().copied().unwrap_or_default();
        let order = text.as_bytes().cmp(other.as_bytes());
        let found = match operator {
            Operator::In => texts.contains(&text),
            Operator::Like => like(other.as_bytes(), text.as_bytes(), false),
            Operator::LikeFolded => like(other.as_bytes(), text.as_bytes(), true),
            Operator::Contains => has_part(text, other),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Exists | Operator::And | Operator::Or => false,
        };
        found != *negative
    }
}

/// True if a text has another in it.
#[inline(never)]
pub fn has_part(text: &str, part: &str) -> bool {
    part.is_empty() || text.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
}

/// What an operator asks; `$eq` is [`Operator::In`] with one text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// It is one of the texts.
    In,
    /// The whole text matches a pattern.
    Like,
    /// The same, with A to Z as a to z on both sides.
    LikeFolded,
    /// It has the text in it.
    Contains,
    /// Its bytes come after.
    Greater,
    /// They come after, or are equal.
    GreaterOrEqual,
    /// They come before.
    Less,
    /// They come before, or are equal.
    LessOrEqual,
    /// `true` lets all through, `false` nothing.
    Exists,
    /// See [`Filter::All`].
    And,
    /// See [`Filter::Any`].
    Or,
}

/// The operators of both APIs; true for the negative ones.
const OPERATORS: [(&str, Operator, bool); 23] = [
    ("$eq", Operator::In, false),
    ("$ne", Operator::In, true),
    ("$in", Operator::In, false),
    ("$nin", Operator::In, true),
    ("$like", Operator::Like, false),
    ("$nlike", Operator::Like, true),
    ("$ilike", Operator::LikeFolded, false),
    ("$nilike", Operator::LikeFolded, true),
    ("$gt", Operator::Greater, false),
    ("$gte", Operator::GreaterOrEqual, false),
    ("$lt", Operator::Less, false),
    ("$lte", Operator::LessOrEqual, false),
    ("$and", Operator::And, false),
    ("$or", Operator::Or, false),
    ("eq", Operator::In, false),
    ("neq", Operator::In, true),
    ("in", Operator::In, false),
    ("nin", Operator::In, true),
    ("contains", Operator::Contains, false),
    ("ncontains", Operator::Contains, true),
    ("exists", Operator::Exists, false),
    ("and", Operator::And, false),
    ("or", Operator::Or, false),
];

fn parse<'v>(value: &'v Value<'_>, depth: usize) -> Result<Option<Filter<'v>>> {
    if depth > FILTER_DEPTH_MAX {
        return Err(Error::new("limit_exceeded", "a filter is at most 32 deep"));
    }
    let members = match value {
        Value::Null => return Ok(None),
        Value::Object(members) => members,
        _ => return Err(invalid("a filter is an object with one operator")),
    };
    let mut found = None;
    for (name, operand) in members {
        if *operand == Value::Null {
            continue;
        }
        let known = OPERATORS.iter().find(|(known, _, _)| known == name);
        if known.is_some() && found.is_some() {
            return Err(invalid("one operator in one object").at(name).help("join several with $and or $or"));
        }
        match known {
            Some((name, operator, negative)) => found = Some((*name, *operator, *negative, operand)),
            None if name.starts_with('$') => {}
            None => return Err(invalid("there is no such operator").at(name)),
        }
    }
    let Some((name, operator, negative, operand)) = found else { return Ok(None) };
    if operator == Operator::And || operator == Operator::Or {
        let Some(list) = operand.as_array() else { return Err(invalid("a list of filters is missing").at(name)) };
        if depth > 1 && !name.starts_with('$') {
            return Err(invalid("and, or are at most two levels deep").at(name));
        }
        let mut parts = Vec::new();
        for (at, value) in list.iter().enumerate() {
            if let Some(part) = parse(value, depth + 1).map_err(|e| e.at_index(at).at(name))? {
                parts.push(part);
            }
        }
        return Ok(match operator {
            _ if parts.is_empty() => None,
            Operator::And => Some(Filter::All(parts)),
            _ => Some(Filter::Any(parts)),
        });
    }
    test(name, operator, negative, operand).map(Some).map_err(|e| e.at(name))
}

fn test<'v>(name: &str, operator: Operator, negative: bool, operand: &'v Value<'_>) -> Result<Filter<'v>> {
    let mut texts = Vec::new();
    match operand {
        // It looks at nothing on the server. All of no parts match, and none of them.
        Value::Bool(true) if operator == Operator::Exists => return Ok(Filter::All(Vec::new())),
        Value::Bool(false) if operator == Operator::Exists => return Ok(Filter::Any(Vec::new())),
        Value::Array(list) if name.ends_with("in") => {
            for value in list {
                texts.push(text(value)?);
            }
        }
        Value::String(_) if !name.ends_with("in") && operator != Operator::Exists => texts.push(text(operand)?),
        _ => return Err(invalid("the operator takes another type")),
    }
    if matches!(operator, Operator::Like | Operator::LikeFolded) {
        let pattern = texts.first().copied().unwrap_or_default();
        // Before a lone backslash at the end stand none or pairs.
        if pattern.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1 {
            return Err(invalid("the pattern ends in a lone backslash").help("write it twice").http(500));
        }
    }
    Ok(Filter::Test(operator, negative, texts))
}

fn text<'v>(value: &'v Value<'_>) -> Result<&'v str> {
    match value.as_str() {
        None => Err(invalid("a string is missing")),
        Some("") => Err(invalid("the server refuses an empty string").help("missing values cannot be asked for")),
        Some(text) => Ok(text),
    }
}

/// `%` is any run, `_` one code point; `\` before `%`, `_`, `\` makes it literal, and is itself elsewhere.
///
/// Two pointers and one place to go back to, so that no pattern costs more than its length times the text's.
fn like(mut pattern: &[u8], mut text: &[u8], fold: bool) -> bool {
    let mut back = None;
    loop {
        let (after, fits) = match (pattern, text) {
            ([b'%', after @ ..], _) => {
                back = Some((after, text));
                pattern = after;
                continue;
            }
            ([], []) => return true,
            ([b'_', after @ ..], [_, ..]) => {
                // To the last byte of the code point.
                while let [_, rest @ ..] = text
                    && let [0x80..=0xbf, ..] = rest
                {
                    text = rest;
                }
                (after, true)
            }
            ([b'\\', want @ (b'%' | b'_' | b'\\'), after @ ..] | [want, after @ ..], [byte, ..]) => {
                (after, want == byte || (fold && want.eq_ignore_ascii_case(byte)))
            }
            _ => (pattern, false),
        };
        if fits {
            pattern = after;
        } else {
            // The run takes one byte more. A code point cut in two fits nothing but the next run.
            let Some((after_run, [_, rest @ ..])) = back else { return false };
            back = Some((after_run, rest));
            (pattern, text) = (after_run, rest);
            continue;
        }
        text = text.get(1..).unwrap_or_default();
    }
}
