//! Which names are meant: the price book's matchers.
//!
//! ```text
//! Match { eq?: text | [text], sw?, ew?, ct?,   equals, starts with, ends with, contains
//!         eqm?, swm?,                          the same with `#` for any one digit
//!         or?: [Match], and?: [Match], not?: Match }
//! ```
//!
//! Several keys in one object mean "or". Letters match in either case. There are no regexes: an engine for them would be
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

/// How a match takes a name. All of it is looked at, so that a match which takes any name is well-formed.
///
/// Error: `invalid_price_book`.
pub(super) fn find(matcher: &Value, name: &str) -> Result<Option<Matched>> {
    let mut found = None;
    for (key, value) in matcher.as_object().ok_or_else(|| invalid("a match is an object"))? {
        let matched = find_by(key, value, name).map_err(|e| e.at(key))?;
        found = found.or(matched);
    }
    Ok(found)
}

fn find_by(key: &str, value: &Value, name: &str) -> Result<Option<Matched>> {
    let of_lists = matches!(key, "or" | "and");
    let list = value.as_array();
    if list.is_some() != of_lists && key != "eq" {
        return Err(invalid(if of_lists { "this is not a list" } else { "this is a list" }));
    }
    let (mut first, mut all) = (None, true);
    for item in list.unwrap_or(std::slice::from_ref(value)) {
        let matched = if of_lists || key == "not" { find(item, name)? } else { find_text(key, item, name)? };
        all &= matched.is_some();
        first = first.or(matched);
    }
    Ok(match key {
        "and" if all => Some(Matched::Loose),
        "not" if !all => Some(Matched::Loose),
        "and" | "not" => None,
        _ => first,
    })
}

fn find_text(key: &str, text: &Value, name: &str) -> Result<Option<Matched>> {
    let text = text.as_str().ok_or_else(|| invalid("this is not a text"))?;
    // Where it may begin: at the front, at the end, anywhere.
    let last = name.len().wrapping_sub(text.len());
    let (matched, mut at, until) = match key {
        "eq" | "eqm" => (Matched::Exact, last, 0),
        "sw" | "swm" => (Matched::Prefix, 0, 0),
        "ew" => (Matched::Loose, last, last),
        "ct" => (Matched::Loose, 0, last),
        _ => return Err(invalid("there is no such match").help("eq, sw, ew, ct, eqm, swm, or, and, not")),
    };
    while at <= until && until <= name.len() {
        if begins(name.as_bytes().get(at..).unwrap_or_default(), text, key.len() > 2) {
            return Ok(Some(matched));
        }
        at += 1;
    }
    Ok(None)
}

/// Whether a name begins with a text, in any case of letters. In a mask `#` is any digit.
#[inline(never)]
pub(super) fn begins(name: &[u8], text: &str, mask: bool) -> bool {
    let mut bytes = name.iter();
    for wanted in text.as_bytes() {
        let Some(byte) = bytes.next() else { return false };
        if !(byte.eq_ignore_ascii_case(wanted) || mask && *wanted == b'#' && byte.is_ascii_digit()) {
            return false;
        }
    }
    true
}

#[cold]
#[inline(never)]
fn invalid(message: &'static str) -> Error {
    Error::new("invalid_price_book", message)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(find(&Value::parse(matcher).unwrap(), name).unwrap(), want, "{matcher} {name}");
        }
        for (matcher, path) in [
            ("7", None),
            (r#"{"re":"^a"}"#, Some("re")),
            (r#"{"eq":7}"#, Some("eq")),
            (r#"{"or":{"eq":"a"}}"#, Some("or")),
            (r#"{"not":{"sw":[]}}"#, Some("not.sw")),
        ] {
            let error = find(&Value::parse(matcher).unwrap(), "").err().unwrap();
            assert_eq!((error.code, error.path.as_deref()), ("invalid_price_book", path));
        }
    }
}
