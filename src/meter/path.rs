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

use super::value::{Engine, Found, has_huge_integer, scalar};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::json::Reader;
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
        let mut parser = Parser { text, at: 0, dot: None };
        let steps = if text.len() > PATH_BYTES_MAX { None } else { parser.path() };
        match steps {
            Some(steps) if steps.len() <= PATH_STEPS_MAX => Ok(Self(steps)),
            None if text.len() <= PATH_BYTES_MAX => Err(parser.refuse()),
            _ => Err(Error::new("limit_exceeded", "a path has at most 256 bytes and 32 steps")),
        }
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
    /// What the server's engine makes of an event's data.
    pub fn of(event: &'d Event, engine: Engine) -> Self {
        let unreadable = |data: &&str| engine == Engine::V25_12 && has_huge_integer(data);
        Self::read(event.data.as_deref().filter(|data| !unreadable(data)))
    }

    /// `data` is a JSON object, or absent. What is not readable as one has no properties.
    pub fn read(data: Option<&'d str>) -> Self {
        Self(data.and_then(members))
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

/// Each element of an array; none of anything else.
fn elements(text: &str) -> Vec<Option<&str>> {
    let mut found = Vec::new();
    // It has been read as JSON before: all that can fail is that it is no array.
    let _ = Reader::new(text).array(|r| {
        found.push(Some(r.skip()?));
        Ok(())
    });
    found
}

fn walk<'d>(steps: &[Step], text: &'d str) -> Found<'d> {
    match steps.split_first() {
        None => scalar(text),
        Some((Step::Member(key), rest)) => match members(text).and_then(|found| member(&found, key)) {
            Some(text) => walk(rest, text),
            None => Found::Missing,
        },
        Some((Step::Elements(ranges), rest)) => {
            let mut items = elements(text);
            let mut best = Found::Missing;
            for (start, end) in ranges {
                let end = usize::try_from(*end).unwrap_or(usize::MAX).min(items.len());
                let range = usize::try_from(*start).unwrap_or(usize::MAX)..end;
                // Taken out when visited: an index named twice costs nothing and changes nothing.
                for item in items.get_mut(range).unwrap_or_default() {
                    let Some(text) = item.take() else { continue };
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
    /// Where the step began, if with a dot.
    dot: Option<usize>,
}

impl<'a> Parser<'a> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t'..=b'\r')) {
            self.at += 1;
        }
    }

    /// Steps over blanks, then over `byte` if it comes next.
    fn eat(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        if self.byte() != Some(byte) {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn path(&mut self) -> Option<Vec<Step>> {
        self.eat(b'$')?;
        let mut steps = Vec::new();
        loop {
            let step = if self.eat(b'.').is_some() {
                self.dot = Some(self.at - 1);
                match self.quoted() {
                    Some((b'"', key)) => Step::Member(key),
                    Some(_) => return None,
                    None => Step::Member(self.word()?.to_owned()),
                }
            } else if self.eat(b'[').is_some() {
                self.dot = None;
                self.bracket()?
            } else {
                return if self.byte().is_none() { Some(steps) } else { None };
            };
            steps.push(step);
        }
    }

    fn bracket(&mut self) -> Option<Step> {
        let step = if self.eat(b'*').is_some() {
            Step::Elements(vec![(0, u64::MAX)])
        } else if let Some((_, key)) = self.quoted() {
            Step::Member(key)
        } else {
            let word = self.word()?;
            match word.as_bytes() {
                [b'0'..=b'9', ..] => Step::Elements(self.ranges(word)?),
                _ => Step::Member(word.to_owned()),
            }
        };
        self.eat(b']').map(|()| step)
    }

    fn ranges(&mut self, first: &str) -> Option<Vec<(u64, u64)>> {
        let mut ranges = Vec::new();
        let mut start = index(first)?;
        loop {
            let mut end = start + 1;
            if let Some(to) = self.word() {
                if !to.eq_ignore_ascii_case("to") {
                    return None;
                }
                end = index(self.word()?)?;
            }
            if start >= end {
                return None;
            }
            ranges.push((start, end));
            if self.eat(b',').is_none() {
                return Some(ranges);
            }
            start = index(self.word()?)?;
        }
    }

    fn word(&mut self) -> Option<&'a str> {
        self.blanks();
        let from = self.at;
        while matches!(self.byte(), Some(b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'$')) {
            self.at += 1;
        }
        self.text.get(from..self.at).filter(|word| !word.is_empty())
    }

    /// A quoted key and its quote: a backslash makes the next character literal, a doubled quote is one.
    fn quoted(&mut self) -> Option<(u8, String)> {
        self.blanks();
        let quote = self.byte().filter(|byte| matches!(byte, b'"' | b'\''))?;
        let mut key = String::new();
        let mut chars = self.text.get(self.at + 1..)?.chars();
        while let Some(mut c) = chars.next() {
            if c == '\\' {
                c = chars.next()?;
            } else if c == char::from(quote) {
                let rest = chars.as_str();
                if rest.as_bytes().first() != Some(&quote) {
                    self.at = self.text.len() - rest.len();
                    return if key.is_empty() { None } else { Some((quote, key)) };
                }
                chars.next();
            }
            key.push(c);
        }
        None
    }

    /// For a member whose name needs quotes, the path with them; else where the fault is.
    fn refuse(&self) -> Error {
        let error = Error::new("path_invalid", "the meter server would refuse this path").http(400);
        let is_end = |byte: &u8| matches!(byte, b'.' | b'[');
        let Some(dot) = self.dot else { return error.help(FORMS) };
        let (before, name) = self.text.split_at_checked(dot).unwrap_or_default();
        let name = name.get(1..).unwrap_or_default();
        let length = name.bytes().take_while(|byte| !is_end(byte)).count();
        let (name, after) = name.split_at_checked(length).unwrap_or_default();
        if name.bytes().any(|byte| matches!(byte, b'*' | b'(' | b'\'' | b'"')) || name.is_empty() {
            return error.help(FORMS);
        }
        error.help(["this name stands in brackets: ", before, "['", name, "']", after].concat())
    }
}

const FORMS: &str = "paths are like $.a.b, $['a-b'], $.a[0], $.a[*], $.a[1 to 3]";

/// The server keeps an index in 32 bits.
fn index(word: &str) -> Option<u64> {
    let mut n: u64 = 0;
    for byte in word.bytes() {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        n = n.checked_mul(10)?.checked_add(digit.into())?;
    }
    Some(n & u64::from(u32::MAX))
}
