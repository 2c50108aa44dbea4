//! The running counts of all meters: events in, rows out.
//!
//! A meter's cells are keyed by time bucket, subject and group values. How long a bucket is, is the meter's resolution:
//!
//! - For a text of events at hand ([`Totals::new`]) each event is a bucket, beyond [`METER_CELLS_MAX`] each second. The
//!   server stores whole seconds, so the answer is exact either way, and floats are added in order of arrival.
//! - For a stream ([`Totals::live`]) it is a minute, and becomes an hour, a day, a month (UTC) as often as the meter
//!   outgrows [`METER_CELLS_MAX`] or [`METER_TEXT_BYTES_MAX`]: cells are merged, none is dropped. Beyond months, subjects
//!   and groups that are new are counted together as `__other__`.
//!
//! A cell knows its first and its last second. So a coarse answer is exact as long as no cell has events on both sides of
//! a window's edge, of `from` or of `to`, and it says so where one has: **`incomplete` is true exactly if a cell was cut,
//! if `__other__` holds what the query filters or groups by, or if the result has more rows than it may**. A cut
//! cell is counted where its first event is.

use super::aggregate::{Cell, Index, Latest, Tally, too_many_texts};
use super::definition::{Aggregation, Meter};
use super::key;
use super::path::Document;
use super::query::{Dimension, Options, Query};
use super::value::{Code, Engine, Numeric, has_huge_integer};
use super::window::Zone;
use crate::error::Result;
use crate::event::Event;
use crate::json::Writer;
use crate::limits::{METER_CELLS_MAX, METER_TEXT_BYTES_MAX, RESULT_CELLS_MAX, UNIQUE_TEXTS_MAX};
use crate::time::{Instant, civil, days};

/// The subject and group values of what is counted together.
const OTHER: &str = "__other__";

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

/// The rows for a query.
pub struct Answer {
    /// `{from?, to?, windowSize?, data: [row]}`
    pub result: String,
    /// The rows are not the whole truth.
    pub incomplete: bool,
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

/// Cells by key.
#[derive(Default)]
struct Cells {
    index: Index,
    list: Vec<Cell>,
}

impl Cells {
    /// Adds a cell to those under its key. Gives number and bytes of the distinct texts that are new there.
    fn put(&mut self, key: Vec<u8>, cell: &Cell, how: Aggregation) -> (usize, usize) {
        let at = self.index.get(&key).copied().unwrap_or(self.list.len());
        if at == self.list.len() {
            self.index.insert(key, at);
            self.list.push(Cell::EMPTY);
        }
        self.list.get_mut(at).map_or((0, 0), |mine| mine.merge(how, cell))
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

/// A meter seen through a query.
struct View<'a> {
    meter: &'a Meter,
    query: &'a Query<'a>,
    zone: &'a Zone,
}

impl View<'_> {
    /// Adds a cell of the table to its row. A row's key: start of the window (0 without windows), subject, customer,
    /// groups; empty where the query does not group by them.
    fn select(&self, key: &[u8], cell: &Cell, rows: &mut Cells, incomplete: &mut bool) {
        let query = self.query;
        let (first, last) = (i64::from(cell.first), i64::from(cell.last));
        let (from, to) = (query.from.map_or(0, |t| t.seconds), query.to.map_or(i64::MAX, |t| t.seconds));
        if last < from || first >= to {
            return;
        }
        let mut texts = key::texts(key);
        let known = !texts.is_empty();
        if !known {
            for _ in 0..=self.meter.groups.len() {
                texts.push(OTHER.to_owned());
            }
        }
        let text = |at: usize| texts.get(at).map_or("", String::as_str);
        let subject = text(0);
        let customer = query.customer(subject);
        let narrowed = !query.subjects.is_empty() || !query.customers.is_empty() || !query.filters.is_empty();
        if narrowed && !known {
            // What of the rest would pass is not known.
            *incomplete = true;
            return;
        }
        if (!query.subjects.is_empty() && !query.subjects.contains(&subject))
            || (!query.customers.is_empty() && customer.is_none())
        {
            return;
        }
        let customer = customer.unwrap_or_default();
        for (dimension, filter) in &query.filters {
            let value = match dimension {
                Dimension::Subject => subject,
                Dimension::Customer => customer,
                Dimension::Group(at) => text(at + 1),
            };
            if !filter.matches(value) {
                return;
            }
        }
        let mut start = 0;
        if let Some((size, _)) = query.window {
            let window = self.zone.window(size, first);
            start = window.0;
            *incomplete |= last >= window.1 && self.zone.window(size, last) != window;
        }
        *incomplete |= first < from || last >= to || (!known && (query.by_subject || !query.groups.is_empty()));
        if first < from {
            return;
        }
        let mut row = key::new(start);
        key::push(&mut row, if query.by_subject { subject } else { "" });
        key::push(&mut row, customer);
        for at in &query.groups {
            key::push(&mut row, text(at + 1));
        }
        rows.put(row, cell, self.meter.aggregation);
    }

    fn answer(&self, mut rows: Cells, mut incomplete: bool, numeric: Numeric) -> Result<Answer> {
        let (query, how) = (self.query, self.meter.aggregation);
        let grouped = query.by_subject || !query.customers.is_empty() || !query.groups.is_empty();
        if rows.list.is_empty() && query.window.is_none() && !grouped {
            // Only a count has a row of nothing.
            rows.put(key::new(0), &Cell { first: 0, ..Cell::EMPTY }, how);
        }
        if query.window.is_none() {
            // Only now is it known when a row begins: with its first event's minute.
            for (mut key, at) in std::mem::take(&mut rows.index) {
                let minute = rows.list.get(at).map_or(0, |cell| i64::from(cell.first - cell.first % 60));
                key::set_time(&mut key, query.from.map_or(minute, |from| from.seconds));
                rows.index.insert(key, at);
            }
        }
        let mut data = Writer::array();
        let (mut count, mut texts) = (0, 0);
        let mut rest = (i64::MAX, 0, Cell::EMPTY);
        for (key, at) in &rows.index {
            let Some(cell) = rows.list.get(*at) else { continue };
            count += 1;
            texts += cell.texts().0;
            let start = key::time(key);
            let end = match query.window {
                Some((size, _)) => self.zone.end(size, start),
                // The minute after the last event.
                None => i64::from(cell.last - cell.last % 60) + 60,
            };
            if count <= RESULT_CELLS_MAX {
                self.row(&mut data, key, end, cell, numeric)?;
            } else {
                rest.0 = start.min(rest.0);
                rest.1 = end.max(rest.1);
                rest.2.merge(how, cell);
            }
        }
        if texts > UNIQUE_TEXTS_MAX {
            return Err(too_many_texts());
        }
        if count > RESULT_CELLS_MAX {
            incomplete = true;
            let mut key = key::new(rest.0);
            for _ in 0..query.groups.len() + 2 {
                key::push(&mut key, OTHER);
            }
            self.row(&mut data, &key, rest.1, &rest.2, numeric)?;
        }
        let mut result = Writer::object();
        for (name, time) in [("from", query.from), ("to", query.to)] {
            if let Some(time) = time {
                result.string(name, &time.text());
            }
        }
        if let Some((_, name)) = query.window {
            result.string("windowSize", name);
        }
        result.raw("data", &data.end());
        Ok(Answer { result: result.end(), incomplete })
    }

    /// Writes a row, unless it has no value.
    fn row(&self, data: &mut Writer, key: &[u8], end: i64, cell: &Cell, numeric: Numeric) -> Result<()> {
        let query = self.query;
        let Some((value, exact)) = cell.value(self.meter.aggregation, numeric)? else { return Ok(()) };
        let mut row = Writer::object();
        row.raw("value", &value);
        if let Some(exact) = exact {
            row.string("valueDecimal", &exact);
        }
        // Without windows a bound that was asked for is echoed, fraction and all.
        let bounds = [("windowStart", query.from, key::time(key)), ("windowEnd", query.to, end)];
        for (name, given, seconds) in bounds {
            let given = given.filter(|_| query.window.is_none());
            row.string(name, &given.unwrap_or(Instant { seconds, nanos: 0 }).text());
        }
        let texts = key::texts(key);
        let text = |at: usize| texts.get(at).map_or("", String::as_str);
        if query.by_subject {
            row.string("subject", text(0));
        } else {
            row.raw("subject", "null");
        }
        if !query.customers.is_empty() {
            row.string("customerId", text(1));
        }
        let mut groups = Writer::object();
        for (at, group) in query.groups.iter().enumerate() {
            if let Some((name, _)) = self.meter.groups.get(*group) {
                groups.string(name, text(at + 2));
            }
        }
        row.raw("groupBy", &groups.end());
        data.item(&row.end());
        Ok(())
    }
}
