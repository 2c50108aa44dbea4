//! Which names are meant: the price book's matchers.
//!
//! ```text
//! Match { eq?: text | [text], sw?, ew?, ct?,   equals, starts with, ends with, contains
//!         eqm?, swm?,                          the same with `#` for any one digit
//!         or?: [Match], and?: [Match], not?: Match }
//! ```
//!
//! Several keys in one object mean "or". Names come in lower case. There are no regexes: an engine for them would be
//! larger than all of the core.

use crate::error::{Error, Result};
use crate::json::Value;

/// How closely a name was matched: a prefix can price a new model as an older one.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) enum Matched {
    Exact,
    Prefix,
    Loose,
}

pub(super) struct Matcher(Vec<Test>);

enum Test {
    Equals(String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    EqualsMask(String),
    StartsWithMask(String),
    Any(Vec<Matcher>),
    All(Vec<Matcher>),
    Not(Matcher),
}

impl Matcher {
    /// Error: `invalid_price_book`.
    pub(super) fn read(value: &Value) -> Result<Self> {
        let members = value.as_object().ok_or_else(|| invalid("a match is an object"))?;
        let mut tests = Vec::with_capacity(members.len());
        for (key, value) in members {
            read(key, value, &mut tests).map_err(|e| e.at(key))?;
        }
        Ok(Self(tests))
    }

    pub(super) fn find(&self, name: &str) -> Option<Matched> {
        self.0.iter().find_map(|test| test.find(name))
    }
}

impl Test {
    fn find(&self, name: &str) -> Option<Matched> {
        let (holds, matched) = match self {
            Self::Equals(text) => (name == text, Matched::Exact),
            Self::EqualsMask(mask) => (name.len() == mask.len() && begins(name, mask), Matched::Exact),
            Self::StartsWith(text) => (name.starts_with(text.as_str()), Matched::Prefix),
            Self::StartsWithMask(mask) => (begins(name, mask), Matched::Prefix),
            Self::EndsWith(text) => (name.ends_with(text.as_str()), Matched::Loose),
            Self::Contains(text) => (contains(name, text), Matched::Loose),
            Self::Any(any) => return any.iter().find_map(|m| m.find(name)),
            Self::All(all) => (all.iter().all(|m| m.find(name).is_some()), Matched::Loose),
            Self::Not(not) => (not.find(name).is_none(), Matched::Loose),
        };
        holds.then_some(matched)
    }
}

/// Whether the text occurs in the name. (`str::contains` is a searcher of 7 KB.)
fn contains(name: &str, text: &str) -> bool {
    text.is_empty() || name.as_bytes().windows(text.len()).any(|part| part == text.as_bytes())
}

/// Whether a name begins as the mask says.
fn begins(name: &str, mask: &str) -> bool {
    let mut bytes = name.bytes();
    mask.bytes().all(|m| bytes.next().is_some_and(|b| if m == b'#' { b.is_ascii_digit() } else { b == m }))
}

#[cold]
fn invalid(message: &'static str) -> Error {
    Error::new("invalid_price_book", message)
}

fn read(key: &str, value: &Value, tests: &mut Vec<Test>) -> Result<()> {
    let text = |v: &Value| v.as_str().map(str::to_ascii_lowercase).ok_or_else(|| invalid("this is not a text"));
    let list = || {
        let items = value.as_array().ok_or_else(|| invalid("this is not a list"))?;
        items.iter().map(Matcher::read).collect::<Result<Vec<_>>>()
    };
    let test = match key {
        "eq" => {
            for item in value.as_array().unwrap_or(std::slice::from_ref(value)) {
                tests.push(Test::Equals(text(item)?));
            }
            return Ok(());
        }
        "sw" => Test::StartsWith(text(value)?),
        "ew" => Test::EndsWith(text(value)?),
        "ct" => Test::Contains(text(value)?),
        "eqm" => Test::EqualsMask(text(value)?),
        "swm" => Test::StartsWithMask(text(value)?),
        "or" => Test::Any(list()?),
        "and" => Test::All(list()?),
        "not" => Test::Not(Matcher::read(value)?),
        _ => return Err(invalid("there is no such match").help("eq, sw, ew, ct, eqm, swm, or, and, not")),
    };
    tests.push(test);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(matcher: &str, name: &str) -> Option<Matched> {
        Matcher::read(&Value::parse(matcher).unwrap()).unwrap().find(name)
    }

    #[test]
    fn matches() {
        use Matched::{Exact, Loose, Prefix};
        for (matcher, name, want) in [
            (r#"{"eq":"GPT-5"}"#, "gpt-5", Some(Exact)),
            (r#"{"eq":["a","b"],"sw":"c"}"#, "b", Some(Exact)),
            (r#"{"eq":["a","b"],"sw":"c"}"#, "cd", Some(Prefix)),
            (r#"{"eq":["a","b"],"sw":"c"}"#, "d", None),
            (r#"{"ew":"-x"}"#, "a-x", Some(Loose)),
            (r#"{"ct":"laud"}"#, "claude", Some(Loose)),
            (r#"{"eqm":"m-####"}"#, "m-2025", Some(Exact)),
            (r#"{"eqm":"m-####"}"#, "m-20251", None),
            (r#"{"eqm":"m-####"}"#, "m-202x", None),
            (r#"{"swm":"o#"}"#, "o3-mini", Some(Prefix)),
            (r#"{"swm":"o#"}"#, "o", None),
            (r#"{"or":[{"eq":"a"},{"eqm":"a-#"}]}"#, "a-1", Some(Exact)),
            (r#"{"and":[{"sw":"a"},{"not":{"ct":"/"}}]}"#, "ab", Some(Loose)),
            (r#"{"and":[{"sw":"a"},{"not":{"ct":"/"}}]}"#, "a/b", None),
            ("{}", "a", None),
        ] {
            assert_eq!(find(matcher, name), want, "{matcher} {name}");
        }
        for (matcher, path) in [
            ("7", None),
            (r#"{"re":"^a"}"#, Some("re")),
            (r#"{"eq":7}"#, Some("eq")),
            (r#"{"or":{"eq":"a"}}"#, Some("or")),
            (r#"{"not":{"sw":[]}}"#, Some("not.sw")),
        ] {
            let error = Matcher::read(&Value::parse(matcher).unwrap()).err().unwrap();
            assert_eq!((error.code, error.path.as_deref()), ("invalid_price_book", path));
        }
    }
}
