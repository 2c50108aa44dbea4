//! The rows that answer a query: cells of a meter selected, put together and written.

use super::aggregate::{Cell, Cells, too_many_texts};
use super::definition::Meter;
use super::key;
use super::query::{Dimension, Query};
use super::value::Numeric;
use super::window::Zone;
use crate::error::Result;
use crate::json::Writer;
use crate::limits::{RESULT_CELLS_MAX, UNIQUE_TEXTS_MAX};
use crate::time::Instant;

/// The subject and group values of what is counted together.
const OTHER: &str = "__other__";

/// The rows for a query.
pub struct Answer {
    /// `{from?, to?, windowSize?, data: [row]}`
    pub result: String,
    /// The rows are not the whole truth.
    pub incomplete: bool,
}

/// A meter seen through a query.
pub struct View<'a> {
    /// The meter
    pub meter: &'a Meter,
    /// The query
    pub query: &'a Query<'a>,
    /// The zone of its windows
    pub zone: &'a Zone,
}

impl View<'_> {
    /// Adds a cell of the table to its row. A row's key: start of the window (0 without windows), subject, customer,
    /// groups; empty where the query does not group by them.
    pub fn select(&self, key: &[u8], cell: &Cell, rows: &mut Cells, incomplete: &mut bool) {
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

    /// Writes the rows. Errors: `sum_overflow`, `limit_exceeded`.
    pub fn answer(&self, mut rows: Cells, mut incomplete: bool, numeric: Numeric) -> Result<Answer> {
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
