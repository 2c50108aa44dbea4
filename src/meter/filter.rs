//! Filters on a group's text: the operators of OpenMeter's v1 API (`$eq`, …) and of v3 (`eq`, …).
//!
//! The spelling says which is meant. As on the server, an operator that v1 does not know is ignored.

use std::cmp::Ordering;

use crate::error::{Error, Result};
use crate::json::Value;
use crate::limits::FILTER_DEPTH_MAX;

/// A compiled filter.
pub enum Filter {
    /// All of them match.
    All(Vec<Filter>),
    /// One of them matches.
    Any(Vec<Filter>),
    /// It does not match.
    Not(Box<Filter>),
    /// `exists`, which looks at nothing on the server.
    Always(bool),
    /// One of these texts, exactly.
    In(Vec<String>),
    /// A pattern over the whole text.
    Like(Vec<Token>),
    /// The same, with A to Z as a to z on both sides.
    LikeFolded(Vec<Token>),
    /// Bytewise before or after the text, or possibly equal to it.
    Order(Ordering, bool, String),
}

/// A part of a pattern.
pub enum Token {
    /// `%`: any run
    Run,
    /// `_`: one code point
    One,
    /// Itself
    Char(char),
}

#[cold]
#[inline(never)]
fn invalid(message: &'static str) -> Error {
    Error::new("filter_invalid", message).http(400)
}

impl Filter {
    /// Compiles a filter; `None` filters nothing. Errors: `filter_invalid` (400, or 500), `limit_exceeded`.
    pub fn parse(value: &Value<'_>) -> Result<Option<Self>> {
        parse(value, 0)
    }

    /// True if it lets the text through.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(text)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(text)),
            Self::Not(part) => !part.matches(text),
            Self::Always(answer) => *answer,
            Self::In(texts) => texts.iter().any(|other| other == text),
            Self::Like(pattern) => like(pattern, text, |c| c),
            Self::LikeFolded(pattern) => like(pattern, text, |c| c.to_ascii_lowercase()),
            Self::Order(order, equal, other) => match text.as_bytes().cmp(other.as_bytes()) {
                Ordering::Equal => *equal,
                found => found == *order,
            },
        }
    }
}

fn parse(value: &Value<'_>, depth: usize) -> Result<Option<Filter>> {
    if depth > FILTER_DEPTH_MAX {
        return Err(Error::new("limit_exceeded", "a filter is at most 32 deep"));
    }
    let Some(members) = value.as_object() else {
        return if *value == Value::Null { Ok(None) } else { Err(invalid("a filter is an object with one operator")) };
    };
    let mut found: Option<(&str, &Value<'_>)> = None;
    for (name, operand) in members {
        if *operand == Value::Null || !is_known(name) {
            if !name.starts_with('$') && *operand != Value::Null {
                return Err(invalid("there is no such operator").at(name));
            }
            continue;
        }
        if found.is_some_and(|(other, _)| other != name) {
            return Err(invalid("one operator in one object").at(name).help("join several with $and or $or"));
        }
        found = Some((name, operand));
    }
    let Some((name, operand)) = found else { return Ok(None) };
    operator(name, operand, depth).map_err(|e| e.at(name))
}

fn is_known(name: &str) -> bool {
    let v1 = ["eq", "ne", "in", "nin", "like", "nlike", "ilike", "nilike", "gt", "gte", "lt", "lte", "and", "or"];
    match name.strip_prefix('$') {
        Some(name) => v1.contains(&name),
        None => ["eq", "neq", "in", "nin", "contains", "ncontains", "exists", "and", "or"].contains(&name),
    }
}

fn operator(name: &str, operand: &Value<'_>, depth: usize) -> Result<Option<Filter>> {
    let bare = name.strip_prefix('$').unwrap_or(name);
    let filter = match bare {
        "and" | "or" => {
            if bare == name && depth > 1 {
                return Err(invalid("and, or are at most two levels deep"));
            }
            let list = operand.as_array().ok_or_else(|| invalid("a list of filters is missing"))?;
            let mut parts = Vec::new();
            for (at, value) in list.iter().enumerate() {
                let part = parse(value, depth + 1).map_err(|e| e.at(&["[", &at.to_string(), "]"].concat()))?;
                parts.extend(part);
            }
            return Ok(if parts.is_empty() {
                None
            } else if bare == "and" {
                Some(Filter::All(parts))
            } else {
                Some(Filter::Any(parts))
            });
        }
        "exists" => match operand {
            Value::Bool(answer) => Filter::Always(*answer),
            _ => return Err(invalid("true or false is missing")),
        },
        "in" | "nin" => {
            let list = operand.as_array().ok_or_else(|| invalid("a list of strings is missing"))?;
            Filter::In(list.iter().map(text).collect::<Result<_>>()?)
        }
        "eq" | "ne" | "neq" => Filter::In(vec![text(operand)?]),
        "like" | "nlike" => Filter::Like(pattern(&text(operand)?)?),
        "ilike" | "nilike" => Filter::LikeFolded(pattern(&text(operand)?.to_ascii_lowercase())?),
        "contains" | "ncontains" => {
            let text = text(operand)?;
            Filter::Like([Token::Run].into_iter().chain(text.chars().map(Token::Char)).chain([Token::Run]).collect())
        }
        _ => {
            let order = if bare.starts_with('g') { Ordering::Greater } else { Ordering::Less };
            Filter::Order(order, bare.ends_with('e'), text(operand)?)
        }
    };
    Ok(Some(if bare.starts_with('n') { Filter::Not(Box::new(filter)) } else { filter }))
}

fn text(value: &Value<'_>) -> Result<String> {
    let Some(text) = value.as_str() else { return Err(invalid("a string is missing")) };
    if text.is_empty() {
        return Err(invalid("the server refuses an empty string").help("missing values cannot be asked for"));
    }
    Ok(text.to_owned())
}

/// `%` any run, `_` one code point; `\` before `%`, `_`, `\` makes it literal, and is itself elsewhere.
fn pattern(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '%' => Token::Run,
            '_' => Token::One,
            '\\' => match chars.as_str().chars().next() {
                Some(next @ ('%' | '_' | '\\')) => {
                    chars.next();
                    Token::Char(next)
                }
                Some(_) => Token::Char('\\'),
                None => return Err(invalid("the pattern ends in a lone backslash").help("write it twice").http(500)),
            },
            c => Token::Char(c),
        });
    }
    Ok(tokens)
}

/// Two pointers and one place to go back to, so that no pattern costs more than its length times the text's.
fn like(pattern: &[Token], text: &str, fold: fn(char) -> char) -> bool {
    let (mut tokens, mut rest) = (pattern, text.chars());
    let mut back = None;
    loop {
        let mut after = rest.clone();
        match (tokens.split_first(), after.next()) {
            (Some((Token::Run, more)), _) => {
                tokens = more;
                back = Some((more, rest.clone()));
                continue;
            }
            (Some((Token::One, more)), Some(_)) => {
                (tokens, rest) = (more, after);
                continue;
            }
            (Some((Token::Char(want), more)), Some(c)) if *want == fold(c) => {
                (tokens, rest) = (more, after);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((after_run, from)) = &mut back else { return false };
        if from.next().is_none() {
            return false;
        }
        (tokens, rest) = (*after_run, from.clone());
    }
}
