//! A delivery with its clocks and a host that accounts for every event.

use std::collections::BTreeMap;

use crate::delivery::machine::*;
use crate::delivery::{Answer, Outcome};
use crate::json::Value;
use crate::sink::Sink;

pub(super) const WALL: i64 = 1_795_226_400_000;
pub(super) const HOUR: i64 = 3_600_000;

/// A delivery, its clocks, and the host's own account of each event.
pub(super) struct Rig {
    pub(super) delivery: Delivery,
    pub(super) sink: Sink,
    pub(super) now: Now,
    pub(super) random: u32,
    pub(super) account: BTreeMap<u64, &'static str>,
    pub(super) actions: Vec<Action>,
}

impl Rig {
    /// With requests of 100 events.
    pub(super) fn new(change: impl FnOnce(&mut Settings)) -> Self {
        Self::of(r#"{"kind":"openmeter","url":"https://a.b","batch":{"events":100}}"#, change)
    }

    pub(super) fn of(sink: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let sink = Sink::parse(&Value::parse(sink).unwrap()).unwrap();
        let mut settings = Settings::new(&sink, "reject").unwrap();
        change(&mut settings);
        Self {
            delivery: Delivery::new(settings),
            sink,
            now: Now { mono_ms: 1_000, wall_ms: WALL },
            random: u32::MAX,
            account: BTreeMap::new(),
            actions: Vec::new(),
        }
    }

    pub(super) fn with(events: usize) -> Self {
        let mut rig = Self::new(|_| ());
        rig.record(events);
        rig.delivery.flush();
        rig
    }

    pub(super) fn record(&mut self, events: usize) {
        for _ in 0..events {
            self.put(100, self.now.wall_ms).unwrap();
        }
        self.check();
    }

    pub(super) fn offer(&mut self, bytes: u32, time_ms: i64) -> Result<Offered> {
        let offered = self.put(bytes, time_ms);
        self.check();
        offered
    }

    pub(super) fn put(&mut self, bytes: u32, time_ms: i64) -> Result<Offered> {
        let offered = self.delivery.offer(bytes, time_ms, self.now)?;
        assert_eq!(self.account.insert(offered.seq, "pending"), None);
        for seq in &offered.dropped {
            assert_eq!(self.account.insert(*seq, "dropped"), Some("pending"));
        }
        Ok(offered)
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now.mono_ms += ms;
        self.now.wall_ms += ms as i64;
    }

    /// Polls and gives the requests it sends.
    pub(super) fn poll(&mut self) -> Vec<(u32, Vec<u64>)> {
        let mut out = Vec::new();
        self.delivery.poll(self.now, self.random, &mut out);
        self.did(out)
    }

    /// The one request that a poll sends.
    pub(super) fn sent(&mut self) -> (u32, Vec<u64>) {
        let mut sent = self.poll();
        assert_eq!(sent.len(), 1, "{:?}", self.actions);
        sent.remove(0)
    }

    pub(super) fn outcome(&mut self, batch: u32, outcome: Outcome) -> Vec<(u32, Vec<u64>)> {
        let mut out = Vec::new();
        self.delivery.outcome(batch, outcome, &self.sink, self.now, self.random, &mut out);
        self.did(out)
    }

    pub(super) fn answer(&mut self, batch: u32, status: u16) -> Vec<(u32, Vec<u64>)> {
        self.answer_with(batch, Answer { status, body: "because".into(), ..Answer::default() })
    }

    pub(super) fn answer_with(&mut self, batch: u32, answer: Answer) -> Vec<(u32, Vec<u64>)> {
        self.outcome(batch, Outcome::Answer(answer))
    }

    pub(super) fn fail(&mut self, batch: u32, error: &str) -> Vec<(u32, Vec<u64>)> {
        self.outcome(batch, Outcome::Failed { error: error.into(), text: String::new(), unsent: false })
    }

    pub(super) fn did(&mut self, actions: Vec<Action>) -> Vec<(u32, Vec<u64>)> {
        let mut sent = Vec::new();
        for action in &actions {
            let mut becomes = |seqs: &[u64], what| {
                for seq in seqs {
                    assert_eq!(self.account.insert(*seq, what), Some("pending"), "{seq}");
                }
            };
            match action {
                Action::Send { batch, seqs, .. } => sent.push((*batch, seqs.clone())),
                Action::Acked { seqs } => becomes(seqs, "delivered"),
                Action::Quarantine { seq, .. } => becomes(&[*seq], "quarantined"),
                Action::Dropped { seqs } => becomes(seqs, "dropped"),
                _ => (),
            }
        }
        self.actions = actions;
        self.check();
        sent
    }

    pub(super) fn count(&self, what: &str) -> usize {
        self.account.values().filter(|w| **w == what).count()
    }

    pub(super) fn check(&self) {
        let stats = self.delivery.stats();
        assert_eq!(stats.recorded as usize, self.account.len());
        assert_eq!(stats.delivered as usize, self.count("delivered"));
        assert_eq!(stats.quarantined as usize, self.count("quarantined"));
        assert_eq!(stats.dropped as usize, self.count("dropped"));
        assert_eq!(stats.pending.total(), self.count("pending"));
        assert!(stats.pending.total() <= self.delivery.settings.queue_events_max);
        assert!(stats.queue_bytes <= self.delivery.settings.queue_bytes_max);
        assert_eq!(stats.queue_bytes == 0, stats.pending.total() == 0);
    }

    pub(super) fn wake(&self) -> Option<u64> {
        self.actions.iter().find_map(|a| if let Action::Wake { at } = a { Some(*at) } else { None })
    }

    pub(super) fn notices(&self) -> Vec<&'static str> {
        self.actions
            .iter()
            .filter_map(|a| if let Action::Notice { code, .. } = a { Some(*code) } else { None })
            .collect()
    }

    pub(super) fn quarantined(&self) -> Vec<(u64, &'static str, Option<u16>)> {
        let of = |a: &Action| match a {
            Action::Quarantine { seq, code, status, .. } => Some((*seq, *code, *status)),
            _ => None,
        };
        self.actions.iter().filter_map(of).collect()
    }

    pub(super) fn ambiguous(&self) -> Option<(Vec<u64>, i64)> {
        let of = |a: &Action| if let Action::Ambiguous { seqs, at } = a { Some((seqs.clone(), *at)) } else { None };
        self.actions.iter().find_map(of)
    }

    /// Answers everything by `judge` (of the events sent), waking when asked to, until nothing is left to do.
    pub(super) fn run(&mut self, judge: impl Fn(&[u64]) -> u16) -> usize {
        let (mut requests, mut sent) = (0, self.poll());
        while self.count("pending") > 0 {
            let Some((batch, seqs)) = sent.pop() else {
                let at = self.wake().expect("something pending and nothing to wait for");
                self.pass(at.saturating_sub(self.now.mono_ms));
                sent = self.poll();
                continue;
            };
            requests += 1;
            sent.extend(self.answer(batch, judge(&seqs)));
        }
        requests
    }
}
