//! A pull reader: validates as it goes, builds nothing that is not asked for.

use std::borrow::Cow;

use super::scan::plain_end;
use crate::error::{Error, Result};
use crate::limits::JSON_DEPTH_MAX;

/// What the next value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number
    Number,
    /// A string
    String,
    /// An array
    Array,
    /// An object
    Object,
}

/// Reads one JSON text from front to back.
///
/// Accepts RFC 8259 and nothing else: what `serde_json` accepts, to the same depth. A lone surrogate escape reads as U+FFFD, as the meter server does it.
/// Errors have the code `json_invalid` (or `json_too_deep`) and name the byte.
pub struct Reader<'a> {
    text: &'a str,
    pos: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the front of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, pos: 0, depth: 0 }
    }

    /// The byte at which the next token begins.
    pub fn position(&self) -> usize {
        self.pos
    }

    /// The next byte; 0, which nothing may begin with, at the end.
    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.pos).copied().unwrap_or(0)
    }

    fn blanks(&mut self) {
        while matches!(self.byte(), b' ' | b'\n' | b'\r' | b'\t') {
            self.pos += 1;
        }
    }

    fn fail<T>(&self, what: &'static str) -> Result<T> {
        Err(self.invalid(what))
    }

    #[cold]
    #[inline(never)]
    fn invalid(&self, what: &'static str) -> Error {
        let mut message = String::from(what);
        message.push_str(" at byte ");
        message.push_str(&self.pos.to_string());
        Error::new("json_invalid", message)
    }

    fn eat(&mut self, byte: u8, what: &'static str) -> Result<()> {
        if self.byte() == byte {
            self.pos += 1;
            return Ok(());
        }
        self.fail(what)
    }

    fn literal(&mut self, word: &'static str) -> Result<()> {
        let rest = self.text.as_bytes().get(self.pos..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return self.fail("not a JSON value");
        }
        self.pos += word.len();
        Ok(())
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// What the next value is, without reading it.
    pub fn kind(&mut self) -> Result<Kind> {
        self.blanks();
        match self.byte() {
            b'n' => Ok(Kind::Null),
            b't' | b'f' => Ok(Kind::Bool),
            b'-' | b'0'..=b'9' => Ok(Kind::Number),
            b'"' => Ok(Kind::String),
            b'[' => Ok(Kind::Array),
            b'{' => Ok(Kind::Object),
            _ => self.fail("not a JSON value"),
        }
    }

    /// Reads `null`.
    pub fn null(&mut self) -> Result<()> {
        self.blanks();
        self.literal("null")
    }

    /// Reads `true` or `false`.
    pub fn bool(&mut self) -> Result<bool> {
        self.blanks();
        if self.byte() == b't' { self.literal("true").map(|()| true) } else { self.literal("false").map(|()| false) }
    }

    /// Reads a number and gives its text.
    pub fn number(&mut self) -> Result<&'a str> {
        self.blanks();
        let from = self.pos;
        if self.byte() == b'-' {
            self.pos += 1;
        }
        if self.byte() == b'0' {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == b'.' {
            self.pos += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.pos += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.pos += 1;
            }
            self.digits()?;
        }
        Ok(self.slice(from, self.pos))
    }

    fn digits(&mut self) -> Result<()> {
        let from = self.pos;
        while self.byte().is_ascii_digit() {
            self.pos += 1;
        }
        if from == self.pos { self.fail("a digit is missing") } else { Ok(()) }
    }

    /// Reads a string; borrowed unless it has escapes.
    pub fn string(&mut self) -> Result<Cow<'a, str>> {
        self.blanks();
        self.eat(b'"', "a string is missing")?;
        let mut from = self.pos;
        let mut unescaped = String::new();
        loop {
            self.pos = plain_end(self.text.as_bytes(), self.pos).0;
            match self.byte() {
                b'"' => {
                    let tail = self.slice(from, self.pos);
                    self.pos += 1;
                    if unescaped.is_empty() {
                        return Ok(Cow::Borrowed(tail));
                    }
                    unescaped.push_str(tail);
                    return Ok(Cow::Owned(unescaped));
                }
                b'\\' => {
                    unescaped.push_str(self.slice(from, self.pos));
                    self.pos += 1;
                    unescaped.push(self.escape()?);
                    from = self.pos;
                }
                0 if self.pos == self.text.len() => return self.fail("the string does not end"),
                _ => return self.fail("a control character must be escaped"),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let byte = self.byte();
        self.pos += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex4()?;
                if (0xd800..0xdc00).contains(&high) && self.text.as_bytes().get(self.pos..self.pos + 2) == Some(b"\\u")
                {
                    let back = self.pos;
                    self.pos += 2;
                    let low = self.hex4()?;
                    if (0xdc00..0xe000).contains(&low) {
                        return Ok(
                            char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).unwrap_or('\u{fffd}')
                        );
                    }
                    self.pos = back;
                }
                char::from_u32(high).unwrap_or('\u{fffd}')
            }
            _ => {
                self.pos -= 1;
                return self.fail("not an escape");
            }
        })
    }

    fn hex4(&mut self) -> Result<u32> {
        let mut n = 0;
        for _ in 0..4 {
            let digit = match self.byte() {
                b @ b'0'..=b'9' => b - b'0',
                b @ b'a'..=b'f' => b - b'a' + 10,
                b @ b'A'..=b'F' => b - b'A' + 10,
                _ => return self.fail("four hex digits are missing"),
            };
            n = n * 16 + u32::from(digit);
            self.pos += 1;
        }
        Ok(n)
    }

    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > JSON_DEPTH_MAX {
            return Err(Error::new("json_too_deep", "the JSON text is nested too deeply"));
        }
        Ok(())
    }

    /// Reads an object: `member` is called with each key and must read (or [`Self::skip`]) its value.
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<()>) -> Result<()> {
        self.each(false, &mut member)
    }

    /// Reads an array: `element` is called at each element and must read (or [`Self::skip`]) it.
    pub fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.each(true, &mut |r, _| element(r))
    }

    /// Reads an array, whose elements have an empty key, or an object. Not generic: it is there once, however many
    /// there are who read objects.
    pub fn each(&mut self, array: bool, take: &mut dyn FnMut(&mut Self, Cow<'a, str>) -> Result<()>) -> Result<()> {
        let (open, close) = if array { (b'[', b']') } else { (b'{', b'}') };
        self.blanks();
        self.eat(open, if array { "an array is missing" } else { "an object is missing" })?;
        self.enter()?;
        self.blanks();
        let mut more = self.byte() != close;
        while more {
            let mut key = Cow::Borrowed("");
            if !array {
                key = self.string()?;
                self.blanks();
                self.eat(b':', "a colon is missing")?;
            }
            take(self, key)?;
            self.blanks();
            more = self.byte() == b',';
            self.pos += usize::from(more);
        }
        self.depth -= 1;
        self.eat(close, "a comma or a closing bracket is missing")
    }

    /// Reads any value, checks it, and gives its text as it was written.
    pub fn skip(&mut self) -> Result<&'a str> {
        let kind = self.kind()?;
        let from = self.pos;
        match kind {
            Kind::Null => self.null()?,
            Kind::Bool => drop(self.bool()?),
            Kind::Number => drop(self.number()?),
            Kind::String => drop(self.string()?),
            Kind::Array | Kind::Object => self.each(kind == Kind::Array, &mut |r, _| r.skip().map(drop))?,
        }
        Ok(self.slice(from, self.pos))
    }

    /// Nothing but blanks may follow.
    pub fn end(&mut self) -> Result<()> {
        self.blanks();
        if self.pos == self.text.len() { Ok(()) } else { self.fail("text after the JSON value") }
    }
}
