//! The JSON paths of meters: the dialect of ClickHouse's `JSON_VALUE`, which is not RFC 9535.
//!
//! ```text
//! path  = "$" step*
//! step  = "." ( word | dquoted )  |  "[" key "]"  |  "[" "*" "]"  |  "[" range ( "," range )* "]"
//! key   = word that does not begin with a digit  |  squoted  |  dquoted
//! range = uint  |  uint "to" uint        end exclusive, start < end
//! word  = [A-Za-z0-9_$]+
//! ```

use std::borrow::Cow;

use super::value::{Found, scalar};
use crate::error::{Error, Result};
use crate::json::{Kind, Reader};
use crate::limits::{PATH_BYTES_MAX, PATH_STEPS_MAX};

/// A compiled path.
pub struct Path(Vec<Step>);

enum Step {
    Member(String),
    /// Ranges of indexes, end exclusive, in the order given; `*` is the range of all.
    Elements(Vec<(u64, u64)>),
}

impl Path {
    /// Compiles a path. Errors: `path_invalid` with a hint, `limit_exceeded`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parser = Parser { text, at: 0 };
        let steps = if text.len() > PATH_BYTES_MAX { Err(true) } else { parser.path() };
        steps.map(Self).map_err(|too_long| {
            if too_long {
                return Error::new("limit_exceeded", "a path has at most 256 bytes and 32 steps");
            }
            Error::new("path_invalid", "the meter server would refuse this path").help(hint(text, parser.at)).http(400)
        })
    }

    /// The first scalar among the matches, in document order.
    pub fn find<'d>(&self, document: &Document<'d>) -> Found<'d> {
        let Some(members) = &document.0 else { return Found::Missing };
        match self.0.split_first() {
            None => Found::NotScalar,
            Some((Step::Member(key), rest)) => member(members, key).map_or(Found::Missing, |text| walk(rest, text)),
            Some(_) => Found::Missing,
        }
    }
}

/// An event's data, its first level read once for all the paths that look into it.
pub struct Document<'d>(Option<Members<'d>>);

type Members<'d> = Vec<(Cow<'d, str>, &'d str)>;

impl<'d> Document<'d> {
    /// `data` is a JSON object, or absent. What is not readable as one has no properties.
    pub fn read(data: Option<&'d str>) -> Self {
        Self(data.and_then(members))
    }

    /// True if any number in it is one that `matches`, at any depth.
    pub fn any_number(&self, matches: fn(&str) -> bool) -> bool {
        self.0.iter().flatten().any(|(_, text)| any_number(text, matches))
    }
}

fn any_number(text: &str, matches: fn(&str) -> bool) -> bool {
    match Reader::new(text).kind() {
        Ok(Kind::Number) => matches(text),
        Ok(Kind::Array) => elements(text).into_iter().flatten().any(|item| any_number(item, matches)),
        Ok(Kind::Object) => members(text).into_iter().flatten().any(|(_, item)| any_number(item, matches)),
        _ => false,
    }
}

fn member<'d>(members: &Members<'d>, key: &str) -> Option<&'d str> {
    members.iter().rev().find(|(name, _)| name == key).map(|(_, text)| *text)
}

/// Key and text of each member; duplicates included. `None` unless it is an object.
fn members(text: &str) -> Option<Members<'_>> {
    let mut found = Vec::new();
    let read = Reader::new(text).object(|r, key| {
        found.push((key, r.skip()?));
        Ok(())
    });
    read.ok().map(|()| found)
}

fn elements(text: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let read = Reader::new(text).array(|r| {
        found.push(r.skip()?);
        Ok(())
    });
    read.ok().map(|()| found)
}

fn walk<'d>(steps: &[Step], text: &'d str) -> Found<'d> {
    match steps.split_first() {
        None => scalar(text),
        Some((Step::Member(key), rest)) => match members(text).and_then(|found| member(&found, key)) {
            Some(text) => walk(rest, text),
            None => Found::Missing,
        },
        Some((Step::Elements(ranges), rest)) => {
            let mut items: Vec<_> = elements(text).into_iter().flatten().map(Some).collect();
            let mut best = Found::Missing;
            for (start, end) in ranges {
                let end = usize::try_from(*end).unwrap_or(usize::MAX).min(items.len());
                let range = usize::try_from(*start).unwrap_or(usize::MAX)..end;
                // Taken out when visited: an index named twice costs nothing and changes nothing.
                for text in items.get_mut(range).into_iter().flatten().filter_map(Option::take) {
                    match walk(rest, text) {
                        Found::Missing => {}
                        Found::NotScalar => best = Found::NotScalar,
                        found => return found,
                    }
                }
            }
            best
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// What stands between a path and its steps: true for too many steps, false for a fault at the parser's position.
type Parsed<T> = std::result::Result<T, bool>;

impl<'a> Parser<'a> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over blanks, then over `byte` if it comes next.
    fn eat(&mut self, byte: u8) -> bool {
        while matches!(self.byte(), Some(b' ' | b'\t'..=b'\r')) {
            self.at += 1;
        }
        let found = self.byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Parsed<()> {
        if self.eat(byte) { Ok(()) } else { Err(false) }
    }

    fn path(&mut self) -> Parsed<Vec<Step>> {
        self.expect(b'$')?;
        let mut steps = Vec::new();
        loop {
            let step = if self.eat(b'.') {
                Step::Member(if self.eat(b'"') { self.quoted('"')? } else { self.word()?.to_owned() })
            } else if self.eat(b'[') {
                self.bracket()?
            } else if self.at == self.text.len() {
                return Ok(steps);
            } else {
                return Err(false);
            };
            if steps.len() == PATH_STEPS_MAX {
                return Err(true);
            }
            steps.push(step);
        }
    }

    fn bracket(&mut self) -> Parsed<Step> {
        let step = if self.eat(b'*') {
            Step::Elements(vec![(0, u64::MAX)])
        } else if self.eat(b'\'') {
            Step::Member(self.quoted('\'')?)
        } else if self.eat(b'"') {
            Step::Member(self.quoted('"')?)
        } else {
            let word = self.word()?;
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                self.ranges(word)?
            } else {
                Step::Member(word.to_owned())
            }
        };
        self.expect(b']')?;
        Ok(step)
    }

    fn ranges(&mut self, first: &str) -> Parsed<Step> {
        let mut ranges = Vec::new();
        let mut word = first;
        loop {
            let start = index(word)?;
            let mut end = start + 1;
            let back = self.at;
            if self.word().is_ok_and(|to| to.eq_ignore_ascii_case("to")) {
                end = index(self.word()?)?;
            } else {
                self.at = back;
            }
            if start >= end {
                return Err(false);
            }
            ranges.push((start, end));
            if !self.eat(b',') {
                return Ok(Step::Elements(ranges));
            }
            word = self.word()?;
        }
    }

    fn word(&mut self) -> Parsed<&'a str> {
        self.eat(0);
        let from = self.at;
        while matches!(self.byte(), Some(b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'$')) {
            self.at += 1;
        }
        self.text.get(from..self.at).filter(|word| !word.is_empty()).ok_or(false)
    }

    fn quoted(&mut self, quote: char) -> Parsed<String> {
        let mut key = String::new();
        let mut chars = self.text.get(self.at..).unwrap_or_default().chars();
        while let Some(mut c) = chars.next() {
            if c == '\\' {
                c = chars.next().ok_or(false)?;
            } else if c == quote {
                if !chars.as_str().starts_with(quote) {
                    self.at = self.text.len() - chars.as_str().len();
                    return if key.is_empty() { Err(false) } else { Ok(key) };
                }
                chars.next();
            }
            key.push(c);
        }
        Err(false)
    }
}

/// The server keeps an index in 32 bits.
fn index(word: &str) -> Parsed<u64> {
    let mut n: u64 = 0;
    for byte in word.bytes() {
        let digit = u64::from(byte.wrapping_sub(b'0'));
        n = n.checked_mul(10).and_then(|n| n.checked_add(digit)).filter(|_| digit < 10).ok_or(false)?;
    }
    Ok(n & u64::from(u32::MAX))
}

/// For a member whose name needs quotes, the path with them; else where the fault is.
fn hint(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    if let Some(dot) = before.rfind('.') {
        let (prefix, name) = text.split_at_checked(dot).unwrap_or_default();
        let name = name.get(1..).unwrap_or_default();
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (name, rest) = name.split_at_checked(end).unwrap_or_default();
        let name = name.trim_matches(['\'', '"', ' ']);
        if prefix.trim_start().starts_with('$') && !name.is_empty() && !name.contains(['*', '(', '\'', '\\']) {
            return [
                "a name with other characters than A-Z a-z 0-9 _ $ stands in brackets: ",
                prefix,
                "['",
                name,
                "']",
                rest,
            ]
            .concat();
        }
    }
    ["fault at byte ", &at.to_string(), "; paths are like $.a.b, $['a-b'], $.a[0], $.a[*], $.a[1 to 3]"].concat()
}
