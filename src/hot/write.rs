//! Packed events as JSON text.

use super::stamp::{Form, HeadText, TimeText, digits, fraction};
use super::texts::{PIECE, Texts, put};

/// Set in the word of a subject that lies in the raw bytes.
pub const RAW_SUBJECT: u32 = 1 << 31;
/// Instead of a number of members.
const NO_MEMBERS: u32 = 255;

/// What the ids of some events are made of: a UUIDv7 is 48 bits of milliseconds, a counter of 42 bits, a node of 32 bits.
#[derive(Clone, Copy)]
pub struct Segment {
    /// Milliseconds since 1970 that the events' times count from.
    pub base_ms: i64,
    /// The random part of their ids.
    pub node: u32,
    /// The counter of the first event's id.
    pub counter: u64,
}

/// Packed events.
///
/// An event is three words, then two a member of its flat `data`:
///
/// | word | content |
/// |---|---|
/// | 0 | text of the type (24 bits), and the number of members (8 bits; 255 for no `data`) |
/// | 1 | text of the subject; or, with the highest bit set, its offset (20 bits) and length (11 bits) in the raw bytes |
/// | 2 | milliseconds since the segment's base time |
/// | 3 + 2i | text of the key (28 bits), and the kind of the value (4 bits) |
/// | 4 + 2i | the value |
///
/// The kinds: 0 a text; 1 a whole number; 2, 3 and 4 an offset (20 bits) and a length (12 bits) in the raw bytes, of a
/// number's text, of a string, of a string that needs escapes.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// The events.
    pub words: &'a [u32],
    /// Bytes that they name by offset, and a piece behind them.
    pub raw: &'a [u8],
    /// Fragments that they name by number: of a type all from the id's end to the subject, of a key with the comma and
    /// the colon, of a subject or a value with its quotes.
    pub texts: &'a Texts,
}

/// What is rare, and done by the core's own code.
#[derive(Clone, Copy)]
pub struct Outside {
    /// `2026-11-21T02:00:00` of a unix second.
    pub second: fn(i64) -> [u8; 19],
    /// The bytes as a JSON string with escapes.
    pub escaped: fn(&[u8]) -> Vec<u8>,
    /// Bytes of an event at most.
    pub event_bytes_max: usize,
    /// How events are written.
    pub form: Form,
}

/// Writes events into `out`, a comma before each, as long as there are words and places in the report: a third of it for
/// where each event ends in the text, one for its milliseconds since the base time, one for where its `data` begins in the
/// text, 0 if it has none.
///
/// Gives how many; fewer than there are only if the words are not what they should be.
pub fn write(words: Words, segment: Segment, outside: Outside, out: &mut Vec<u8>, report: &mut [u32]) -> usize {
    let (mut first, mut time) = (HeadText::new(&outside.form), TimeText::new(&outside.form, segment.base_ms));
    let (mut word, mut at, mut count) = (0, 0, 0);
    let (ends, rest) = report.split_at_mut(report.len() / 3);
    let (times, data) = rest.split_at_mut(rest.len() / 2);
    for ((end, delta), data) in ends.iter_mut().zip(times).zip(data) {
        if word >= words.words.len() {
            break;
        }
        let room = at + outside.event_bytes_max + PIECE;
        if out.len() < room {
            out.resize(room, 0);
        }
        let counter = segment.counter + count as u64;
        let written = words.one(word, at, Segment { counter, ..segment }, outside, &mut first, &mut time, out);
        let Some(written) = written else { break };
        (word, at) = (written.word, written.at);
        (*end, *delta, *data) = (at as u32, time.delta, written.data as u32);
        count += 1;
    }
    count
}

/// Offset and length of a subject in the raw bytes.
pub fn raw_subject(word: u32) -> (usize, usize) {
    ((word >> 11 & 0xf_ffff) as usize, (word & 0x7ff) as usize)
}

struct Written {
    word: usize,
    at: usize,
    data: usize,
}

impl Words<'_> {
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn one(
        &self,
        mut word: usize,
        mut at: usize,
        segment: Segment,
        outside: Outside,
        first: &mut HeadText,
        time: &mut TimeText,
        out: &mut [u8],
    ) -> Option<Written> {
        let texts = self.texts;
        let &[head, subject, delta] = self.words.get(word..)?.first_chunk()?;
        word += 3;
        let (kind, members) = ((head & 0xff_ffff) as usize, head >> 24);
        first.set(segment.base_ms.saturating_add(delta.into()) as u64, segment.counter, segment.node);
        let ms = time.set(delta, outside.second);
        *out.get_mut(at..)?.first_chunk_mut()? = first.text;
        at += first.length;
        at = texts.put(kind, out, at)?;
        at = if subject & RAW_SUBJECT == 0 {
            texts.put(subject as usize, out, at)?
        } else {
            let (start, length) = raw_subject(subject);
            self.quoted(start, length, 1, out, at)?
        };
        let (tail, length) = fraction(ms);
        *out.get_mut(at..)?.first_chunk_mut()? = time.text;
        *out.get_mut(at + time.second_end..)?.first_chunk_mut()? = tail;
        at += time.second_end + length;
        let mut data = 0;
        if length < tail.len() {
            let rest = time.text.get(time.second_end + tail.len()..)?;
            *out.get_mut(at..)?.first_chunk_mut::<48>()? = *rest.first_chunk()?;
        }
        if members == NO_MEMBERS {
            // The quote behind the time, and no more.
            at += 2;
        } else {
            at += time.rest;
            data = at;
            for _ in 0..members {
                let &[key, value] = self.words.get(word..)?.first_chunk()?;
                word += 2;
                at = texts.put((key & 0xfff_ffff) as usize, out, at)?;
                at = self.value(key >> 28, value, outside, out, at)?;
            }
            // In place of the first comma, which there is none of in an empty object.
            *out.get_mut(data)? = b'{';
            at += usize::from(members == 0);
            *out.get_mut(at)? = b'}';
            at += 1;
        }
        *out.get_mut(at)? = b'}';
        Some(Written { word, at: at + 1, data })
    }

    #[inline(always)]
    fn value(&self, kind: u32, value: u32, outside: Outside, out: &mut [u8], at: usize) -> Option<usize> {
        match kind {
            0 => self.texts.put(value as usize, out, at),
            1 => {
                let (text, length) = digits(value);
                *out.get_mut(at..)?.first_chunk_mut()? = text;
                Some(at + length)
            }
            _ => {
                let (start, length) = ((value >> 12) as usize, (value & 0xfff) as usize);
                if kind == 4 {
                    let text = (outside.escaped)(self.raw.get(start..)?.get(..length)?);
                    let end = at + text.len();
                    out.get_mut(at..end)?.copy_from_slice(&text);
                    return Some(end);
                }
                self.quoted(start, length, usize::from(kind == 3), out, at)
            }
        }
    }

    /// Raw bytes, within so many quotes on either side.
    #[inline(always)]
    fn quoted(&self, start: usize, length: usize, quotes: usize, out: &mut [u8], mut at: usize) -> Option<usize> {
        *out.get_mut(at)? = b'"';
        at = put(self.raw.get(start..)?, length, out, at + quotes)?;
        *out.get_mut(at)? = b'"';
        Some(at + quotes)
    }
}
