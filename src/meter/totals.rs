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

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::aggregate::{Brought, Cell, too_many_texts};
use super::definition::{Aggregation, Meter};
use super::path::Document;
use super::query::{Dimension, Options, Query};
use super::value::{Code, Engine, Numeric, outside_64_bits};
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
    fn bucket(self, second: u32, arrival: u64) -> u64 {
        let floor = |n: u32| u64::from(second - second % n);
        match self {
            Self::Event => arrival,
            Self::Second => second.into(),
            Self::Minute => floor(60),
            Self::Hour => floor(3_600),
            Self::Day => floor(86_400),
            Self::Month => {
                let (year, month, _) = civil(i64::from(second / 86_400));
                days(year, month, 1).unsigned_abs()
            }
        }
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
    pub fn new(meters: Vec<Meter>, options: &Options) -> Self {
        Self::start(meters, options, Resolution::Event, Resolution::Second)
    }

    /// Totals for a stream of events, in bounded memory.
    pub fn live(meters: Vec<Meter>, options: &Options) -> Self {
        Self::start(meters, options, Resolution::Minute, Resolution::Month)
    }

    fn start(meters: Vec<Meter>, options: &Options, finest: Resolution, coarsest: Resolution) -> Self {
        let tables = meters.iter().map(|_| Table::new(finest)).collect();
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
        let mut document = Document::read(event.data.as_deref());
        if self.engine == Engine::V25_12 && document.any_number(outside_64_bits) {
            document = Document::read(None);
        }
        let mut known = false;
        let coarsest = self.coarsest;
        for (at, (meter, table)) in self.meters.iter().zip(&mut self.tables).enumerate() {
            if meter.event_type != event.kind {
                continue;
            }
            known = true;
            let text;
            let (brought, code) = match &meter.value {
                None => (Brought::Event, None),
                Some(path) if meter.aggregation == Aggregation::UniqueCount => {
                    let (distinct, code) = path.find(&document).distinct();
                    let counted = distinct.is_some();
                    text = distinct.unwrap_or_default();
                    (if counted { Brought::Text(&text) } else { Brought::Nothing }, code)
                }
                Some(path) => match path.find(&document).amount(self.numeric) {
                    Ok(amount) => (Brought::Amount(amount), None),
                    Err(code) => (Brought::Nothing, Some(code)),
                },
            };
            diagnostics.extend(code.map(|code| Diagnostic { meter: Some(at), code }));
            if meter.from.is_none_or(|from| from <= i64::from(second)) {
                let groups = meter.groups.iter().map(|(_, path)| path.find(&document).text());
                let key = key(&event.subject, groups);
                table.add(meter.aggregation, key, brought, Moment { second, arrival }, &event.subject, coarsest);
            }
        }
        if !known {
            diagnostics.push(Diagnostic { meter: None, code: "no_meter" });
        }
        diagnostics
    }

    /// Answers a query about what was added. Errors: `sum_overflow`, `limit_exceeded`.
    pub fn query(&self, query: &Query<'_>) -> Result<Answer> {
        let (Some(meter), Some(table)) = (self.meters.get(query.meter), self.tables.get(query.meter)) else {
            return Ok(Answer { result: String::from(r#"{"data":[]}"#), incomplete: false });
        };
        let utc = Zone::utc();
        let mut rows =
            Rows { meter, query, zone: query.zone.unwrap_or(&utc), cells: BTreeMap::new(), incomplete: false };
        for (key, cell) in &table.cells {
            rows.add(Some(key), cell);
        }
        for cell in table.rest.values() {
            rows.add(None, cell);
        }
        rows.answer(self.numeric)
    }
}

/// When an event happened and when it came.
#[derive(Clone, Copy)]
struct Moment {
    second: u32,
    arrival: u64,
}

/// Bytes of a key before the subject.
const BUCKET: usize = 8;
/// Stands between the texts of a key: it is in no UTF-8.
const BETWEEN: u8 = 0xff;

/// Room for the bucket, the subject, and the group values.
fn key<'a>(subject: &str, groups: impl Iterator<Item = Cow<'a, str>>) -> Vec<u8> {
    let mut key = vec![0; BUCKET];
    key.extend_from_slice(subject.as_bytes());
    for text in groups {
        key.push(BETWEEN);
        key.extend_from_slice(text.as_bytes());
    }
    key
}

fn set_bucket(key: &mut [u8], bucket: u64) {
    for (byte, new) in key.iter_mut().zip(bucket.to_be_bytes()) {
        *byte = new;
    }
}

/// The cells of one meter.
struct Table {
    resolution: Resolution,
    cells: BTreeMap<Vec<u8>, Cell>,
    /// By month, what came when there was no more room for a cell of its own.
    rest: BTreeMap<u64, Cell>,
    /// Distinct texts in the cells
    texts: usize,
    /// Bytes of keys and distinct texts
    bytes: usize,
}

impl Table {
    fn new(resolution: Resolution) -> Self {
        Self { resolution, cells: BTreeMap::new(), rest: BTreeMap::new(), texts: 0, bytes: 0 }
    }

    fn is_full(&self) -> bool {
        self.cells.len() >= METER_CELLS_MAX || self.texts >= UNIQUE_TEXTS_MAX || self.bytes >= METER_TEXT_BYTES_MAX
    }

    fn add(
        &mut self,
        how: Aggregation,
        mut key: Vec<u8>,
        brought: Brought<'_>,
        at: Moment,
        subject: &str,
        coarsest: Resolution,
    ) {
        while self.resolution != coarsest && self.is_full() {
            self.coarsen(how);
        }
        // Seconds are kept whatever there are: their number is bounded by the text that holds the events.
        let room = self.resolution != Resolution::Month || !self.is_full();
        let bucket = self.resolution.bucket(at.second, at.arrival);
        set_bucket(&mut key, bucket);
        let cell = if let Some(cell) = self.cells.get_mut(&key) {
            cell
        } else if room {
            self.bytes += key.len();
            self.cells.entry(key).or_insert_with(|| Cell::new(at.second))
        } else {
            self.rest.entry(bucket).or_insert_with(|| Cell::new(at.second))
        };
        let kept = cell.add(how, brought, at.second, subject, at.arrival, room);
        self.texts += usize::from(kept > 0);
        self.bytes += kept;
    }

    fn coarsen(&mut self, how: Aggregation) {
        self.resolution = self.resolution.coarser();
        let mut cells: BTreeMap<Vec<u8>, Cell> = BTreeMap::new();
        for (mut key, cell) in std::mem::take(&mut self.cells) {
            set_bucket(&mut key, self.resolution.bucket(cell.first, 0));
            match cells.get_mut(&key) {
                Some(other) => other.merge(how, cell),
                None => drop(cells.insert(key, cell)),
            }
        }
        (self.texts, self.bytes) = (0, 0);
        for (key, cell) in &cells {
            let (texts, bytes) = cell.texts();
            self.texts += texts;
            self.bytes += key.len() + bytes;
        }
        self.cells = cells;
    }
}

/// A row's texts: subject, customer, groups; empty where the query does not group by them.
type Texts<'a> = Vec<&'a str>;

struct Rows<'a> {
    meter: &'a Meter,
    query: &'a Query<'a>,
    zone: &'a Zone,
    /// By start of the window (0 without windows) and texts: its end, and the cell.
    cells: BTreeMap<(i64, Texts<'a>), (i64, Cell)>,
    incomplete: bool,
}

impl<'a> Rows<'a> {
    /// Adds a cell of the table; one without a key is `__other__`.
    fn add(&mut self, key: Option<&'a [u8]>, cell: &Cell) {
        let (query, known) = (self.query, key.is_some());
        let texts: Texts<'a> = match key {
            Some(key) => {
                let texts = key.get(BUCKET..).unwrap_or_default().split(|byte| *byte == BETWEEN);
                texts.map(|text| std::str::from_utf8(text).unwrap_or_default()).collect()
            }
            None => vec![OTHER; self.meter.groups.len() + 1],
        };
        let (first, last) = (i64::from(cell.first), i64::from(cell.last));
        let (from, to) = (query.from.map_or(0, |t| t.seconds), query.to.map_or(i64::MAX, |t| t.seconds));
        if last < from || first >= to {
            return;
        }
        let text = |at: usize| texts.get(at).copied().unwrap_or_default();
        let subject = text(0);
        let customer = query.customer(subject);
        let passes = |(dimension, filter): &(Dimension, super::filter::Filter)| {
            filter.matches(match dimension {
                Dimension::Subject => subject,
                Dimension::Customer => customer.unwrap_or_default(),
                Dimension::Group(at) => text(at + 1),
            })
        };
        let narrowed = !query.subjects.is_empty() || !query.customers.is_empty() || !query.filters.is_empty();
        if narrowed {
            let selected = (query.subjects.is_empty() || query.subjects.iter().any(|other| other == subject))
                && (query.customers.is_empty() || customer.is_some())
                && query.filters.iter().all(passes);
            // Whether the rest passes a filter is not known.
            self.incomplete |= !known;
            if !known || !selected {
                return;
            }
        }
        let cut = first < from || last >= to;
        self.incomplete |= cut || (!known && (query.by_subject || !query.groups.is_empty()));
        if first < from {
            return;
        }
        let mut window = (0, 0);
        if let Some((size, _)) = query.window {
            window = self.zone.window(size, first);
            self.incomplete |= last >= window.1 && self.zone.window(size, last) != window;
        }
        let mut row = vec![if query.by_subject { subject } else { "" }, customer.unwrap_or_default()];
        row.extend(query.groups.iter().map(|at| text(at + 1)));
        match self.cells.get_mut(&(window.0, row.clone())) {
            Some((_, other)) => other.merge(self.meter.aggregation, cell.clone()),
            None => drop(self.cells.insert((window.0, row), (window.1, cell.clone()))),
        }
    }

    fn answer(mut self, numeric: Numeric) -> Result<Answer> {
        let (query, how) = (self.query, self.meter.aggregation);
        let mut rows: Vec<(i64, Texts<'a>, i64, Cell)> = Vec::new();
        for ((mut start, texts), (mut end, cell)) in std::mem::take(&mut self.cells) {
            if query.window.is_none() {
                // The minute of the first event to the minute after the last.
                start = query.from.map_or(i64::from(cell.first - cell.first % 60), |from| from.seconds);
                end = i64::from(cell.last - cell.last % 60) + 60;
            }
            rows.push((start, texts, end, cell));
        }
        let grouped = query.by_subject || !query.customers.is_empty() || !query.groups.is_empty();
        if rows.is_empty() && query.window.is_none() && !grouped {
            // Only a count has a row of nothing.
            rows.push((0, vec!["", ""], 60, Cell::new(0)));
        }
        rows.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        if rows.len() > RESULT_CELLS_MAX {
            self.incomplete = true;
            for (start, _, end, cell) in rows.split_off(RESULT_CELLS_MAX) {
                match rows.get_mut(RESULT_CELLS_MAX) {
                    Some(rest) => {
                        rest.0 = rest.0.min(start);
                        rest.2 = rest.2.max(end);
                        rest.3.merge(how, cell);
                    }
                    None => rows.push((start, vec![OTHER; query.groups.len() + 2], end, cell)),
                }
            }
        }
        if rows.iter().map(|row| row.3.texts().0).sum::<usize>() > UNIQUE_TEXTS_MAX {
            return Err(too_many_texts());
        }
        let mut data = Writer::array();
        for (start, texts, end, cell) in &rows {
            if let Some(value) = cell.value(how, numeric)? {
                data.item(&self.row((*start, *end), texts, value));
            }
        }
        let mut result = Writer::object();
        if let Some(from) = query.from {
            result.string("from", &from.text());
        }
        if let Some(to) = query.to {
            result.string("to", &to.text());
        }
        if let Some((_, name)) = &query.window {
            result.string("windowSize", name);
        }
        result.raw("data", &data.end());
        Ok(Answer { result: result.end(), incomplete: self.incomplete })
    }

    fn row(&self, window: (i64, i64), texts: &[&str], (value, exact): (String, Option<String>)) -> String {
        let query = self.query;
        let bound = |given: Option<Instant>, seconds| {
            let given = given.filter(|_| query.window.is_none());
            given.unwrap_or(Instant { seconds, nanos: 0 }).text()
        };
        let mut row = Writer::object();
        row.raw("value", &value);
        if let Some(exact) = exact {
            row.string("valueDecimal", &exact);
        }
        row.string("windowStart", &bound(query.from, window.0)).string("windowEnd", &bound(query.to, window.1));
        let mut texts = texts.iter();
        match texts.next().filter(|_| query.by_subject) {
            Some(subject) => row.string("subject", subject),
            None => row.raw("subject", "null"),
        };
        if let Some(customer) = texts.next().filter(|_| !query.customers.is_empty()) {
            row.string("customerId", customer);
        }
        let mut groups = Writer::object();
        for (at, text) in query.groups.iter().zip(texts) {
            if let Some((name, _)) = self.meter.groups.get(*at) {
                groups.string(name, text);
            }
        }
        row.raw("groupBy", &groups.end());
        row.end()
    }
}
