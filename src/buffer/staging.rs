//! Events as the host packs them: words in a fixed place, texts that are known by number, and what is written of them.
//!
//! What the words mean, and how they are written, is in the `hot` crate. The host writes between two calls, never during
//! one.

use hot::{Outside, PIECE, RAW_SUBJECT, Segment, Texts, Words, raw_subject};

use crate::error::{Error, Result};
use crate::json::{Reader, push_string};
use crate::limits::{
    ATTRIBUTE_BYTES_MAX, EVENT_BYTES_MAX, STAGED_EVENTS, STAGED_OUT_BYTES, STAGED_RAW_BYTES, STAGED_WORDS,
};
use crate::sink::Packed;
use crate::time::Instant;

/// Places of the report in front of the events'.
const TOLD: usize = 7;

/// Texts of fixed numbers: the values that are no strings.
const LITERALS: [&str; 3] = ["null", "true", "false"];

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

/// The places that the host writes to, and the texts it may name.
pub struct Staging {
    /// The events.
    pub words: Vec<u32>,
    /// UTF-8 of strings that are not worth a number, and of numbers that do not fit a word.
    pub raw: Vec<u8>,
    /// Events as the vendor takes them, a comma before each.
    pub out: Vec<u8>,
    /// Places for what the client tells, then where each event ends in `out`; behind all of these, each one's milliseconds
    /// since the base time; and behind these, where its `data` begins in `out`, or 0.
    pub report: Vec<u32>,
    /// From the id's end to the type: `","source":"…","type":`
    type_start: String,
    packed: Packed,
    texts: Texts,
}

impl Staging {
    /// Nothing staged. `source` is that of all events.
    pub fn new(source: &str, packed: Packed) -> Self {
        let mut type_start = String::from("\"");
        if !packed.source.is_empty() {
            type_start.push_str(packed.source);
            push_string(&mut type_start, source);
        }
        type_start.push_str(packed.kind);
        let mut staging = Self {
            words: Vec::new(),
            raw: Vec::new(),
            out: Vec::new(),
            report: Vec::new(),
            type_start,
            packed,
            texts: Texts::default(),
        };
        staging.forget();
        staging
    }

    /// Makes the places, which stay where they are from then on.
    pub fn open(&mut self) {
        self.words.resize(STAGED_WORDS, 0);
        self.raw.resize(STAGED_RAW_BYTES + PIECE, 0);
        self.out.resize(STAGED_OUT_BYTES, 0);
        self.report.resize(TOLD + 3 * STAGED_EVENTS, 0);
    }

    /// Which events may be packed.
    pub fn packed(&self) -> Packed {
        self.packed
    }

    /// Bytes of the source in an event.
    pub fn source_bytes(&self) -> usize {
        self.type_start.len()
    }

    /// Forgets all texts. No staged event may name one any more.
    pub fn forget(&mut self) {
        self.texts.clear();
        for text in LITERALS {
            self.texts.add(text.as_bytes());
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
            Use::Type => fragment.push_str(self.packed.subject),
            Use::Key => fragment.push(':'),
            Use::Value | Use::Subject => {}
        }
        Ok(self.texts.add(fragment.as_bytes()))
    }

    /// The type of that number, as it was given.
    pub fn kind(&self, text: usize) -> Option<String> {
        unquoted(self.texts.get(text)?.get(self.type_start.len()..)?)
    }

    /// The key of that number, as it was given.
    pub fn key(&self, text: usize) -> Option<String> {
        unquoted(self.texts.get(text)?.get(1..)?)
    }

    /// The value of that number: a string as it was given, a literal as it is written.
    pub fn value(&self, text: usize) -> Option<String> {
        match LITERALS.get(text) {
            Some(literal) => Some((*literal).to_owned()),
            None => unquoted(self.texts.get(text)?),
        }
    }

    /// The text of a member that lies in the raw bytes.
    pub fn raw(&self, word: u32) -> Option<&str> {
        let raw = self.raw.get((word >> 12) as usize..)?.get(..(word & 0xfff) as usize)?;
        std::str::from_utf8(raw).ok()
    }

    /// The subject that a word names, as it was given.
    pub fn subject(&self, word: u32) -> Option<String> {
        if word & RAW_SUBJECT == 0 {
            return unquoted(self.texts.get(word as usize)?);
        }
        let (start, length) = raw_subject(word);
        std::str::from_utf8(self.raw.get(start..start.checked_add(length)?)?).ok().map(str::to_owned)
    }

    /// Writes out the events in the words `from..to`, and reports of each.
    ///
    /// Gives how many there were; fewer than there are only if the words are not what they should be.
    pub fn write(&mut self, from: usize, to: usize, segment: Segment) -> usize {
        let words = self.words.get(from..to).unwrap_or_default();
        let words = Words { words, raw: &self.raw, texts: &self.texts };
        let outside = Outside { form: self.packed.form, ..OUTSIDE };
        hot::write(words, segment, outside, &mut self.out, self.report.get_mut(TOLD..).unwrap_or_default())
    }

    /// What was reported of the first `count` events: where each ends, its milliseconds, where its `data` begins.
    pub fn written(&self, count: usize) -> [&[u32]; 3] {
        [0, 1, 2].map(|third| {
            let [from, to] =
                [0, count].map(|n| STAGED_EVENTS.saturating_mul(third).saturating_add(TOLD).saturating_add(n));
            self.report.get(from..to).unwrap_or_default()
        })
    }
}

const OUTSIDE: Outside = Outside {
    form: hot::Form { head: &[], time: &[], data: &[] },
    second: |second| {
        let text = Instant { seconds: second, nanos: 0 }.text();
        text.as_bytes().first_chunk().copied().unwrap_or_default()
    },
    escaped: |raw| {
        let mut text = String::new();
        push_string(&mut text, std::str::from_utf8(raw).unwrap_or_default());
        text.into_bytes()
    },
    event_bytes_max: EVENT_BYTES_MAX,
};

/// The JSON string at the front of a text.
fn unquoted(text: &[u8]) -> Option<String> {
    Reader::new(std::str::from_utf8(text).ok()?).string().ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{Event, EventBuilder};
    use crate::id::Ids;
    use crate::json::Value;
    use crate::sink::Sink;
    use crate::time::Instant;

    fn sink(dodo: bool) -> Sink {
        let settings = if dodo {
            r#"{"kind":"dodo","environment":"test"}"#
        } else {
            r#"{"kind":"openmeter","url":"https://a.b"}"#
        };
        Sink::parse(&Value::parse(settings).unwrap()).unwrap()
    }

    const SEGMENT: Segment = Segment { base_ms: 1_795_226_400_250, node: 0, counter: 1 };

    fn intern(staging: &mut Staging, what: Use, text: &str) -> u32 {
        staging.raw[..text.len()].copy_from_slice(text.as_bytes());
        staging.intern(what, 0, text.len()).unwrap() as u32
    }

    fn written(staging: &mut Staging, words: &[u32]) -> (usize, String) {
        staging.words[..words.len()].copy_from_slice(words);
        let count = staging.write(0, words.len(), SEGMENT);
        let bytes = staging.written(count)[0].last().copied().unwrap_or(0);
        (count, String::from_utf8(staging.out[..bytes as usize].to_vec()).unwrap())
    }

    proptest! {
        #[test]
        fn an_event_is_written_as_a_built_one_is(
            source in "\\PC{1,40}", kind in "\\PC{1,40}", subject in "\\PC{1,40}", key in ".{0,40}", text in ".{0,40}",
            n in prop_oneof![any::<u32>(), 0..1000_u32], number in any::<i64>(), delta in any::<u32>(), bare in any::<bool>(), raw_subject in any::<bool>(), dodo in any::<bool>()
        ) {
            let mut staging = Staging::new(&source, sink(dodo).packed());
            staging.open();
            let (kind_at, subject_at) = (intern(&mut staging, Use::Type, &kind), intern(&mut staging, Use::Subject, &subject));
            let (key_at, text_at) = (intern(&mut staging, Use::Key, &key), intern(&mut staging, Use::Value, &text));
            let number = number.to_string();
            let plain = "customer-7";
            let raw = [number.as_str(), &text, plain].concat();
            staging.raw[..raw.len()].copy_from_slice(raw.as_bytes());
            let of = |kind: u32| key_at | kind << 28;
            let place = |from: usize, length: usize| (from << 12 | length) as u32;
            let (subject, subject_at) = if raw_subject {
                (plain.to_owned(), RAW_SUBJECT | ((raw.len() - plain.len()) << 11 | plain.len()) as u32)
            } else {
                (subject, subject_at)
            };
            let words = [
                kind_at | 5 << 24, subject_at, delta, of(0), text_at, of(0), 1, of(1), n, of(2), place(0, number.len()),
                of(4), place(number.len(), text.len()),
            ];
            let without = [kind_at | 255 << 24, subject_at, delta];
            let (count, packed) = written(&mut staging, if bare { &without } else { &words });
            prop_assert_eq!(count, 1);
            prop_assert_eq!((staging.kind(kind_at as usize), staging.subject(subject_at)), (Some(kind.clone()), Some(subject.clone())));
            let quoted = |text: &str| serde_json::to_string(text).unwrap();
            let members = [quoted(&text), "true".into(), n.to_string(), number, quoted(&text)].map(|value| [&quoted(&key), ":", &value].concat());
            let data = if bare { String::new() } else { format!(",\"data\":{{{}}}", members.join(",")) };
            let now = Instant::from_millis(SEGMENT.base_ms + i64::from(delta));
            let id = Ids::seeded([0; 16]).next(now.millis());
            let given = format!("{{\"type\":{},\"subject\":{}{data}}}", quoted(&kind), quoted(&subject));
            let built = EventBuilder { source: &source, id: &id, now }.build(&given).unwrap();
            prop_assert_eq!(packed, [",", &sink(dodo).map(&built).unwrap()].concat());
        }

        #[test]
        fn ids_count_on_and_times_are_those_of_the_events(
            base_ms in prop_oneof![0..248_000_000_000_000_i64, Just(1_795_226_399_990)], deltas in prop::collection::vec(prop_oneof![0..2000_u32, any::<u32>()], 1..9),
            counter in prop_oneof![0..1_u64 << 41, Just((1 << 16) - 3), Just((1 << 30) - 2)], node in any::<u32>(), bare in any::<bool>(), dodo in any::<bool>()
        ) {
            let mut staging = Staging::new("s", sink(dodo).packed());
            staging.open();
            let (kind, subject) = (intern(&mut staging, Use::Type, "t"), intern(&mut staging, Use::Subject, "c"));
            let words: Vec<u32> = deltas.iter().flat_map(|delta| [kind | if bare { 255 << 24 } else { 0 }, subject, *delta]).collect();
            staging.words[..words.len()].copy_from_slice(&words);
            let segment = Segment { base_ms, node, counter };
            prop_assert_eq!(staging.write(0, words.len(), segment), deltas.len());
            let [ends, times, _] = staging.written(deltas.len());
            prop_assert_eq!(times, deltas.as_slice());
            let mut start = 0;
            for (at, (end, delta)) in ends.iter().zip(&deltas).enumerate() {
                let ms = base_ms + i64::from(*delta);
                let counter = u128::from(counter) + at as u128;
                let bits = (ms as u128) << 80 | 7 << 76 | (counter >> 30) << 64 | 2 << 62 | (counter & 0x3fff_ffff) << 32 | u128::from(node);
                let mut id = format!("{bits:032x}");
                for hyphen in [20, 16, 12, 8] {
                    id.insert(hyphen, '-');
                }
                let now = Instant::from_millis(ms);
                let data = if bare { None } else { Some(String::from("{}")) };
                let event = Event { id, source: "s".into(), kind: "t".into(), subject: "c".into(), time: now, data };
                let text = std::str::from_utf8(&staging.out[start + 1..*end as usize]).unwrap();
                prop_assert_eq!(text, sink(dodo).map(&event).unwrap());
                start = *end as usize;
            }
        }

        #[test]
        fn no_words_panic(words in prop::collection::vec(prop_oneof![any::<u32>(), 0..10_u32, Just(3 << 28 | 1), Just(2 << 24 | 3)], 0..40)) {
            let mut staging = Staging::new("s", sink(false).packed());
            staging.open();
            intern(&mut staging, Use::Type, "t");
            intern(&mut staging, Use::Key, "k");
            staging.words[..words.len()].copy_from_slice(&words);
            staging.write(0, words.len(), SEGMENT);
        }
    }

    #[test]
    fn attributes_are_checked() {
        let mut staging = Staging::new("s", sink(false).packed());
        staging.open();
        for text in ["", "a\nb", "a\u{85}b"] {
            staging.raw[..text.len()].copy_from_slice(text.as_bytes());
            assert_eq!(staging.intern(Use::Subject, 0, text.len()).unwrap_err().code, "invalid_event");
            assert!(staging.intern(Use::Value, 0, text.len()).is_ok());
        }
    }
}
