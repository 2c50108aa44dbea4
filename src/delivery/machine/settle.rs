//! What an outcome does to the events of its request, and to the sink's schedule.

use std::collections::VecDeque;

use super::{Delivery, Flight, Hold, Now, seqs, sum};
use crate::buffer::{Entry, Mark, Part};
use crate::delivery::action::Action;
use crate::delivery::outcome::Outcome;
use crate::delivery::verdict::{EventVerdict, Verdict};
use crate::delivery::{backoff, http_date, retry_after};
use crate::limits::{CLOCK_SKEW_MS, HOLD_PROBE_MS, LEARNED_LIMIT_SUCCESSES, VENDOR_TEXT_BYTES_MAX};
use crate::sink::{DUPLICATE_ID, Sink};

/// What a vendor said, for the quarantine and for notices.
#[derive(Default)]
pub(super) struct Said {
    status: Option<u16>,
    text: String,
}

impl Delivery {
    /// Takes the outcome of a request, and does what is to be done by now. An unknown batch is ignored: the answer came
    /// after the request was given up.
    pub fn outcome(
        &mut self,
        batch: u32,
        mut outcome: Outcome,
        sink: &Sink,
        now: Now,
        random: u32,
        out: &mut Vec<Action>,
    ) {
        sink.heed(&mut outcome);
        let flight = self.flights.iter().find(|flight| flight.batch == batch);
        let Some(Flight { part: Part { entries, .. }, .. }) = flight else { return self.poll(now, random, out) };
        sink.remark(&outcome, entries, out);
        let times: Vec<i64> = entries.iter().map(|entry| entry.time_ms).collect();
        let verdict = sink.verdict(&outcome, &times);
        self.settle(batch, verdict, outcome, now, random, out);
        self.poll(now, random, out);
    }

    pub(super) fn settle(
        &mut self,
        batch: u32,
        verdict: Verdict,
        outcome: Outcome,
        now: Now,
        random: u32,
        out: &mut Vec<Action>,
    ) {
        let Some(at) = self.flights.iter().position(|flight| flight.batch == batch) else { return };
        let Flight { mut part, probe, sent_at, .. } = self.flights.swap_remove(at);
        let (said, wait_ms) = self.hear(outcome, now, out);
        if let (Some(wait_ms), false) = (wait_ms, matches!(verdict, Verdict::Accepted)) {
            // Clients that were told the same moment must not all come at it.
            let until = now.mono_ms.saturating_add(wait_ms).saturating_add(backoff::spread_ms(wait_ms, random));
            self.paused_until = self.paused_until.max(until);
        }
        match verdict {
            Verdict::Accepted => {
                self.answered(probe, out);
                self.ack(part.entries, out);
                self.grow();
            }
            Verdict::Retry { ambiguous } => {
                if ambiguous {
                    mark(&mut part.entries, sent_at, out);
                }
                self.back_off(probe, wait_ms.is_some(), now, random);
                self.buffer.put_back(Part { resend: true, ..part });
            }
            Verdict::Hold { ambiguous } => {
                if ambiguous {
                    mark(&mut part.entries, sent_at, out);
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
                let second = part.entries.split_off(part.entries.len().div_ceil(2));
                if matches!(verdict, Verdict::Split) {
                    let limit = self.limit();
                    let body_bytes = |half: &VecDeque<Entry>| limit.body_bytes(sum(half), half.len());
                    let half = body_bytes(&part.entries).max(body_bytes(&second));
                    self.learned_bytes_max = self.learned_bytes_max.min(half);
                    self.successes = 0;
                }
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
                    mark(&mut retry, sent_at, out);
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
        let (mut repeated, mut unverified) = (Vec::new(), Vec::new());
        let mut verdicts = verdicts.into_iter();
        for entry in entries {
            match verdicts.next() {
                Some(EventVerdict::Accepted) => accepted.push_back(entry),
                Some(EventVerdict::Known { is_stored }) => {
                    match entry.ambiguous_at {
                        None => repeated.push(entry.seq),
                        Some(_) if !is_stored => unverified.push(entry.seq),
                        Some(_) => {}
                    }
                    accepted.push_back(entry);
                }
                Some(EventVerdict::Refused(text)) => {
                    self.quarantine(&entry, "rejected", &Said { status, text: shortened(text) }, out);
                }
                Some(EventVerdict::Resend) => resend.push_back(entry),
                Some(EventVerdict::Retry) | None => retry.push_back(entry),
            }
        }
        about(DUPLICATE_ID, "the vendor has this id of another event, or by another sender", repeated, out);
        about("unverified", "the vendor has this id, or is about to", unverified, out);
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
                notice("clock_skew", text, out);
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
            notice("hold_ended", String::from("the sink takes events again"), out);
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
            notice("hold_started", text, out);
        }
        self.hold = Some(Hold { probe_at: now.mono_ms.saturating_add(HOLD_PROBE_MS), status: said.status });
    }

    fn ack(&mut self, entries: VecDeque<Entry>, out: &mut Vec<Action>) {
        self.counts.delivered = self.counts.delivered.saturating_add(entries.len() as u64);
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_sub(sum(&entries));
        out.push(Action::Acked { seqs: seqs(&entries) });
    }

    pub(super) fn quarantine(&mut self, entry: &Entry, code: &'static str, said: &Said, out: &mut Vec<Action>) {
        if self.counts.quarantined >= self.settings.quarantine_events_max as u64 {
            if !self.quarantine_full {
                let text = String::from("no more events are kept in quarantine; they are dropped and counted");
                notice("quarantine_full", text, out);
            }
            self.quarantine_full = true;
            let mut dropped = Vec::new();
            self.give_up(entry, &mut dropped);
            out.push(Action::Dropped { seqs: dropped });
            return;
        }
        self.quarantine_full = false;
        self.counts.quarantined = self.counts.quarantined.saturating_add(1);
        self.counts.queue_bytes = self.counts.queue_bytes.saturating_sub(entry.bytes as usize);
        out.push(Action::Quarantine { seq: entry.seq, code, status: said.status, text: said.text.clone() });
    }

    /// A limit that was learned is tried anew after a while: what caused it may be gone.
    fn grow(&mut self) {
        if self.learned_bytes_max >= self.settings.batching.bytes_max {
            return;
        }
        self.successes = self.successes.saturating_add(1);
        if self.successes >= LEARNED_LIMIT_SUCCESSES {
            self.successes = 0;
            self.learned_bytes_max = self.learned_bytes_max.saturating_mul(2).min(self.settings.batching.bytes_max);
        }
    }
}

/// Remembers of each event when it may first have arrived.
fn mark(entries: &mut VecDeque<Entry>, at: Mark, out: &mut Vec<Action>) {
    let mut seqs = Vec::new();
    for entry in entries.iter_mut().filter(|entry| entry.ambiguous_at.is_none()) {
        entry.ambiguous_at = Some(at);
        seqs.push(entry.seq);
    }
    if !seqs.is_empty() {
        out.push(Action::Ambiguous { seqs, at: at.wall_ms });
    }
}

fn notice(code: &'static str, text: String, out: &mut Vec<Action>) {
    out.push(Action::Notice { code, text, seqs: Vec::new() });
}

fn about(code: &'static str, text: &str, seqs: Vec<u64>, out: &mut Vec<Action>) {
    if !seqs.is_empty() {
        out.push(Action::Notice { code, text: text.to_owned(), seqs });
    }
}

fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(VENDOR_TEXT_BYTES_MAX));
    text
}
