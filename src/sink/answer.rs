//! What a vendor's answer says beyond its status.

use std::collections::VecDeque;

use super::vendor::{Declared, MINUTE};
use crate::buffer::Entry;
use crate::delivery::{Action, Answer, EventVerdict, Verdict, http_date};
use crate::json::Value;

/// Where an answer names the events that it refuses: a list of faults, or one alone, or faults by places.
pub(super) struct Named {
    /// The member of the answer that has them.
    pub at: &'static str,
    /// The member of a fault that says which event it is: by its place, first digits of a text or third of a path, or by
    /// its id. Empty if faults are members by the event's places.
    pub who: &'static str,
    /// The member of a fault that says what it is.
    pub why: &'static str,
    /// The fault of an event that it knows already.
    pub known: &'static str,
    /// Whether events are named by their ids.
    pub by_ids: bool,
}

impl Named {
    /// An answer that names none.
    pub const NONE: Self = Self { at: "", who: "", why: "", known: "", by_ids: false };
}

/// What words of an answer mean for the whole batch.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Means {
    /// One event is known already: of many, it has to be found.
    Known,
    /// The same, or it is on its way still.
    Claimed,
    /// Fewer events at once.
    TooMany,
}

/// The verdict on a batch with these times, if the answer says more than its status.
pub(super) fn judge(declared: &Declared, answer: &Answer, times: &[i64]) -> Option<Verdict> {
    let (status, words, means) = declared.says;
    if answer.status == status && contains(&answer.body, words) {
        return Some(match means {
            Means::TooMany => Verdict::Split,
            _ if times.len() > 1 => Verdict::Bisect,
            _ => Verdict::Partial(vec![EventVerdict::Known { is_stored: means == Means::Known }]),
        });
    }
    hinted(answer).or_else(|| named(&declared.named, answer, times))
}

/// An id that the vendor had before it was sent here.
pub const DUPLICATE_ID: &str = "duplicate_id";

/// Tells what a success still says of a batch with these events, in the vendor's words: a warning once, with all events that
/// it is about; and how many ids it knew, if the events are sent for the first time.
pub(super) fn remark(declared: &Declared, answer: &Answer, entries: &VecDeque<Entry>, out: &mut Vec<Action>) {
    let [known, warnings] = declared.remarks;
    if known.len() + warnings.len() == 0 || !declared.accepted.contains(&answer.status) {
        return;
    }
    let Ok(body) = Value::parse(&answer.body) else { return };
    let is_first = entries.iter().all(|entry| entry.ambiguous_at.is_none());
    if is_first && body.get(known).and_then(Value::as_u64).is_some_and(|count| count > 0) {
        out.push(Action::Notice { code: DUPLICATE_ID, text: answer.body.clone(), seqs: Vec::new() });
    }
    let Some(Value::Array(warnings)) = body.get(warnings) else { return };
    for warning in warnings {
        let word = |name| warning.get(name).and_then(Value::as_str).unwrap_or_default();
        let said = [word("code"), ": ", word("message")].concat();
        let place = warning.get("index").and_then(Value::as_u64);
        let seq = place.and_then(|at| entries.get(at as usize)).map(|entry| entry.seq);
        match out.last_mut() {
            Some(Action::Notice { text, seqs, .. }) if *text == said => seqs.extend(seq),
            _ => out.push(Action::Notice { code: "vendor_warning", text: said, seqs: seq.into_iter().collect() }),
        }
    }
}

fn contains(text: &str, part: &str) -> bool {
    // (Searching in strings is 4 KB.)
    part.is_empty() || text.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
}

/// The header `stripe-should-retry`.
fn hinted(answer: &Answer) -> Option<Verdict> {
    match (answer.hint.as_deref()?, answer.status) {
        // The key, the account: not the event.
        (_, 0..=399 | 401..=404 | 413 | 429) => None,
        ("true", status) => Some(Verdict::Retry { ambiguous: status == 409 || status >= 500 }),
        ("false", _) => Some(Verdict::Bisect),
        _ => None,
    }
}

/// Each event that is named is refused or known; of the others all are stored if the status is a success, else none is.
fn named(named: &Named, answer: &Answer, times: &[i64]) -> Option<Verdict> {
    if named.at.is_empty() || !matches!(answer.status, 200..=299 | 400 | 422) {
        return None;
    }
    let body = Value::parse(&answer.body).ok()?;
    let is_taken = answer.status < 300;
    let other = || if is_taken { EventVerdict::Accepted } else { EventVerdict::Resend };
    let mut verdicts: Vec<EventVerdict> = times.iter().map(|_| other()).collect();
    let mut names_one = false;
    let mut name = |at: usize, why: &Value, is_time: bool| {
        let (Some(verdict), Some(time)) = (verdicts.get_mut(at), times.get(at)) else { return };
        names_one = true;
        // Of several words about one event a refusal is the last.
        if matches!(verdict, EventVerdict::Refused(_)) {
            return;
        }
        let text = why.as_str().map_or_else(|| why.to_json(), str::to_owned);
        *verdict = if text == named.known {
            EventVerdict::Known { is_stored: true }
        } else if is_time && soon(answer, *time) {
            // A clock that is a little ahead: the time comes.
            EventVerdict::Retry
        } else {
            EventVerdict::Refused(text)
        };
    };
    match body.get(named.at)? {
        Value::Array(faults) => {
            for fault in faults {
                name_by(named, answer, fault, &mut name);
            }
        }
        Value::Object(faults) if named.who.is_empty() => {
            for (at, why) in faults {
                name(place(at), why, false);
            }
        }
        fault => name_by(named, answer, fault, &mut name),
    }
    names_one.then_some(Verdict::Partial(verdicts))
}

fn name_by(named: &Named, answer: &Answer, fault: &Value, name: &mut dyn FnMut(usize, &Value, bool)) {
    let mut is_time = false;
    let at = match fault.get(named.who) {
        Some(Value::Array(path)) => {
            is_time = path.last().and_then(Value::as_str) == Some("timestamp");
            path.get(2).and_then(Value::as_u64).map_or(usize::MAX, |at| at as usize)
        }
        Some(Value::String(id)) if named.by_ids => {
            answer.ids.split(' ').position(|known| known == id).unwrap_or(usize::MAX)
        }
        Some(Value::String(path)) => place(path),
        _ => usize::MAX,
    };
    name(at, fault.get(named.why).unwrap_or(fault), is_time);
}

/// The first number in a text; far beyond all places if there is none.
fn place(text: &str) -> usize {
    let digits = text.bytes().skip_while(|b| !b.is_ascii_digit()).take_while(u8::is_ascii_digit);
    let number = digits.fold(None, |n: Option<usize>, b| {
        Some(n.unwrap_or(0).saturating_mul(10).saturating_add(usize::from(b - b'0')))
    });
    number.unwrap_or(usize::MAX)
}

/// Whether a time lies ahead of the server's clock, but not far.
fn soon(answer: &Answer, time: i64) -> bool {
    let server = answer.date.as_deref().and_then(|date| http_date(date, time));
    server.is_some_and(|server| (0..=5 * MINUTE as i64).contains(&time.saturating_sub(server)))
}
