//! The preview of events at hand: what the server would store, say and answer.

use std::borrow::Cow;

use super::aggregate::Index;
use super::definition::parse_meters;
use super::query::{Options, Query, zone_name};
use super::totals::{Totals, stored_second};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::json::{Kind, Reader, Value, Writer};
use crate::time::Instant;

/// A request, its events still as text.
struct Request<'a> {
    meters: Value<'a>,
    query: Value<'a>,
    options: Value<'a>,
    events: Cow<'a, str>,
}

impl<'a> Request<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let mut request =
            Self { meters: Value::Null, query: Value::Null, options: Value::Null, events: Cow::Borrowed("") };
        let mut r = Reader::new(text);
        r.object(|r, key| {
            match key.as_ref() {
                "meters" => request.meters = Value::read(r)?,
                "query" => request.query = Value::read(r)?,
                "options" => request.options = Value::read(r)?,
                "events" if r.kind()? == Kind::String => request.events = r.string()?,
                "events" => request.events = Cow::Borrowed(r.skip()?),
                _ => return Err(Error::new("unknown_option", "a preview has meters, events, query, options").at(&key)),
            }
            Ok(())
        })?;
        r.end()?;
        Ok(request)
    }

    /// Calls with each event in order of arrival, or with why the server would refuse it.
    fn each(&self, now: Instant, call: &mut dyn FnMut(Result<Event>)) -> Result<()> {
        let text = self.events.trim_ascii_start();
        if !text.starts_with('[') {
            // One a line. A line that is no event is that line's fault alone.
            let mut rest = text;
            while !rest.is_empty() {
                let length = rest.bytes().take_while(|byte| *byte != b'\n').count();
                let line = rest.get(..length).unwrap_or_default();
                rest = rest.get(length + 1..).unwrap_or_default();
                if !line.trim_ascii().is_empty() {
                    call(Event::parse(line, now));
                }
            }
            return Ok(());
        }
        let mut r = Reader::new(text);
        r.array(|r| {
            call(Event::parse(r.skip()?, now));
            Ok(())
        })
        .and_then(|()| r.end())
        .map_err(|e| e.at("events"))
    }
}

/// Whether an event has the source and id of one before. As the server joins them, `a-b`, `c` and `a`, `b-c` are one.
fn is_repeated(seen: &mut Index, event: &Event) -> bool {
    seen.insert([&event.source, "-", &event.id].concat().into_bytes(), 0).is_some()
}

fn now(options: &Options<'_>) -> Result<Instant> {
    options.now.ok_or_else(|| {
        Error::new("option_invalid", "now is missing").at("options.now").help("the time of events without one")
    })
}

/// Answers a query about events at hand, as the server will.
///
/// `request` is `{meters, events, query, options}`; events are a JSON array, or a string that holds one or NDJSON, in
/// order of arrival. Options: [`Options`], of which `now` is required.
///
/// The answer is `{result: {from?, to?, windowSize?, data}, ingest, diagnostics, incomplete?}`. A row is `{value,
/// valueDecimal?, windowStart, windowEnd, subject, customerId?, groupBy}`. `ingest` has a verdict for each event:
/// `{event, status: "stored" | "duplicate" | "dropped" | "rejected", http?, code?, path?}`, and `diagnostics` says of
/// each stored one what keeps a meter from counting it: `{event, meter?, code}`.
///
/// Errors, the first of these: `json_invalid`, `unknown_option`, `option_invalid`, those of the meters, those of the
/// query ([`Query::parse`]), `sum_overflow`, `limit_exceeded`.
pub fn preview(request: &str) -> Result<String> {
    let request = Request::parse(request)?;
    let options = Options::parse(&request.options).map_err(|e| e.at("options"))?;
    let meters = parse_meters(&request.meters).map_err(|e| e.at("meters"))?;
    let query = Query::parse(&request.query, &meters, &options).map_err(|e| e.at("query"))?;
    let now = now(&options)?;
    let mut totals = Totals::new(meters, &options);
    let mut seen = Index::new();
    let (mut ingest, mut diagnostics) = (Writer::array(), Writer::array());
    let mut arrival = 0u64;
    request.each(now, &mut |event| {
        let index = arrival.to_string();
        arrival += 1;
        let mut verdict = Writer::object();
        verdict.raw("event", &index);
        match event {
            Err(error) => {
                // What is not JSON the server refuses too.
                let http = error.http.unwrap_or(400);
                verdict.string("status", "rejected").raw("http", &http.to_string()).string("code", error.code);
                if let Some(path) = &error.path {
                    verdict.string("path", path);
                }
            }
            Ok(event) if stored_second(event.time).is_none() => {
                verdict.string("status", "dropped").string("code", "time_not_after_epoch");
            }
            Ok(event) if options.dedupe != Some(false) && is_repeated(&mut seen, &event) => {
                verdict.string("status", "duplicate");
            }
            Ok(event) => {
                verdict.string("status", "stored");
                for diagnostic in totals.add(&event, arrival) {
                    let mut w = Writer::object();
                    w.raw("event", &index);
                    if let Some(meter) = diagnostic.meter.and_then(|at| totals.meters().get(at)) {
                        w.string("meter", &meter.slug);
                    }
                    w.string("code", diagnostic.code);
                    diagnostics.item(&w.end());
                }
            }
        }
        ingest.item(&verdict.end());
    })?;
    let answer = totals.query(&query)?;
    let mut w = Writer::object();
    w.raw("result", &answer.result).raw("ingest", &ingest.end()).raw("diagnostics", &diagnostics.end());
    if answer.incomplete {
        w.raw("incomplete", "true");
    }
    Ok(w.end())
}

/// Which zone table [`preview`] needs for this request: `{timeZone, from, to}` with unix seconds, or `null`.
///
/// The table begins with the offset in force at `from` and has all changes until `to`; that is 32 days before the
/// earliest event to 62 days after the latest. Errors: those of the request's JSON text.
pub fn time_range(request: &str) -> Result<String> {
    let request = Request::parse(request)?;
    let Some(name) = zone_name(&request.query) else { return Ok(String::from("null")) };
    let options = Options::parse(&request.options).map_err(|e| e.at("options"))?;
    let now = now(&options)?;
    let mut totals = Totals::new(Vec::new(), &options);
    request.each(now, &mut |event| {
        if let Ok(event) = event {
            totals.add(&event, 0);
        }
    })?;
    // Without events there are no windows, but the host still has to say whether it knows the zone.
    let (from, to) = totals.time_range().unwrap_or((now.seconds, now.seconds));
    let mut w = Writer::object();
    w.string("timeZone", name).raw("from", &from.to_string()).raw("to", &to.to_string());
    Ok(w.end())
}
