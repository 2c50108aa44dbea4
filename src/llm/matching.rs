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
    let (mut first, mut all) = (None, true);
    match key {
        "or" | "and" => {
            for item in value.as_array().ok_or_else(|| invalid("this is not a list"))? {
                let matched = find(item, name)?;
                all &= matched.is_some();
                first = first.or(matched);
            }
            let both = all.then_some(Matched::Loose);
            return Ok(if key == "or" { first } else { both });
        }
        "not" => return Ok(if find(value, name)?.is_none() { Some(Matched::Loose) } else { None }),
        _ => {}
    }
    for item in value.as_array().filter(|_| key == "eq").unwrap_or(std::slice::from_ref(value)) {
        let text = item.as_str().ok_or_else(|| invalid("this is not a text"))?;
        first = first.or(find_text(key, text.as_bytes(), name.as_bytes())?);
    }
    Ok(first)
}

fn find_text(key: &str, text: &[u8], name: &[u8]) -> Result<Option<Matched>> {
    let (matched, everywhere) = match key {
        "eq" | "eqm" => (Matched::Exact, false),
        "sw" | "swm" => (Matched::Prefix, false),
        "ew" => (Matched::Loose, false),
        "ct" => (Matched::Loose, true),
        _ => return Err(invalid("there is no such match").help("eq, sw, ew, ct, eqm, swm, or, and, not")),
    };
    let Some(last) = name.len().checked_sub(text.len()) else { return Ok(None) };
    let (from, until) = match matched {
        Matched::Exact if last > 0 => return Ok(None),
        Matched::Exact | Matched::Prefix => (0, 0),
        Matched::Loose => (if everywhere { 0 } else { last }, last),
    };
    for at in from..=until {
        let mut bytes = name.iter().skip(at);
        let digits = key.len() == 3;
        if text.iter().all(|wanted| {
            bytes
                .next()
                .is_some_and(|b| b.eq_ignore_ascii_case(wanted) || digits && *wanted == b'#' && b.is_ascii_digit())
        }) {
            return Ok(Some(matched));
        }
    }
    Ok(None)
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
