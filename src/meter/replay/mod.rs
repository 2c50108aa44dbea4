//! The preview of a stream: events of any number, one a line, as they come, without keeping them.
//!
//! The answers are those of [`super::preview()`] over the same events. Most lines of a stream look like one before: these are
//! read against what is known of its [`shape`], and their events are never built. Any other line takes the same way as an
//! event at hand.

mod cache;
mod clock;
mod hash;
mod known;
mod seen;
mod shape;
mod tally;

use std::ops::Range;

use super::definition::{Meter, parse_meters};
use super::path::Document;
use super::preview::{member, now};
use super::query::{Dimension, Options, Query};
use super::rows::{Kept, Rows};
use super::totals::stored_second;
use super::value::{Engine, Numeric};
use super::window::Zone;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::json::{self, Value, Writer};
use crate::limits::{REPLAY_LINE_BYTES_MAX, REPLAY_QUERIES_MAX, REPLAY_ROWS_BYTES_MAX};
use crate::time::Instant;
use cache::Cache;
use clock::Clock;
use seen::Seen;
use shape::{Leaves, Shapes};
use tally::Tally;

/// A stream of events under way.
pub struct Replay {
    /// Read anew for each piece of the stream, since what is made of it borrows from it.
    request: String,
    kept: Vec<Kept>,
    state: State,
}

/// What is kept between two pieces.
struct State {
    tally: Tally,
    seen: Seen,
    /// The beginning of a line whose end is still to come
    begun: Vec<u8>,
    /// The line is longer than any may be: the rest of it is passed over
    overlong: bool,
    shapes: Shapes,
    caches: Vec<Cache>,
    clock: Clock,
    leaves: Leaves,
    /// The key of a row in a cache
    key: Vec<u64>,
}

/// What is asked of the stream.
struct Asked<'a> {
    meters: &'a [Meter],
    now: Instant,
    dedupe: bool,
    numeric: Numeric,
    engine: Engine,
    /// One a query
    plans: Vec<Plan>,
}

/// What the row of an event depends on in a query, besides its own window.
struct Plan {
    /// The meter's number
    meter: usize,
    /// Unix seconds that the query selects
    time: Range<i64>,
    by_window: bool,
    by_subject: bool,
    /// Groups of the meter by which the query groups or filters
    groups: Vec<usize>,
}

impl Plan {
    fn new(query: &Query<'_>, meters: &[Meter]) -> Self {
        let mut plan = Self {
            meter: meters.iter().position(|meter| std::ptr::eq(meter, query.meter)).unwrap_or_default(),
            time: query.from.map_or(0, |from| from.seconds)..query.to.map_or(i64::MAX, |to| to.seconds),
            by_window: query.window.is_some(),
            by_subject: query.by_subject || !query.subjects.is_empty() || !query.customers.is_empty(),
            groups: query.groups.clone(),
        };
        for (dimension, _) in &query.filters {
            match dimension {
                Dimension::Subject | Dimension::Customer => plan.by_subject = true,
                Dimension::Group(group) => plan.groups.push(*group),
            }
        }
        plan
    }
}

impl Replay {
    /// Begins a stream. `request` is `{meters, queries?: [{query, zone?}], options}`: the meters, queries and options of
    /// [`super::preview()`], and for each query the table of its time zone. Without
    /// queries, it is the total of each meter. `seed` is random, against events that are made to be
    /// mistaken for each other.
    ///
    /// Errors: those of [`super::preview()`].
    pub fn new(request: &str, seed: u64) -> Result<Self> {
        let mut replay = Self {
            request: request.to_owned(),
            kept: Vec::new(),
            state: State {
                tally: Tally::default(),
                seen: Seen::new(seed),
                begun: Vec::new(),
                overlong: false,
                shapes: Shapes::default(),
                caches: Vec::new(),
                clock: Clock::default(),
                leaves: Vec::new(),
                key: Vec::new(),
            },
        };
        replay.with(|_, _, _| Ok(()))?;
        Ok(replay)
    }

    /// Takes the next piece of the stream, cut anywhere.
    ///
    /// A line that is no event is counted and reported, and never an error. Error: `limit_exceeded`, when the stream has more
    /// distinct ids than can be told apart, or the answers grow too large. The stream is over then.
    pub fn push(&mut self, piece: &[u8]) -> Result<()> {
        self.with(|state, rows, asked| state.push(piece, rows, asked))
    }

    /// Ends the stream and answers.
    ///
    /// `{results: [result], lines, events: {stored, duplicate, dropped, rejected}, badLines: [{line, code, message, path?, help?,
    /// http}], codes: {code: count}, diagnostics: [{meter?, code, count, line}]}`. A result is that of the query with the same
    /// index. The first bad lines are told, all are counted by their code; a diagnostic says on which line it was first.
    /// Error: `sum_overflow`.
    pub fn finish(&mut self) -> Result<String> {
        self.with(|state, rows, asked| {
            state.end_line(&[], rows, asked)?;
            let mut results = Writer::array();
            for rows in rows.drain(..) {
                results.item(&rows.answer(asked.numeric)?);
            }
            Ok(state.tally.answer(&results.end(), asked.meters))
        })
    }

    /// Makes what is asked out of the request, and the rows out of what was kept of them.
    fn with<T>(&mut self, run: impl FnOnce(&mut State, &mut Vec<Rows<'_>>, &Asked<'_>) -> Result<T>) -> Result<T> {
        let request = Value::parse(&self.request)?;
        request.only(&["meters", "queries", "options"])?;
        let read = || Options::parse(member(&request, "options")).map_err(|e| e.at("options"));
        let own = read()?;
        let now = now(&request)?;
        let meters = parse_meters(member(&request, "meters")).map_err(|e| e.at("meters"))?;
        let list = member(&request, "queries").as_array();
        let queries_given = list.is_some();
        let list = list.unwrap_or_default();
        if list.len() > REPLAY_QUERIES_MAX {
            return Err(Error::new("limit_exceeded", "too many queries at a time").at("queries"));
        }
        let mut options = Vec::new();
        for item in list {
            let mut own = read()?;
            if let Some(zone) = item.present("zone") {
                own.zone = Some(Zone::parse(zone).map_err(|e| e.at("zone"))?);
            }
            options.push(own);
        }
        let mut queries = Vec::new();
        for meter in meters.iter().filter(|_| !queries_given) {
            queries.push(Query::between(&Value::Null, meter)?);
        }
        for (at, (item, options)) in list.iter().zip(&options).enumerate() {
            let query = Query::parse(member(item, "query"), &meters, options);
            queries.push(query.map_err(|e| e.at_index(at).at("queries"))?);
        }
        self.kept.resize_with(queries.len(), Kept::default);
        self.state.caches.resize_with(queries.len(), Cache::default);
        let mut rows = Vec::new();
        for (query, kept) in queries.iter().zip(self.kept.drain(..)) {
            rows.push(Rows::resume(query, kept));
        }
        let asked = Asked {
            meters: &meters,
            now,
            dedupe: own.dedupe != Some(false),
            numeric: own.numeric,
            engine: own.engine,
            plans: queries.iter().map(|query| Plan::new(query, &meters)).collect(),
        };
        let done = run(&mut self.state, &mut rows, &asked);
        self.kept.extend(rows.into_iter().map(Rows::kept));
        done
    }
}

impl State {
    fn push(&mut self, piece: &[u8], rows: &mut [Rows<'_>], asked: &Asked<'_>) -> Result<()> {
        let mut at = 0;
        if self.overlong || !self.begun.is_empty() {
            let Some(end) = line_end(piece, 0) else {
                self.begin(piece);
                return Ok(());
            };
            self.end_line(piece.get(..end).unwrap_or_default(), rows, asked)?;
            at = end + 1;
        }
        while at < piece.len() {
            if asked.engine == Engine::V26_7
                && let Some(next) = self.known_line(piece, at, rows, asked)?
            {
                at = next;
                continue;
            }
            let Some(end) = line_end(piece, at) else {
                self.begin(piece.get(at..).unwrap_or_default());
                break;
            };
            self.line(piece.get(at..end).unwrap_or_default(), rows, asked)?;
            at = end + 1;
        }
        if rows.iter().map(Rows::size).sum::<usize>() > REPLAY_ROWS_BYTES_MAX {
            return Err(Error::new("limit_exceeded", "the answers need more memory than there is")
                .help("ask fewer queries at a time, or with fewer groups"));
        }
        Ok(())
    }

    /// Keeps the beginning of a line, or more of it.
    fn begin(&mut self, part: &[u8]) {
        self.overlong |= self.begun.len() + part.len() > REPLAY_LINE_BYTES_MAX;
        if self.overlong {
            self.begun = Vec::new();
        } else {
            self.begun.extend_from_slice(part);
        }
    }

    /// Takes the line that has been begun, with the rest of it; none if nothing has.
    fn end_line(&mut self, rest: &[u8], rows: &mut [Rows<'_>], asked: &Asked<'_>) -> Result<()> {
        self.begin(rest);
        let line = std::mem::take(&mut self.begun);
        if std::mem::take(&mut self.overlong) {
            self.tally.lines += 1;
            self.tally.reject(overlong());
            return Ok(());
        }
        if line.is_empty() && rest.is_empty() { Ok(()) } else { self.line(&line, rows, asked) }
    }

    /// Takes a line as [`super::preview()`] takes an event.
    fn line(&mut self, mut line: &[u8], rows: &mut [Rows<'_>], asked: &Asked<'_>) -> Result<()> {
        self.tally.lines += 1;
        if self.tally.lines == 1 {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            return Ok(());
        }
        if line.len() > REPLAY_LINE_BYTES_MAX {
            self.tally.reject(overlong());
            return Ok(());
        }
        let text = json::text(line).map_err(|e| e.http(400));
        let event = text.and_then(|text| {
            let event = Event::parse(text, asked.now);
            if let Ok(event) = &event {
                self.shapes.learn(text, event, asked.meters);
            }
            event.or_else(|error| Event::parse_dodo(text, asked.now).unwrap_or(Err(error)))
        });
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                self.tally.reject(error);
                return Ok(());
            }
        };
        let Some(second) = stored_second(event.time) else {
            self.tally.dropped += 1;
            return Ok(());
        };
        if asked.dedupe && !self.seen.add(event.source.as_bytes(), event.id.as_bytes())? {
            self.tally.duplicate += 1;
            return Ok(());
        }
        let arrival = self.tally.stored;
        self.tally.stored += 1;
        let document = Document::of(&event, asked.engine);
        let mut known = false;
        for (number, meter) in asked.meters.iter().enumerate().filter(|(_, meter)| meter.event_type == event.kind) {
            known = true;
            let sees = meter.sees(second, &document);
            if !sees && meter.dodo.is_some() {
                continue;
            }
            let (key, cell, mut code) = meter.cell(&document, &event, second, arrival, asked.numeric);
            let cut = document.was_cut();
            if cut {
                code = Some("path_too_costly");
            }
            if let Some(code) = code {
                self.tally.diagnose(Some(number), code);
            }
            if sees {
                for (rows, _) in rows.iter_mut().zip(&asked.plans).filter(|(_, plan)| plan.meter == number) {
                    if cut {
                        rows.exclude(1);
                    } else {
                        rows.add(&key, &cell)?;
                    }
                }
            }
        }
        if !known {
            self.tally.diagnose(None, "no_meter");
        }
        Ok(())
    }
}

/// Where the line ends that `at` is in; `None` if it goes on in the next piece.
fn line_end(piece: &[u8], at: usize) -> Option<usize> {
    json::find_byte(piece, at, b'\n')
}

#[cold]
fn overlong() -> Error {
    Error::new("line_too_long", "the line is longer than 1 MiB").help("one event a line").http(400)
}
