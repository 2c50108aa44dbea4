//! One level of a JSON object: its members as they were written, each still text.
//!
//! Strings stay as they were written too, escapes and all: they are only compared with plain words, and written again.

use std::borrow::Cow;

use crate::decimal::Decimal;
use crate::json::{Reader, Writer};
use crate::limits::{LLM_COUNT_MAX, LLM_USAGE_MEMBERS_MAX};

/// The members of one JSON object; what is inside them is read only when asked for.
#[derive(Default)]
pub(super) struct Members<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Members<'a> {
    /// Reads a whole JSON text: its members, or none unless it is valid and an object.
    pub fn of(text: &'a str) -> Self {
        Self(read(text, b'{'))
    }

    /// A member as it was written, empty if absent; of duplicates the last.
    pub fn last(&self, key: &str) -> &'a str {
        self.0.iter().rev().find(|(k, _)| *k == key).map_or("", |(_, text)| text)
    }

    /// The first of these members that says something, as it was written; empty if none does.
    ///
    /// `paths` are parted by blanks, and lead through objects and the first elements of arrays. A step may have
    /// alternatives, of which the first that says something is taken: `usage|meta.tokens cached_tokens`. Null, an empty
    /// string and an empty object say nothing.
    #[inline(never)]
    pub fn get(&self, mut paths: &str) -> &'a str {
        while !paths.is_empty() {
            let mut path = cut(&mut paths, b' ');
            let mut keys = cut(&mut path, b'.');
            let mut text = "";
            while text.is_empty() && !keys.is_empty() {
                text = self.last(cut(&mut keys, b'|'));
                if matches!(text, "null" | "{}" | "\"\"") {
                    text = "";
                }
            }
            if !path.is_empty() {
                let first = elements(text).first().map_or(text, |(_, first)| first);
                text = Members::of(first).get(path);
            }
            if !text.is_empty() {
                return text;
            }
        }
        ""
    }

    /// The members of a member; none unless it is an object.
    pub fn object(&self, paths: &str) -> Members<'a> {
        Members::of(self.get(paths))
    }

    /// The elements of a member; none unless it is an array.
    pub fn array(&self, paths: &str) -> Vec<(&'a str, &'a str)> {
        elements(self.get(paths))
    }

    /// What is between the quotes of a string, as it was written; empty unless it is one.
    pub fn text(&self, paths: &str) -> &'a str {
        self.get(paths).strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default()
    }

    /// A number that is not negative and may be fractional, as a decimal without exponent; empty unless it is one.
    pub fn amount(&self, paths: &str) -> String {
        amount(self.get(paths)).map(Decimal::text).unwrap_or_default()
    }

    /// See [`count`].
    pub fn count(&self, paths: &str) -> Option<u64> {
        count(self.get(paths))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads by rules: lines of our name and the paths of theirs, see [`Self::get`]. What says nothing is left out.
    #[inline(never)]
    pub fn each(&self, mut rules: &'static str, take: &mut dyn FnMut(&'static str, &'a str)) {
        while !rules.is_empty() {
            let mut paths = cut(&mut rules, b'\n');
            let ours = cut(&mut paths, b' ');
            let text = self.get(paths);
            if !text.is_empty() {
                take(ours, text);
            }
        }
    }
}

/// What is before the next of these bytes, which is passed over.
#[inline(never)]
pub(super) fn cut<'a>(rest: &mut &'a str, byte: u8) -> &'a str {
    let at = rest.bytes().position(|b| b == byte).unwrap_or(rest.len());
    let (head, tail) = rest.split_at_checked(at).unwrap_or_default();
    let mut tail = tail.chars();
    tail.next();
    *rest = tail.as_str();
    head
}

/// Whether one of these words is the word.
#[inline(never)]
pub(super) fn one_of(mut words: &str, word: &str) -> bool {
    while !words.is_empty() {
        if cut(&mut words, b' ') == word {
            return true;
        }
    }
    false
}

fn amount(text: &str) -> Option<Decimal> {
    if !matches!(text.as_bytes().first(), Some(b'-' | b'0'..=b'9')) {
        return None;
    }
    Decimal::parse(text).ok().filter(|d| !d.is_negative())
}

/// A count: an integer from 0 to 2⁵³, however it is written. Anything else is as good as absent.
#[inline(never)]
pub(super) fn count(text: &str) -> Option<u64> {
    let n = amount(text)?;
    // A decimal that was read has no zeros at its end.
    u64::try_from(n.mantissa()).ok().filter(|count| n.scale() == 0 && *count <= LLM_COUNT_MAX)
}

/// The elements of a JSON text; none unless it is a valid array. Their keys are empty.
pub(super) fn elements(text: &str) -> Vec<(&str, &str)> {
    read(text, b'[')
}

#[inline(never)]
fn read(text: &str, open: u8) -> Vec<(&str, &str)> {
    let mut members = Vec::new();
    // Most of what is asked for is not there, and an error costs more than a look.
    if text.trim_ascii_start().as_bytes().first() != Some(&open) {
        return members;
    }
    let mut r = Reader::new(text);
    let read = r.each(open == b'[', &mut |r, key| {
        let text = r.skip()?;
        // A key with escapes is none that anybody asks for.
        if let Cow::Borrowed(key) = key {
            members.push((key, text));
        }
        Ok(())
    });
    if read.and_then(|()| r.end()).is_err() {
        members.clear();
    }
    members
}

/// An object that is told piece by piece: of each member the last value that is not null counts, nothing is added up.
#[derive(Default)]
pub(super) struct Folded(Vec<(String, String)>);

impl Folded {
    /// Takes in the next telling of the object.
    pub fn fold(&mut self, told: &Members<'_>) {
        for (key, text) in &told.0 {
            if *text != "null" {
                self.set(key, text);
            }
        }
    }

    /// Takes in a member; an empty text says nothing.
    #[inline(never)]
    pub fn set(&mut self, key: &str, text: &str) {
        let room = self.0.len() < LLM_USAGE_MEMBERS_MAX;
        match self.0.iter_mut().find(|(k, _)| k == key) {
            _ if text.is_empty() => {}
            Some((_, kept)) => text.clone_into(kept),
            None if room => self.0.push((key.to_owned(), text.to_owned())),
            None => {}
        }
    }

    /// A member; empty if it was never told.
    #[inline(never)]
    pub fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(k, _)| k == key).map_or("", |(_, text)| text)
    }

    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        let m = Members::of(
            r#"{"a":12,"b":12.0,"c":1.2e1,"d":-1,"e":"12","f":{},"g":1.5,"h":9007199254740992,"i":9007199254740993,
                "j":1e400,"k":null,"l":true,"m":[1],"n":-0,"o":5000000000}"#,
        );
        for (key, count) in
            [("a", 12), ("b", 12), ("c", 12), ("h", 9_007_199_254_740_992), ("n", 0), ("o", 5_000_000_000)]
        {
            assert_eq!(m.count(key), Some(count), "{key}");
        }
        for key in ["d", "e", "f", "g", "i", "j", "k", "l", "m", "absent"] {
            assert_eq!(m.count(key), None, "{key}");
        }
        assert_eq!(m.amount("g"), "1.5");
    }

    #[test]
    fn last_value_that_is_not_null_wins() {
        let mut folded = Folded::default();
        folded.fold(&Members::of(r#"{"a":1,"b":{"x":1},"c":3}"#));
        folded.fold(&Members::of(r#"{"a":2,"b":null,"d":4}"#));
        assert_eq!(folded.to_json(), r#"{"a":2,"b":{"x":1},"c":3,"d":4}"#);
    }

    #[test]
    fn only_a_whole_object_has_members() {
        for text in ["", "[1]", "{\"a\":1", "{} {}", "nil", "{\"a\":1,}"] {
            assert!(Members::of(text).is_empty(), "{text}");
        }
    }
}
