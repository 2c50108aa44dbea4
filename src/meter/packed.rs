//! Counting packed events without their text.
//!
//! A meter whose value and groups are members of `data` knows the key of an event's cell again by numbers: those of the
//! texts of its subject and groups. So only the first event of a key is read as text; from then on its numbers lead to
//! the same key.

use std::borrow::Cow;

use hot::{Recall, Slots};

use super::aggregate::{Cell, Latest};
use super::definition::{Aggregation, Meter};
use super::key;
use super::path::Document;
use super::totals::{Totals, stored_second};
use super::value::{Amount, Code, Engine, Found, Numeric, What};
use crate::buffer::Staging;
use crate::decimal::digits;
use crate::event::Event;
use crate::time::Instant;

/// Kinds of values in packed events: a text, a whole number, and a number as text; the others are strings in the raw bytes.
const TEXT: u32 = 0;
const WHOLE: u32 = 1;
const NUMBER: u32 = 2;
/// Types whose meters are remembered.
const KINDS_MAX: usize = 16;

/// A packed event.
pub struct Packed<'a> {
    /// Number of the text of its type
    pub kind: u32,
    /// The word that names its subject
    pub subject: u32,
    /// When it happened
    pub time: Instant,
    /// The words of its members
    pub members: &'a [u32],
}

/// What is known of the numbers of packed events.
#[derive(Default)]
pub struct Known {
    /// The keys that are read, by their places
    keys: Vec<String>,
    slots: Slots,
    /// The meters that can be known by numbers
    sets: Vec<Set>,
    kinds: Vec<Kind>,
}

/// Meters of a type that one look-up serves: what one's keys are made of is part of what another's are.
struct Set {
    /// Their texts, beside the subject
    texts: Vec<usize>,
    meters: Vec<Reads>,
    /// By subject and texts: the key of each meter
    recall: Recall,
}

/// Where a meter finds what it reads.
struct Reads {
    /// Its number
    meter: usize,
    /// The place of a number
    value: Option<usize>,
    /// The places of the texts that a cell's key is made of, beside the subject: the groups, and what is counted once
    texts: Vec<usize>,
}

/// A type.
struct Kind {
    /// Of its text
    number: u32,
    sets: Vec<usize>,
    /// Meters that need the event's text
    rest: Vec<usize>,
}

impl Known {
    /// Nothing yet, for these meters.
    pub fn new(meters: &[Meter], engine: Engine) -> Self {
        let mut known = Self::default();
        for (at, meter) in (0..).zip(meters) {
            let is_simple = engine == Engine::default() && meter.dodo.is_none();
            let before = known.keys.len();
            match if is_simple { known.places(at, meter) } else { None } {
                Some(reads) => known.join(reads, meter, meters),
                None => known.keys.truncate(before),
            }
        }
        known.slots = Slots::new(known.keys.len());
        for set in &mut known.sets {
            set.recall = Recall::new(set.texts.len(), set.meters.len());
        }
        known
    }

    fn places(&mut self, at: usize, meter: &Meter) -> Option<Reads> {
        let mut reads = Reads { meter: at, value: None, texts: Vec::new() };
        for (_, path) in &meter.groups {
            reads.texts.push(self.place(path.key()?));
        }
        if let Some(path) = &meter.value {
            let place = self.place(path.key()?);
            if meter.aggregation == Aggregation::UniqueCount {
                reads.texts.push(place);
            } else {
                reads.value = Some(place);
            }
        }
        Some(reads)
    }

    /// Puts a meter into the set whose texts are its own and more, or fewer. A UNIQUE_COUNT, which has many texts, would
    /// be a burden to others.
    fn join(&mut self, reads: Reads, meter: &Meter, meters: &[Meter]) {
        let shares = |meter: &Meter| meter.aggregation != Aggregation::UniqueCount;
        let has = |all: &[usize], some: &[usize]| some.iter().all(|place| all.contains(place));
        for set in &mut self.sets {
            let other = set.meters.first().and_then(|reads| meters.get(reads.meter));
            if other.is_none_or(|other| other.event_type != meter.event_type || !shares(other)) || !shares(meter) {
                continue;
            }
            if has(&reads.texts, &set.texts) {
                set.texts.clone_from(&reads.texts);
            }
            if has(&set.texts, &reads.texts) {
                set.meters.push(reads);
                return;
            }
        }
        self.sets.push(Set { texts: reads.texts.clone(), meters: vec![reads], recall: Recall::default() });
    }

    fn place(&mut self, key: &str) -> usize {
        let at = self.keys.iter().take_while(|known| *known != key).count();
        if at == self.keys.len() {
            self.keys.push(key.to_owned());
        }
        at
    }

    /// The place of a type among those that are remembered.
    fn kind(&mut self, number: u32, meters: &[Meter], staging: &Staging) -> usize {
        if let Some(at) = self.kinds.iter().position(|known| known.number == number) {
            return at;
        }
        if self.kinds.len() >= KINDS_MAX {
            self.kinds.clear();
        }
        let text = staging.kind(number as usize).unwrap_or_default();
        let mut kind = Kind { number, sets: Vec::new(), rest: Vec::new() };
        for (at, _) in (0..).zip(meters).filter(|(_, meter)| meter.event_type == text) {
            let of = |set: &Set| set.meters.iter().position(|reads| reads.meter == at);
            match self.sets.iter().position(|set| of(set).is_some()) {
                Some(set) if kind.sets.contains(&set) => {}
                Some(set) => kind.sets.push(set),
                None => kind.rest.push(at),
            }
        }
        self.kinds.push(kind);
        self.kinds.len() - 1
    }

    fn read(&mut self, members: &[u32], staging: &Staging) {
        while let Err(key) = self.slots.read(members) {
            let text = staging.key(key as usize).unwrap_or_default();
            self.slots.know(key, self.keys.iter().position(|known| *known == text));
        }
    }
}

impl Totals {
    /// Texts have other numbers from now on.
    pub fn forget_numbers(&mut self) {
        self.known.slots.forget();
        self.known.kinds.clear();
        for set in &mut self.known.sets {
            set.recall.clear();
        }
    }

    /// Counts a packed event, once, as [`Self::add`] does. `event` makes it whole, if that is needed.
    pub fn add_packed(&mut self, packed: &Packed, staging: &Staging, arrival: u64, event: &mut dyn FnMut() -> Event) {
        let Some(second) = stored_second(packed.time) else { return };
        self.seen.add(second);
        let Self { meters, tables, bytes, known, numeric, .. } = self;
        let kind = known.kind(packed.kind, meters, staging);
        if known.kinds.get(kind).is_none_or(|kind| kind.sets.is_empty() && kind.rest.is_empty()) {
            return;
        }
        known.read(packed.members, staging);
        let Known { slots, sets, kinds, .. } = known;
        let Some(Kind { sets: of_it, rest, .. }) = kinds.get(kind) else { return };
        for at in of_it {
            let Some(Set { texts, meters: reading, recall }) = sets.get_mut(*at) else { continue };
            let mut keys = recall.find(packed.subject, slots, texts);
            for (at, reads) in reading.iter().enumerate() {
                let (Some(meter), Some(table)) = (meters.get(reads.meter), tables.get_mut(reads.meter)) else {
                    continue;
                };
                if meter.from.is_some_and(|from| i64::from(second) < from) {
                    continue;
                }
                let how = meter.aggregation;
                let amount = reads.value.and_then(|place| amount(slots.get(place), staging, *numeric).ok());
                let mut new = 0;
                let known = keys.as_deref_mut().and_then(|keys| keys.get_mut(at)).unwrap_or(&mut new);
                if *known > 0 && table.count(how, *known as usize - 1, second, amount.as_ref()) {
                    continue;
                }
                let mut one = Cell::of(second);
                if let Some(amount) = amount {
                    (one.amount, one.values) = (amount, 1);
                }
                if how == Aggregation::Latest {
                    let subject = staging.subject(packed.subject).unwrap_or_default();
                    one.latest = Some(Box::new(Latest { second, nanos: 0, subject, arrival }));
                }
                if *known > 0 {
                    table.add_known(how, *known as usize - 1, &one, bytes);
                } else if let Some(key) =
                    table.add(how, &key(packed.subject, slots, meter, reads, staging), &one, bytes)
                {
                    *known = key as u64 + 1;
                }
            }
        }
        if rest.is_empty() {
            return;
        }
        let event = event();
        let document = Document::of(&event, self.engine);
        for at in rest.clone() {
            self.add_to(at, &event, &document, second, arrival);
        }
    }
}

/// The key of a cell, its time 0, as [`Meter::cell`] makes it.
#[inline(never)]
fn key(subject: u32, slots: &Slots, meter: &Meter, reads: &Reads, staging: &Staging) -> Vec<u8> {
    let mut key = key::new(0);
    key::push(&mut key, &staging.subject(subject).unwrap_or_default());
    for (at, place) in reads.texts.iter().enumerate() {
        let found = found(slots.get(*place), staging);
        let text = if at < meter.groups.len() { Some(found.text()) } else { found.distinct().0 };
        if let Some(text) = text {
            key::push(&mut key, &text);
        }
    }
    key
}

/// What a path finds in the event's text.
#[inline(never)]
fn found(said: Option<[u32; 2]>, staging: &Staging) -> Found<'_> {
    let Some([kind, value]) = said else { return Found::nothing(What::Missing) };
    let text = match kind {
        TEXT => staging.value(value as usize).map(Cow::Owned),
        WHOLE => Some(Cow::Owned(digits(value.into()))),
        _ => staging.raw(value).map(Cow::Borrowed),
    };
    let what = match (kind, value) {
        (TEXT, 0) => What::Null,
        (TEXT, 1 | 2) => What::Bool,
        (WHOLE | NUMBER, _) => What::Number,
        _ => What::String,
    };
    Found { what, text: text.unwrap_or_default() }
}

/// The number that a meter sees, as [`Found::amount`].
fn amount(said: Option<[u32; 2]>, staging: &Staging, numeric: Numeric) -> Result<Amount, Code> {
    match said {
        Some([WHOLE, value]) if numeric == Numeric::Float => Ok(Amount::of(value.into())),
        _ => found(said, staging).amount(numeric),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::buffer::Use;
    use crate::json::Value;
    use crate::limits::METER_TEXT_BYTES_MAX;
    use crate::meter::rows::Rows;
    use crate::meter::window::Size;
    use crate::meter::{Options, Query, parse_meters};
    use crate::sink::Sink;

    const METERS: &str = r#"[
        {"slug":"sum","eventType":"t","aggregation":"SUM","valueProperty":"$.n","groupBy":{"a":"$.s","b":"$.k"}},
        {"slug":"count","eventType":"t","aggregation":"COUNT","groupBy":{"a":"$.s"}},
        {"slug":"avg","eventType":"t","aggregation":"AVG","valueProperty":"$['n']"},
        {"slug":"min","eventType":"t","aggregation":"MIN","valueProperty":"$.k","groupBy":{"a":"$.n"}},
        {"slug":"max","eventType":"t","aggregation":"MAX","valueProperty":"$.s"},
        {"slug":"latest","eventType":"t","aggregation":"LATEST","valueProperty":"$.n","groupBy":{"a":"$.s"}},
        {"slug":"unique","eventType":"t","aggregation":"UNIQUE_COUNT","valueProperty":"$.s"},
        {"slug":"nested","eventType":"t","aggregation":"SUM","valueProperty":"$.n.m","groupBy":{"a":"$"}},
        {"slug":"from","eventType":"t","aggregation":"SUM","valueProperty":"$.k","eventFrom":"1970-01-01T00:05:00Z"},
        {"slug":"other","eventType":"u","aggregation":"COUNT","groupBy":{"a":"$.zz"}}
    ]"#;

    /// A staging, totals that count the same events in both ways, and the events.
    struct Rig {
        staging: Staging,
        packed: Totals,
        text: Totals,
        arrival: u64,
        events: Vec<Event>,
    }

    impl Rig {
        fn new(numeric: Numeric) -> Self {
            let sink = Value::parse(r#"{"kind":"openmeter","url":"https://a.b"}"#).unwrap();
            let mut staging = Staging::new("s", Sink::parse(&sink).unwrap().packed());
            staging.open();
            let totals = || {
                let options = Options { numeric, ..Options::default() };
                Totals::new(parse_meters(&Value::parse(METERS).unwrap()).unwrap(), &options)
            };
            Self { staging, packed: totals(), text: totals(), arrival: 0, events: Vec::new() }
        }

        fn intern(&mut self, what: Use, text: &str) -> u32 {
            self.staging.raw[..text.len()].copy_from_slice(text.as_bytes());
            self.staging.intern(what, 0, text.len()).unwrap() as u32
        }

        fn add(&mut self, kind: u32, subject: u32, second: i64, members: &[u32]) {
            self.arrival += 1;
            let head = kind | (members.len() as u32 / 2) << 24;
            let words = [&[head, subject, 0], members].concat();
            self.staging.words[..words.len()].copy_from_slice(&words);
            let segment = hot::Segment { base_ms: second * 1000, node: 0, counter: 0 };
            assert_eq!(self.staging.write(0, words.len(), segment), 1);
            let [end, _, data] = self.staging.written(1).map(|told| told[0] as usize);
            let event = Event {
                id: String::new(),
                source: String::new(),
                kind: self.staging.kind(kind as usize).unwrap(),
                subject: self.staging.subject(subject).unwrap(),
                time: Instant { seconds: second, nanos: 0 },
                data: Some(String::from_utf8(self.staging.out[data..end - 1].to_vec()).unwrap()),
            };
            let packed = Packed { kind, subject, time: event.time, members };
            self.packed.add_packed(&packed, &self.staging, self.arrival, &mut || event.clone());
            self.text.add(&event, self.arrival);
            self.events.push(event);
        }

        /// The answer to a query by the events one by one.
        fn anew(&self, query: &Query) -> String {
            let mut rows = Rows::new(query);
            for (event, arrival) in self.events.iter().zip(1..) {
                let (document, second) = (Document::of(event, Engine::default()), stored_second(event.time).unwrap());
                if query.meter.event_type == event.kind && query.meter.sees(second, &document) {
                    let (key, cell, _) = query.meter.cell(&document, event, second, arrival, self.text.numeric());
                    rows.add(&key, &cell).unwrap();
                }
            }
            rows.answer(self.text.numeric()).unwrap()
        }

        fn compare(&self) {
            assert_eq!(self.packed.time_range(), self.text.time_range());
            for meter in self.text.meters() {
                for more in [
                    "",
                    ",\"windowSize\":\"MINUTE\"",
                    ",\"windowSize\":\"HOUR\",\"groupBy\":[\"subject\"]",
                    ",\"groupBy\":[\"subject\"],\"from\":\"1970-01-01T00:04:00Z\"",
                    ",\"groupBy\":[\"a\"],\"to\":\"1970-01-01T00:30:00Z\"",
                ] {
                    if more.contains("\"a\"") && meter.groups.is_empty() {
                        continue;
                    }
                    let query = ["{\"meter\":\"", &meter.slug, "\"", more, "}"].concat();
                    let query = Value::parse(&query).unwrap();
                    let options = Options::default();
                    let query = Query::parse(&query, self.text.meters(), &options).unwrap();
                    let answer = self.packed.query(&query).unwrap();
                    assert_eq!(answer, self.text.query(&query).unwrap());
                    // The sum of floats depends on their order.
                    if self.text.numeric() == Numeric::Decimal {
                        assert_eq!(answer, self.anew(&query));
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn by_numbers_or_by_text_it_counts_the_same(
            is_decimal in any::<bool>(),
            events in prop::collection::vec((0..2_usize, 0..4_usize, 0..400_i64, prop::collection::vec((0..4_usize, 0..12_usize), 0..4)), 1..60),
            forget_at in 0..60_usize
        ) {
            let mut rig = Rig::new(if is_decimal { Numeric::Decimal } else { Numeric::Float });
            let mut second = 1;
            let mut numbers = None;
            for (at, (kind, subject, seconds, members)) in events.into_iter().enumerate() {
                if at == forget_at {
                    rig.staging.forget();
                    rig.packed.forget_numbers();
                    numbers = None;
                    // So that texts have other numbers than before.
                    rig.intern(Use::Value, "new");
                }
                let (kinds, subjects, keys, values) = numbers.take().unwrap_or_else(|| (
                    ["t", "u"].map(|text| rig.intern(Use::Type, text)),
                    ["a", "b\"", "é"].map(|text| rig.intern(Use::Subject, text)),
                    ["n", "k", "s", "x"].map(|text| rig.intern(Use::Key, text)),
                    ["", "1.50", "x\n", "null"].map(|text| rig.intern(Use::Value, text)),
                ));
                let raw = "0.1-7.25e-3\"écustomer-7";
                rig.staging.raw[..raw.len()].copy_from_slice(raw.as_bytes());
                let mut words = Vec::new();
                let mut used = Vec::new();
                for (key, value) in members {
                    if used.contains(&key) {
                        continue;
                    }
                    used.push(key);
                    let (kind, value) = match value {
                        n @ 0..4 => (0, values[n]),
                        n @ 4..7 => (0, n as u32 - 4),
                        n @ 7..9 => (1, n as u32 * 30_000_000),
                        9 => (2, 3),
                        10 => (2, 3 << 12 | 8),
                        _ => (4, 11 << 12 | 3),
                    };
                    words.extend([keys[key] | kind << 28, value]);
                }
                second += if seconds > 300 { seconds } else { 0 };
                let late = if seconds % 5 == 0 { second / 2 } else { 0 };
                let raw_subject = hot::RAW_SUBJECT | 14 << 11 | 10;
                rig.add(kinds[kind], subjects.get(subject).copied().unwrap_or(raw_subject), second - late, &words);
                numbers = Some((kinds, subjects, keys, values));
            }
            rig.compare();
        }
    }

    #[test]
    fn what_does_not_fit_is_made_coarser_in_both_ways() {
        let mut rig = Rig::new(Numeric::Float);
        let kind = rig.intern(Use::Type, "u");
        let key = rig.intern(Use::Key, "zz");
        let long = "x".repeat(1000);
        let subjects = ["a", &long].map(|text| rig.intern(Use::Subject, text));
        for n in 0..METER_TEXT_BYTES_MAX as u32 / 1000 + 50 {
            for subject in subjects {
                rig.add(kind, subject, 1 + i64::from(n) / 50, &[key | 1 << 28, n]);
            }
        }
        assert!(rig.packed.tables.iter().any(|table| table.bucket == Size::Month));
        rig.compare();
    }
}
