//! Each rule of delivery, driven through the public face, with every event accounted for after every step.

mod rig;

use self::rig::{HOUR, Rig, WALL};
use super::*;
use crate::delivery::{Answer, EventVerdict, Outcome, Verdict};

#[test]
fn idle_sends_at_once_and_many_leave_together() {
    let mut rig = Rig::new(|_| ());
    assert!(rig.poll().is_empty() && rig.wake().is_none());
    rig.record(2);
    assert!(rig.delivery.due(rig.now));
    assert_eq!(rig.sent().1, [1, 2]);
    assert_eq!(rig.actions[0], Action::Send { batch: 1, seqs: vec![1, 2], deadline_ms: 10_000 });
    assert_eq!((rig.delivery.state(), rig.delivery.stats().pending.in_flight), ("sending", 2));
    rig.answer(1, 204);
    assert_eq!((rig.delivery.state(), rig.count("delivered")), ("idle", 2));
    // The next ones are some time apart from them.
    for events in [1, 2] {
        rig.record(events);
        assert!(!rig.delivery.due(rig.now));
        assert!(rig.poll().is_empty());
        assert_eq!(rig.wake(), Some(1_250));
    }
    rig.pass(250);
    assert!(rig.delivery.due(rig.now));
    assert_eq!(rig.sent().1, [3, 4, 5]);
}

#[test]
fn the_first_event_waits_for_company_if_so_set() {
    let mut rig = Rig::new(|s| s.batching.linger_ms = 1_000);
    rig.record(1);
    rig.pass(400);
    rig.record(1);
    assert!(!rig.delivery.due(rig.now) && rig.poll().is_empty());
    assert_eq!(rig.wake(), Some(2_000));
    rig.pass(600);
    assert_eq!(rig.sent().1, [1, 2]);
}

#[test]
fn busy_gathers_and_sends_at_the_answer() {
    let mut rig = Rig::new(|_| ());
    rig.record(100);
    assert!(rig.delivery.due(rig.now), "a full batch does not wait");
    assert_eq!(rig.sent().1.len(), 100);
    rig.record(250);
    assert!(!rig.delivery.due(rig.now) && rig.poll().is_empty() && rig.wake().is_none());
    assert_eq!(rig.answer(1, 204)[0].1.len(), 100);
    assert_eq!(rig.answer(2, 204)[0].1.len(), 100);
    assert!(rig.answer(3, 204).is_empty(), "the rest does not fill a request");
    assert_eq!(rig.wake(), Some(1_250));
    rig.pass(300);
    assert_eq!(rig.sent().1.len(), 50);
}

#[test]
fn numbers_go_on_where_those_of_32_bits_end() {
    let last = u64::from(u32::MAX);
    let mut rig = Rig::with(0);
    rig.delivery.continue_after(last - 1, 0);
    rig.record(2);
    assert_eq!(rig.delivery.admit([&[101], &[0]], WALL, rig.now), last + 2);
    rig.account.insert(last + 2, "pending");
    rig.delivery.flush();
    assert_eq!(rig.sent().1, [last, last + 1, last + 2]);
    let action = Action::Acked { seqs: vec![last, last + 1, last + 2] };
    assert_eq!(crate::delivery::packed(&[action]).0[3..], [4_294_967_295.0, 4_294_967_297.0]);
}

#[test]
fn flush_spares_the_wait_for_company_only() {
    let mut rig = Rig::with(3);
    assert_eq!(rig.sent().1, [1, 2, 3]);
    rig.answer(1, 503);
    rig.delivery.flush();
    assert!(rig.poll().is_empty(), "a backoff stays");
    rig.pass(500);
    let (batch, _) = rig.sent();
    rig.answer(batch, 401);
    rig.delivery.flush();
    assert!(rig.poll().is_empty(), "a hold stays");
}

#[test]
fn what_others_deliver_is_forgotten() {
    let mut rig = Rig::with(3);
    rig.delivery.forget_waiting();
    rig.account.values_mut().for_each(|place| *place = "delivered");
    rig.check();
    assert!(rig.poll().is_empty());
    rig.record(1);
    assert_eq!(rig.sent().1, [4]);
}

#[test]
fn who_leaves_sends_beside_what_is_under_way() {
    let leave = |rig: &mut Rig, bytes_max| {
        let mut out = Vec::new();
        rig.delivery.leave(bytes_max, rig.now, &mut out);
        rig.did(out)
    };
    let mut rig = Rig::with(1);
    assert_eq!(rig.sent().1, [1]);
    assert!(leave(&mut rig, 1_000).is_empty(), "nothing waits");
    rig.record(20);
    assert!(rig.poll().is_empty());
    assert!(leave(&mut rig, 101).is_empty(), "not one fits");
    assert_eq!(leave(&mut rig, 306)[0].1, [2, 3, 4]);
    assert_eq!(rig.delivery.limit().bytes_max, 256 * 1024, "for this request only");
    rig.answer(2, 204);
    rig.answer(1, 503);
    rig.pass(600);
    assert_eq!(rig.sent().1, [1], "the probe");
    assert!(leave(&mut rig, 1_000).is_empty(), "nothing beside a probe");
    rig.answer(3, 401);
    assert!(leave(&mut rig, 1_000).is_empty(), "nothing while held");
}

#[test]
fn two_requests_at_a_time_if_so_set() {
    let mut rig = Rig::new(|s| s.in_flight_max = 2);
    rig.record(300);
    assert_eq!(rig.poll().len(), 2);
    assert_eq!(rig.answer(1, 204).len(), 1);
    assert!(rig.answer(2, 503).is_empty());
    // The other request fails too: the pace that the first has set stays.
    let paused_until = rig.delivery.paused_until;
    assert!(rig.answer(3, 503).is_empty());
    assert_eq!((rig.delivery.paused_until, rig.delivery.failures), (paused_until, 1));
    rig.pass(500);
    let (batch, _) = rig.sent();
    assert_eq!(rig.answer(batch, 204).len(), 1, "after the probe the other part goes out, from the budget");
}

#[test]
fn an_event_too_large_for_a_request_or_too_far_ahead_is_refused() {
    let mut rig = Rig::of(r#"{"kind":"dodo","environment":"test","batch":{"bytes":1000}}"#, |_| ());
    let (frame, _) = rig.sink.framing();
    assert!(rig.offer(1000 - frame as u32, WALL + 300_000).is_ok());
    for (bytes, time_ms, code) in [
        (1001 - frame as u32, WALL, "event_too_large"),
        (u32::MAX, WALL, "event_too_large"),
        (10, WALL + 300_001, "field_limit"),
        (10, i64::MAX, "field_limit"),
    ] {
        assert_eq!(rig.offer(bytes, time_ms).unwrap_err().code, code);
    }
    assert_eq!(rig.delivery.stats().refused, 4);
}

#[test]
fn a_full_queue_follows_the_policy() {
    let full = |policy| {
        let mut rig = Rig::new(|s| {
            (s.policy, s.queue_events_max, s.queue_bytes_max) = (policy, 3, 1_000);
        });
        rig.record(3);
        rig
    };
    let mut rig = full(Policy::Reject);
    assert_eq!(rig.offer(1, WALL).unwrap_err().code, "queue_full");
    assert_eq!((rig.delivery.stats().refused, rig.delivery.stats().recorded), (1, 3));

    let mut rig = full(Policy::DropOldest);
    let offered = rig.offer(100, WALL).unwrap();
    assert_eq!((offered.seq, offered.dropped), (4, vec![1]));
    // By bytes it may take several.
    assert_eq!(rig.offer(950, WALL).unwrap().dropped, [2, 3, 4]);
    // More than the whole queue may hold: nothing is left to drop but itself.
    assert_eq!(rig.offer(1_001, WALL).unwrap().dropped, [5, 6]);

    let mut rig = full(Policy::DropNewest);
    let offered = rig.offer(100, WALL).unwrap();
    assert_eq!((offered.seq, offered.dropped), (4, vec![4]));

    // What is in flight is never dropped.
    let mut rig = full(Policy::DropOldest);
    rig.delivery.flush();
    rig.sent();
    assert_eq!(rig.offer(100, WALL).unwrap().dropped, [4]);
    rig.answer(1, 204);
    assert_eq!(rig.count("delivered"), 3);
}

#[test]
fn a_retry_backs_off_and_probes_while_the_others_wait() {
    let mut rig = Rig::with(250);
    let (batch, first) = rig.sent();
    rig.answer(batch, 503);
    assert_eq!(rig.ambiguous(), Some((first.clone(), WALL)));
    assert_eq!(rig.wake(), Some(rig.now.mono_ms + 500));
    let pending = rig.delivery.stats().pending;
    assert_eq!((rig.delivery.state(), pending.waiting), ("backoff", 250));
    for ceiling in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000] {
        let at = rig.wake().unwrap();
        rig.pass(at - rig.now.mono_ms - 1);
        assert!(rig.poll().is_empty());
        rig.pass(1);
        let (batch, again) = rig.sent();
        assert_eq!(again, first, "the same batch is the probe");
        assert!(rig.poll().is_empty(), "and the only one");
        rig.answer(batch, 503);
        assert_eq!(rig.ambiguous(), None, "only the first time counts");
        assert_eq!(rig.wake(), Some(rig.now.mono_ms + ceiling));
    }
    rig.pass(60_000);
    let (batch, _) = rig.sent();
    let next = rig.answer(batch, 204);
    assert_eq!((next[0].1.len(), rig.delivery.state()), (100, "sending"));
    // After a success the backoff begins anew.
    rig.answer(next[0].0, 503);
    assert_eq!(rig.wake(), Some(rig.now.mono_ms + 500));
}

#[test]
fn ambiguous_or_not() {
    for status in [409, 500, 502, 504, 501, 505, 202] {
        let mut rig = Rig::with(1);
        rig.sent();
        rig.answer(1, status);
        assert_eq!(rig.ambiguous(), Some((vec![1], WALL)), "{status}");
    }
    for status in [408, 425, 429, 401, 404, 405, 302] {
        let mut rig = Rig::with(1);
        rig.sent();
        rig.answer(1, status);
        assert_eq!(rig.ambiguous(), None, "{status}");
    }
    for (error, ambiguous) in [("ECONNREFUSED", false), ("ECONNRESET", true), ("deadline", true)] {
        let mut rig = Rig::with(1);
        rig.sent();
        rig.fail(1, error);
        assert_eq!((rig.ambiguous().is_some(), rig.delivery.state()), (ambiguous, "backoff"), "{error}");
    }
}

#[test]
fn ambiguity_counts_from_the_sending() {
    let mut rig = Rig::with(1);
    rig.sent();
    rig.pass(9_999);
    rig.fail(1, "deadline");
    assert_eq!(rig.ambiguous(), Some((vec![1], WALL)));
}

#[test]
fn retry_after_pauses_the_whole_sink() {
    let mut rig = Rig::with(150);
    rig.sent();
    rig.answer_with(1, Answer { status: 429, retry_after: Some("2".into()), ..Answer::default() });
    // Not all at one moment: up to a quarter later, and never earlier.
    assert_eq!((rig.wake(), rig.delivery.failures), (Some(rig.now.mono_ms + 2_500), 0), "no attempt is spent");
    rig.delivery.flush();
    rig.pass(2_499);
    assert!(rig.poll().is_empty());
    rig.pass(1);
    assert_eq!(rig.sent().1.len(), 100);
    // Nonsense is ignored: backoff.
    rig.answer_with(2, Answer { status: 429, retry_after: Some("-1".into()), ..Answer::default() });
    assert_eq!(rig.wake(), Some(rig.now.mono_ms + 500));
    // A date is read on the server's own clock.
    rig.pass(500);
    let (batch, _) = rig.sent();
    let date = |s: &str| Some(["Sat, 21 Nov 2026 02:00:", s, " GMT"].concat());
    rig.answer_with(batch, Answer { status: 503, retry_after: date("30"), date: date("20"), ..Answer::default() });
    assert_eq!(rig.wake(), Some(rig.now.mono_ms + 12_500));
    // Whoever refuses may ask us to wait as well.
    rig.pass(12_500);
    rig.random = 0;
    let (batch, _) = rig.sent();
    assert!(
        rig.answer_with(batch, Answer { status: 400, retry_after: Some("7".into()), ..Answer::default() }).is_empty()
    );
    assert_eq!(rig.wake(), Some(rig.now.mono_ms + 7_000));
}

#[test]
fn one_bad_event_costs_a_logarithmic_number_of_requests() {
    for bad in [1, 50, 64, 100] {
        let mut rig = Rig::with(100);
        let requests = rig.run(|seqs| if seqs.contains(&bad) { 400 } else { 204 });
        assert!(requests <= 1 + 2 * 7, "{requests}");
        assert_eq!((rig.count("delivered"), rig.account[&bad]), (99, "quarantined"));
    }
}

#[test]
fn all_bad_events_cost_two_requests_each_at_most() {
    for status in [400, 422] {
        let mut rig = Rig::with(100);
        let requests = rig.run(|_| status);
        assert!(requests <= 200, "{requests}");
        assert_eq!(rig.count("quarantined"), 100);
    }
}

#[test]
fn a_refused_event_keeps_the_vendors_words() {
    let mut rig = Rig::with(1);
    rig.sent();
    let body = "é".repeat(400);
    rig.answer_with(1, Answer { status: 422, body, ..Answer::default() });
    let Action::Quarantine { seq: 1, code: "rejected", status: Some(422), text } = &rig.actions[0] else { panic!() };
    assert_eq!(*text, "é".repeat(256));
}

#[test]
fn too_large_halves_learns_and_grows_back() {
    let mut rig = Rig::new(|_| ());
    rig.record(1_000);
    // 100 events of 100 bytes are 10,101 bytes with frame and separators; the server takes 3,000.
    let mut sent = rig.poll();
    let mut largest = 0;
    for want in [100, 50, 25] {
        let (batch, seqs) = sent.pop().unwrap();
        assert_eq!(seqs.len(), want);
        sent = rig.answer(batch, if want > 29 { 413 } else { 204 });
    }
    while let Some((batch, seqs)) = sent.pop() {
        if rig.count("delivered") > 200 {
            largest = largest.max(seqs.len());
        }
        sent = rig.answer(batch, if seqs.len() > 29 { 413 } else { 204 });
    }
    assert_eq!(rig.count("delivered"), 1_000);
    assert!(largest > 25 && largest <= 60, "grows by twice, after twenty successes: {largest}");
    assert_eq!(rig.delivery.state(), "idle");
    // An event that is too large alone does not teach that all are.
    let learned = rig.delivery.learned_bytes_max;
    rig.record(1);
    rig.delivery.flush();
    let (batch, _) = rig.sent();
    rig.answer(batch, 413);
    assert_eq!(rig.quarantined(), [(1_001, "too_large", Some(413))]);
    assert_eq!(rig.delivery.learned_bytes_max, learned);
}

#[test]
fn the_learned_limit_grows_after_twenty_successes() {
    let mut rig = Rig::with(2);
    rig.run(|seqs| if seqs.len() > 1 { 413 } else { 204 });
    let learned = rig.delivery.learned_bytes_max;
    assert_eq!(learned, 2 + 100);
    for successes in 3..=20 {
        assert_eq!(rig.delivery.learned_bytes_max, learned, "{successes}");
        rig.record(1);
        rig.run(|_| 204);
    }
    assert_eq!(rig.delivery.learned_bytes_max, 2 * learned);
}

#[test]
fn hold_keeps_everything_and_probes_with_one_event() {
    for status in [200, 302, 401, 402, 403, 404, 405, 415, 501, 505] {
        let mut rig = Rig::with(30);
        rig.sent();
        assert!(rig.answer(1, status).is_empty());
        assert_eq!(rig.notices(), ["hold_started"], "{status}");
        assert_eq!((rig.delivery.state(), rig.delivery.stats().pending.held), ("held", 30));
        rig.record(5);
        let mut probed = Vec::new();
        for _ in 0..60 {
            assert_eq!(rig.wake(), Some(rig.now.mono_ms + 60_000));
            rig.pass(59_999);
            assert!(rig.poll().is_empty());
            rig.pass(1);
            let (batch, seqs) = rig.sent();
            assert_eq!(seqs.len(), 1);
            probed.extend(seqs);
            rig.answer(batch, status);
            assert!(rig.notices().is_empty(), "told once");
        }
        probed.sort_unstable();
        probed.dedup();
        assert_eq!(probed.len(), 35, "every event has its turn");
        rig.pass(60_000);
        let (batch, _) = rig.sent();
        assert!(!rig.answer(batch, 204).is_empty());
        assert_eq!(rig.notices(), ["hold_ended"]);
        assert_eq!(rig.count("dropped") + rig.count("quarantined"), 0);
    }
}

#[test]
fn a_hold_tells_a_change_and_outlasts_a_failing_probe() {
    let mut rig = Rig::with(3);
    rig.sent();
    rig.answer(1, 401);
    let Action::Notice { text, .. } = &rig.actions[0] else { panic!() };
    assert_eq!(text, "401 because");
    rig.pass(60_000);
    rig.sent();
    rig.answer(2, 403);
    assert_eq!(rig.notices(), ["hold_started"]);
    rig.pass(60_000);
    rig.sent();
    assert!(rig.answer(3, 503).is_empty() && rig.notices().is_empty());
    assert_eq!(rig.wake(), Some(rig.now.mono_ms + 60_000));
    rig.pass(60_000);
    // A refusal is a judgement of the event: the sink works again.
    rig.sent();
    rig.answer(4, 400);
    assert_eq!(rig.notices(), ["hold_ended"]);
    assert_eq!(rig.count("quarantined"), 1);
}

#[test]
fn no_attempt_limit_but_an_age_limit() {
    let mut rig = Rig::of(r#"{"kind":"dodo","environment":"test"}"#, |_| ());
    rig.record(5);
    let until = rig.now.mono_ms + 54 * 60_000;
    let mut sent = {
        rig.delivery.flush();
        rig.poll()
    };
    while rig.now.mono_ms < until {
        if let Some((batch, _)) = sent.pop() {
            rig.answer(batch, 429);
        }
        rig.pass(10_000);
        sent = rig.poll();
    }
    assert_eq!(rig.count("pending"), 5);
    rig.offer(100, rig.now.wall_ms).unwrap();
    if let Some((batch, _)) = sent.pop() {
        rig.answer(batch, 429);
    }
    rig.pass(120_000);
    assert_eq!(rig.sent().1, [6], "the others are older than 55 minutes");
    assert_eq!(rig.quarantined(), (1..=5).map(|seq| (seq, "expired", None)).collect::<Vec<_>>());
}

#[test]
fn what_may_have_arrived_is_not_sent_beyond_the_vendors_memory() {
    let mut rig = Rig::with(2);
    rig.sent();
    rig.fail(1, "deadline");
    rig.record(1);
    rig.pass(23 * HOUR as u64);
    assert_eq!(rig.sent().1, [1, 2], "not a moment too early");
    rig.fail(2, "deadline");
    rig.pass(60_000);
    assert_eq!(rig.sent().1, [3], "never sent, so still sent");
    let expired = |seq| (seq, "dedup_window_expired", None);
    assert_eq!(rig.quarantined(), [expired(1), expired(2)]);

    // Never ambiguously: still sent. And for ever, where the vendor remembers for ever.
    for (sink, status) in [("\"off\"", 429), ("\"unlimited\"", 500)] {
        let mut rig = Rig::of(&format!(r#"{{"kind":"openmeter","url":"https://a.b","dedup":{sink}}}"#), |_| ());
        rig.record(1);
        rig.delivery.flush();
        rig.sent();
        rig.answer(1, status);
        rig.pass(1_000 * HOUR as u64);
        assert_eq!(rig.sent().1, [1]);
    }
}

#[test]
fn what_may_have_arrived_grows_old_though_the_clock_is_set_back() {
    for back in [0, 24 * HOUR, i64::MAX / 2] {
        let mut rig = Rig::with(1);
        rig.sent();
        rig.fail(1, "deadline");
        rig.now.wall_ms -= back;
        rig.pass(23 * HOUR as u64);
        let (batch, _) = rig.sent();
        rig.answer(batch, 429);
        rig.pass(61_000);
        assert!(rig.poll().is_empty());
        assert_eq!(rig.quarantined(), [(1, "dedup_window_expired", None)], "{back}");
    }
    // The other clock stands still while the machine sleeps.
    let mut rig = Rig::with(1);
    rig.sent();
    rig.fail(1, "deadline");
    rig.pass(500);
    rig.now.wall_ms += 24 * HOUR;
    assert!(rig.poll().is_empty());
    assert_eq!(rig.count("quarantined"), 1);
}

#[test]
fn clocks_may_jump() {
    let mut rig = Rig::with(1);
    rig.sent();
    rig.answer(1, 503);
    let at = rig.wake();
    for jump in [24 * HOUR, -48 * HOUR, i64::MAX - WALL, i64::MIN + 1] {
        rig.now.wall_ms = rig.now.wall_ms.saturating_add(jump);
        assert!(rig.poll().is_empty());
        assert_eq!(rig.wake(), at, "schedules follow the other clock");
    }
    rig.now.wall_ms = WALL;
    rig.pass(500);
    assert_eq!(rig.sent().1, [1]);
}

#[test]
fn a_clock_that_is_ahead_is_told_once() {
    let mut rig = Rig::with(1);
    for (ahead, notices) in [(30_000, 0), (31_000, 1), (60_000, 0), (0, 0), (31_000, 1)] {
        let (batch, _) = rig.sent();
        rig.now.wall_ms = WALL + ahead;
        let date = Some("Sat, 21 Nov 2026 02:00:00 GMT".to_owned());
        rig.answer_with(batch, Answer { status: 204, date, ..Answer::default() });
        assert_eq!(rig.notices().len(), notices, "{ahead}");
        rig.record(1);
        rig.delivery.flush();
    }
}

#[test]
fn results_for_each_event() {
    let mut rig = Rig::with(6);
    let (batch, _) = rig.sent();
    let verdicts = vec![
        EventVerdict::Accepted,
        EventVerdict::Refused("no such customer".into()),
        EventVerdict::Retry,
        EventVerdict::Resend,
        EventVerdict::Accepted,
    ];
    let mut out = Vec::new();
    let outcome = Outcome::Answer(Answer { status: 207, ..Answer::default() });
    rig.delivery.settle(batch, Verdict::Partial(verdicts), outcome, rig.now, rig.random, &mut out);
    rig.did(out);
    assert_eq!(rig.quarantined(), [(2, "rejected", Some(207))]);
    // The sixth is not mentioned: not accepted.
    assert_eq!(rig.ambiguous(), Some((vec![3, 6], WALL)));
    assert_eq!((rig.count("delivered"), rig.delivery.state()), (2, "backoff"));
    rig.pass(500);
    let (batch, seqs) = rig.sent();
    assert_eq!(seqs, [4]);
    assert_eq!(rig.answer(batch, 204)[0].1, [3, 6]);
}

#[test]
fn an_id_that_the_vendor_knows_already() {
    let mut rig = Rig::with(3);
    let (batch, _) = rig.sent();
    // The first may have arrived; the others may not.
    let settle = |rig: &mut Rig, batch, verdicts| {
        let outcome = Outcome::Answer(Answer { status: 422, ..Answer::default() });
        let mut out = Vec::new();
        rig.delivery.settle(batch, Verdict::Partial(verdicts), outcome, rig.now, rig.random, &mut out);
        rig.delivery.poll(rig.now, rig.random, &mut out);
        rig.did(out)
    };
    let known = |is_stored| EventVerdict::Known { is_stored };
    settle(&mut rig, batch, vec![EventVerdict::Retry, known(true), known(false)]);
    let about = |rig: &Rig| {
        let notices = rig.actions.iter();
        let notices = notices.filter_map(|a| match a {
            Action::Notice { code, seqs, .. } => Some((*code, seqs.clone())),
            _ => None,
        });
        notices.collect::<Vec<_>>()
    };
    assert_eq!(about(&rig), [("duplicate_id", vec![2, 3])]);
    rig.pass(500);
    let (batch, seqs) = rig.sent();
    assert_eq!(seqs, [1]);
    rig.actions.clear();
    settle(&mut rig, batch, vec![known(false)]);
    assert_eq!(about(&rig), [("unverified", vec![1])]);
    assert_eq!(rig.count("delivered"), 3);
}

proptest::proptest! {
    /// Whatever is said of each event, and of how few: all are settled in the end, each once (the rig's account).
    #[test]
    fn results_for_each_event_at_random(said in proptest::collection::vec(0..6_u8, 0..200)) {
        let mut rig = Rig::with(20);
        let mut said = said.into_iter();
        let mut sent = rig.poll();
        while rig.count("pending") > 0 {
            let Some((batch, seqs)) = sent.pop() else {
                rig.pass(rig.wake().map_or(500, |at| at.saturating_sub(rig.now.mono_ms)));
                sent = rig.poll();
                continue;
            };
            let of = |what| match what {
                0 => Some(EventVerdict::Refused(String::new())),
                1 => Some(EventVerdict::Retry),
                2 => Some(EventVerdict::Resend),
                // The others are not mentioned.
                3 => None,
                4 => Some(EventVerdict::Known { is_stored: false }),
                _ => Some(EventVerdict::Accepted),
            };
            let verdicts = seqs.iter().map_while(|_| of(said.next().unwrap_or(5))).collect();
            let mut out = Vec::new();
            let outcome = Outcome::Answer(Answer { status: 207, ..Answer::default() });
            rig.delivery.settle(batch, Verdict::Partial(verdicts), outcome, rig.now, rig.random, &mut out);
            rig.delivery.poll(rig.now, rig.random, &mut out);
            sent = rig.did(out);
        }
        assert_eq!(rig.count("delivered") + rig.count("quarantined"), 20);
    }
}

#[test]
fn a_late_answer_is_ignored() {
    let mut rig = Rig::with(1);
    rig.sent();
    rig.fail(1, "deadline");
    assert!(rig.answer(1, 204).is_empty());
    assert_eq!((rig.count("pending"), rig.delivery.state()), (1, "backoff"));
    rig.pass(500);
    rig.sent();
    rig.answer(2, 204);
    rig.answer(2, 204);
    rig.answer(99, 204);
    assert_eq!(rig.count("delivered"), 1);
}

#[test]
fn resends_have_a_budget() {
    let mut rig = Rig::new(|s| (s.in_flight_max, s.batching.linger_ms) = (2, 0));
    rig.random = 0;
    // Of two requests each time both fail: one goes out again as the probe, the other is paid from the budget.
    let mut paid = 0;
    for round in 0..40 {
        rig.record(200);
        let mut sent = rig.poll();
        assert_eq!(sent.len(), 2, "{round}");
        for (batch, _) in sent.clone() {
            sent = rig.answer(batch, 503);
        }
        let [(probe, _)] = sent.as_slice() else { panic!("{sent:?}") };
        let before = rig.delivery.budget;
        let next = rig.answer(*probe, 204);
        paid += u32::from(rig.delivery.budget < before);
        for (batch, _) in next {
            rig.answer(batch, 204);
        }
        assert_eq!(rig.count("pending"), 0, "without budget it goes out as a probe");
    }
    assert!((10..=10 + 40 * 2 / 10 + 1).contains(&paid), "{paid}");
}

#[test]
fn quarantine_is_bounded_and_can_be_emptied() {
    let mut rig = Rig::new(|s| s.quarantine_events_max = 2);
    rig.record(4);
    rig.delivery.flush();
    let mut full = 0;
    let mut sent = rig.poll();
    while let Some((batch, _)) = sent.pop() {
        sent = rig.answer(batch, 400);
        full += rig.notices().iter().filter(|code| **code == "quarantine_full").count();
    }
    assert_eq!((rig.count("quarantined"), rig.count("dropped"), full), (2, 2, 1));

    rig.delivery.discard();
    rig.account.insert(1, "dropped");
    rig.check();
    rig.delivery.requeue(2, 100, WALL, None);
    rig.account.insert(2, "pending");
    rig.check();
    assert_eq!(rig.sent().1, [2]);
}

#[test]
fn a_restart_takes_up_where_it_was() {
    let mut rig = Rig::new(|_| ());
    rig.delivery.continue_after(20, 5);
    for (seq, ambiguous_at) in [(7, None), (9, Some(WALL - 22 * HOUR)), (12, Some(WALL - 24 * HOUR))] {
        rig.delivery.restore(seq, 100, WALL, ambiguous_at);
        rig.account.insert(seq, "pending");
    }
    assert_eq!(rig.offer(100, WALL).unwrap().seq, 21);
    let (batch, seqs) = rig.sent();
    assert_eq!((batch, seqs), (6, vec![7, 9, 21]));
    assert_eq!(rig.quarantined(), [(12, "dedup_window_expired", None)]);
    rig.answer(batch, 204);
}

#[test]
fn many_events_stay_bounded() {
    let mut rig = Rig::new(|s| s.batching.events_max = 1_000);
    let mut out = Vec::new();
    for _ in 0..100 {
        for _ in 0..1_000 {
            rig.delivery.offer(200, WALL, rig.now).unwrap();
        }
        rig.delivery.poll(rig.now, 0, &mut out);
        let Some(Action::Send { batch, .. }) = out.pop() else { panic!() };
        let answer = Outcome::Answer(Answer { status: 204, ..Answer::default() });
        rig.delivery.outcome(batch, answer, &rig.sink, rig.now, 0, &mut out);
        out.clear();
    }
    assert_eq!(rig.delivery.stats().delivered, 100_000);
}
