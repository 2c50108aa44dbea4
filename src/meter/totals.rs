//! The running counts of all meters: events in, rows out.
//!
//! A meter's cells are keyed by time bucket, subject and group values. How long a bucket is, is the meter's resolution:
//!
//! - For a text of events at hand ([`Totals::new`]) each event is a bucket, so that floats are added in order of arrival;
//!   beyond [`METER_CELLS_MAX`] events, each second. The server stores whole seconds, so nothing else can tell them apart.
//! - For a stream ([`Totals::live`]) it is a minute, and becomes an hour, a day, a month (UTC) as often as the meter
//!   outgrows [`METER_CELLS_MAX`] or [`METER_TEXT_BYTES_MAX`]: cells are merged, none is dropped. Beyond months, subjects
//!   and groups that are new are counted together as `__other__`.
//!
//! A cell knows its first and its last second. So a coarse answer is exact as long as no cell has events on both sides of
//! a window's edge, of `from` or of `to`, and it says so where one has: **`incomplete` is true exactly if a cell was cut,
//! if `__other__` holds what the query filters or groups by, or if the result has more rows than it may**. A cut
//! cell is counted where its first event is.

use super::aggregate::{Cell, Cells, Index, Latest, Tally};
use super::definition::{Aggregation, Meter};
use super::key;
use super::path::Document;
use super::query::{Options, Query};
use super::rows::{Answer, View};
use super::value::{Code, Engine, Numeric, has_huge_integer};
use super::window::Zone;
use crate::error::Result;
use crate::event::Event;
use crate::limits::{METER_CELLS_MAX, METER_TEXT_BYTES_MAX, UNIQUE_TEXTS_MAX};
use crate::time::{Instant, civil, days};

/// How long a bucket is, from the finest to the coarsest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resolution {
    Event,
    Second,
    Minute,
    Hour,
    Day,
    Month,
}

impl Resolution {
    fn bucket(self, second: u32, arrival: u64) -> i64 {
        let length = match self {
            Self::Event => return arrival as i64,
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Month => {
                let (year, month, _) = civil(i64::from(second / 86_400));
                return days(year, month, 1);
            }
        };
        i64::from(second / length)
    }

    fn coarser(self) -> Self {
        match self {
            Self::Event => Self::Second,
            Self::Second => Self::Minute,
            Self::Minute => Self::Hour,
            Self::Hour => Self::Day,
            Self::Day | Self::Month => Self::Month,
        }
    }
}

/// The counts of some meters over the events that were added.
pub struct Totals {
    meters: Vec<Meter>,
    tables: Vec<Table>,
    numeric: Numeric,
    engine: Engine,
    coarsest: Resolution,
    /// First and last second of all events.
    seen: Option<(u32, u32)>,
}

/// A remark on one event: what keeps a meter, or any meter, from counting it as meant.
pub struct Diagnostic {
    /// Index of the meter; absent for `no_meter`
    pub meter: Option<usize>,
    /// `no_meter`, `value_missing`, …
    pub code: Code,
}

/// The second under which the server stores an event; `None` if it drops it, at 1970 and before.
pub fn stored_second(time: Instant) -> Option<u32> {
    if time.seconds > 0 { Some(u32::try_from(time.seconds).unwrap_or(u32::MAX)) } else { None }
}

impl Totals {
    /// Totals for events at hand, kept by the event or second, so that any query is answered exactly.
    /// Memory grows with the events.
    pub fn new(meters: Vec<Meter>, options: &Options<'_>) -> Self {
        Self::start(meters, options, Resolution::Event, Resolution::Second)
    }

    /// Totals for a stream of events, in bounded memory.
    pub fn live(meters: Vec<Meter>, options: &Options<'_>) -> Self {
        Self::start(meters, options, Resolution::Minute, Resolution::Month)
    }

    fn start(meters: Vec<Meter>, options: &Options<'_>, finest: Resolution, coarsest: Resolution) -> Self {
        let mut tables = Vec::new();
        for _ in &meters {
            tables.push(Table { resolution: finest, cells: Cells::default(), texts: 0, bytes: 0 });
        }
        Self { meters, tables, numeric: options.numeric, engine: options.engine, coarsest, seen: None }
    }

    /// The meters, as they were given.
    pub fn meters(&self) -> &[Meter] {
        &self.meters
    }

    /// The unix seconds that a zone table has to cover for any query: 32 days before the first event to 62 days after
    /// the last, so that whole months fit.
    pub fn time_range(&self) -> Option<(i64, i64)> {
        self.seen.map(|(first, last)| (i64::from(first) - 32 * 86_400, i64::from(last) + 62 * 86_400))
    }

    /// Counts one event, once. `arrival` numbers the events in the order they came.
    ///
    /// Never fails: what cannot be counted is in the diagnostics. An event that the server drops ([`stored_second`])
    /// is not counted and has none.
    pub fn add(&mut self, event: &Event, arrival: u64) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let Some(second) = stored_second(event.time) else { return diagnostics };
        self.seen = Some(self.seen.map_or((second, second), |(first, last)| (first.min(second), last.max(second))));
        let unreadable = self.engine == Engine::V25_12 && event.data.as_deref().is_some_and(has_huge_integer);
        let document = Document::read(event.data.as_deref().filter(|_| !unreadable));
        let mut known = false;
        for (at, (meter, table)) in self.meters.iter().zip(&mut self.tables).enumerate() {
            if meter.event_type != event.kind {
                continue;
            }
            known = true;
            let (tally, code) = self.numeric.tally(meter, &document, event, second, arrival);
            if let Some(code) = code {
                diagnostics.push(Diagnostic { meter: Some(at), code });
            }
            if meter.from.is_some_and(|from| i64::from(second) < from) {
                continue;
            }
            let mut key = key::new(0);
            key::push(&mut key, &event.subject);
            for (_, path) in &meter.groups {
                key::push(&mut key, &path.find(&document).text());
            }
            // COUNT counts events, the others what they can use.
            let counts = meter.value.is_none() || !matches!(tally, Tally::Nothing);
            let cell = Cell { first: second, last: second, count: counts.into(), tally };
            table.add(meter.aggregation, key, cell, arrival, self.coarsest);
        }
        if !known {
            diagnostics.push(Diagnostic { meter: None, code: "no_meter" });
        }
        diagnostics
    }

    /// Answers a query about what was added. Errors: `sum_overflow`, `limit_exceeded`.
    pub fn query(&self, query: &Query<'_>) -> Result<Answer> {
        let utc = Zone::utc();
        let mut rows = Cells::default();
        let mut incomplete = false;
        let (Some(meter), Some(table)) = (self.meters.get(query.meter), self.tables.get(query.meter)) else {
            return Ok(Answer { result: String::from("{\"data\":[]}"), incomplete });
        };
        let view = View { meter, query, zone: query.zone.unwrap_or(&utc) };
        for (key, at) in &table.cells.index {
            if let Some(cell) = table.cells.list.get(*at) {
                view.select(key, cell, &mut rows, &mut incomplete);
            }
        }
        view.answer(rows, incomplete, self.numeric)
    }
}

impl Numeric {
    /// What one event brings to a meter, and what there is to say about it.
    fn tally(
        self,
        meter: &Meter,
        document: &Document<'_>,
        event: &Event,
        second: u32,
        arrival: u64,
    ) -> (Tally, Option<Code>) {
        let Some(path) = &meter.value else { return (Tally::Nothing, None) };
        let found = path.find(document);
        if meter.aggregation == Aggregation::UniqueCount {
            let (text, code) = found.distinct();
            let Some(text) = text else { return (Tally::Nothing, code) };
            let mut texts = Index::new();
            texts.insert(text.into_owned().into_bytes(), 0);
            return (Tally::Texts(texts), code);
        }
        match found.amount(self) {
            Err(code) => (Tally::Nothing, Some(code)),
            Ok(amount) if meter.aggregation == Aggregation::Latest => {
                (Tally::Latest(Box::new(Latest { amount, second, subject: event.subject.clone(), arrival })), None)
            }
            Ok(amount) => (Tally::Amount(amount), None),
        }
    }
}

/// The cells of one meter. A key without texts is `__other__`.
struct Table {
    resolution: Resolution,
    cells: Cells,
    /// Distinct texts in the cells
    texts: usize,
    /// Bytes of keys and distinct texts
    bytes: usize,
}

impl Table {
    fn is_full(&self) -> bool {
        self.cells.list.len() >= METER_CELLS_MAX || self.texts >= UNIQUE_TEXTS_MAX || self.bytes >= METER_TEXT_BYTES_MAX
    }

    fn add(&mut self, how: Aggregation, mut key: Vec<u8>, mut cell: Cell, arrival: u64, coarsest: Resolution) {
        while self.resolution != coarsest && self.is_full() {
            self.resolution = self.resolution.coarser();
            (self.texts, self.bytes) = (0, 0);
            let finer = std::mem::take(&mut self.cells);
            for (key, at) in &finer.index {
                if let Some(cell) = finer.list.get(*at) {
                    // Only an event at hand has its own arrival.
                    self.put(how, key.clone(), cell, 0);
                }
            }
        }
        // Seconds are kept whatever there are: their number is bounded by the text that holds the events.
        if self.resolution == Resolution::Month && self.is_full() {
            key::set_time(&mut key, self.resolution.bucket(cell.first, arrival));
            if !self.cells.index.contains_key(&key) {
                key.truncate(key::TIME);
            }
            if matches!(cell.tally, Tally::Texts(_)) {
                cell.tally = Tally::TooManyTexts;
            }
        }
        self.put(how, key, &cell, arrival);
    }

    fn put(&mut self, how: Aggregation, mut key: Vec<u8>, cell: &Cell, arrival: u64) {
        key::set_time(&mut key, self.resolution.bucket(cell.first, arrival));
        let (length, before) = (key.len(), self.cells.list.len());
        let (texts, bytes) = self.cells.put(key, cell, how);
        self.texts += texts;
        self.bytes += bytes + if self.cells.list.len() > before { length } else { 0 };
    }
}
