//! The running counts of all meters: events in, rows out.
//!
//! A meter's cells are keyed by subject and group values, those of a UNIQUE_COUNT by the text too; each key has a cell a time bucket. A bucket
//! is a minute, and becomes an hour, a day, a month (UTC) as often as the meter outgrows [`METER_CELLS_MAX`],
//! [`METER_TEXT_BYTES_MAX`], or what all meters leave it of [`TOTALS_BYTES_MAX`]: cells are merged, none is dropped. Beyond months, what is new is counted together as
//! `__other__`.
//!
//! A cell knows its first and its last second. So a coarse answer is exact as long as no cell has events on both sides of
//! a window's edge, of `from` or of `to`, and it says so where one has: **`incomplete` is true exactly if a cell was cut,
//! if `__other__` holds what the query filters or groups by, or if the result has more rows than it may**. A cut
//! cell is counted where its first event is.

use super::aggregate::{Cell, Latest};
use super::definition::{Aggregation, Meter};
use super::key;
use super::packed::Known;
use super::path::Document;
use super::query::{Options, Query};
use super::rows::Rows;
use super::value::{Amount, Code, Engine, Numeric, What};
use super::window::{Size, UTC};
use crate::error::Result;
use crate::event::Event;
use crate::limits::{METER_CELLS_MAX, METER_TEXT_BYTES_MAX, TOTALS_BYTES_MAX, UNIQUE_TEXTS_MAX};
use crate::time::Instant;
use hot::Index;

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
        let (key, cell, _) = meter.cell(document, event, second, arrival, self.numeric);
        if document.was_cut() {
            table.excluded += 1;
            return;
        }
        table.add(meter.aggregation, &key, &cell, &mut self.bytes);
    }

    /// What answers a query about what was added. Error: `limit_exceeded`.
    pub fn rows<'a>(&self, query: &'a Query<'a>) -> Result<Rows<'a>> {
        let mut rows = Rows::new(query);
        for (meter, table) in self.meters.iter().zip(&self.tables) {
            if meter.slug == query.meter.slug {
                if cfg!(feature = "rfc9535") {
                    rows.exclude(table.excluded);
                }
                table.select(&mut rows)?;
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
        let mut cell = Cell::of(second);
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
            if found.what == What::Number {
                found.what = What::String;
            }
        }
        if self.aggregation == Aggregation::Latest {
            let (nanos, subject) =
                if self.dodo.is_some() { (event.time.nanos, String::new()) } else { (0, event.subject.clone()) };
            cell.latest = Some(Box::new(Latest { second, nanos, subject, arrival }));
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

/// The cells of one meter.
#[derive(Default)]
pub(super) struct Table {
    pub(super) bucket: Size,
    /// The texts of all cells: keys whose time is 0. One without texts is `__other__`.
    keys: Index,
    /// The cells of each key
    series: Vec<Series>,
    /// The cells, as they came
    cells: Vec<Cell>,
    /// The number of each one's key
    owners: Vec<u32>,
    /// How many keys have more than one
    folded: usize,
    /// Bytes that the cells may take in any case
    share: usize,
    /// Events whose paths were given up.
    excluded: u64,
    /// The last bucket: from, to (exclusive)
    window: (i64, i64),
}

/// The cells of a key, by their numbers.
struct Series {
    /// The last in order of time
    last: u32,
    /// The others, in order of time
    earlier: Vec<u32>,
    /// The others together, so that a question about all times asks each key once
    before: Option<Box<Cell>>,
}

impl Table {
    /// Bytes it takes.
    fn size(&self) -> usize {
        let (cell, number) = (size_of::<Cell>(), size_of::<u32>());
        let cells = self.cells.len() * (cell + 2 * number) + self.folded * cell;
        self.keys.size() + self.series.len() * size_of::<Series>() + cells
    }

    /// Adds the cells that a query selects to its rows. Error: `limit_exceeded`.
    fn select(&self, rows: &mut Rows) -> Result<()> {
        let query = rows.query();
        let how = query.meter.aggregation;
        if query.window.is_some() {
            for (key, cell) in self.owners.iter().zip(&self.cells) {
                rows.add(self.keys.key(*key as usize), cell)?;
            }
            return Ok(());
        }
        for (key, series) in self.series.iter().enumerate() {
            let Some(last) = self.cells.get(series.last as usize) else { continue };
            let key = self.keys.key(key);
            let before = series.before.as_deref().unwrap_or(last);
            if query.spans(before) && query.spans(last) {
                let Some((row, count)) = rows.select(key, before)? else { continue };
                rows.merge(row, before, count);
                if series.before.is_some() {
                    rows.merge(row, last, if how == Aggregation::UniqueCount { 0 } else { last.count });
                }
            } else {
                for at in series.earlier.iter().chain([&series.last]) {
                    if let Some(cell) = self.cells.get(*at as usize) {
                        rows.add(key, cell)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether it may not grow, where the cells of the others take so many bytes.
    fn is_full(&self, how: Aggregation, others: usize) -> bool {
        let cells = if how == Aggregation::UniqueCount { UNIQUE_TEXTS_MAX } else { METER_CELLS_MAX };
        let size = self.size();
        self.cells.len() >= cells
            || self.keys.size() >= METER_TEXT_BYTES_MAX
            || (size >= self.share && size + others >= TOTALS_BYTES_MAX)
    }

    /// Adds a cell. `bytes` are those of the cells of all tables.
    pub(super) fn add(&mut self, how: Aggregation, key: &[u8], cell: &Cell, bytes: &mut usize) -> Option<usize> {
        let known = self.keys.find(key);
        match known {
            Some(known) => self.add_known(how, known, cell, bytes).then_some(known),
            None => self.make(how, None, key, cell, bytes),
        }
    }

    /// Adds a cell to those of a key. False if it is counted as `__other__`.
    pub(super) fn add_known(&mut self, how: Aggregation, key: usize, cell: &Cell, bytes: &mut usize) -> bool {
        self.merge(how, key, cell) || self.make(how, Some(key), &[], cell, bytes).is_some()
    }

    /// Counts an event of a key whose last cell has its time, if it is that simple.
    #[inline(always)]
    pub(super) fn count(&mut self, how: Aggregation, key: usize, second: u32, amount: Option<&Amount>) -> bool {
        let (from, to) = self.window;
        let is_now = |second: u32| (from..to).contains(&i64::from(second));
        let last = self.series.get(key).and_then(|series| self.cells.get_mut(series.last as usize));
        match last.filter(|cell| is_now(second) && is_now(cell.first)) {
            Some(cell) => cell.count(how, second, amount),
            None => false,
        }
    }

    /// Adds a cell to the one of this key in the same bucket, if there is one.
    pub(super) fn merge(&mut self, how: Aggregation, key: usize, cell: &Cell) -> bool {
        let (place, found) = self.find(key, cell.first);
        let Some(mine) = found.and_then(|at| self.cells.get_mut(at as usize)) else { return false };
        mine.merge(how, cell, cell.count);
        if let Some(series) = self.series.get_mut(key).filter(|series| place < series.earlier.len())
            && let Some(before) = &mut series.before
        {
            before.merge(how, cell, cell.count);
        }
        true
    }

    /// The place in its key's series of the cell of a second's bucket, and the cell's number, if there is one.
    fn find(&mut self, key: usize, second: u32) -> (usize, Option<u32>) {
        let second = i64::from(second);
        if !(self.window.0..self.window.1).contains(&second) {
            self.window = UTC.window(self.bucket, second);
        }
        let (from, to) = self.window;
        let Some(series) = self.series.get(key) else { return (0, None) };
        let first = |at: u32| self.cells.get(at as usize).map_or(0, |cell| i64::from(cell.first));
        // Most often it is the last one, or comes behind it.
        let last = first(series.last);
        if last < to {
            return if last < from {
                (series.earlier.len() + 1, None)
            } else {
                (series.earlier.len(), Some(series.last))
            };
        }
        let place = series.earlier.partition_point(|at| first(*at) < from);
        (place, series.earlier.get(place).copied().filter(|at| first(*at) < to))
    }

    /// Makes room for a cell that is not there, and adds it. Gives the number of its key, unless it is counted as
    /// `__other__`.
    pub(super) fn make(
        &mut self,
        how: Aggregation,
        known: Option<usize>,
        key: &[u8],
        cell: &Cell,
        bytes: &mut usize,
    ) -> Option<usize> {
        let others = bytes.saturating_sub(self.size());
        while self.is_full(how, others) && self.bucket != Size::Month {
            self.coarsen(how);
        }
        let is_new = known.is_none_or(|known| self.find(known, cell.first).1.is_none());
        let number = if is_new && self.is_full(how, others) {
            let other = self.keys.place(&key::new(0));
            self.put(how, other, cell);
            None
        } else {
            let number = known.unwrap_or_else(|| self.keys.place(key));
            self.put(how, number, cell);
            Some(number)
        };
        *bytes = others + self.size();
        number
    }

    fn put(&mut self, how: Aggregation, key: usize, cell: &Cell) {
        if self.merge(how, key, cell) {
            return;
        }
        let (place, _) = self.find(key, cell.first);
        let number = self.cells.len() as u32;
        match self.series.get_mut(key) {
            // Each key's first cell comes with it.
            None => self.series.push(Series { last: number, earlier: Vec::new(), before: None }),
            Some(series) => {
                let mut early = cell;
                if place > series.earlier.len() {
                    early = self.cells.get(series.last as usize).unwrap_or(cell);
                    series.earlier.push(std::mem::replace(&mut series.last, number));
                } else {
                    series.earlier.insert(place, number);
                }
                match &mut series.before {
                    Some(before) => before.merge(how, early, early.count),
                    None => {
                        series.before = Some(Box::new(early.clone()));
                        self.folded += 1;
                    }
                }
            }
        }
        self.cells.push(cell.clone());
        self.owners.push(key as u32);
    }

    /// Puts all cells into the next larger buckets.
    fn coarsen(&mut self, how: Aggregation) {
        self.bucket = if self.bucket == Size::Minute {
            Size::Hour
        } else if self.bucket == Size::Hour {
            Size::Day
        } else {
            Size::Month
        };
        self.window = (0, 0);
        self.folded = 0;
        self.series.clear();
        let owners = std::mem::take(&mut self.owners);
        for (key, cell) in owners.iter().zip(std::mem::take(&mut self.cells)) {
            self.put(how, *key as usize, &cell);
        }
    }
}
