//! Finds the events in a stream of bytes: server-sent events, one JSON text a line, or Amazon's messages.
//!
//! Line ends are LF, CR LF or CR, and may lie on any border between chunks.

use super::eventstream::Eventstream;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The longest thing that is compared, and one byte more, so that something longer is not taken for it.
const HEAD_BYTES: usize = BYTE_ORDER_MARK.len() + "[DONE]".len() + 1;

/// How a body is cut into events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// One JSON document.
    Document,
    /// `text/event-stream`
    Events,
    /// One JSON text a line.
    Lines,
    /// Amazon's binary event stream.
    Binary,
}

/// What the bytes at the front are.
pub(super) enum Piece {
    /// Data of the event, from this byte on.
    Data(usize),
    /// Nothing of interest, yet part of the event.
    Other,
    /// The end of a line of data.
    DataEnd,
    /// The end of the line `data: [DONE]`.
    Done,
    /// The end of the event.
    End,
    /// The second half of a line end whose first half has been reported.
    LineFeed,
}

enum Field {
    Name,
    Data,
    Other,
}

/// Where in the stream we are.
pub(super) struct Frames {
    lines: bool,
    binary: Option<Eventstream>,
    field: Field,
    /// The field's name while it is read, then the beginning of its value.
    head: Vec<u8>,
    blank_may_follow: bool,
    after_cr: bool,
}

impl Frames {
    /// At the beginning of a stream.
    pub fn new(framing: Framing) -> Self {
        let lines = framing == Framing::Lines;
        let binary = (framing == Framing::Binary).then(Eventstream::default);
        Self { lines, binary, field: Field::Name, head: Vec::new(), blank_may_follow: false, after_cr: false }
    }

    /// How many bytes the next piece has, and what it is. `bytes` is not empty.
    pub fn next(&mut self, bytes: &[u8]) -> (usize, Piece) {
        if let Some(binary) = &mut self.binary {
            return binary.next(bytes);
        }
        let at = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'));
        let after_cr = std::mem::take(&mut self.after_cr);
        if at != Some(0) {
            let line = bytes.get(..at.unwrap_or(bytes.len())).unwrap_or_default();
            return (line.len(), self.line(line));
        }
        let byte = bytes.first();
        if after_cr && byte == Some(&b'\n') {
            return (1, Piece::LineFeed);
        }
        self.after_cr = byte == Some(&b'\r');
        (1, self.line_end())
    }

    fn line(&mut self, line: &[u8]) -> Piece {
        if self.lines {
            return Piece::Data(0);
        }
        match self.field {
            Field::Other => Piece::Other,
            Field::Data => self.data(line, 0),
            Field::Name => {
                let colon = line.iter().position(|b| *b == b':');
                self.remember(line.get(..colon.unwrap_or(line.len())).unwrap_or_default());
                let Some(colon) = colon else { return Piece::Other };
                let name = self.head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.head);
                let data = name == b"data";
                self.head.clear();
                if !data {
                    self.field = Field::Other;
                    return Piece::Other;
                }
                self.field = Field::Data;
                self.blank_may_follow = true;
                self.data(line, colon + 1)
            }
        }
    }

    fn data(&mut self, line: &[u8], mut from: usize) -> Piece {
        if let Some(first) = line.get(from) {
            from += usize::from(self.blank_may_follow && *first == b' ');
            self.blank_may_follow = false;
        }
        self.remember(line.get(from..).unwrap_or_default());
        Piece::Data(from)
    }

    fn remember(&mut self, bytes: &[u8]) {
        let room = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }

    fn line_end(&mut self) -> Piece {
        let blank = self.head.is_empty();
        let done = self.head.trim_ascii() == b"[DONE]";
        self.head.clear();
        match std::mem::replace(&mut self.field, Field::Name) {
            Field::Name if blank => Piece::End,
            Field::Name | Field::Other => Piece::Other,
            Field::Data if done => Piece::Done,
            Field::Data => Piece::DataEnd,
        }
    }
}
