//! Lets only the named members of a JSON text through, as its bytes arrive.
//!
//! Prompts, answers, images and embedding vectors are dropped byte by byte and never held: a body of any size needs
//! a few hundred bytes here, and what is not kept cannot leak. What comes out is JSON text again, in which dropped
//! values read as `null`; it is valid only if the structure around them was.

use crate::limits::{JSON_DEPTH_MAX, LLM_PENDING_BYTES_MAX};

/// What becomes of a member that has a name in the table; all others are dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// A string, a number or a literal; a container is dropped.
    Scalar,
    /// A container whose members are asked for in turn; a scalar is dropped.
    Walk,
    /// Whatever it is.
    All,
    /// Content: dropped, but the length of its strings is known, see [`Sieve::content`].
    Count,
}

/// Where the sieve stands.
#[derive(Clone, Copy)]
enum State {
    /// Between tokens of a container that is walked.
    Between,
    /// Inside a key, whose bytes begin here in the output.
    Key(usize),
    /// Inside a value that is taken as a whole: kept or dropped, in so many containers, in a string or not.
    Value { keep: bool, depth: usize, string: bool },
}

/// The members to keep, by key.
pub(super) type Kept = [(&'static str, Keep)];

/// The filter over one JSON text.
pub(super) struct Sieve {
    kept: &'static Kept,
    out: Vec<u8>,
    state: State,
    escaped: bool,
    /// The containers that are open, `true` for an object.
    open: Vec<bool>,
    /// What becomes of the next value; `None` drops it.
    next: Option<Keep>,
    key_is_next: bool,
    overflow: bool,
    counts: bool,
    content: u64,
}

impl Sieve {
    /// A sieve that keeps these members of the root and of what is walked.
    pub fn new(kept: &'static Kept) -> Self {
        Self {
            kept,
            out: Vec::new(),
            state: State::Between,
            escaped: false,
            open: Vec::new(),
            next: Some(Keep::Walk),
            key_is_next: false,
            overflow: false,
            counts: false,
            content: 0,
        }
    }

    /// Roughly how many bytes of content were dropped: strings under the names that content has, or strings where
    /// something to walk would be.
    pub fn content(&self) -> u64 {
        self.content
    }

    /// The kept text, and a fresh start. Empty when there was nothing, or more than may be held.
    pub fn take(&mut self) -> String {
        let mut out = std::mem::take(&mut self.out);
        *self = Self::new(self.kept);
        self.out.reserve(out.len()); // the next event will be like this one
        if std::str::from_utf8(&out).is_err() {
            // Somebody's text is broken; names and counts are ASCII.
            out.iter_mut().filter(|b| !b.is_ascii()).for_each(|b| *b = b'?');
        }
        String::from_utf8(out).unwrap_or_default()
    }

    /// Takes in the next bytes.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while let Some(&byte) = bytes.first() {
            if self.overflow {
                return;
            }
            let used = match self.state {
                State::Between => self.between(byte),
                State::Key(from) => self.key(from, bytes),
                State::Value { keep, depth, string } => self.value(keep, depth, string, bytes),
            };
            bytes = bytes.get(used..).unwrap_or_default();
            if self.out.len() > LLM_PENDING_BYTES_MAX || self.open.len() > JSON_DEPTH_MAX {
                self.overflow = true;
                self.out = Vec::new();
            }
        }
    }

    fn between(&mut self, byte: u8) -> usize {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            // A byte order mark.
            0xef | 0xbb | 0xbf if self.out.is_empty() => {}
            b'"' if self.key_is_next => {
                self.key_is_next = false;
                self.out.push(byte);
                self.state = State::Key(self.out.len());
            }
            b',' | b':' => {
                self.out.push(byte);
                if byte == b',' {
                    self.key_is_next = self.open.last() == Some(&true);
                    self.next = Some(Keep::Walk);
                }
            }
            b'}' | b']' => {
                self.out.push(byte);
                self.open.pop();
                self.key_is_next = false;
            }
            b'{' | b'[' if self.next == Some(Keep::Walk) => {
                self.out.push(byte);
                self.open.push(byte == b'{');
                self.key_is_next = byte == b'{';
            }
            _ => {
                let keep = match byte {
                    b'{' | b'[' => self.next == Some(Keep::All),
                    _ => matches!(self.next, Some(Keep::All | Keep::Scalar)),
                };
                if !keep {
                    self.out.extend_from_slice(b"null");
                }
                self.counts = matches!(self.next, Some(Keep::Count | Keep::Walk)) && !self.open.is_empty();
                self.state = State::Value { keep, depth: 0, string: false };
                return 0;
            }
        }
        1
    }

    fn key(&mut self, from: usize, bytes: &[u8]) -> usize {
        let (used, ended) = self.string(true, bytes);
        if ended {
            let key = self.out.get(from..self.out.len().saturating_sub(1)).unwrap_or_default();
            self.next = self.kept.iter().find(|(name, _)| name.as_bytes() == key).map(|(_, keep)| *keep);
            self.state = State::Between;
        }
        used
    }

    /// Goes on in a string: how many bytes belong to it, and whether it ended.
    fn string(&mut self, keep: bool, bytes: &[u8]) -> (usize, bool) {
        let (used, ended) = if self.escaped {
            self.escaped = false;
            (1, false)
        } else {
            match bytes.iter().position(|b| matches!(b, b'"' | b'\\')) {
                None => (bytes.len(), false),
                Some(at) => {
                    self.escaped = bytes.get(at) == Some(&b'\\');
                    (at + 1, !self.escaped)
                }
            }
        };
        if keep {
            self.out.extend_from_slice(bytes.get(..used).unwrap_or_default());
        } else if self.counts {
            self.content += (used - usize::from(ended)) as u64;
        }
        (used, ended)
    }

    fn value(&mut self, keep: bool, depth: usize, string: bool, bytes: &[u8]) -> usize {
        if string {
            let (used, ended) = self.string(keep, bytes);
            self.state = match ended && depth == 0 {
                true => State::Between,
                false => State::Value { keep, depth, string: !ended },
            };
            return used;
        }
        let stop = |b: &u8| match b {
            b'"' | b'{' | b'[' | b'}' | b']' => true,
            b',' | b' ' | b'\t' | b'\n' | b'\r' => depth == 0,
            _ => false,
        };
        let at = bytes.iter().position(stop);
        let mut used = at.map_or(bytes.len(), |at| at + 1);
        self.state = match at.and_then(|at| bytes.get(at)) {
            None => State::Value { keep, depth, string },
            Some(b'"') => State::Value { keep, depth, string: true },
            Some(b'{' | b'[') => State::Value { keep, depth: depth + 1, string },
            // The end of a scalar: the byte belongs to what is around it.
            Some(_) if depth == 0 => {
                used -= 1;
                State::Between
            }
            Some(b'}' | b']') if depth == 1 => State::Between,
            Some(_) => State::Value { keep, depth: depth - 1, string },
        };
        if keep {
            self.out.extend_from_slice(bytes.get(..used).unwrap_or_default());
        }
        if depth == 0 && matches!(self.state, State::Between) {
            self.out.push(b' '); // keeps two scalars apart that only a blank separated
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEPT: &Kept = &[("id", Keep::Scalar), ("list", Keep::Walk), ("doc", Keep::Walk), ("usage", Keep::All)];

    fn sift(text: &str, cut: usize) -> String {
        let mut sieve = Sieve::new(KEPT);
        text.as_bytes().chunks(cut).for_each(|chunk| sieve.push(chunk));
        sieve.take()
    }

    #[test]
    fn keeps_what_is_named_and_nothing_else() {
        let text = "\u{feff}{ \"id\" : \"a\\\"b\" , \"text\":\"{\\\"usage\\\":1} secret\",\r\n\"usage\":{\"n\": [1, {\"m\":\"}\"}]},\
            \"doc\":{\"id\":{\"x\":\"secret\"},\"vector\":[0.1,[-2e5]],\"list\":[1,\"secret\",{\"id\":7 ,\"z\":true}]},\"list\":\"secret\"}";
        let want = r#"{"id":"a\"b","text":null,"usage":{"n": [1, {"m":"}"}]},"doc":{"id":null,"vector":null,"list":[null ,null,{"id":7 ,"z":null }]},"list":null}"#;
        for cut in [1, 2, 3, 7, 4096] {
            assert_eq!(sift(text, cut), want, "{cut}");
        }
    }

    #[test]
    fn broken_structure_stays_broken() {
        for text in [
            r#"{"id":1 2}"#,
            r#"{"id":1,}"#,
            r#"{"id":}"#,
            r#"{"usage":{"n":1,}}"#,
            r#"{"usage":1]"#,
            "{]",
            "{",
            r#"{"id":"a"#,
            "<html>",
            r#"{"id":1}{"id":2}"#,
            r#"{"text":"a" "b"}"#,
            r#"{"id":1:2}"#,
        ] {
            let out = sift(text, 3);
            assert!(serde_json::from_str::<serde_json::Value>(&out).map_or(true, |v| !v.is_object()), "{text} → {out}");
        }
    }

    #[test]
    fn what_is_dropped_costs_no_memory() {
        let mut sieve = Sieve::new(KEPT);
        sieve.push(br#"{"id":1,"data":["#);
        for _ in 0..100_000 {
            sieve.push(br#"{"embedding":[0.123456,0.25]},"#);
        }
        assert!(sieve.out.capacity() < 100);
        sieve.push(br#"0],"usage":{"n":5}}"#);
        assert_eq!(sieve.take(), r#"{"id":1 ,"data":null,"usage":{"n":5}}"#);
    }

    #[test]
    fn more_than_may_be_held_is_nothing() {
        let mut sieve = Sieve::new(KEPT);
        sieve.push(br#"{"usage":""#);
        sieve.push(&vec![b'x'; LLM_PENDING_BYTES_MAX]);
        sieve.push(b"\"}");
        assert_eq!(sieve.take(), "");
        sieve.push(br#"{"id":1}"#);
        assert_eq!(sieve.take(), r#"{"id":1 }"#);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_cut(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 1usize..50) {
            let mut whole = Sieve::new(KEPT);
            whole.push(&bytes);
            let mut cuts = Sieve::new(KEPT);
            bytes.chunks(cut).for_each(|chunk| cuts.push(chunk));
            prop_assert_eq!(whole.take(), cuts.take());
        }
    }
}
