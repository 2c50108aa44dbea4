//! One walk over an event's `data`.

use crate::error::{Error, Result};
use crate::json::{Kind, Reader};
use crate::limits::{EVENT_DEPTH_MAX, EVENT_KEYS_MAX};

/// What a door refuses in `data`, by the codes it refuses it with.
pub(super) struct Rules {
    pub(super) too_deep: &'static str,
    pub(super) infinite: &'static str,
    /// Whether keys are counted and looked at: the client's own limits.
    pub(super) keys: bool,
}

/// Checks an object's text. Paths of errors begin with `data`.
pub(super) fn check(data: &str, rules: &Rules) -> Result<()> {
    let mut keys = 0;
    walk(&mut Reader::new(data), 0, &mut keys, rules).map_err(|e| deep(e, rules.too_deep).at("data"))
}

/// Gives the reader's own limit the door's code.
pub(super) fn deep(mut error: Error, code: &'static str) -> Error {
    if error.code == "json_too_deep" {
        error.code = code;
    }
    error
}

fn walk(r: &mut Reader, depth: usize, keys: &mut usize, rules: &Rules) -> Result<()> {
    let kind = r.kind()?;
    if depth == EVENT_DEPTH_MAX && matches!(kind, Kind::Array | Kind::Object) {
        return Err(Error::new(rules.too_deep, "the data is nested more than 32 levels deep"));
    }
    match kind {
        Kind::Object => r.object(|r, key| {
            *keys += 1;
            if rules.keys {
                check_key(&key, *keys)?;
            }
            walk(r, depth + 1, keys, rules).map_err(|e| e.at(&key))
        }),
        Kind::Array => {
            let mut index = 0_usize;
            r.array(|r| {
                let done = walk(r, depth + 1, keys, rules);
                index += 1;
                done.map_err(|e| e.at(&["[", &crate::decimal::digits(index as u128 - 1), "]"].concat()))
            })
        }
        Kind::Number => {
            let text = r.number()?;
            // Without an exponent it takes 309 digits to overflow.
            let large = text.len() > 300 || text.bytes().any(|b| matches!(b, b'e' | b'E'));
            if large && !crate::float::parse(text).is_some_and(f64::is_finite) {
                return Err(Error::new(rules.infinite, "the number overflows float64").help("send it as a string"));
            }
            Ok(())
        }
        _ => r.skip().map(drop),
    }
}

fn check_key(key: &str, count: usize) -> Result<()> {
    if count > EVENT_KEYS_MAX {
        return Err(Error::new("too_many_keys", "the data has more than 256 members").help("send fewer, or two events"));
    }
    if matches!(key, "__proto__" | "constructor" | "prototype") {
        return Err(Error::new("forbidden_key", "this key would change a JavaScript object's prototype").at(key));
    }
    Ok(())
}
