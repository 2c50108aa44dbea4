//! The running counts of all meters: events in, rows out.
//!
//! A meter's cells are keyed by time bucket, subject and group values, those of a UNIQUE_COUNT by the text too. A bucket
//! is a minute, and becomes an hour, a day, a month (UTC) as often as the meter outgrows [`METER_CELLS_MAX`],
//! [`METER_TEXT_BYTES_MAX`], or what all meters leave it of [`TOTALS_BYTES_MAX`]: cells are merged, none is dropped. Beyond months, what is new is counted together as
//! `__other__`.
//!
//! A cell knows its first and its last second. So a coarse answer is exact as long as no cell has events on both sides of
//! a window's edge, of `from` or of `to`, and it says so where one has: **`incomplete` is true exactly if a cell was cut,
//! if `__other__` holds what the query filters or groups by, or if the result has more rows than it may**. A cut
//! cell is counted where its first event is.

use hot::Recall;

use super::aggregate::{Cell, Cells};
use super::definition::{Aggregation, Meter};
use super::key;
use super::packed::Known;
use super::path::Document;
use super::query::{Options, Query};
use super::rows::Rows;
use super::value::{Code, Engine, Numeric, What};
use super::window::{Size, UTC};
use crate::error::Result;
use crate::event::Event;
use crate::limits::{METER_CELLS_MAX, METER_TEXT_BYTES_MAX, TOTALS_BYTES_MAX, UNIQUE_TEXTS_MAX};
use crate::time::Instant;

/// The counts of some meters over the events that were added.
pub struct Totals {
    pub(super) meters: Vec<Meter>,
    pub(super) tables: Vec<Table>,
    /// What the cells of all tables take
    pub(super) bytes: usize,
    pub(super) numeric: Numeric,
    pub(super) engine: Engine,
    pub(super) seen: Seen,
    pub(super) known: Known,
}

/// First and last second of all events.
#[derive(Default)]
pub struct Seen(Option<(u32, u32)>);

impl Seen {
    /// Takes in the second of an event.
    pub fn add(&mut self, second: u32) {
        let (first, last) = self.0.unwrap_or((second, second));
        self.0 = Some((first.min(second), last.max(second)));
    }

    /// The unix seconds that a zone table has to cover for any query: 32 days before the first event to 62 days after
    /// the last, so that whole months fit.
    pub fn range(&self) -> Option<(i64, i64)> {
        self.0.map(|(first, last)| (i64::from(first) - 32 * 86_400, i64::from(last) + 62 * 86_400))
    }
}

/// The second under which the server stores an event; `None` if it drops it, at 1970 and before.
pub fn stored_second(time: Instant) -> Option<u32> {
    if time.seconds > 0 { Some(u32::try_from(time.seconds).unwrap_or(u32::MAX)) } else { None }
}

impl Totals {
    /// Totals of no events.
    pub fn new(meters: Vec<Meter>, options: &Options<'_>) -> Self {
        let mut tables = Vec::new();
        for _ in &meters {
            tables.push(Table { share: TOTALS_BYTES_MAX / 2 / meters.len(), ..Table::default() });
        }
        let known = Known::new(&meters, options.engine);
        Self {
            meters,
            tables,
            bytes: 0,
            numeric: options.numeric,
            engine: options.engine,
            seen: Seen::default(),
            known,
        }
    }

    /// The meters, as they were given.
    pub fn meters(&self) -> &[Meter] {
        &self.meters
    }

    /// How it adds.
    pub fn numeric(&self) -> Numeric {
        self.numeric
    }

    /// See [`Seen::range`].
    pub fn time_range(&self) -> Option<(i64, i64)> {
        self.seen.range()
    }

    /// Counts one event, once. `arrival` numbers the events in the order they came.
    ///
    /// Never fails. An event that the server drops ([`stored_second`]) is not counted.
    pub fn add(&mut self, event: &Event, arrival: u64) {
        let Some(second) = stored_second(event.time) else { return };
        self.seen.add(second);
        let document = Document::of(event, self.engine);
        for at in 0..self.meters.len() {
            if self.meters.get(at).is_some_and(|meter| meter.event_type == event.kind) {
                self.add_to(at, event, &document, second, arrival);
            }
        }
    }

    /// Counts an event in a meter of its type.
    pub(super) fn add_to(&mut self, at: usize, event: &Event, document: &Document<'_>, second: u32, arrival: u64) {
        let (Some(meter), Some(table)) = (self.meters.get(at), self.tables.get_mut(at)) else { return };
        if !meter.sees(second, document) {
            return;
        }
        let (mut key, cell, _) = meter.cell(document, event, second, arrival, self.numeric);
        if document.was_cut() {
            table.excluded += 1;
            return;
        }
        table.add(meter.aggregation, &mut key, &cell, &mut self.bytes);
    }

    /// What answers a query about what was added. Error: `limit_exceeded`.
    pub fn rows<'a>(&self, query: &'a Query<'a>) -> Result<Rows<'a>> {
        let mut rows = Rows::new(query);
        for (meter, table) in self.meters.iter().zip(&self.tables) {
            if meter.slug == query.meter.slug {
                if cfg!(feature = "rfc9535") {
                    rows.exclude(table.excluded);
                }
                for (at, cell) in table.cells.list.iter().enumerate() {
                    rows.add(table.cells.index.key(at), cell)?;
                }
            }
        }
        Ok(rows)
    }

    /// Answers a query about what was added, see [`Rows::answer`]. Errors: `sum_overflow`, `limit_exceeded`.
    pub fn query(&self, query: &Query<'_>) -> Result<String> {
        self.rows(query)?.answer(self.numeric)
    }
}

impl Meter {
    /// What one event of its type brings: the key (its time is 0), the cell, and why the value is not counted, if so.
    pub fn cell(
        &self,
        document: &Document<'_>,
        event: &Event,
        second: u32,
        arrival: u64,
        numeric: Numeric,
    ) -> (Vec<u8>, Cell, Option<Code>) {
        let mut cell = Cell { first: second, last: second, count: 1, second, arrival, ..Cell::default() };
        let mut key = key::new(0);
        key::push(&mut key, &event.subject);
        for (_, path) in &self.groups {
            key::push(&mut key, &path.find(document).text());
        }
        let Some(path) = &self.value else { return (key, cell, None) };
        let mut found = path.find(document);
        let mut code = None;
        let mut numeric = numeric;
        if self.dodo.is_some() {
            // Our choice: exact, with the digits that were sent, as those of a string are.
            numeric = Numeric::Decimal;
            cell.nanos = event.time.nanos;
            if found.what == What::Number {
                found.what = What::String;
            }
        } else if self.aggregation == Aggregation::Latest {
            cell.subject.clone_from(&event.subject);
        }
        if self.aggregation == Aggregation::UniqueCount {
            let (text, said) = found.distinct();
            code = said;
            if let Some(text) = text {
                key::push(&mut key, &text);
            }
        } else {
            match found.amount(numeric) {
                Ok(amount) => (cell.amount, cell.values) = (amount, 1),
                Err(said) => code = Some(said),
            }
        }
        (key, cell, code)
    }
}

/// The cells of one meter. A key without texts is `__other__`.
#[derive(Default)]
pub(super) struct Table {
    pub(super) bucket: Size,
    pub(super) cells: Cells,
    /// Bytes that the cells may take in any case
    share: usize,
    /// Events whose paths were given up.
    excluded: u64,
    /// The cells that packed events have led to, all of one bucket: that of these seconds.
    pub(super) recall: Recall,
    pub(super) window: (i64, i64),
}

impl Table {
    /// Whether it may not grow, where the cells of the others take so many bytes.
    pub(super) fn is_full(&self, how: Aggregation, others: usize) -> bool {
        let cells = if how == Aggregation::UniqueCount { UNIQUE_TEXTS_MAX } else { METER_CELLS_MAX };
        let size = self.cells.size();
        self.cells.list.len() >= cells
            || self.cells.index.size() >= METER_TEXT_BYTES_MAX
            || (size >= self.share && size + others >= TOTALS_BYTES_MAX)
    }

    /// Adds a cell; gives its place. `bytes` are those of the cells of all tables.
    pub(super) fn add(&mut self, how: Aggregation, key: &mut Vec<u8>, cell: &Cell, bytes: &mut usize) -> usize {
        let others = bytes.saturating_sub(self.cells.size());
        while self.is_full(how, others) && self.bucket != Size::Month {
            self.bucket = if self.bucket == Size::Minute {
                Size::Hour
            } else if self.bucket == Size::Hour {
                Size::Day
            } else {
                Size::Month
            };
            let finer = std::mem::take(&mut self.cells);
            for (at, cell) in finer.list.iter().enumerate() {
                self.put(how, &mut finer.index.key(at).to_vec(), cell, others);
            }
            self.window = (0, 0);
        }
        let place = self.put(how, key, cell, others);
        *bytes = others + self.cells.size();
        place
    }

    fn put(&mut self, how: Aggregation, key: &mut Vec<u8>, cell: &Cell, others: usize) -> usize {
        key::set_time(key, UTC.window(self.bucket, cell.first.into()).0);
        if self.bucket == Size::Month && self.is_full(how, others) && self.cells.index.find(key).is_none() {
            key.truncate(key::TIME);
        }
        self.cells.put(key, cell, how, cell.count)
    }
}
