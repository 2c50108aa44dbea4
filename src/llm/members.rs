//! One level of a JSON object: its members as they were written, each still text.

use std::borrow::Cow;

use crate::decimal::Decimal;
use crate::json::{Reader, Writer};
use crate::limits::{LLM_COUNT_MAX, LLM_USAGE_MEMBERS_MAX};

/// The members of one JSON object; what is inside them is read only when asked for.
#[derive(Default)]
pub(super) struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Members<'a> {
    /// Reads a whole JSON text. `None` unless it is valid and an object.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut members = Vec::new();
        let mut r = Reader::new(text);
        r.object(|r, key| {
            members.push((key, r.skip()?));
            Ok(())
        })
        .and_then(|()| r.end())
        .ok()?;
        Some(Self(members))
    }

    /// A member that is neither absent nor null, as text; of duplicates the last.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, text)| *text).filter(|text| *text != "null")
    }

    /// The members of a member; none unless it is an object.
    pub fn object(&self, key: &str) -> Members<'a> {
        self.get(key).and_then(Members::parse).unwrap_or_default()
    }

    /// The elements of a member; none unless it is an array.
    pub fn array(&self, key: &str) -> Vec<&'a str> {
        self.get(key).map(elements).unwrap_or_default()
    }

    /// A string that is not empty.
    pub fn string(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(|text| Reader::new(text).string().ok()).filter(|s| !s.is_empty())
    }

    /// A count: an integer from 0 to 2⁵³, however it is written. Anything else is as good as absent.
    pub fn count(&self, key: &str) -> Option<u64> {
        let text = self.get(key)?;
        let n: u64 = match text.parse() {
            Ok(n) if text.starts_with(|c: char| c.is_ascii_digit()) => n,
            _ => self.amount(key)?.parse().ok()?,
        };
        (n <= LLM_COUNT_MAX).then_some(n)
    }

    /// A number that is not negative and may be fractional, as a decimal without exponent.
    pub fn amount(&self, key: &str) -> Option<String> {
        let text = self.get(key)?;
        let first = text.bytes().next()?;
        if !first.is_ascii_digit() && first != b'-' {
            return None;
        }
        Decimal::parse(text).ok().filter(|d| !d.is_negative()).map(|d| d.text())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All members, in the order written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(key, text)| (key.as_ref(), *text))
    }
}

/// The elements of a JSON array as text; none unless it is one.
pub(super) fn elements(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut r = Reader::new(text);
    let read = r.array(|r| {
        out.push(r.skip()?);
        Ok(())
    });
    if read.is_err() {
        out.clear();
    }
    out
}

/// An object that is told piece by piece: of each member the last value that is not null counts, nothing is added up.
#[derive(Default)]
pub(super) struct Folded(Vec<(String, String)>);

impl Folded {
    /// Takes in the next telling of the object.
    pub fn fold(&mut self, told: &Members<'_>) {
        for (key, text) in told.iter().filter(|(_, text)| *text != "null") {
            let room = self.0.len() < LLM_USAGE_MEMBERS_MAX;
            match self.0.iter_mut().find(|(k, _)| k == key) {
                Some((_, kept)) => text.clone_into(kept),
                None if room => self.0.push((key.to_owned(), text.to_owned())),
                None => {}
            }
        }
    }

    /// The object as JSON text.
    pub fn to_json(&self) -> String {
        let mut w = Writer::object();
        for (key, text) in &self.0 {
            w.raw(key, text);
        }
        w.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_are_no_counts_are_absent() {
        let m = Members::parse(
            r#"{"a":12,"b":12.0,"c":1.2e1,"d":-1,"e":"12","f":{},"g":1.5,"h":9007199254740992,"i":9007199254740993,
                "j":1e400,"k":null,"l":true,"m":[1],"n":-0,"o":5000000000}"#,
        )
        .unwrap();
        for (key, count) in
            [("a", 12), ("b", 12), ("c", 12), ("h", 9_007_199_254_740_992), ("n", 0), ("o", 5_000_000_000)]
        {
            assert_eq!(m.count(key), Some(count), "{key}");
        }
        for key in ["d", "e", "f", "g", "i", "j", "k", "l", "m", "absent"] {
            assert_eq!(m.count(key), None, "{key}");
        }
        assert_eq!(m.amount("g").as_deref(), Some("1.5"));
    }

    #[test]
    fn last_value_that_is_not_null_wins() {
        let mut folded = Folded::default();
        folded.fold(&Members::parse(r#"{"a":1,"b":{"x":1},"c":3}"#).unwrap());
        folded.fold(&Members::parse(r#"{"a":2,"b":null,"d":4}"#).unwrap());
        assert_eq!(folded.to_json(), r#"{"a":2,"b":{"x":1},"c":3,"d":4}"#);
    }

    #[test]
    fn only_a_whole_object_has_members() {
        for text in ["", "[1]", "{\"a\":1", "{} {}", "nil", "{\"a\":1,}"] {
            assert!(Members::parse(text).is_none(), "{text}");
        }
    }
}
