//! The state machine.

use std::collections::VecDeque;

use super::action::Action;
use super::outcome::Outcome;
use super::settings::{Policy, Settings};
use super::stats::{Pending, Stats};
use super::verdict::{EventVerdict, Verdict};
use super::{backoff, http_date, retry_after};
use crate::buffer::{Buffer, Entry, Limit, Part};
use crate::error::{Error, Result};
use crate::limits::{
    AGE_MARGIN_MS, CLOCK_SKEW_MS, HOLD_PROBE_MS, LEARNED_LIMIT_SUCCESSES, RETRY_BUDGET_TENTHS_MAX,
    VENDOR_TEXT_BYTES_MAX,
};
use crate::sink::Sink;

/// A reading of both clocks.
#[derive(Clone, Copy)]
pub struct Now {
    /// Milliseconds of a clock that nobody sets.
    pub mono_ms: u64,
    /// Milliseconds since 1970.
    pub wall_ms: i64,
}

/// An event that was taken.
#[cfg_attr(test, derive(Debug))]
pub struct Offered {
    /// The number under which delivery speaks of it.
    pub seq: u32,
    /// The events that the policy gave up for it; it may be among them.
    pub dropped: Vec<u32>,
}

/// Decides for the events of one sink.
///
/// Each event is in exactly one place: the buffer, a request in flight, or settled and counted.
pub struct Delivery {
    settings: Settings,
    buffer: Buffer,
    flights: Vec<Flight>,
    last_seq: u32,
    last_batch: u32,
    /// Nothing is sent before: a backoff, or what a `Retry-After` asked for.
    paused_until: u64,
    /// After a retry one batch goes out as a probe, and the others wait until it is answered.
    recovering: bool,
    /// Retries in a row.
    failures: u32,
    hold: Option<Hold>,
    /// What a 413 taught about the size of a body.
    learned_bytes_max: usize,
    /// Batches accepted since.
    successes: u32,
    /// Tenths of a resend that may be spent.
    budget: u32,
    skewed: bool,
    /// Its `pending` is left empty: it is derived.
    counts: Stats,
    quarantine_full: bool,
}

struct Flight {
    batch: u32,
    part: Part,
    probe: bool,
    body_bytes: usize,
    sent_wall_ms: i64,
}

struct Hold {
    probe_at: u64,
    /// A change of it is told to the user.
    status: Option<u16>,
}

/// What a vendor said, for the quarantine and for notices.
#[derive(Default)]
struct Said {
    status: Option<u16>,
    text: String,
}

impl Delivery {
    /// An empty delivery.
    pub fn new(settings: Settings) -> Self {
        Self {
            buffer: Buffer::default(),
            flights: Vec::new(),
            last_seq: 0,
            last_batch: 0,
            paused_until: 0,
            recovering: false,
            failures: 0,
            hold: None,
            learned_bytes_max: settings.batching.bytes_max,
            successes: 0,
            budget: RETRY_BUDGET_TENTHS_MAX,
            skewed: false,
            counts: Stats::default(),
            quarantine_full: false,
            settings,
        }
    }

    /// Takes an event of so many bytes (of the vendor's text) and with this time of its own.
    ///
    /// Errors: `queue_full`, `event_too_large` (for one request), `field_limit` (its time is too far ahead).
    pub fn offer(&mut self, bytes: u32, time_ms: i64, now: Now) -> Result<Offered> {
        let size = bytes as usize;
        if let Err(error) = self.check(size, time_ms, now) {
            self.counts.refused += 1;
            return Err(error);
        }
        let mut dropped = Vec::new();
        if self.settings.policy == Policy::DropOldest {
            while !self.has_room(size) {
                let Some(oldest) = self.buffer.take_oldest() else { break };
                self.give_up(&oldest, &mut dropped);
            }
        }
        let has_room = self.has_room(size);
        if !has_room && self.settings.policy == Policy::Reject {
            self.counts.refused += 1;
            return Err(Error::new("queue_full", "too many events wait for the sink")
                .help("see stats() for what it waits for; or choose a policy that drops events"));
        }
        self.last_seq = self.last_seq.wrapping_add(1);
        self.counts.recorded += 1;
        let entry = Entry { seq: self.last_seq, bytes, time_ms, ambiguous_at: None };
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_add(size);
        if has_room {
            self.buffer.push(entry, now.mono_ms);
        } else {
            self.give_up(&entry, &mut dropped);
        }
        Ok(Offered { seq: self.last_seq, dropped })
    }

    fn check(&self, bytes: usize, time_ms: i64, now: Now) -> Result<()> {
        let (frame, _) = self.settings.framing;
        if bytes.saturating_add(frame) > self.settings.batching.bytes_max {
            return Err(Error::new("event_too_large", "the event does not fit into one request").help("send less data"));
        }
        let ahead_ms = time_ms.saturating_sub(now.wall_ms);
        if self.settings.newest_ms.is_some_and(|newest| u64::try_from(ahead_ms).unwrap_or(0) > newest) {
            return Err(Error::new("field_limit", "the time is further ahead than the vendor takes it").at("time"));
        }
        Ok(())
    }

    fn has_room(&self, bytes: usize) -> bool {
        let events = self.buffer.count() + self.in_flight();
        let queue_bytes = self.counts.queue_bytes.saturating_add(bytes);
        events < self.settings.queue_events_max && queue_bytes <= self.settings.queue_bytes_max
    }

    fn give_up(&mut self, entry: &Entry, dropped: &mut Vec<u32>) {
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_sub(entry.bytes as usize);
        self.counts.dropped += 1;
        dropped.push(entry.seq);
    }

    /// Takes an event that was taken before a restart, under its old number.
    ///
    /// `ambiguous_at` is when it was first sent without an answer. Where that is not known, an event that may have been
    /// in flight must be given the time of the restart or earlier, never `None`.
    pub fn restore(&mut self, seq: u32, bytes: u32, time_ms: i64, ambiguous_at: Option<i64>) {
        self.continue_after(seq);
        self.counts.recorded += 1;
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_add(bytes as usize);
        self.buffer.push_due(Entry { seq, bytes, time_ms, ambiguous_at });
    }

    /// Numbers up to this one have been given, though their events may be settled.
    pub fn continue_after(&mut self, seq: u32) {
        self.last_seq = self.last_seq.max(seq);
    }

    /// Takes an event out of quarantine to send it after all, as if it had never been sent.
    pub fn requeue(&mut self, seq: u32, bytes: u32, time_ms: i64) {
        self.counts.quarantined = self.counts.quarantined.saturating_sub(1);
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_add(bytes as usize);
        self.buffer.push_due(Entry { seq, bytes, time_ms, ambiguous_at: None });
    }

    /// An event in quarantine is given up.
    pub fn discard(&mut self) {
        self.counts.quarantined = self.counts.quarantined.saturating_sub(1);
        self.counts.dropped += 1;
    }

    /// What waits now need not wait for company. A backoff, a `Retry-After` and a hold stay as they are.
    pub fn flush(&mut self) {
        self.buffer.flush();
    }

    /// Whether a poll would send something by now.
    pub fn due(&self, now: Now) -> bool {
        let waits = self.buffer.next_returned().is_some() || self.fresh_at().is_some_and(|at| at <= now.mono_ms);
        waits && self.flights.len() < self.flights_max() && self.gate() <= now.mono_ms
    }

    /// What is to be done by now. `random` is any 32 random bits.
    pub fn poll(&mut self, now: Now, random: u32, out: &mut Vec<Action>) {
        while self.flights.len() < self.flights_max() {
            let returned = self.buffer.next_returned();
            let Some(ready_at) = returned.map_or_else(|| self.fresh_at(), |_| Some(0)) else { return };
            let at = ready_at.max(self.gate());
            if at > now.mono_ms {
                out.push(Action::Wake { at });
                return;
            }
            let probe = self.recovering || self.hold.is_some();
            if returned == Some(true) && !probe {
                if self.budget < 10 {
                    // The budget for resends is spent: this one waits a step and goes out as a probe.
                    self.recovering = true;
                    self.paused_until = now.mono_ms.saturating_add(backoff::delay_ms(self.failures, random));
                    continue;
                }
                self.budget -= 10;
            }
            self.send(probe, now, out);
        }
    }

    /// Cuts one batch and sends it, unless all its events have become stale.
    fn send(&mut self, probe: bool, now: Now, out: &mut Vec<Action>) {
        let mut limit = self.limit();
        if self.hold.is_some() {
            limit.events_max = 1;
        }
        let settings = &self.settings;
        let (part, stale) = self.buffer.take(&limit, &|entry| stale(settings, entry, now.wall_ms));
        for (entry, code) in stale {
            self.quarantine(&entry, code, &Said::default(), out);
        }
        if part.entries.is_empty() {
            return;
        }
        if !part.resend {
            self.budget = (self.budget + 1).min(RETRY_BUDGET_TENTHS_MAX);
        }
        self.last_batch = self.last_batch.wrapping_add(1);
        let batch = self.last_batch;
        let seqs = seqs(&part.entries);
        self.counts.requests += 1;
        self.counts.events_sent += seqs.len() as u64;
        let body_bytes = limit.body_bytes(sum(&part.entries), seqs.len());
        self.flights.push(Flight { batch, part, probe, body_bytes, sent_wall_ms: now.wall_ms });
        out.push(Action::Send { batch, seqs, deadline_ms: self.settings.deadline_ms });
    }

    /// Takes the outcome of a request, and does what is to be done by now. An unknown batch is ignored: the answer came
    /// after the request was given up.
    pub fn outcome(&mut self, batch: u32, outcome: Outcome, sink: &Sink, now: Now, random: u32, out: &mut Vec<Action>) {
        let verdict = sink.verdict(&outcome);
        self.settle(batch, verdict, outcome, now, random, out);
        self.poll(now, random, out);
    }

    fn settle(&mut self, batch: u32, verdict: Verdict, outcome: Outcome, now: Now, random: u32, out: &mut Vec<Action>) {
        let Some(at) = self.flights.iter().position(|flight| flight.batch == batch) else { return };
        let Flight { mut part, probe, body_bytes, sent_wall_ms, .. } = self.flights.swap_remove(at);
        let (said, wait_ms) = self.hear(outcome, now, out);
        if let (Some(wait_ms), false) = (wait_ms, matches!(verdict, Verdict::Accepted)) {
            self.paused_until = self.paused_until.max(now.mono_ms.saturating_add(wait_ms));
        }
        match verdict {
            Verdict::Accepted => {
                self.answered(probe, out);
                self.ack(part.entries, out);
                self.grow();
            }
            Verdict::Retry { ambiguous } => {
                if ambiguous {
                    mark(&mut part.entries, sent_wall_ms, out);
                }
                self.back_off(probe, wait_ms.is_some(), now, random);
                self.buffer.put_back(Part { resend: true, ..part });
            }
            Verdict::Hold { ambiguous } => {
                if ambiguous {
                    mark(&mut part.entries, sent_wall_ms, out);
                }
                self.hold(said, now, out);
                if probe {
                    // The next probe is another event: one event's own fault must not hold all the others.
                    part.entries.into_iter().for_each(|entry| self.buffer.push_due(entry));
                } else {
                    self.buffer.put_back(part);
                }
            }
            Verdict::Split | Verdict::Bisect if part.entries.len() > 1 => {
                self.answered(probe, out);
                if matches!(verdict, Verdict::Split) {
                    self.learned_bytes_max = self.learned_bytes_max.min(body_bytes / 2);
                    self.successes = 0;
                }
                let second = part.entries.split_off(part.entries.len().div_ceil(2));
                self.buffer.put_back(Part { entries: second, resend: false });
                self.buffer.put_back(Part { entries: part.entries, resend: false });
            }
            Verdict::Split | Verdict::Bisect => {
                self.answered(probe, out);
                let code = if matches!(verdict, Verdict::Split) { "too_large" } else { "rejected" };
                part.entries.iter().for_each(|entry| self.quarantine(entry, code, &said, out));
            }
            Verdict::Partial(verdicts) => {
                let [accepted, mut retry] = self.sort_out(part.entries, verdicts, said.status, out);
                if retry.is_empty() || !accepted.is_empty() {
                    self.answered(probe, out);
                }
                if !accepted.is_empty() {
                    self.ack(accepted, out);
                }
                if !retry.is_empty() {
                    mark(&mut retry, sent_wall_ms, out);
                    self.back_off(probe, wait_ms.is_some(), now, random);
                }
                // Behind all others, which the vendor does take.
                retry.into_iter().for_each(|entry| self.buffer.push_due(entry));
            }
        }
    }

    /// Puts the refused events of a batch into quarantine and those to be resent back; gives the accepted ones, and the
    /// ones to be tried again later.
    fn sort_out(
        &mut self,
        entries: VecDeque<Entry>,
        verdicts: Vec<EventVerdict>,
        status: Option<u16>,
        out: &mut Vec<Action>,
    ) -> [VecDeque<Entry>; 2] {
        let (mut accepted, mut resend, mut retry) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        let mut verdicts = verdicts.into_iter();
        for entry in entries {
            match verdicts.next() {
                Some(EventVerdict::Accepted) => accepted.push_back(entry),
                Some(EventVerdict::Refused(text)) => {
                    self.quarantine(&entry, "rejected", &Said { status, text: shortened(text) }, out);
                }
                Some(EventVerdict::Resend) => resend.push_back(entry),
                Some(EventVerdict::Retry) | None => retry.push_back(entry),
            }
        }
        self.buffer.put_back(Part { entries: resend, resend: false });
        [accepted, retry]
    }

    /// What the vendor said, how long it asks us to wait, and whether our clock is ahead of its own.
    fn hear(&mut self, outcome: Outcome, now: Now, out: &mut Vec<Action>) -> (Said, Option<u64>) {
        let Outcome::Answer(answer) = outcome else { return (Said::default(), None) };
        let server_ms = answer.date.and_then(|date| http_date::parse(&date, now.wall_ms));
        if let Some(server_ms) = server_ms {
            let ahead_ms = now.wall_ms.saturating_sub(server_ms);
            let skewed = ahead_ms > CLOCK_SKEW_MS;
            if skewed && !self.skewed {
                let text = ["this clock is ahead of the server's by ", &(ahead_ms / 1000).to_string(), " s"].concat();
                out.push(Action::Notice { code: "clock_skew", text });
            }
            self.skewed = skewed;
        }
        let wait_ms = answer.retry_after.and_then(|text| retry_after::parse(&text, server_ms.unwrap_or(now.wall_ms)));
        (Said { status: Some(answer.status), text: shortened(answer.body) }, wait_ms)
    }

    /// The sink works: it has judged events. Whatever held the others up is over.
    fn answered(&mut self, probe: bool, out: &mut Vec<Action>) {
        if !probe {
            return;
        }
        self.recovering = false;
        self.failures = 0;
        if self.hold.take().is_some() {
            out.push(Action::Notice { code: "hold_ended", text: String::from("the sink takes events again") });
        }
    }

    fn back_off(&mut self, probe: bool, told_to_wait: bool, now: Now, random: u32) {
        if let Some(hold) = &mut self.hold {
            hold.probe_at = now.mono_ms.saturating_add(HOLD_PROBE_MS);
            return;
        }
        // Of two requests that fail together the first has set the pace.
        if !told_to_wait && (probe || !self.recovering) {
            let delay_ms = backoff::delay_ms(self.failures, random);
            self.paused_until = self.paused_until.max(now.mono_ms.saturating_add(delay_ms));
            self.failures = self.failures.saturating_add(1);
        }
        self.recovering = true;
    }

    fn hold(&mut self, said: Said, now: Now, out: &mut Vec<Action>) {
        if self.hold.as_ref().is_none_or(|hold| hold.status != said.status) {
            let status = said.status.unwrap_or_default().to_string();
            let text = if said.text.is_empty() { status } else { [&status, " ", &said.text].concat() };
            out.push(Action::Notice { code: "hold_started", text });
        }
        self.hold = Some(Hold { probe_at: now.mono_ms.saturating_add(HOLD_PROBE_MS), status: said.status });
    }

    fn ack(&mut self, entries: VecDeque<Entry>, out: &mut Vec<Action>) {
        self.counts.delivered += entries.len() as u64;
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_sub(sum(&entries));
        out.push(Action::Acked { seqs: seqs(&entries) });
    }

    fn quarantine(&mut self, entry: &Entry, code: &'static str, said: &Said, out: &mut Vec<Action>) {
        if self.counts.quarantined >= self.settings.quarantine_events_max as u64 {
            if !self.quarantine_full {
                let text = String::from("no more events are kept in quarantine; they are dropped and counted");
                out.push(Action::Notice { code: "quarantine_full", text });
            }
            self.quarantine_full = true;
            let mut dropped = Vec::new();
            self.give_up(entry, &mut dropped);
            out.push(Action::Dropped { seqs: dropped });
            return;
        }
        self.quarantine_full = false;
        self.counts.quarantined += 1;
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_sub(entry.bytes as usize);
        out.push(Action::Quarantine { seq: entry.seq, code, status: said.status, text: said.text.clone() });
    }

    /// A limit that was learned is tried anew after a while: what caused it may be gone.
    fn grow(&mut self) {
        if self.learned_bytes_max >= self.settings.batching.bytes_max {
            return;
        }
        self.successes += 1;
        if self.successes >= LEARNED_LIMIT_SUCCESSES {
            self.successes = 0;
            self.learned_bytes_max = (self.learned_bytes_max * 2).min(self.settings.batching.bytes_max);
        }
    }

    fn limit(&self) -> Limit {
        let (frame_bytes, separator_bytes) = self.settings.framing;
        let events_max = self.settings.batching.events_max;
        Limit { events_max, bytes_max: self.learned_bytes_max, frame_bytes, separator_bytes }
    }

    /// When new events go out: at once if they fill a request, else when the first has waited for company.
    fn fresh_at(&self) -> Option<u64> {
        if self.buffer.is_full(&self.limit()) { Some(0) } else { self.buffer.due_at(self.settings.batching.linger_ms) }
    }

    /// Nothing is sent before.
    fn gate(&self) -> u64 {
        self.paused_until.max(self.hold.as_ref().map_or(0, |hold| hold.probe_at))
    }

    fn flights_max(&self) -> usize {
        if self.recovering || self.hold.is_some() { 1 } else { self.settings.in_flight_max }
    }

    fn in_flight(&self) -> usize {
        self.flights.iter().map(|flight| flight.part.entries.len()).sum()
    }

    /// `idle`, `sending`, `backoff` or `held`.
    pub fn state(&self) -> &'static str {
        if self.hold.is_some() {
            "held"
        } else if self.recovering {
            "backoff"
        } else if self.flights.is_empty() {
            "idle"
        } else {
            "sending"
        }
    }

    /// The counts.
    pub fn stats(&self) -> Stats {
        let (waiting, in_flight) = (self.buffer.count(), self.in_flight());
        let pending = match self.state() {
            "held" => Pending { held: waiting, in_flight, ..Pending::default() },
            "backoff" => Pending { waiting, in_flight, ..Pending::default() },
            _ => Pending { queued: waiting, in_flight, ..Pending::default() },
        };
        Stats { pending, ..self.counts }
    }
}

/// Why an event must not be sent any more.
fn stale(settings: &Settings, entry: &Entry, wall_ms: i64) -> Option<&'static str> {
    let older = |since: i64, limit: u64| u64::try_from(wall_ms.saturating_sub(since)).unwrap_or(0) > limit;
    if settings.resend_ms.zip(entry.ambiguous_at).is_some_and(|(limit, at)| older(at, limit)) {
        return Some("dedup_window_expired");
    }
    let too_old = settings.oldest_ms.is_some_and(|limit| older(entry.time_ms, limit.saturating_sub(AGE_MARGIN_MS)));
    too_old.then_some("expired")
}

/// Remembers of each event when it may first have arrived.
fn mark(entries: &mut VecDeque<Entry>, at: i64, out: &mut Vec<Action>) {
    let mut seqs = Vec::new();
    for entry in entries.iter_mut().filter(|entry| entry.ambiguous_at.is_none()) {
        entry.ambiguous_at = Some(at);
        seqs.push(entry.seq);
    }
    if !seqs.is_empty() {
        out.push(Action::Ambiguous { seqs, at });
    }
}

fn sum(entries: &VecDeque<Entry>) -> usize {
    entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.bytes as usize))
}

fn seqs(entries: &VecDeque<Entry>) -> Vec<u32> {
    entries.iter().map(|entry| entry.seq).collect()
}

fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(VENDOR_TEXT_BYTES_MAX));
    text
}
