//! The state machine: what is taken, and what is sent when. `settle.rs` has what comes of it.

mod settle;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::num::NonZeroU32;

use self::settle::Said;
use super::action::Action;
use super::backoff;
use super::settings::{Policy, Settings};
use super::stats::{Pending, Stats};
use crate::buffer::{Buffer, Entry, Limit, Mark, Part};
use crate::error::{Error, Result};
use crate::limits::{AGE_MARGIN_MS, PACE_MS, RETRY_BUDGET_TENTHS_MAX};

/// A reading of both clocks.
#[derive(Clone, Copy)]
pub struct Now {
    /// Milliseconds of a clock that nobody sets.
    pub mono_ms: u64,
    /// Milliseconds since 1970.
    pub wall_ms: i64,
}

impl Now {
    fn mark(self) -> Mark {
        // One second late: what has passed must not be overestimated.
        let mono_s = u32::try_from(self.mono_ms / 1000).ok().and_then(|s| NonZeroU32::new(s.saturating_add(1)));
        Mark { wall_ms: self.wall_ms, mono_s: mono_s.unwrap_or(NonZeroU32::MAX) }
    }
}

/// An event that was taken.
#[cfg_attr(test, derive(Debug))]
pub struct Offered {
    /// The number under which delivery speaks of it.
    pub seq: u64,
    /// The events that the policy gave up for it; it may be among them.
    pub dropped: Vec<u64>,
}

/// Decides for the events of one sink.
///
/// Each event is in exactly one place: the buffer, a request in flight, or settled and counted.
pub struct Delivery {
    settings: Settings,
    buffer: Buffer,
    flights: Vec<Flight>,
    last_seq: u64,
    /// Comes to its beginning again after 2³² requests; of these two are in flight.
    last_batch: u32,
    /// Nothing is sent before: a backoff, or what a `Retry-After` asked for.
    paused_until: u64,
    /// No request that is not full is sent before.
    paced_until: u64,
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
    sent_at: Mark,
}

struct Hold {
    probe_at: u64,
    /// A change of it is told to the user.
    status: Option<u16>,
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
            paced_until: 0,
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
            self.counts.refused = self.counts.refused.saturating_add(1);
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
            self.counts.refused = self.counts.refused.saturating_add(1);
            return Err(Error::new("queue_full", "too many events wait for the sink")
                .help("see stats() for what it waits for; or choose a policy that drops events"));
        }
        self.last_seq = self.last_seq.saturating_add(1);
        self.counts.recorded = self.counts.recorded.saturating_add(1);
        let entry = Entry { seq: self.last_seq, bytes, time_ms, ambiguous_at: None };
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_add(size);
        if has_room {
            self.buffer.push(entry, now.mono_ms);
        } else {
            self.give_up(&entry, &mut dropped);
        }
        Ok(Offered { seq: self.last_seq, dropped })
    }

    /// Takes events that the host has recorded already, within [`Self::room`], by what was reported of them (see
    /// [`hot::admit`]). Gives the number of the first; the others follow.
    pub fn admit(&mut self, written: [&[u32]; 2], base_ms: i64, now: Now) -> u64 {
        let [ends, _] = written;
        let before = self.last_seq;
        let bytes = self.buffer.admit(written, base_ms, before, now.mono_ms);
        self.last_seq = before.saturating_add(ends.len() as u64);
        self.counts.recorded = self.counts.recorded.saturating_add(ends.len() as u64);
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_add(bytes);
        before.saturating_add(1)
    }

    /// How many more events and bytes the queue takes by any policy, and after how many events a request is full.
    pub fn room(&self) -> (usize, usize, usize) {
        let events = self.settings.queue_events_max.saturating_sub(self.unsettled());
        let bytes = self.settings.queue_bytes_max.saturating_sub(self.counts.queue_bytes);
        (events, bytes, self.settings.batching.events_max.saturating_sub(self.buffer.fresh_count()))
    }

    /// Bytes of the largest event that fits into any request.
    pub fn event_bytes_max(&self) -> usize {
        self.settings.batching.bytes_max.saturating_sub(self.settings.framing.0)
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
        let queue_bytes = self.counts.queue_bytes.saturating_add(bytes);
        self.unsettled() < self.settings.queue_events_max && queue_bytes <= self.settings.queue_bytes_max
    }

    fn give_up(&mut self, entry: &Entry, dropped: &mut Vec<u64>) {
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_sub(entry.bytes as usize);
        self.counts.dropped = self.counts.dropped.saturating_add(1);
        dropped.push(entry.seq);
    }

    /// Takes an event that was taken before a restart, under its old number.
    ///
    /// `ambiguous_at` is when it was first sent without an answer. Where that is not known, an event that may have been
    /// in flight must be given the time of the restart or earlier, never `None`.
    pub fn restore(&mut self, seq: u64, bytes: u32, time_ms: i64, ambiguous_at: Option<i64>) {
        self.continue_after(seq, 0);
        self.counts.recorded = self.counts.recorded.saturating_add(1);
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_add(bytes as usize);
        self.buffer.push_due(Entry { seq, bytes, time_ms, ambiguous_at: ambiguous_at.map(before_restart) });
    }

    /// Numbers of events and requests up to these have been given, though they may be settled. After a restart within
    /// one process an answer to an older request may still come; its number must not mean a new one.
    pub fn continue_after(&mut self, seq: u64, batch: u32) {
        self.last_seq = self.last_seq.max(seq);
        self.last_batch = self.last_batch.max(batch);
    }

    /// Takes an event out of quarantine to send it after all. `ambiguous_at` as for [`Self::restore`]; `None` sends it
    /// though the vendor may have it and have forgotten its id.
    pub fn requeue(&mut self, seq: u64, bytes: u32, time_ms: i64, ambiguous_at: Option<i64>) {
        self.counts.quarantined = self.counts.quarantined.saturating_sub(1);
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_add(bytes as usize);
        self.buffer.push_due(Entry { seq, bytes, time_ms, ambiguous_at: ambiguous_at.map(before_restart) });
    }

    /// An event in quarantine is given up.
    pub fn discard(&mut self) {
        self.counts.quarantined = self.counts.quarantined.saturating_sub(1);
        self.counts.dropped = self.counts.dropped.saturating_add(1);
    }

    /// Others deliver what waits here: it is forgotten, and counts as delivered.
    pub fn forget_waiting(&mut self) {
        self.counts.delivered = self.counts.delivered.saturating_add(self.buffer.count() as u64);
        self.counts.queue_bytes = 0;
        self.buffer = Buffer::default();
    }

    /// What waits now need not wait for company. A backoff, a `Retry-After` and a hold stay as they are.
    pub fn flush(&mut self) {
        self.buffer.flush();
    }

    /// The host may end at any moment, before an answer comes: sends what waits beside the requests under way, in one more
    /// request of so many bytes at most. A backoff, a `Retry-After` and a hold stay as they are.
    pub fn leave(&mut self, bytes_max: usize, now: Now, out: &mut Vec<Action>) {
        let limit = Limit { bytes_max: bytes_max.min(self.learned_bytes_max), ..self.limit() };
        let fits = |first: &Entry| limit.body_bytes(first.bytes as usize, 1) <= limit.bytes_max;
        let waits = self.recovering || self.hold.is_some() || self.gate() > now.mono_ms;
        if !waits && self.buffer.first().is_some_and(fits) {
            self.send(&limit, false, now, out);
        }
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
                self.budget = self.budget.saturating_sub(10);
            }
            let mut limit = self.limit();
            if self.hold.is_some() {
                limit.events_max = 1;
            }
            self.send(&limit, probe, now, out);
        }
    }

    /// Cuts one batch and sends it, unless all its events have become stale.
    fn send(&mut self, limit: &Limit, probe: bool, now: Now, out: &mut Vec<Action>) {
        let settings = &self.settings;
        let (part, stale) = self.buffer.take(limit, &|entry| stale(settings, entry, now));
        for (entry, code) in stale {
            self.quarantine(&entry, code, &Said::default(), out);
        }
        if part.entries.is_empty() {
            return;
        }
        if !part.resend {
            self.budget = self.budget.saturating_add(1).min(RETRY_BUDGET_TENTHS_MAX);
        }
        self.last_batch = self.last_batch.wrapping_add(1);
        let batch = self.last_batch;
        let seqs = seqs(&part.entries);
        self.counts.requests = self.counts.requests.saturating_add(1);
        self.counts.events_sent = self.counts.events_sent.saturating_add(seqs.len() as u64);
        self.paced_until = now.mono_ms.saturating_add(PACE_MS);
        self.flights.push(Flight { batch, part, probe, sent_at: now.mark() });
        out.push(Action::Send { batch, seqs, deadline_ms: self.settings.deadline_ms });
    }

    fn limit(&self) -> Limit {
        let (frame_bytes, separator_bytes) = self.settings.framing;
        let events_max = self.settings.batching.events_max;
        Limit { events_max, bytes_max: self.learned_bytes_max, frame_bytes, separator_bytes }
    }

    /// When new events go out: at once if they fill a request or are flushed, else when the first has waited for company
    /// and the last request is some time ago. So an event that comes alone leaves at once, and many leave together.
    fn fresh_at(&self) -> Option<u64> {
        if self.buffer.is_full(&self.limit()) {
            return Some(0);
        }
        let at = self.buffer.due_at(self.settings.batching.linger_ms)?;
        Some(if self.buffer.is_due() { 0 } else { at.max(self.paced_until) })
    }

    /// Nothing is sent before.
    fn gate(&self) -> u64 {
        self.paused_until.max(self.hold.as_ref().map_or(0, |hold| hold.probe_at))
    }

    fn flights_max(&self) -> usize {
        if self.recovering || self.hold.is_some() { 1 } else { self.settings.in_flight_max }
    }

    fn unsettled(&self) -> usize {
        self.buffer.count().saturating_add(self.in_flight())
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
fn stale(settings: &Settings, entry: &Entry, now: Now) -> Option<&'static str> {
    let older = |since: i64, limit: u64| u64::try_from(now.wall_ms.saturating_sub(since)).unwrap_or(0) > limit;
    if let Some((limit, at)) = settings.resend_ms.zip(entry.ambiguous_at) {
        let passed_ms = now.mono_ms.saturating_sub(u64::from(at.mono_s.get()) * 1000);
        if passed_ms > limit || older(at.wall_ms, limit) {
            return Some("dedup_window_expired");
        }
    }
    let too_old = settings.oldest_ms.is_some_and(|limit| older(entry.time_ms, limit.saturating_sub(AGE_MARGIN_MS)));
    too_old.then_some("expired")
}

fn before_restart(wall_ms: i64) -> Mark {
    Mark { wall_ms, mono_s: NonZeroU32::MAX }
}

fn sum(entries: &VecDeque<Entry>) -> usize {
    entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.bytes as usize))
}

fn seqs(entries: &VecDeque<Entry>) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq).collect()
}
