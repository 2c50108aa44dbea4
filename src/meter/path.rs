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
#[cfg(feature = "rfc9535")]
use std::cell::{Cell, OnceCell};

#[cfg(feature = "rfc9535")]
use super::rfc9535;
use super::similar;
use super::value::{Engine, Found, What, has_huge_integer, scalar};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::json::Reader;
use crate::limits::{PATH_BYTES_MAX, PATH_STEPS_MAX};

/// A compiled path.
pub struct Path {
    steps: Vec<Step>,
    text: String,
    /// Where the text of the last step begins
    last: usize,
    /// Instead of steps
    #[cfg(feature = "rfc9535")]
    rfc9535: Option<rfc9535::Query>,
}

/// Into the member with this key; or, if there are ranges of indexes (end exclusive, in the order given), into those
/// elements. `*` is the range of all.
struct Step {
    key: String,
    ranges: Vec<(u64, u64)>,
}

impl Path {
    /// Compiles a path. Errors: `path_invalid` with a hint, `limit_exceeded`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parser = Parser { text, at: 0, last: 0, dot: None, steps: Vec::new() };
        let long = text.len() > PATH_BYTES_MAX;
        if !long && parser.path().is_none() {
            return Err(parser.refuse());
        }
        if long || parser.steps.len() > PATH_STEPS_MAX {
            return Err(Error::new("limit_exceeded", "a path has at most 256 bytes and 32 steps"));
        }
        Ok(Self::of(parser.steps, text, parser.last))
    }

    /// Compiles a path of RFC 9535. Errors: `path_invalid`, `path_regex_refused`, `limit_exceeded`.
    #[cfg(feature = "rfc9535")]
    pub fn parse_rfc9535(text: &str) -> Result<Self> {
        Ok(Self { rfc9535: Some(rfc9535::Query::parse(text)?), ..Self::of(Vec::new(), text, 0) })
    }

    /// The path of the member with this key, whatever the key.
    pub fn member(key: &str) -> Self {
        Self::of(vec![Step { key: key.to_owned(), ranges: Vec::new() }], key, 0)
    }

    fn of(steps: Vec<Step>, text: &str, last: usize) -> Self {
        Self {
            steps,
            text: text.to_owned(),
            last,
            #[cfg(feature = "rfc9535")]
            rfc9535: None,
        }
    }

    /// Whether it finds values by their place alone, and not by what they are.
    pub fn is_positional(&self) -> bool {
        #[cfg(feature = "rfc9535")]
        return self.rfc9535.is_none();
        #[cfg(not(feature = "rfc9535"))]
        true
    }

    /// The key, if it is the path of a member of the data.
    pub fn key(&self) -> Option<&str> {
        match self.steps.as_slice() {
            [Step { key, ranges }] if ranges.is_empty() => Some(key),
            _ => None,
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it may match several values, of which only the first scalar counts.
    pub fn is_plural(&self) -> bool {
        self.steps
            .iter()
            .any(|step| !matches!(step.ranges.as_slice(), [] | [_]) || step.ranges.iter().any(|(a, b)| b - a > 1))
    }

    /// Where it finds nothing: the path of the one member beside its last one that has a name like it and that none of
    /// these paths reads.
    pub fn beside(&self, document: &Document<'_>, others: &[&Self]) -> Option<String> {
        let (last, before) = self.steps.split_last().filter(|(last, _)| last.ranges.is_empty())?;
        let mut below;
        let mut members = &document.members;
        for (at, step) in before.iter().enumerate() {
            let found = match step.ranges.first() {
                None => members.iter().rev().find(|(key, _)| *key == step.key),
                Some((first, _)) => members.get(usize::try_from(*first).ok()?),
            };
            below = items(found?.1, !self.steps.get(at + 1)?.ranges.is_empty())?;
            members = &below;
        }
        let (mut meant, mut more) = (None, false);
        for (key, _) in members {
            let is_read = |path: &&Self| {
                let there = path.steps.get(before.len()).is_some_and(|step| step.key == *key);
                there && path.text.get(..path.last.min(self.last)) == self.text.get(..self.last)
            };
            if similar::alike(key, &last.key) && !others.iter().any(is_read) {
                more |= meant.replace(key).is_some_and(|other| other != key);
            }
        }
        let key = meant.filter(|_| !more)?;
        let before = self.text.get(..self.last)?;
        if before.is_empty() {
            return Some(key.to_string());
        }
        let mut text = before.to_owned();
        if key.bytes().all(is_word) && !key.is_empty() {
            text.push('.');
            text.push_str(key);
        } else {
            text.push_str("['");
            for char in key.chars() {
                if matches!(char, '\'' | '\\') {
                    text.push('\\');
                }
                text.push(char);
            }
            text.push_str("']");
        }
        Some(text)
    }

    /// The first scalar among the matches, in document order.
    pub fn find<'d>(&self, document: &Document<'d>) -> Found<'d> {
        #[cfg(feature = "rfc9535")]
        if let Some(query) = &self.rfc9535 {
            return document.query(query);
        }
        match self.steps.split_first() {
            None if document.readable => Found::nothing(What::NotScalar),
            Some((step, rest)) if step.ranges.is_empty() => into(&document.members, step, rest),
            _ => Found::nothing(What::Missing),
        }
    }
}

/// An event's data, its first level read once for all the paths that look into it.
pub struct Document<'d> {
    readable: bool,
    members: Items<'d>,
    #[cfg(feature = "rfc9535")]
    full: Full<'d>,
}

/// What the paths of RFC 9535 need of it.
#[cfg(feature = "rfc9535")]
struct Full<'d> {
    data: Option<&'d str>,
    /// All of it, read at the first of these paths. `None` if it is too much.
    tree: OnceCell<Option<rfc9535::Node<'d>>>,
    cut: Cell<bool>,
}

/// Members by key, duplicates included, or elements.
type Items<'d> = Vec<(Cow<'d, str>, &'d str)>;

impl<'d> Document<'d> {
    /// What the server's engine makes of an event's data.
    pub fn of(event: &'d Event, engine: Engine) -> Self {
        let unreadable = |data: &&str| engine == Engine::V25_12 && has_huge_integer(data);
        Self::read(event.data.as_deref().filter(|data| !unreadable(data)))
    }

    /// `data` is a JSON object, or absent. What is not readable as one has no properties.
    pub fn read(data: Option<&'d str>) -> Self {
        let members = data.and_then(|data| items(data, false));
        Self {
            readable: members.is_some(),
            members: members.unwrap_or_default(),
            #[cfg(feature = "rfc9535")]
            full: Full { data, tree: OnceCell::new(), cut: Cell::new(false) },
        }
    }

    #[cfg(feature = "rfc9535")]
    fn query(&self, query: &rfc9535::Query) -> Found<'d> {
        let tree = self.full.tree.get_or_init(|| rfc9535::Node::read(self.full.data));
        let found = tree.as_ref().and_then(|tree| query.find(tree));
        self.full.cut.set(self.full.cut.get() || found.is_none());
        found.unwrap_or(Found::nothing(What::Missing))
    }

    /// Whether a path was given up since this was asked last: what it found then is not known.
    pub fn was_cut(&self) -> bool {
        #[cfg(feature = "rfc9535")]
        return self.full.cut.take();
        #[cfg(not(feature = "rfc9535"))]
        false
    }
}

/// What is in an array, or in an object. `None` of anything else.
#[inline(never)]
fn items(text: &str, array: bool) -> Option<Items<'_>> {
    let mut found = Vec::new();
    let read = Reader::new(text).each(array, &mut |r, key| {
        found.push((key, r.skip()?));
        Ok(())
    });
    read.ok().map(|()| found)
}

fn walk<'d>(steps: &[Step], text: &'d str) -> Found<'d> {
    let Some((step, rest)) = steps.split_first() else { return scalar(text) };
    into(&items(text, !step.ranges.is_empty()).unwrap_or_default(), step, rest)
}

fn into<'d>(items: &Items<'d>, step: &Step, rest: &[Step]) -> Found<'d> {
    let mut best = What::Missing;
    if step.ranges.is_empty()
        && let Some((_, text)) = items.iter().rev().find(|(key, _)| *key == step.key)
    {
        return walk(rest, text);
    }
    for (at, range) in step.ranges.iter().enumerate() {
        for (index, (_, text)) in (0..).zip(items) {
            let is_in = |(start, end): &(u64, u64)| (*start..*end).contains(&index);
            // An index named before has been visited.
            if !is_in(range) || step.ranges.iter().take(at).any(is_in) {
                continue;
            }
            let found = walk(rest, text);
            match found.what {
                What::Missing => {}
                What::NotScalar => best = What::NotScalar,
                _ => return found,
            }
        }
    }
    Found::nothing(best)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Where the last step began.
    last: usize,
    /// And if that was with a dot.
    dot: Option<usize>,
    steps: Vec<Step>,
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
    #[inline(never)]
    fn eat(&mut self, byte: u8) -> Option<()> {
        self.blanks();
        if self.byte() != Some(byte) {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn path(&mut self) -> Option<()> {
        self.eat(b'$')?;
        loop {
            if self.eat(b'.').is_some() {
                self.last = self.at - 1;
                self.dot = Some(self.last);
                self.key(b'"')?;
            } else if self.eat(b'[').is_some() {
                self.last = self.at - 1;
                self.dot = None;
                self.bracket()?;
                self.eat(b']')?;
            } else {
                return if self.byte().is_none() { Some(()) } else { None };
            }
        }
    }

    fn bracket(&mut self) -> Option<()> {
        let all = self.eat(b'*').is_some();
        if !all && !self.byte()?.is_ascii_digit() {
            return self.key(b'\'');
        }
        self.steps.push(Step { key: String::new(), ranges: Vec::new() });
        loop {
            let (mut start, mut end) = (0, u64::MAX);
            if !all {
                start = self.index()?;
                end = start + 1;
                if let Some(to) = self.word() {
                    if !to.eq_ignore_ascii_case("to") {
                        return None;
                    }
                    end = self.index()?;
                }
            }
            if start >= end {
                return None;
            }
            self.steps.last_mut()?.ranges.push((start, end));
            if all || self.eat(b',').is_none() {
                return Some(());
            }
        }
    }

    #[inline(never)]
    fn word(&mut self) -> Option<&'a str> {
        self.blanks();
        let from = self.at;
        while self.byte().is_some_and(is_word) {
            self.at += 1;
        }
        self.text.get(from..self.at).filter(|word| !word.is_empty())
    }

    /// The server keeps an index in 32 bits.
    #[inline(never)]
    fn index(&mut self) -> Option<u64> {
        let mut n: u64 = 0;
        for byte in self.word()?.bytes() {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
            n = n.checked_mul(10)?.checked_add(digit.into())?;
        }
        Some(n & u64::from(u32::MAX))
    }

    /// A word, or a key in double quotes or these others: a backslash makes the next character literal, a doubled quote
    /// is one.
    #[inline(never)]
    fn key(&mut self, other: u8) -> Option<()> {
        self.blanks();
        let quote = self.byte().filter(|byte| *byte == b'"' || *byte == other);
        let mut key = String::new();
        match quote {
            None => key.push_str(self.word()?),
            Some(quote) => {
                let mut bytes = Vec::new();
                loop {
                    self.at += 1;
                    if self.byte()? == b'\\' {
                        self.at += 1;
                    } else if self.byte()? == quote {
                        self.at += 1;
                        if self.byte() != Some(quote) {
                            break;
                        }
                    }
                    bytes.push(self.byte()?);
                }
                key = String::from_utf8(bytes).ok()?;
            }
        }
        if key.is_empty() {
            return None;
        }
        self.steps.push(Step { key, ranges: Vec::new() });
        Some(())
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
