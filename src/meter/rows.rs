//! The rows that answer a query: cells of a meter selected, put together and written.

use super::aggregate::{Cell, Cells};
use super::definition::Aggregation;
use super::key;
use super::query::{Dimension, Query};
use super::value::Numeric;
use crate::decimal::{Decimal, digits};
use crate::error::{Error, Result};
use crate::json::Writer;
use crate::limits::{RESULT_CELLS_MAX, UNIQUE_TEXTS_MAX};
use crate::time::Instant;
use hot::Index;

/// `__other__`, the subject and group values of what is counted together, as [`key::push`] writes it.
const OTHER: &[u8] = b"``puifs``\0";

/// The rows of a query, as they come together.
pub struct Rows<'a> {
    query: &'a Query<'a>,
    /// A row's key: start of the window (0 without windows), subject, customer, groups; empty where the query does not
    /// group by them.
    cells: Cells,
    /// For UNIQUE_COUNT: the row's key, and a text
    distinct: Index,
    /// The rows are not the whole truth.
    pub incomplete: bool,
    /// Events that no row counts.
    excluded: u64,
}

/// Rows without their query: what is kept of them while it cannot be borrowed.
#[derive(Default)]
pub struct Kept(Cells, Index, bool, u64);

impl<'a> Rows<'a> {
    /// No rows yet.
    pub fn new(query: &'a Query<'a>) -> Self {
        Self::resume(query, Kept::default())
    }

    /// The rows that were kept for the same query.
    pub fn resume(query: &'a Query<'a>, Kept(cells, distinct, incomplete, excluded): Kept) -> Self {
        Self { query, cells, distinct, incomplete, excluded }
    }

    /// See [`Kept`].
    pub fn kept(self) -> Kept {
        Kept(self.cells, self.distinct, self.incomplete, self.excluded)
    }

    /// What is asked.
    pub fn query(&self) -> &'a Query<'a> {
        self.query
    }

    /// Takes note of events that no row will count.
    pub fn exclude(&mut self, events: u64) {
        self.excluded += events;
        self.incomplete |= events > 0;
    }

    /// Adds a cell of the query's meter to its row, if the query selects it. Error: `limit_exceeded`.
    pub fn add(&mut self, key: &[u8], cell: &Cell) -> Result<()> {
        if let Some((row, count)) = self.select(key, cell)? {
            self.merge(row, cell, count);
        }
        Ok(())
    }

    /// Adds a cell, of which `count` is new, to a row that [`Self::select`] gave for its key.
    pub fn merge(&mut self, row: usize, cell: &Cell, count: u64) {
        self.cells.merge(row, cell, self.query.meter.aggregation, count);
    }

    /// The row of a cell of the query's meter, and how much of the cell's count is new; `None` if the query does not select
    /// it. As long as the time stays in the window, and in the query's time, it depends on the key alone; only the count of a
    /// UNIQUE_COUNT is 0 from the second time on. Error: `limit_exceeded`.
    pub fn select(&mut self, key: &[u8], cell: &Cell) -> Result<Option<(usize, u64)>> {
        let query = self.query;
        let (first, last) = (i64::from(cell.first), i64::from(cell.last));
        let (from, to) = (query.from.map_or(0, |t| t.seconds), query.to.map_or(i64::MAX, |t| t.seconds));
        if last < from || first >= to {
            return Ok(None);
        }
        let known = key.len() > key::TIME;
        let part = |at: usize| match key::part(key, at) {
            [] if known => key::EMPTY,
            [] => OTHER,
            part => part,
        };
        let mut customer = "";
        if !query.subjects.is_empty() || !query.customers.is_empty() || !query.filters.is_empty() {
            if !known {
                // What of the rest would pass is not known.
                self.incomplete = true;
                return Ok(None);
            }
            let subject = key::text(part(0));
            let found = query.customer(&subject);
            if (!query.subjects.is_empty() && !query.subjects.contains(&subject.as_str()))
                || (!query.customers.is_empty() && found.is_none())
            {
                return Ok(None);
            }
            customer = found.unwrap_or_default();
            for (dimension, filter) in &query.filters {
                let is_match = match dimension {
                    Dimension::Subject => filter.matches(&subject),
                    Dimension::Customer => filter.matches(customer),
                    Dimension::Group(at) => filter.matches(&key::text(part(at + 1))),
                };
                if !is_match {
                    return Ok(None);
                }
            }
        }
        let start = self.start(cell.first);
        self.incomplete |= first < from
            || last >= to
            || (query.window.is_some() && self.start(cell.last) != start)
            || (!known && (query.by_subject || !query.groups.is_empty()));
        if first < from {
            return Ok(None);
        }
        let mut row = Vec::with_capacity(key.len() + 64);
        row.resize(key::TIME, 0);
        key::set_time(&mut row, if query.window.is_some() { start } else { 0 });
        row.extend_from_slice(if query.by_subject { part(0) } else { key::EMPTY });
        key::push(&mut row, customer);
        for at in &query.groups {
            row.extend_from_slice(part(at + 1));
        }
        if self.cells.list.len() >= RESULT_CELLS_MAX && self.cells.index.find(&row).is_none() {
            self.incomplete = true;
            row = key::new(i64::MAX);
            // One more than the others have: it is no other's key.
            for _ in 0..query.groups.len() + 3 {
                row.extend_from_slice(OTHER);
            }
        }
        let mut count = cell.count;
        if self.query.meter.aggregation == Aggregation::UniqueCount {
            let before = self.distinct.count();
            let text = key::part(key, self.query.meter.groups.len() + 1);
            if !text.is_empty() {
                self.distinct.place(&[&row, text].concat());
            }
            count = (self.distinct.count() - before) as u64;
            if !known || self.distinct.count() > UNIQUE_TEXTS_MAX {
                return Err(Error::new("limit_exceeded", "more distinct values than a UNIQUE_COUNT keeps")
                    .help("count fewer values: a narrower filter, a shorter time, or a value with fewer forms"));
            }
        }
        Ok(Some((self.cells.place(&row), count)))
    }

    /// Bytes it takes.
    pub fn size(&self) -> usize {
        self.cells.size() + self.distinct.size()
    }

    /// Each row: subject, customer and group values, and its cell, in bytewise order of the key.
    pub fn each(&self) -> impl Iterator<Item = (Vec<String>, &Cell)> {
        self.cells.index.order().into_iter().filter_map(|at| {
            let cell = self.cells.list.get(at)?;
            Some((key::texts(self.cells.index.key(at)), cell))
        })
    }

    /// When the row begins whose first event has this second: with the window, with `from`, or with that minute.
    fn start(&self, first: u32) -> i64 {
        let first = i64::from(first);
        match (self.query.window, self.query.from) {
            (Some((size, _)), _) => self.query.zone.window(size, first).0,
            (None, Some(from)) => from.seconds,
            (None, None) => first - first % 60,
        }
    }

    /// `{from?, to?, windowSize?, data: [row], incomplete?, excluded?}`, or as the v3 API answers, where a row is `{value,
    /// from, to, dimensions}` and the value a decimal text. Error: `sum_overflow`.
    pub fn answer(mut self, numeric: Numeric) -> Result<String> {
        let (query, how) = (self.query, self.query.meter.aggregation);
        let grouped = query.by_subject || !query.customers.is_empty() || !query.groups.is_empty();
        if self.cells.list.is_empty() && query.window.is_none() && !grouped {
            // Only a count has a row of nothing.
            self.cells.put(&key::new(0), &Cell::default(), how, 0);
        }
        // Only now is it known when each row begins.
        let mut sorted = Index::default();
        for (at, cell) in self.cells.list.iter().enumerate() {
            let mut key = self.cells.index.key(at).to_vec();
            key::set_time(&mut key, self.start(cell.first));
            sorted.place(&key);
        }
        let mut data = Writer::array();
        for &at in &sorted.order() {
            let Some(cell) = self.cells.list.get(at) else { continue };
            let Some((value, exact)) = cell.value(query.meter, numeric)? else { continue };
            let mut row = Writer::object();
            if query.v3 {
                row.string("value", &Decimal::parse(&value)?.text());
            } else {
                row.raw("value", &value);
            }
            if let Some(exact) = exact.filter(|_| !query.v3) {
                row.string("valueDecimal", &exact);
            }
            let end = match query.window {
                // What is beyond the limit has many windows.
                Some((size, _)) if at >= RESULT_CELLS_MAX => query.zone.window(size, cell.last.into()).1,
                Some((size, _)) => query.zone.window(size, cell.first.into()).1,
                // The minute after the last event.
                None => i64::from(cell.last - cell.last % 60) + 60,
            };
            // Without windows a bound that was asked for is echoed, fraction and all.
            let mut bound = |name, given: Option<Instant>, seconds| {
                let given = given.filter(|_| query.window.is_none());
                row.string(name, &given.unwrap_or(Instant { seconds, nanos: 0 }).text());
            };
            let [start_name, end_name] = if query.v3 { ["from", "to"] } else { ["windowStart", "windowEnd"] };
            bound(start_name, query.from, self.start(cell.first));
            bound(end_name, query.to, end);
            let texts = key::texts(sorted.key(at));
            let text = |at: usize| texts.get(at).map_or("", String::as_str);
            let mut groups = Writer::object();
            // In v3 the subject and the customer are dimensions.
            let own = if query.v3 { &mut groups } else { &mut row };
            if query.by_subject {
                own.string("subject", text(0));
            } else if !query.v3 {
                own.raw("subject", "null");
            }
            if !query.customers.is_empty() {
                own.string(if query.v3 { "customer_id" } else { "customerId" }, text(1));
            }
            for (at, group) in query.groups.iter().enumerate() {
                if let Some((name, _)) = self.query.meter.groups.get(*group) {
                    groups.string(name, text(at + 2));
                }
            }
            row.raw(if query.v3 { "dimensions" } else { "groupBy" }, &groups.end());
            data.item(&row.end());
        }
        let mut result = Writer::object();
        let mut bound = |name, time: Option<Instant>| {
            if let Some(time) = time {
                result.string(name, &time.text());
            }
        };
        bound("from", query.from);
        bound("to", query.to);
        if let Some((_, name)) = query.window.filter(|_| !query.v3) {
            result.string("windowSize", name);
        }
        result.raw("data", &data.end());
        if self.incomplete {
            result.raw("incomplete", "true");
        }
        if cfg!(feature = "rfc9535") && self.excluded > 0 {
            result.raw("excluded", &digits(self.excluded.into()));
        }
        Ok(result.end())
    }
}
