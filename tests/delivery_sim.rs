//! A seeded simulator of delivery: one client, one server, a virtual clock, and whatever can go wrong between them.
//!
//! `cargo test --release --test delivery_sim -- --seeds 10000` runs so many seeds, `--seed 7` replays one and tells its
//! story.
//! After every step it holds that
//! - recorded = delivered + pending + quarantined + dropped, and each event is in one of these (conservation);
//! - the server has each event at most once, with the bytes it was recorded with (billed once, identity);
//! - queue, requests in flight and bodies keep to their limits (bounds);
//!
//! and at the end, with the server healthy again, that nothing is pending and only what deserves it is not delivered.
//! Besides, a thousand clients of one server that was down come back spread (see [`crowd`]).

// A test, though not of the harness that clippy knows tests by.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use taximeter::delivery::{Action, Answer, Delivery, Now, Outcome, Settings};
use taximeter::json::Value;
use taximeter::sink::Sink;

const START_WALL: i64 = 1_795_226_400_000;
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        Some(args.get(at + 1).and_then(|n| n.parse::<u64>().ok()).unwrap_or_else(|| panic!("{name} wants a number")))
    };
    if args.iter().any(|arg| arg == "--list") {
        return;
    }
    if let Some(seed) = number("--seed") {
        let told = Simulation::new(seed, true).run();
        println!("seed {seed}: {told:?}");
        return;
    }
    let seeds = number("--seeds").unwrap_or(400);
    let next = AtomicU64::new(0);
    let some = || {
        let mut sum = Told::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return sum;
            }
            let Ok(told) = std::panic::catch_unwind(|| Simulation::new(seed, false).run()) else {
                eprintln!("replay it: cargo test --test delivery_sim -- --seed {seed}");
                std::process::exit(1);
            };
            sum.add(&told);
        }
    };
    let mut sum = Told::default();
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
        running.into_iter().for_each(|thread| sum.add(&thread.join().unwrap()));
    });
    println!("{seeds} seeds: {sum:?}");
    crowd();
    // A simulator in which nothing happens would pass as well.
    let enough = [sum.delivered, sum.quarantined, sum.dropped, sum.restarts, sum.jumps, sum.late, sum.twice, sum.named]
        .iter()
        .all(|n| *n > 0);
    assert!(seeds < 100 || enough, "some kind of fault never happened");
}

#[derive(Default, Debug)]
struct Told {
    recorded: u64,
    delivered: u64,
    quarantined: u64,
    dropped: u64,
    refused: u64,
    requests: u64,
    restarts: u64,
    /// Times that somebody set the wall clock.
    jumps: u64,
    /// Answers after the request was given up.
    late: u64,
    /// Events that arrived again and were recognised by their ids.
    twice: u64,
    /// Answers that named events.
    named: u64,
}

impl Told {
    fn add(&mut self, other: &Self) {
        self.recorded += other.recorded;
        self.delivered += other.delivered;
        self.quarantined += other.quarantined;
        self.dropped += other.dropped;
        self.refused += other.refused;
        self.requests += other.requests;
        self.restarts += other.restarts;
        self.jumps += other.jumps;
        self.late += other.late;
        self.twice += other.twice;
        self.named += other.named;
    }
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Mode {
    Healthy,
    Down,
    Unavailable,
    Throttled,
    Unauthorized,
    Portal,
    Resets,
    Slow,
    Conflict,
    Mixed,
}

/// What a server's refusal says beyond its status.
#[derive(Clone, Copy, PartialEq)]
enum Names {
    Nothing,
    /// Some of the events that it refuses, by their places, as Polar does.
    Some,
    /// Each event that it refuses or knows already, as Lago does.
    Each,
}

/// The vendor: a ledger, and a mood.
struct Server {
    mode: Mode,
    names: Names,
    accepted: u16,
    body_max: usize,
    smallest_body_max: usize,
    /// How long an id is remembered.
    window_ms: u64,
    dedup: bool,
    /// Seconds of age and of earliness it takes.
    ages: Option<(u64, u64)>,
    /// Times at which a text was counted, each by its id.
    ledger: BTreeMap<u64, Vec<(u64, String)>>,
    twice: u64,
}

impl Server {
    fn store(&mut self, now: u64, events: &[(u64, String)]) {
        for (id, text) in events {
            let counted = self.ledger.entry(*id).or_default();
            let known = counted.last().is_some_and(|(at, _)| self.dedup && now - at <= self.window_ms);
            if known {
                self.twice += 1;
            } else {
                counted.push((now, text.clone()));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Place {
    Pending,
    Delivered,
    Quarantined(&'static str),
    Dropped,
}

/// What the host keeps of an event.
struct Kept {
    text: String,
    time_ms: i64,
    ambiguous_at: Option<i64>,
    poison: bool,
    place: Place,
}

struct Flight {
    batch: u32,
    events: Vec<(u64, String)>,
    sent_wall: i64,
    /// What of it the server stores, and when.
    commit: Option<(u64, usize)>,
    /// When the server's answer comes, and when the host gives the request up.
    answer: Option<(u64, Outcome)>,
    deadline: Option<u64>,
    /// Whether a machine that is gone by now sent it.
    orphan: bool,
}

struct Simulation {
    random: Random,
    loud: bool,
    sink: Sink,
    settings: Settings,
    delivery: Delivery,
    server: Server,
    host: BTreeMap<u64, Kept>,
    flights: Vec<Flight>,
    mono: u64,
    wall: i64,
    wake: Option<u64>,
    heal_at: u64,
    mood_at: u64,
    record_at: u64,
    restart_at: u64,
    restarts_crash: bool,
    jumps: bool,
    last_seq: u64,
    quiet_until: u64,
    probed_at: Option<u64>,
    told: Told,
}

impl Simulation {
    fn new(seed: u64, loud: bool) -> Self {
        let mut random = Random(seed);
        let (sink, accepted, dedup, window_ms, names) = random.of(&[
            (r#"{"kind":"openmeter","url":"https://a.b","dedup":"unlimited"}"#, 204, true, u64::MAX, Names::Nothing),
            (r#"{"kind":"openmeter","url":"https://a.b","dedup":86400000}"#, 204, true, 24 * HOUR, Names::Nothing),
            (r#"{"kind":"openmeter","url":"https://a.b","dedup":7200000}"#, 204, true, 2 * HOUR, Names::Nothing),
            (r#"{"kind":"openmeter","url":"https://a.b"}"#, 204, false, 0, Names::Nothing),
            (r#"{"kind":"dodo","environment":"test"}"#, 200, true, 24 * HOUR, Names::Nothing),
            (r#"{"kind":"polar","environment":"test"}"#, 200, true, u64::MAX, Names::Some),
            (r#"{"kind":"lago"}"#, 200, true, u64::MAX, Names::Each),
        ]);
        let sink = Sink::parse(&Value::parse(sink).unwrap()).unwrap();
        let mut settings =
            Settings::new(&sink, random.of(&["reject", "reject", "drop-oldest", "drop-newest"])).unwrap();
        settings.in_flight_max = random.between(1, 2) as usize;
        settings.queue_events_max = random.between(5, 400) as usize;
        settings.queue_bytes_max = random.of(&[5_000, 100_000, 16 << 20]);
        settings.batching.events_max = random.between(1, 60) as usize;
        settings.batching.bytes_max = random.between(600, 8_000) as usize;
        settings.batching.linger_ms = random.of(&[0, 250, 5_000]);
        settings.quarantine_events_max = random.of(&[3, 1_000]);
        let heal_at = random.of(&[MINUTE, 20 * MINUTE, 3 * HOUR, 30 * HOUR]);
        let dodo = sink.oldest_ms().is_some();
        let jumps = random.one_in(3);
        // A clock that is set back while nobody runs cannot be noticed.
        let restarts = random.one_in(2) && (!jumps || window_ms == u64::MAX);
        Self {
            delivery: Delivery::new(settings.clone()),
            server: Server {
                mode: Mode::Healthy,
                names,
                accepted,
                body_max: usize::MAX,
                smallest_body_max: usize::MAX,
                window_ms,
                dedup,
                ages: dodo.then_some((HOUR, 5 * MINUTE)),
                ledger: BTreeMap::new(),
                twice: 0,
            },
            host: BTreeMap::new(),
            flights: Vec::new(),
            mono: 5_000,
            wall: START_WALL,
            wake: None,
            heal_at,
            mood_at: 0,
            record_at: 5_000,
            restart_at: if restarts { random.below(heal_at) } else { u64::MAX },
            restarts_crash: random.one_in(2),
            jumps,
            last_seq: 0,
            quiet_until: 0,
            probed_at: None,
            told: Told::default(),
            random,
            loud,
            sink,
            settings,
        }
    }

    fn now(&self) -> Now {
        Now { mono_ms: self.mono, wall_ms: self.wall }
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.loud {
            println!("{:>10}  {}", self.mono, what());
        }
    }

    fn run(mut self) -> Told {
        for step in 0.. {
            assert!(step < 2_000_000, "no end");
            let pending = self.host.values().any(|kept| kept.place == Place::Pending);
            if !pending && self.flights.is_empty() && self.record_at > self.heal_at {
                break;
            }
            self.step();
            self.check();
        }
        self.conclude();
        self.told
    }

    /// Goes to the next thing that happens, and lets it happen.
    fn step(&mut self) {
        let flight_times = self.flights.iter().flat_map(|flight| {
            let (commit, answer) = (flight.commit.map(|c| c.0), flight.answer.as_ref().map(|a| a.0));
            [commit, answer, flight.deadline].into_iter().flatten()
        });
        let record_at = if self.record_at > self.heal_at { u64::MAX } else { self.record_at };
        let mood_at = if self.mood_at > self.heal_at { u64::MAX } else { self.mood_at };
        let next = flight_times.chain(self.wake).chain([record_at, mood_at, self.restart_at]).min().unwrap_or(u64::MAX);
        assert!(next < u64::MAX, "something is pending and nothing will happen");
        let passed = next.saturating_sub(self.mono);
        self.mono += passed;
        self.wall += passed as i64;
        if self.mono >= mood_at {
            self.new_mood();
        } else if self.mono >= self.restart_at {
            self.restart();
        } else if let Some(at) = self.flights.iter().position(|f| f.commit.is_some_and(|(at, _)| at <= self.mono)) {
            let (_, count) = self.flights[at].commit.take().unwrap();
            let events = self.flights[at].events[..count].to_vec();
            self.server.store(self.mono, &events);
        } else if let Some(at) = self.flights.iter().position(|f| f.deadline.is_some_and(|at| at <= self.mono)) {
            self.flights[at].deadline = None;
            let batch = self.flights[at].batch;
            self.say(|| format!("request {batch}: deadline"));
            self.outcome(
                batch,
                Outcome::Failed { error: "deadline".into(), text: String::new(), unsent: false },
                false,
            );
            self.forget_settled();
        } else if let Some(at) =
            self.flights.iter().position(|f| f.answer.as_ref().is_some_and(|(at, _)| *at <= self.mono))
        {
            let flight = &mut self.flights[at];
            let (_, outcome) = flight.answer.take().unwrap();
            let (batch, late) = (flight.batch, flight.deadline.take().is_none());
            self.told.late += u64::from(late);
            self.outcome(batch, outcome, late);
            self.forget_settled();
        } else if self.mono >= record_at {
            self.record();
        } else if self.wake.is_some_and(|at| at <= self.mono) {
            self.poll();
        }
    }

    fn forget_settled(&mut self) {
        self.flights.retain(|f| f.commit.is_some() || f.answer.is_some() || f.deadline.is_some());
    }

    fn new_mood(&mut self) {
        use Mode::*;
        self.mood_at = self.mono + self.random.between(1_000, self.heal_at / 4);
        let modes = [
            Healthy,
            Healthy,
            Down,
            Unavailable,
            Throttled,
            Unauthorized,
            Portal,
            Resets,
            Slow,
            Conflict,
            Mixed,
            Mixed,
        ];
        self.server.mode = self.random.of(&modes);
        let small = self.random.between(150, 4_000) as usize;
        self.server.body_max = if self.random.one_in(3) { small } else { usize::MAX };
        if self.mood_at > self.heal_at {
            (self.server.mode, self.mood_at) = (Mode::Healthy, u64::MAX);
            self.heal_at = self.heal_at.max(self.mono);
        }
        self.server.smallest_body_max = self.server.smallest_body_max.min(self.server.body_max);
        if self.jumps && self.random.one_in(4) {
            self.wall += self.random.of(&[-86_400_000, 86_400_000, 3_600_000, -1_000]);
            self.told.jumps += 1;
        }
        self.say(|| format!("server: {:?}, bodies up to {}", self.server.mode, self.server.body_max));
        if self.random.one_in(3) {
            self.delivery.flush();
            self.poll();
        }
        self.tend_quarantine();
    }

    /// What a user does with events in quarantine.
    fn tend_quarantine(&mut self) {
        let pick = self.random.next();
        let set_aside = |kept: &Kept| matches!(kept.place, Place::Quarantined(_));
        let count = self.host.values().filter(|kept| set_aside(kept)).count().max(1);
        let mut found = self.host.iter_mut().filter(|(_, kept)| set_aside(kept));
        let Some((seq, kept)) = found.nth(pick as usize % count) else { return };
        // What may have arrived is sent again by the wall clock then, which somebody may set.
        let may_be_there = kept.ambiguous_at.is_some() && self.jumps;
        if may_be_there || pick & (1 << 40) == 0 {
            kept.place = Place::Dropped;
            self.delivery.discard();
        } else if self.delivery.stats().pending.total() < self.settings.queue_events_max
            && self.delivery.stats().queue_bytes + kept.text.len() <= self.settings.queue_bytes_max
        {
            kept.place = Place::Pending;
            self.delivery.requeue(*seq, kept.text.len() as u32, kept.time_ms, kept.ambiguous_at);
            self.poll();
        }
    }

    /// The process or the engine ends, and another takes up what the spool has.
    fn restart(&mut self) {
        self.told.restarts += 1;
        self.restart_at = if self.random.one_in(2) { self.mono + self.random.between(1, HOUR) } else { u64::MAX };
        if self.restart_at > self.heal_at {
            self.restart_at = u64::MAX;
        }
        self.say(|| format!("restart, {}", if self.restarts_crash { "of the process" } else { "of the engine" }));
        let batch = self.flights.iter().map(|f| f.batch).max().unwrap_or_default().max(self.told.requests as u32);
        for flight in &mut self.flights {
            flight.orphan = true;
            flight.deadline = flight.deadline.filter(|_| !self.restarts_crash);
            if self.restarts_crash {
                // Nobody is there to hear the answer; the server may still store the events.
                flight.answer = None;
            }
            for (seq, _) in &flight.events {
                let kept = self.host.get_mut(seq).unwrap();
                kept.ambiguous_at = kept.ambiguous_at.or(Some(flight.sent_wall));
            }
        }
        self.forget_settled();
        self.delivery = Delivery::new(self.settings.clone());
        self.delivery.continue_after(self.last_seq, batch);
        let mut others = Vec::new();
        for (seq, kept) in &self.host {
            if kept.place == Place::Pending {
                self.delivery.restore(*seq, kept.text.len() as u32, kept.time_ms, kept.ambiguous_at);
            } else {
                others.push(*seq);
            }
        }
        // A new delivery counts from its own beginning: the account goes on with what is pending.
        for seq in others {
            let kept = self.host.remove(&seq).unwrap();
            self.settle_account(seq, &kept);
        }
        self.wake = None;
        self.quiet_until = 0;
        self.probed_at = None;
        self.poll();
    }

    fn record(&mut self) {
        self.record_at = self.mono + self.random.between(1, self.heal_at / 30);
        for _ in 0..self.random.of(&[1, 1, 3, 20]) {
            let oversize = self.random.one_in(40);
            let pad = if oversize { self.random.between(300, 9_000) } else { self.random.below(60) };
            let text = format!("{{\"n\":{},\"pad\":\"{}\"}}", self.random.below(1_000), "x".repeat(pad as usize));
            let old = if self.random.one_in(50) { self.random.below(2 * HOUR) as i64 } else { 0 };
            let time_ms = self.wall - old;
            match self.delivery.offer(text.len() as u32, time_ms, self.now()) {
                Err(error) => {
                    assert!(matches!(error.code, "queue_full" | "event_too_large"), "{error}");
                    self.told.refused += 1;
                }
                Ok(offered) => {
                    assert!(offered.seq > self.last_seq);
                    self.last_seq = offered.seq;
                    let poison = self.random.one_in(60);
                    let kept = Kept { text, time_ms, ambiguous_at: None, poison, place: Place::Pending };
                    self.host.insert(offered.seq, kept);
                    self.told.recorded += 1;
                    self.becomes(&offered.dropped, Place::Dropped);
                }
            }
            let in_flight = self.flights.iter().any(|f| !f.orphan && f.deadline.is_some());
            if self.delivery.due(self.now()) || (self.wake.is_none() && !in_flight) {
                self.poll();
            }
        }
    }

    fn poll(&mut self) {
        self.wake = None;
        let (mut out, random) = (Vec::new(), self.random.next() as u32);
        self.delivery.poll(self.now(), random, &mut out);
        self.perform(out);
    }

    fn outcome(&mut self, batch: u32, outcome: Outcome, late: bool) {
        if let Outcome::Answer(answer) = &outcome {
            self.say(|| format!("request {batch}: {}", answer.status));
            let seconds = answer.retry_after.as_ref().and_then(|text| text.parse::<u64>().ok());
            let heard = !self.flights.iter().any(|f| f.batch == batch && (f.orphan || late));
            if let (Some(seconds), true) = (seconds, heard) {
                self.quiet_until = self.mono + 1_000 * seconds.clamp(1, 300);
            }
        }
        let (mut out, random) = (Vec::new(), self.random.next() as u32);
        self.delivery.outcome(batch, outcome, &self.sink, self.now(), random, &mut out);
        self.perform(out);
    }

    fn becomes(&mut self, seqs: &[u64], place: Place) {
        for seq in seqs {
            let kept = self.host.get_mut(seq).unwrap();
            assert_eq!(kept.place, Place::Pending, "event {seq} becomes {place:?}");
            kept.place = place;
        }
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send { batch, seqs, deadline_ms } => self.send(batch, &seqs, deadline_ms),
                Action::Acked { seqs } => {
                    self.say(|| format!("delivered {seqs:?}"));
                    for seq in &seqs {
                        assert!(self.server.ledger.contains_key(seq), "event {seq} is not at the server");
                    }
                    self.becomes(&seqs, Place::Delivered);
                }
                Action::Quarantine { seq, code, .. } => {
                    self.say(|| format!("quarantine {seq}: {code}"));
                    self.becomes(&[seq], Place::Quarantined(code));
                    self.deserves(seq, code);
                }
                Action::Dropped { seqs } => self.becomes(&seqs, Place::Dropped),
                Action::Ambiguous { seqs, at } => {
                    for seq in seqs {
                        let kept = self.host.get_mut(&seq).unwrap();
                        kept.ambiguous_at = kept.ambiguous_at.or(Some(at));
                    }
                }
                Action::Wake { at } => self.wake = Some(self.wake.map_or(at, |earlier| earlier.min(at))),
                Action::Notice { code, text, .. } => self.say(|| format!("{code}: {text}")),
            }
        }
    }

    /// Only what is at fault goes into quarantine.
    fn deserves(&self, seq: u64, code: &str) {
        let kept = &self.host[&seq];
        let age = self.wall - kept.time_ms;
        let deserved = match code {
            "rejected" => kept.poison || (self.told.jumps > 0 && self.server.ages.is_some()),
            "too_large" => kept.text.len() + 20 > self.server.smallest_body_max,
            "expired" => self.server.ages.is_some() && age > 50 * MINUTE as i64,
            "dedup_window_expired" => {
                kept.ambiguous_at.is_some_and(|at| self.told.jumps > 0 || self.wall - at > HOUR as i64)
            }
            _ => false,
        };
        assert!(deserved, "event {seq} is in quarantine for {code}");
    }

    fn send(&mut self, batch: u32, seqs: &[u64], deadline_ms: u64) {
        self.say(|| format!("request {batch}: {seqs:?}"));
        self.told.requests += 1;
        let mine = self.flights.iter().filter(|f| !f.orphan && f.deadline.is_some()).count();
        assert!(mine < self.settings.in_flight_max, "too many requests at a time");
        assert!(self.flights.iter().all(|f| f.batch != batch), "a request's number came again");
        assert!(self.mono >= self.quiet_until, "sent before Retry-After was over");
        if self.delivery.state() == "held" {
            assert_eq!(seqs.len(), 1, "a probe is one event");
            assert!(self.probed_at.is_none_or(|at| self.mono - at >= MINUTE), "probed too soon");
            self.probed_at = Some(self.mono);
        }
        let mut events = Vec::new();
        for seq in seqs {
            let kept = &self.host[seq];
            assert_eq!(kept.place, Place::Pending);
            events.push((*seq, kept.text.clone()));
        }
        let (frame, separator) = self.sink.framing();
        let body = frame + events.iter().map(|(_, text)| text.len()).sum::<usize>() + separator * (events.len() - 1);
        assert!(body <= self.settings.batching.bytes_max && events.len() <= self.settings.batching.events_max);
        let (outcome, stored) = self.serve(body, &events);
        let latency = match self.server.mode {
            Mode::Slow => self.random.between(1_000, 20_000),
            _ => self.random.between(1, 2_000),
        };
        let at = self.mono + latency;
        self.flights.push(Flight {
            batch,
            events,
            sent_wall: self.wall,
            commit: (stored > 0).then(|| (self.mono + self.random.below(latency), stored)),
            answer: Some((at, outcome)),
            deadline: Some(self.mono + deadline_ms),
            orphan: false,
        });
    }

    /// What the server does with a request: its answer, and how many of the events it stores.
    fn serve(&mut self, body: usize, events: &[(u64, String)]) -> (Outcome, usize) {
        use Mode::*;
        let answer = |status: u16| Answer { status, ..Answer::default() };
        let failed = |error: &str| Outcome::Failed { error: error.to_owned(), text: String::new(), unsent: false };
        let some = self.random.below(events.len() as u64 + 1) as usize;
        let all_good = self.judge(body, events) == self.server.accepted;
        let stored = if all_good { some } else { 0 };
        let mode = match self.server.mode {
            Mixed => self.random.of(&[Healthy, Healthy, Healthy, Down, Unavailable, Throttled, Resets, Conflict]),
            mode => mode,
        };
        match mode {
            Healthy | Slow | Mixed => {
                let status = self.judge(body, events);
                let body = if status == 422 { self.named(events) } else { String::new() };
                let stored = if status == self.server.accepted { events.len() } else { 0 };
                (Outcome::Answer(Answer { body, ..answer(status) }), stored)
            }
            Down => (failed("ECONNREFUSED"), 0),
            Unavailable => (Outcome::Answer(answer(self.random.of(&[500, 502, 503, 504]))), stored),
            Throttled => {
                let seconds = self.random.between(0, 400);
                let retry_after = self.random.one_in(2).then(|| seconds.to_string());
                (Outcome::Answer(Answer { retry_after, ..answer(self.random.of(&[408, 425, 429])) }), 0)
            }
            Unauthorized => (Outcome::Answer(answer(self.random.of(&[401, 403, 404, 307]))), 0),
            Portal => (Outcome::Answer(Answer { content_type: Some("text/html".into()), ..answer(200) }), 0),
            Resets => (failed(self.random.of(&["ECONNRESET", "TypeError"])), stored),
            Conflict => (Outcome::Answer(answer(409)), stored),
        }
    }

    fn judge(&self, body: usize, events: &[(u64, String)]) -> u16 {
        let bad = |(seq, _): &(u64, String)| {
            let kept = &self.host[seq];
            let age = START_WALL + self.mono as i64 - 5_000 - kept.time_ms;
            kept.poison || self.server.ages.is_some_and(|(old, new)| age > old as i64 || -age > new as i64)
        };
        let knows = |(seq, _): &(u64, String)| self.server.names == Names::Each && self.server.ledger.contains_key(seq);
        if body > self.server.body_max {
            413
        } else if events.iter().any(|event| bad(event) || knows(event)) {
            if self.server.names == Names::Nothing { 400 } else { 422 }
        } else {
            self.server.accepted
        }
    }

    /// The answer to a request that is refused whole, which names events by their places.
    fn named(&mut self, events: &[(u64, String)]) -> String {
        self.told.named += 1;
        let places = |is_named: &dyn Fn(u64) -> bool| {
            (0..events.len()).filter(|place| is_named(events[*place].0)).collect::<Vec<_>>()
        };
        let refused = places(&|seq| self.host[&seq].poison);
        if self.server.names == Names::Each {
            let known = places(&|seq| self.server.ledger.contains_key(&seq) && !self.host[&seq].poison);
            let refused = refused.iter().map(|at| format!(r#""{at}":{{"code":["value_is_invalid"]}}"#));
            let known = known.iter().map(|at| format!(r#""{at}":{{"transaction_id":["value_already_exist"]}}"#));
            let faults: Vec<String> = refused.chain(known).collect();
            return format!(r#"{{"code":"validation_errors","error_details":{{{}}}}}"#, faults.join(","));
        }
        let first = self.random.below(refused.len() as u64) as usize;
        let faults = refused[first..].iter().map(|at| format!(r#"{{"loc":["body","events",{at}],"msg":"no"}}"#));
        format!(r#"{{"detail":[{}]}}"#, faults.collect::<Vec<_>>().join(","))
    }

    fn check(&mut self) {
        let stats = self.delivery.stats();
        let (mut pending, mut delivered, mut quarantined, mut dropped, mut bytes) = (0, 0, 0, 0, 0);
        for kept in self.host.values() {
            match kept.place {
                Place::Pending => {
                    pending += 1;
                    bytes += kept.text.len();
                }
                Place::Delivered => delivered += 1,
                Place::Quarantined(_) => quarantined += 1,
                Place::Dropped => dropped += 1,
            }
        }
        assert_eq!(stats.recorded, self.host.len() as u64);
        let counted = (stats.pending.total(), stats.delivered, stats.quarantined, stats.dropped, stats.queue_bytes);
        assert_eq!(counted, (pending, delivered, quarantined, dropped, bytes));
        assert!(pending <= self.settings.queue_events_max && bytes <= self.settings.queue_bytes_max);
        let mine = self.flights.iter().filter(|f| !f.orphan && f.deadline.is_some()).count();
        assert!(pending == 0 || mine > 0 || self.wake.is_some(), "something is pending and nobody will look at it");
    }

    /// Notes where an event has come to rest, and that the server agrees.
    fn settle_account(&mut self, seq: u64, kept: &Kept) {
        match kept.place {
            Place::Delivered => self.told.delivered += 1,
            Place::Quarantined(_) => self.told.quarantined += 1,
            Place::Dropped => self.told.dropped += 1,
            Place::Pending => panic!("event {seq} is pending"),
        }
        let counted = self.server.ledger.get(&seq).map(Vec::as_slice).unwrap_or_default();
        assert!(counted.iter().all(|(_, text)| *text == kept.text), "event {seq} changed");
        if self.server.dedup {
            assert!(counted.len() <= 1, "event {seq} was billed {} times: {counted:?}", counted.len());
        }
        if kept.place == Place::Delivered {
            assert!(!counted.is_empty(), "event {seq} is lost");
        }
    }

    fn conclude(&mut self) {
        for (seq, kept) in std::mem::take(&mut self.host) {
            self.settle_account(seq, &kept);
        }
        let Told { recorded, delivered, quarantined, dropped, .. } = self.told;
        assert_eq!(recorded, delivered + quarantined + dropped);
        self.told.twice = self.server.twice;
    }
}

/// A thousand clients, each with one event, fail at the same moment and come back to a server that works again: no tenth
/// of the time in which they come sees more than thrice its share, though they were all told the same.
fn crowd() {
    const CLIENTS: usize = 1_000;
    for (told, retry_after, failures) in [("503", None, 1), ("503 ten times", None, 10), ("Retry-After", Some("20"), 1)]
    {
        let mut random = Random(24);
        let mut arrivals: Vec<u64> = Vec::new();
        for _ in 0..CLIENTS {
            let sink = Sink::parse(&Value::parse(r#"{"kind":"openmeter","url":"https://a.b"}"#).unwrap()).unwrap();
            let mut delivery = Delivery::new(Settings::new(&sink, "reject").unwrap());
            let mut now = Now { mono_ms: 0, wall_ms: START_WALL };
            delivery.offer(100, START_WALL, now).unwrap();
            delivery.flush();
            let mut out = Vec::new();
            for failure in 0..=failures {
                let batch = loop {
                    match out.pop() {
                        Some(Action::Send { batch, .. }) => break batch,
                        Some(Action::Wake { at }) => now.mono_ms = now.mono_ms.max(at),
                        _ => delivery.poll(now, random.next() as u32, &mut out),
                    }
                };
                out.clear();
                if failure == failures {
                    break;
                }
                // The outage is one for all: each failure is at the same moment, however they waited before.
                now.mono_ms = 100_000 * failure as u64;
                let answer = Answer { status: 503, retry_after: retry_after.map(str::to_owned), ..Answer::default() };
                delivery.outcome(batch, Outcome::Answer(answer), &sink, now, random.next() as u32, &mut out);
            }
            arrivals.push(now.mono_ms - 100_000 * (failures - 1) as u64);
        }
        let (first, last) = (arrivals.iter().min().unwrap(), arrivals.iter().max().unwrap());
        let slot = (last - first) / 10 + 1;
        let mut slots = [0; 10];
        arrivals.iter().for_each(|at| slots[((at - first) / slot) as usize] += 1);
        println!("{CLIENTS} clients, {told}: back {first} to {last} ms later, in ten slots {slots:?}");
        assert!(slots.iter().all(|n| *n <= 3 * CLIENTS / 10), "they come together");
        assert!(retry_after.is_none() || *first >= 20_000, "before Retry-After was over");
    }
}
