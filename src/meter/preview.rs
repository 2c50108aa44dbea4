//! The preview of events at hand: what the server would store, say and answer.

use super::definition::parse_meters;
use super::path::Document;
use super::query::{Options, Query, zone_name};
use super::rows::Rows;
use super::totals::{Seen, stored_second};
use crate::decimal::digits;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::json::{Reader, Value, Writer};
use crate::limits::{PREVIEW_BYTES_MAX, PREVIEW_EVENT_BYTES_MAX};
use crate::sink::DODO_EVENTS_MAX;
use crate::time::Instant;
use hot::Index;

/// Reads `{meters, query, options}`.
#[inline(never)]
fn read(request: &str) -> Result<Value<'_>> {
    let request = Value::parse(request)?;
    request.only(&["meters", "query", "options"])?;
    Ok(request)
}

pub(super) fn member<'v, 'a>(request: &'v Value<'a>, key: &str) -> &'v Value<'a> {
    request.get(key).unwrap_or(&Value::Null)
}

/// The time of events that carry none. Errors: `option_invalid` if it is missing, `time_invalid`.
pub(super) fn now(request: &Value<'_>) -> Result<Instant> {
    let now = match member(request, "options").present("now") {
        Some(now) => Instant::parse(now.as_str().unwrap_or_default()),
        None => Err(Error::new("option_invalid", "now is missing").help("the time of events without one")),
    };
    now.map_err(|e| e.at("options.now"))
}

/// Calls with each event in order of arrival, or with why the server would refuse it. Error: `limit_exceeded`.
#[inline(never)]
pub(super) fn each(events: &str, now: Instant, call: &mut dyn FnMut(&str, Result<Event>) -> Result<()>) -> Result<()> {
    let mut rest = events.trim_ascii_start();
    if rest.starts_with('[') {
        let mut r = Reader::new(rest);
        let element = |r: &mut Reader| {
            let text = r.skip()?;
            if text.starts_with('[') { request(text, now, call) } else { call(text, event(text, now)?) }
        };
        return r.array(element).and_then(|()| r.end()).map_err(|e| e.at("events"));
    }
    // One a line. A line that is no event is that line's fault alone.
    while !rest.is_empty() {
        let length = rest.bytes().take_while(|byte| *byte != b'\n').count();
        let line = rest.get(..length).unwrap_or_default();
        rest = rest.get(length + 1..).unwrap_or_default();
        if !line.trim_ascii().is_empty() {
            call(line, event(line, now)?)?;
        }
    }
    Ok(())
}

/// A CloudEvent, or an event as Dodo takes it. Error, the outer one: `limit_exceeded`.
fn event(text: &str, now: Instant) -> Result<Result<Event>> {
    bounded(text)?;
    Ok(Event::parse_any(text, now))
}

fn bounded(event: &str) -> Result<&str> {
    if event.len() > PREVIEW_EVENT_BYTES_MAX {
        return Err(Error::new("limit_exceeded", "an event has more than 1 MiB"));
    }
    Ok(event)
}

/// The events of one request to Dodo: a fault in one refuses all.
fn request(text: &str, now: Instant, call: &mut dyn FnMut(&str, Result<Event>) -> Result<()>) -> Result<()> {
    let read = |text| {
        let missing = || Err(Error::new("field_missing", "a required attribute is missing").at("event_id").http(400));
        Ok(Event::parse_dodo(bounded(text)?, now).unwrap_or_else(missing))
    };
    let mut ids = Index::default();
    let mut fault = None;
    let mut count = 0;
    Reader::new(text).array(|r| {
        count += 1;
        let found = match read(r.skip()?)? {
            Err(error) => Some(error),
            Ok(event) if ids.place(event.id.as_bytes()) + 1 < count => {
                Some(Error::new("duplicate_id", "two events of the request have this id").at("event_id"))
            }
            _ if count > DODO_EVENTS_MAX => Some(Error::new("limit_exceeded", "a request has at most 1000 events")),
            _ => None,
        };
        fault = fault.take().or(found);
        Ok(())
    })?;
    Reader::new(text).array(|r| {
        let text = r.skip()?;
        let event = match (read(text)?, &fault) {
            (Ok(_), Some(fault)) => Err(fault.clone().http(400)),
            (read, _) => read,
        };
        call(text, event)
    })
}

/// Answers a query about events at hand, as the server will.
///
/// `request` is `{meters, query, options}`; of the [`Options`], `now` is required. `events` are a JSON array or NDJSON, in
/// order of arrival; a list in the array is a request to Dodo, which is taken or refused whole.
///
/// The answer is `{result: {from?, to?, windowSize?, data, incomplete?, excluded?}, ingest, diagnostics}`. A row is `{value,
/// valueDecimal?, windowStart, windowEnd, subject, customerId?, groupBy}`. `ingest` has a verdict for each event:
/// `{event, status: "stored" | "duplicate" | "dropped" | "rejected", http?, code?, path?}`, and `diagnostics` says of
/// each stored one what keeps a meter from counting it: `{event, meter?, code}`.
///
/// Errors, the first of these: `json_invalid`, `unknown_option`, those of the options, of the meters, of the query
/// ([`Query::parse`]), `limit_exceeded`, `sum_overflow`.
pub fn preview(request: &str, events: &str) -> Result<String> {
    let request = read(request)?;
    let options = Options::parse(member(&request, "options")).map_err(|e| e.at("options"))?;
    let now = now(&request)?;
    let meters = parse_meters(member(&request, "meters")).map_err(|e| e.at("meters"))?;
    let query = Query::parse(member(&request, "query"), &meters, &options).map_err(|e| e.at("query"))?;
    let mut rows = Rows::new(&query);
    // Source and id of what is stored. As the server joins them, `a-b`, `c` and `a`, `b-c` are one.
    let mut stored = Index::default();
    let (mut ingest, mut diagnostics) = (Writer::array(), Writer::array());
    let mut arrival = 0u64;
    each(events, now, &mut |_, event| {
        let index = digits(arrival.into());
        arrival += 1;
        let mut verdict = Writer::object();
        verdict.raw("event", &index);
        let event = event.map(|event| (stored_second(event.time), event));
        match event {
            Err(error) => {
                // What is not JSON the server refuses too.
                let http = error.http.unwrap_or(400);
                verdict.string("status", "rejected").raw("http", &digits(http.into())).string("code", error.code);
                if let Some(path) = &error.path {
                    verdict.string("path", path);
                }
            }
            Ok((None, _)) => {
                verdict.string("status", "dropped").string("code", "time_not_after_epoch");
            }
            Ok((Some(second), event)) => {
                let before = stored.count();
                if options.dedupe != Some(false)
                    && stored.place([&event.source, "-", &event.id].concat().as_bytes()) < before
                {
                    verdict.string("status", "duplicate");
                } else {
                    verdict.string("status", "stored");
                    let document = Document::of(&event, options.engine);
                    let mut diagnose = |meter: Option<&str>, code| {
                        let mut w = Writer::object();
                        w.raw("event", &index);
                        if let Some(meter) = meter {
                            w.string("meter", meter);
                        }
                        w.string("code", code);
                        diagnostics.item(&w.end());
                    };
                    let mut known = false;
                    for meter in &meters {
                        if meter.event_type != event.kind {
                            continue;
                        }
                        known = true;
                        let sees = meter.sees(second, &document);
                        if !sees && meter.dodo.is_some() {
                            continue;
                        }
                        let (key, cell, code) = meter.cell(&document, &event, second, arrival, options.numeric);
                        let asked = sees && meter.slug == query.meter.slug;
                        if document.was_cut() {
                            diagnose(Some(&meter.slug), "path_too_costly");
                            rows.exclude(asked.into());
                            continue;
                        }
                        if let Some(code) = code {
                            diagnose(Some(&meter.slug), code);
                        }
                        if asked {
                            rows.add(&key, &cell)?;
                        }
                    }
                    if !known {
                        diagnose(None, "no_meter");
                    }
                }
            }
        }
        ingest.item(&verdict.end());
        let kept = stored.size() + rows.size() + ingest.size() + diagnostics.size();
        if kept * 3 + events.len() > PREVIEW_BYTES_MAX {
            return Err(Error::new("limit_exceeded", "the answer needs more memory than there is")
                .help("ask about fewer events at a time"));
        }
        Ok(())
    })?;
    drop(stored);
    let answer = rows.answer(options.numeric)?;
    let mut w = Writer::object();
    w.raw("result", &answer).raw("ingest", &ingest.end()).raw("diagnostics", &diagnostics.end());
    Ok(w.end())
}

/// Which zone table [`preview`] needs for this request: `{timeZone, from, to}` with unix seconds, or `null`.
///
/// The table begins with the offset in force at `from` and has all changes until `to`; that is 32 days before the
/// earliest event to 62 days after the latest. Errors: those of the request's JSON text.
pub fn time_range(request: &str, events: &str) -> Result<String> {
    let request = read(request)?;
    let Some(name) = zone_name(member(&request, "query")) else { return Ok(String::from("null")) };
    let now = now(&request)?;
    let mut seen = Seen::default();
    each(events, now, &mut |_, event| {
        if let Some(second) = event.ok().and_then(|event| stored_second(event.time)) {
            seen.add(second);
        }
        Ok(())
    })?;
    // Without events there are no windows, but the host still has to say whether it knows the zone.
    let (from, to) = seen.range().unwrap_or((now.seconds, now.seconds));
    let mut w = Writer::object();
    w.string("timeZone", name).raw("from", &from.to_string()).raw("to", &to.to_string());
    Ok(w.end())
}
