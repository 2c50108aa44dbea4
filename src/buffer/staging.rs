//! Events as the host packs them: words in a fixed place, texts that are known by number, and what writes them out.
//!
//! An event is three words, then two a member of its flat `data`:
//!
//! | word | content |
//! |---|---|
//! | 0 | text of the type (24 bits), and the number of members (8 bits; 255 for no `data`) |
//! | 1 | text of the subject |
//! | 2 | milliseconds since the segment's base time |
//! | 3 + 2i | text of the key (28 bits), and the kind of the value (4 bits) |
//! | 4 + 2i | the value |
//!
//! The kinds: 0 a text; 1 a whole number; 2, 3 and 4 an offset (20 bits) and a length (12 bits) in the raw bytes, of a
//! number's text, of a string, of a string that needs escapes. The host writes between two calls, never during one.

use super::stamp::{HeadText, TimeText, digits, fraction};
use crate::error::{Error, Result};
use crate::json::{Reader, push_string};
use crate::limits::{
    ATTRIBUTE_BYTES_MAX, EVENT_BYTES_MAX, STAGED_EVENTS, STAGED_OUT_BYTES, STAGED_RAW_BYTES, STAGED_WORDS,
};

/// Texts are copied in pieces of so many bytes, so each has room for one behind it.
const PIECE: usize = 16;

/// Places of the report in front of the events'.
const TOLD: usize = 6;

/// Texts of fixed numbers: the values that are no strings.
const LITERALS: [&str; 3] = ["null", "true", "false"];
/// Padded like all that is copied.
const DATA: &[u8; 48] = b"Z\",\"datacontenttype\":\"application/json\",\"data\": ";
const NO_DATA: &[u8; 16] = b"Z\"              ";
const TYPE_END: &str = ",\"subject\":";

/// What a text is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A string in `data`
    Value,
    /// A key of `data`
    Key,
    /// A type: a checked attribute
    Type,
    /// A subject: a checked attribute
    Subject,
}

/// What the ids of some events are made of: see [`crate::id`].
#[derive(Clone, Copy)]
pub struct Segment {
    /// Milliseconds since 1970 that the events' times count from.
    pub base_ms: i64,
    /// The random part of their ids.
    pub node: u32,
    /// The counter of the first event's id.
    pub counter: u64,
}

/// One event that was written out.
pub struct Staged<'a> {
    /// Number of the text of its type.
    pub kind: usize,
    /// Number of the text of its subject.
    pub subject: usize,
    /// Milliseconds since 1970.
    pub time_ms: i64,
    /// Bytes of its text.
    pub bytes: u32,
    /// Its `data` as it was written.
    pub data: Option<&'a [u8]>,
}

/// The places that the host writes to, and the texts it may name.
pub struct Staging {
    /// The events.
    pub words: Vec<u32>,
    /// UTF-8 of strings that are not worth a number, and of numbers that do not fit a word.
    pub raw: Vec<u8>,
    /// CloudEvents in JSON, a comma before each.
    pub out: Vec<u8>,
    /// Places for what the client tells, then where each event ends in `out`, and behind all of these, each one's
    /// milliseconds since the base time.
    pub report: Vec<u32>,
    /// `","source":"…","type":`
    type_start: String,
    texts: Texts,
}

/// Texts by number, in one piece.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    spans: Vec<(usize, usize)>,
}

impl Texts {
    fn add(&mut self, text: &str) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.resize((self.bytes.len() + 2 * PIECE - 1) / PIECE * PIECE, b' ');
        self.spans.push((start, text.len()));
        self.spans.len() - 1
    }

    fn get(&self, at: usize) -> Option<&str> {
        let (start, length) = *self.spans.get(at)?;
        std::str::from_utf8(self.bytes.get(start..start + length)?).ok()
    }

    /// Copies a text; gives where it ends.
    #[inline(always)]
    fn put(&self, text: usize, out: &mut [u8], at: usize) -> Option<usize> {
        let (start, length) = *self.spans.get(text)?;
        put(self.bytes.get(start..)?, length, out, at)
    }
}

/// Copies in whole pieces, over the end into what is written next: for lengths like these a copy of any length is slow.
#[inline(always)]
fn put(from: &[u8], length: usize, out: &mut [u8], at: usize) -> Option<usize> {
    let to = out.get_mut(at..)?;
    if length <= PIECE {
        *to.first_chunk_mut::<PIECE>()? = *from.first_chunk()?;
    } else if length <= 2 * PIECE {
        *to.first_chunk_mut::<{ 2 * PIECE }>()? = *from.first_chunk()?;
    } else {
        put_long(from, length, to)?;
    }
    Some(at + length)
}

#[inline(never)]
fn put_long(from: &[u8], length: usize, to: &mut [u8]) -> Option<()> {
    to.get_mut(..length)?.copy_from_slice(from.get(..length)?);
    Some(())
}

impl Staging {
    /// Nothing staged. `source` is that of all events.
    pub fn new(source: &str) -> Self {
        let mut type_start = String::from("\",\"source\":");
        push_string(&mut type_start, source);
        type_start.push_str(",\"type\":");
        let mut staging = Self {
            words: Vec::new(),
            raw: Vec::new(),
            out: Vec::new(),
            report: Vec::new(),
            type_start,
            texts: Texts::default(),
        };
        staging.forget();
        staging
    }

    /// Makes the places, which stay where they are from then on.
    pub fn open(&mut self) {
        self.words.resize(STAGED_WORDS, 0);
        self.raw.resize(STAGED_RAW_BYTES + PIECE, 0);
        self.report.resize(TOLD + 2 * STAGED_EVENTS, 0);
    }

    /// Bytes of the source in an event.
    pub fn source_bytes(&self) -> usize {
        self.type_start.len()
    }

    /// Forgets all texts. No staged event may name one any more.
    pub fn forget(&mut self) {
        self.texts.bytes.clear();
        self.texts.spans.clear();
        for text in LITERALS {
            self.texts.add(text);
        }
    }

    /// Gives the text that lies in the raw bytes a number.
    ///
    /// Error: `invalid_event` for a type or subject that is empty, too long or not printable.
    pub fn intern(&mut self, what: Use, from: usize, length: usize) -> Result<usize> {
        let raw = self.raw.get(from..from.saturating_add(length)).and_then(|raw| std::str::from_utf8(raw).ok());
        let text = raw.ok_or_else(|| Error::new("internal", "there is no such text"))?;
        if matches!(what, Use::Type | Use::Subject)
            && (text.is_empty() || length > ATTRIBUTE_BYTES_MAX || text.chars().any(char::is_control))
        {
            return Err(Error::new("invalid_event", "not an attribute"));
        }
        let mut fragment = String::new();
        match what {
            Use::Type => fragment.push_str(&self.type_start),
            Use::Key => fragment.push(','),
            Use::Value | Use::Subject => {}
        }
        push_string(&mut fragment, text);
        match what {
            Use::Type => fragment.push_str(TYPE_END),
            Use::Key => fragment.push(':'),
            Use::Value | Use::Subject => {}
        }
        Ok(self.texts.add(&fragment))
    }

    /// The type of that number, as it was given.
    pub fn kind(&self, text: usize) -> Option<String> {
        unquoted(self.texts.get(text)?.get(self.type_start.len()..)?)
    }

    /// The subject of that number, as it was given.
    pub fn subject(&self, text: usize) -> Option<String> {
        unquoted(self.texts.get(text)?)
    }

    /// Writes out the events in the words `from..to`, and tells `each` of every one.
    ///
    /// Gives how many there were; fewer than there are only if the words are not what they should be.
    pub fn write(&mut self, from: usize, to: usize, segment: Segment, mut each: impl FnMut(&Self, Staged)) -> usize {
        let (mut first, mut time) = (HeadText::new(), TimeText::new(segment.base_ms));
        let (mut word, mut at, mut count) = (from, 0, 0);
        let mut out = std::mem::take(&mut self.out);
        while word < to && count < STAGED_EVENTS {
            if out.len() < at + EVENT_BYTES_MAX + PIECE {
                out.resize((at + EVENT_BYTES_MAX + PIECE).max(STAGED_OUT_BYTES), 0);
            }
            let counter = segment.counter + count as u64;
            let Some(written) =
                self.write_one(word, at, Segment { counter, ..segment }, &mut first, &mut time, &mut out)
            else {
                break;
            };
            let data = if written.data_at < written.at { out.get(written.data_at..written.at - 1) } else { None };
            // The comma in front is not its own.
            let bytes = (written.at - at - 1) as u32;
            each(self, Staged { kind: written.kind, subject: written.subject, time_ms: written.time_ms, bytes, data });
            let delta = self.words.get(word + 2).copied().unwrap_or_default();
            for (place, value) in [(TOLD + count, written.at as u32), (TOLD + STAGED_EVENTS + count, delta)] {
                if let Some(report) = self.report.get_mut(place) {
                    *report = value;
                }
            }
            (word, at, count) = (written.word, written.at, count + 1);
        }
        self.out = out;
        count
    }

    #[inline(always)]
    fn write_one(
        &self,
        mut word: usize,
        mut at: usize,
        segment: Segment,
        first: &mut HeadText,
        time: &mut TimeText,
        out: &mut [u8],
    ) -> Option<Written> {
        let texts = &self.texts;
        let &[head, subject, delta] = self.words.get(word..)?.first_chunk()?;
        word += 3;
        let (kind, members) = ((head & 0xff_ffff) as usize, head >> 24);
        let time_ms = segment.base_ms.saturating_add(delta.into());
        first.set(time_ms as u64, segment.counter, segment.node);
        let ms = time.set(delta);
        let to = out.get_mut(at..)?.first_chunk_mut::<64>()?;
        let (front, back) = to.split_at_mut(32);
        let (front_text, back_text) = first.text.split_at(32);
        *front.first_chunk_mut::<32>()? = *front_text.first_chunk()?;
        *back.first_chunk_mut::<32>()? = *back_text.first_chunk()?;
        at += HeadText::LENGTH;
        at = texts.put(kind, out, at)?;
        at = texts.put(subject as usize, out, at)?;
        at = put(&time.text, TimeText::LENGTH, out, at)?;
        let (tail, length) = fraction(ms);
        *out.get_mut(at..)?.first_chunk_mut()? = tail;
        at += length;
        let mut data_at = usize::MAX;
        if members == u32::from(u8::MAX) {
            at = put(NO_DATA, 2, out, at)?;
        } else {
            at = put(DATA, 32, out, at)?;
            at = put(DATA.get(32..)?, 15, out, at)?;
            data_at = at;
            for _ in 0..members {
                let &[key, value] = self.words.get(word..)?.first_chunk()?;
                word += 2;
                at = texts.put((key & 0xfff_ffff) as usize, out, at)?;
                at = self.put_value(key >> 28, value, out, at)?;
            }
            // In place of the first comma, which there is none of in an empty object.
            *out.get_mut(data_at)? = b'{';
            at += usize::from(members == 0);
            *out.get_mut(at)? = b'}';
            at += 1;
        }
        *out.get_mut(at)? = b'}';
        Some(Written { word, at: at + 1, kind, subject: subject as usize, time_ms, data_at })
    }

    #[inline(always)]
    fn put_value(&self, kind: u32, value: u32, out: &mut [u8], mut at: usize) -> Option<usize> {
        match kind {
            0 => self.texts.put(value as usize, out, at),
            1 => {
                let (text, from) = digits(value);
                put(text.get(from..)?, 16 - from, out, at)
            }
            _ => {
                let (start, length) = ((value >> 12) as usize, (value & 0xfff) as usize);
                if kind == 4 {
                    return put_escaped(self.raw.get(start..start + length)?, out, at);
                }
                let quote = usize::from(kind == 3);
                *out.get_mut(at)? = b'"';
                at = put(self.raw.get(start..)?, length, out, at + quote)?;
                *out.get_mut(at)? = b'"';
                Some(at + quote)
            }
        }
    }
}

struct Written {
    word: usize,
    at: usize,
    kind: usize,
    subject: usize,
    time_ms: i64,
    /// Where `data` begins, if there is one.
    data_at: usize,
}

#[inline(never)]
fn put_escaped(raw: &[u8], out: &mut [u8], at: usize) -> Option<usize> {
    let mut text = String::new();
    push_string(&mut text, std::str::from_utf8(raw).ok()?);
    let end = at + text.len();
    out.get_mut(at..end)?.copy_from_slice(text.as_bytes());
    Some(end)
}

/// The JSON string at the front of a text.
fn unquoted(text: &str) -> Option<String> {
    Reader::new(text).string().ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::EventBuilder;
    use crate::id::Ids;
    use crate::time::Instant;

    const SEGMENT: Segment = Segment { base_ms: 1_795_226_400_250, node: 0, counter: 1 };

    fn intern(staging: &mut Staging, what: Use, text: &str) -> u32 {
        staging.raw[..text.len()].copy_from_slice(text.as_bytes());
        staging.intern(what, 0, text.len()).unwrap() as u32
    }

    fn written(staging: &mut Staging, words: &[u32]) -> (usize, String) {
        staging.words[..words.len()].copy_from_slice(words);
        let mut bytes = 0;
        let count = staging.write(0, words.len(), SEGMENT, |_, event| bytes += event.bytes as usize + 1);
        (count, String::from_utf8(staging.out[..bytes].to_vec()).unwrap())
    }

    proptest! {
        #[test]
        fn an_event_is_written_as_a_built_one_is(
            source in "\\PC{1,40}", kind in "\\PC{1,40}", subject in "\\PC{1,40}", key in ".{0,40}", text in ".{0,40}",
            n in any::<u32>(), number in any::<i64>(), delta in any::<u32>(), bare in any::<bool>()
        ) {
            let mut staging = Staging::new(&source);
            staging.open();
            let (kind_at, subject_at) = (intern(&mut staging, Use::Type, &kind), intern(&mut staging, Use::Subject, &subject));
            let (key_at, text_at) = (intern(&mut staging, Use::Key, &key), intern(&mut staging, Use::Value, &text));
            let number = number.to_string();
            let raw = [number.as_str(), &text].concat();
            staging.raw[..raw.len()].copy_from_slice(raw.as_bytes());
            let of = |kind: u32| key_at | kind << 28;
            let place = |from: usize, length: usize| (from << 12 | length) as u32;
            let words = [
                kind_at | 5 << 24, subject_at, delta, of(0), text_at, of(0), 1, of(1), n, of(2), place(0, number.len()),
                of(4), place(number.len(), text.len()),
            ];
            let without = [kind_at | 255 << 24, subject_at, delta];
            let (count, packed) = written(&mut staging, if bare { &without } else { &words });
            prop_assert_eq!(count, 1);
            prop_assert_eq!((staging.kind(kind_at as usize), staging.subject(subject_at as usize)), (Some(kind.clone()), Some(subject.clone())));
            let quoted = |text: &str| serde_json::to_string(text).unwrap();
            let members = [quoted(&text), "true".into(), n.to_string(), number, quoted(&text)].map(|value| [&quoted(&key), ":", &value].concat());
            let data = if bare { String::new() } else { format!(",\"data\":{{{}}}", members.join(",")) };
            let now = Instant::from_millis(SEGMENT.base_ms + i64::from(delta));
            let id = Ids::seeded([0; 16]).next(now.millis());
            let given = format!("{{\"type\":{},\"subject\":{}{data}}}", quoted(&kind), quoted(&subject));
            let built = EventBuilder { source: &source, id: &id, now }.build(&given).unwrap();
            prop_assert_eq!(packed, [",", &built.to_json()].concat());
        }

        #[test]
        fn no_words_panic(words in prop::collection::vec(prop_oneof![any::<u32>(), 0..10_u32, Just(3 << 28 | 1), Just(2 << 24 | 3)], 0..40)) {
            let mut staging = Staging::new("s");
            staging.open();
            intern(&mut staging, Use::Type, "t");
            intern(&mut staging, Use::Key, "k");
            staging.words[..words.len()].copy_from_slice(&words);
            staging.write(0, words.len(), SEGMENT, |_, _| {});
        }
    }

    #[test]
    fn attributes_are_checked() {
        let mut staging = Staging::new("s");
        staging.open();
        for text in ["", "a\nb", "a\u{85}b"] {
            staging.raw[..text.len()].copy_from_slice(text.as_bytes());
            assert_eq!(staging.intern(Use::Subject, 0, text.len()).unwrap_err().code, "invalid_event");
            assert!(staging.intern(Use::Value, 0, text.len()).is_ok());
        }
    }
}
