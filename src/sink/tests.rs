//! What every vendor is sent, refuses and answers.

use std::num::NonZeroU32;

use super::*;
use crate::buffer::{Entry, Mark};
use crate::delivery::{Action, Answer, EventVerdict};
use crate::event::Event;
use crate::time::Instant;

fn sink(settings: &str) -> Result<Sink> {
    Sink::parse(&Value::parse(settings).unwrap())
}

fn refused(settings: &str) -> (&'static str, String) {
    sink(settings).map_or_else(|e| (e.code, e.path.clone().unwrap_or_default()), |_| panic!("{settings}"))
}

fn event(data: &str) -> Event {
    let text = format!(
        r#"{{"specversion":"1.0","id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","source":"checkout-api","type":"llm.tokens","subject":"cus_42","time":"2026-11-21T02:00:00.250Z"{data}}}"#
    );
    Event::parse(&text, Instant::from_millis(0)).unwrap()
}

const DATA: &str = r#","data":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}"#;
const OPENMETER: &str = r#"{"kind":"openmeter","url":"http://127.0.0.1:8888"}"#;
const DODO: &str = r#"{"kind":"dodo","environment":"test"}"#;

#[test]
fn openmeter_takes_cloudevents() {
    let sink = sink(OPENMETER).unwrap();
    assert_eq!(
        sink.map(&event(DATA)).unwrap(),
        r#"{"specversion":"1.0","id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","source":"checkout-api","type":"llm.tokens","subject":"cus_42","time":"2026-11-21T02:00:00.25Z","datacontenttype":"application/json","data":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}}"#
    );
    assert_eq!(
        sink.request_json(),
        r#"{"url":"http://127.0.0.1:8888/api/v1/events","contentType":"application/cloudevents-batch+json","authName":"authorization","authPrefix":"Bearer ","headerName":"","headerValue":"","prefix":"[","separator":",","suffix":"]","sessionUrl":"","hintName":"","accepted":[204],"isRead":false,"gzip":false,"namesIds":false}"#
    );
    assert_eq!((sink.dedup(), sink.oldest_ms(), sink.newest_ms()), (Dedup::Off, None, None));
}

#[test]
fn dodo_takes_its_own_form() {
    let sink = sink(DODO).unwrap();
    assert_eq!(
        sink.map(&event(DATA)).unwrap(),
        r#"{"event_id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","event_name":"llm.tokens","customer_id":"cus_42","timestamp":"2026-11-21T02:00:00.25Z","metadata":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}}"#
    );
    assert_eq!(
        sink.map(&event("")).unwrap(),
        r#"{"event_id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","event_name":"llm.tokens","customer_id":"cus_42","timestamp":"2026-11-21T02:00:00.25Z"}"#
    );
    assert_eq!(
        sink.request_json(),
        r#"{"url":"https://test.dodopayments.com/events/ingest","contentType":"application/json","authName":"authorization","authPrefix":"Bearer ","headerName":"","headerValue":"","prefix":"{\"events\":[","separator":",","suffix":"]}","sessionUrl":"","hintName":"","accepted":[200],"isRead":false,"gzip":false,"namesIds":false}"#
    );
    assert_eq!(sink.oldest_ms(), Some(3_600_000));
    assert_eq!(sink.newest_ms(), Some(300_000));
    assert!(self::sink(r#"{"kind":"dodo","environment":"live"}"#).unwrap().request_json().contains("https://live."));
}

#[test]
fn digits_are_kept() {
    let numbers = r#"{"a":9007199254740993,"b":0.10,"c":1e2,"d":-0,"e":12345678901234567890.000000000000000001}"#;
    for settings in [OPENMETER, DODO] {
        let text = sink(settings).unwrap().map(&event(&[r#","data":"#, numbers].concat())).unwrap();
        assert!(text.ends_with(&[numbers, "}"].concat()), "{text}");
    }
}

#[test]
fn settings_are_checked() {
    for (settings, code, path) in [
        ("{}", "invalid_sink", "kind"),
        ("null", "invalid_sink", "kind"),
        (r#"{"kind":"nobody"}"#, "invalid_sink", "kind"),
        (r#"{"kind":"openmeter"}"#, "invalid_sink", "url"),
        (r#"{"kind":"openmeter","url":7}"#, "invalid_sink", "url"),
        (r#"{"kind":"openmeter","url":"http://example.com"}"#, "insecure_url", "url"),
        (r#"{"kind":"openmeter","url":"https://a.b","token":"x"}"#, "unknown_option", "token"),
        (r#"{"kind":"openmeter","url":"https://a.b","dedup":"on"}"#, "invalid_sink", "dedup"),
        (r#"{"kind":"openmeter","url":"https://a.b","dedup":1.5}"#, "invalid_sink", "dedup"),
        (r#"{"kind":"openmeter","url":"https://a.b","dedup":0}"#, "invalid_sink", "dedup"),
        (r#"{"kind":"dodo"}"#, "invalid_sink", "environment"),
        (r#"{"kind":"dodo","environment":"prod"}"#, "invalid_sink", "environment"),
        (r#"{"kind":"dodo","environment":"test","url":"https://a.b"}"#, "invalid_sink", "environment"),
        (r#"{"kind":"dodo","environment":"test","dedup":"off"}"#, "unknown_option", "dedup"),
        (r#"{"kind":"dodo","environment":"test","batch":5}"#, "invalid_sink", "batch"),
        (r#"{"kind":"dodo","environment":"test","batch":{"events":1001}}"#, "invalid_sink", "batch.events"),
        (r#"{"kind":"dodo","environment":"test","batch":{"events":0}}"#, "invalid_sink", "batch.events"),
        (r#"{"kind":"dodo","environment":"test","batch":{"bytes":262145}}"#, "invalid_sink", "batch.bytes"),
        (r#"{"kind":"dodo","environment":"test","batch":{"lingerMs":-1}}"#, "invalid_sink", "batch.lingerMs"),
        (r#"{"kind":"dodo","environment":"test","batch":{"size":1}}"#, "unknown_option", "batch.size"),
    ] {
        assert_eq!(refused(settings), (code, path.to_owned()), "{settings}");
    }
    for (dedup, want) in
        [("\"off\"", Dedup::Off), ("\"unlimited\"", Dedup::Unlimited), ("2764800000", Dedup::Window(2_764_800_000))]
    {
        let settings = format!(r#"{{"kind":"openmeter","url":"https://a.b","dedup":{dedup}}}"#);
        assert_eq!(sink(&settings).unwrap().dedup(), want);
    }
    let full = sink(r#"{"kind":"dodo","url":"http://localhost:1/","batch":{"events":1000,"bytes":1000,"lingerMs":0}}"#)
        .unwrap();
    let Batching { events_max, bytes_max, linger_ms } = full.batching();
    assert_eq!((events_max, bytes_max, linger_ms), (1000, 1000, 0));
    assert!(full.request_json().contains(r#""http://localhost:1/events/ingest""#));
}

const KEYED: [(&str, &str); 14] = [
    (
        OPENMETER,
        r#"{"specversion":"1.0","id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","source":"checkout-api","type":"llm.tokens","subject":"cus_42","time":"2026-11-21T02:00:00.25Z","datacontenttype":"application/json","data":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}}"#,
    ),
    (
        DODO,
        r#"{"event_id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","event_name":"llm.tokens","customer_id":"cus_42","timestamp":"2026-11-21T02:00:00.25Z","metadata":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}}"#,
    ),
    (
        r#"{"kind":"polar","environment":"test"}"#,
        r#"{"external_id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","name":"llm.tokens","external_customer_id":"cus_42","timestamp":"2026-11-21T02:00:00.25Z","metadata":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}}"#,
    ),
    (
        r#"{"kind":"polar","environment":"live","customer":"id"}"#,
        r#"{"external_id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","name":"llm.tokens","customer_id":"cus_42","timestamp":"2026-11-21T02:00:00.25Z","metadata":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}}"#,
    ),
    (
        r#"{"kind":"lago"}"#,
        r#"{"transaction_id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","code":"llm.tokens","external_subscription_id":"cus_42","timestamp":"1795226400.250","properties":{"tokens":"1284","model":"gpt-4o-mini","kind":"output"}}"#,
    ),
    (
        r#"{"kind":"stripe-v1","quantity":"tokens"}"#,
        "identifier=01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11&event_name=llm.tokens&timestamp=1795226400&payload[stripe_customer_id]=cus_42&payload[value]=1284&payload[model]=gpt-4o-mini&payload[kind]=output",
    ),
    (
        r#"{"kind":"stripe-v2","quantity":"tokens"}"#,
        r#"{"identifier":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","event_name":"llm.tokens","timestamp":"2026-11-21T02:00:00.25Z","payload":{"stripe_customer_id":"cus_42","value":"1284","model":"gpt-4o-mini","kind":"output"}}"#,
    ),
    (
        r#"{"kind":"stripe-stream","quantity":"tokens","customer":"who","name":"n"}"#,
        r#"{"identifier":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","event_name":"llm.tokens","timestamp":"2026-11-21T02:00:00.25Z","payload":{"who":"cus_42","n":"1284","model":"gpt-4o-mini","kind":"output"}}"#,
    ),
    (
        r#"{"kind":"orb"}"#,
        r#"{"idempotency_key":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","event_name":"llm.tokens","external_customer_id":"cus_42","timestamp":"2026-11-21T02:00:00.25Z","properties":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}}"#,
    ),
    (
        r#"{"kind":"metronome"}"#,
        r#"{"transaction_id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","event_type":"llm.tokens","customer_id":"cus_42","timestamp":"2026-11-21T02:00:00.25Z","properties":{"tokens":"1284","model":"gpt-4o-mini","kind":"output"}}"#,
    ),
    (
        r#"{"kind":"flexprice"}"#,
        r#"{"event_id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","source":"checkout-api","event_name":"llm.tokens","external_customer_id":"cus_42","timestamp":"2026-11-21T02:00:00.25Z","properties":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}}"#,
    ),
    (
        r#"{"kind":"autumn","quantity":"tokens"}"#,
        r#"{"overage_behavior":"overflow","idempotency_key":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","feature_id":"llm.tokens","customer_id":"cus_42","timestamp":1795226400250,"value":1284,"properties":{"model":"gpt-4o-mini","kind":"output"}}"#,
    ),
    (
        r#"{"kind":"schematic","quantity":"tokens"}"#,
        "{\"api_key\":\"\0\",\"type\":\"track\",\"idempotency_key\":\"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11\",\"sent_at\":\"2026-11-21T02:00:00.25Z\",\"trusted_client_clock\":true,\"body\":{\"company\":{\"id\":\"cus_42\"},\"event\":\"llm.tokens\",\"quantity\":1284,\"traits\":{\"model\":\"gpt-4o-mini\",\"kind\":\"output\"}}}",
    ),
    (
        r#"{"kind":"creem","environment":"test"}"#,
        r#"{"event_id":"01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11","name":"llm.tokens","external_customer_id":"cus_42","timestamp":"2026-11-21T02:00:00.25Z","properties":{"tokens":1284,"model":"gpt-4o-mini","kind":"output"}}"#,
    ),
];

#[test]
fn each_vendor_has_its_own_event() {
    for (settings, want) in KEYED {
        assert_eq!(sink(settings).unwrap().map(&event(DATA)).unwrap(), want, "{settings}");
    }
    for (settings, end) in [
        (r#"{"kind":"orb"}"#, r#""2026-11-21T02:00:00.25Z","properties":{}}"#),
        (r#"{"kind":"metronome"}"#, r#""2026-11-21T02:00:00.25Z"}"#),
        (r#"{"kind":"autumn"}"#, r#""timestamp":1795226400250}"#),
        (r#"{"kind":"schematic"}"#, r#""company":{"id":"cus_42"},"event":"llm.tokens"}}"#),
    ] {
        let text = sink(settings).unwrap().map(&event("")).unwrap();
        assert!(text.ends_with(end), "{text}");
    }
    // Another host than the vendor's gives the session too.
    let [own, other] = ["", r#","url":"http://localhost:1""#]
        .map(|url| sink(&format!(r#"{{"kind":"stripe-stream"{url}}}"#)).unwrap().request_json());
    assert!(own.contains("https://api.stripe.com/v2/billing/meter_event_session"), "{own}");
    assert!(other.contains("http://localhost:1/v2/billing/meter_event_session"), "{other}");
}

#[test]
fn numbers_become_strings_with_their_digits() {
    let numbers = r#","data":{"a":9007199254740993,"b":0.10,"c":1e2,"d":1.25E-3,"e":12345678901234567890.000000000000000001,"f":true,"g":"x"}"#;
    let want = r#""a":"9007199254740993","b":"0.10","c":"100","d":"0.00125","e":"12345678901234567890.000000000000000001","f":"true","g":"x""#;
    for settings in [r#"{"kind":"lago"}"#, r#"{"kind":"metronome"}"#] {
        let text = sink(settings).unwrap().map(&event(numbers)).unwrap();
        assert!(text.contains(want), "{text}");
    }
    let stripe = sink(r#"{"kind":"stripe-v1"}"#).unwrap();
    let of = |data: &str| stripe.map(&event(&[r#","data":"#, data].concat()));
    let text = of(r#"{"value":"1e2","a b":"é&=+\n"}"#).unwrap();
    assert!(text.ends_with("&payload[value]=100&payload[a%20b]=%C3%A9%26%3D%2B%0A"), "{text}");
}

#[test]
fn what_a_vendor_does_not_take_is_refused() {
    let many: String = (0..51).map(|i| format!("\"k{i}\":1,")).collect();
    let many = format!("{{{}}}", many.trim_end_matches(','));
    let long = |n: usize| format!(r#"{{"k":"{}"}}"#, "€".repeat(n));
    let name = |n: usize| format!(r#"{{"{}":1}}"#, "k".repeat(n));
    for (settings, data, path) in [
        ("polar", r#"{"k":""}"#, Some("data.k")),
        ("polar", r#"{"":1}"#, Some("data.")),
        ("polar", &many, Some("data")),
        ("polar", &long(501), Some("data.k")),
        ("polar", &long(500), None),
        ("polar", &name(41), Some(&format!("data.{}", "k".repeat(41)))),
        ("polar", &name(40), None),
        ("polar", r#"{"_cost":{"amount":"0.0771","currency":"usd"},"_llm":{"vendor":"openai"}}"#, None),
        ("polar", r#"{"_cost":[1]}"#, Some("data._cost")),
        ("polar", r#"{"cost":{"amount":1}}"#, Some("data.cost")),
        ("creem", &name(41), Some(&format!("data.{}", "k".repeat(41)))),
        ("creem", r#"{"k":{}}"#, Some("data.k")),
        ("creem", r#"{"k":""}"#, None),
        ("lago", r#"{"k":null}"#, Some("data.k")),
        ("lago", r#"{"k":[1]}"#, Some("data.k")),
        ("metronome", r#"{"k":{}}"#, Some("data.k")),
        ("orb", r#"{"k":null}"#, Some("data.k")),
        ("flexprice", r#"{"k":{"a":[null]}}"#, None),
        ("stripe-v1", r#"{"a":1}"#, Some("data.value")),
        ("stripe-v1", r#"{"value":"many"}"#, Some("data.value")),
        ("stripe-v1", r#"{"value":true}"#, Some("data.value")),
        ("stripe-v1", r#"{"value":0.1234567890123}"#, Some("data.value")),
        ("stripe-v1", r#"{"value":0.123456789012}"#, None),
        ("stripe-v1", r#"{"value":1,"stripe_customer_id":"x"}"#, Some("data.stripe_customer_id")),
        (r#"stripe-v2","quantity":"n"#, r#"{"n":1,"value":2}"#, Some("data.value")),
        (r#"autumn","quantity":"n"#, r#"{"m":1}"#, Some("data.n")),
        ("autumn", r#"{"m":1}"#, None),
    ] {
        let environment = if matches!(settings, "polar" | "creem") { r#","environment":"test""# } else { "" };
        let sink = sink(&format!(r#"{{"kind":"{settings}"{environment}}}"#)).unwrap();
        let mapped = sink.map(&event(&[r#","data":"#, data].concat()));
        let error = mapped.err().map(|e| (e.code, e.path.clone().unwrap_or_default()));
        assert_eq!(error, path.map(|path| ("field_limit", path.to_owned())), "{settings} {data}");
    }
    let mut long = event("");
    long.kind = "x".repeat(129);
    let polar = sink(r#"{"kind":"polar","environment":"test"}"#).unwrap();
    assert_eq!(polar.map(&long).err().map(|e| e.path.clone()), Some(Some("type".into())));
    let mut early = event("");
    early.time = Instant::from_millis(-1);
    assert_eq!(sink(r#"{"kind":"lago"}"#).unwrap().map(&early).err().map(|e| e.code), Some("field_limit"));
}

fn verdict_of(settings: &str, status: u16, body: &str, times: &[i64], set: impl FnOnce(&mut Answer)) -> Verdict {
    let mut answer = Answer {
        status,
        content_type: Some("application/json".into()),
        date: Some("Sat, 21 Nov 2026 02:00:00 GMT".into()),
        body: body.into(),
        ..Answer::default()
    };
    set(&mut answer);
    sink(settings).unwrap().verdict(&Outcome::Answer(answer), times)
}

const NOW: i64 = 1_795_226_400_000;
const POLAR: &str = r#"{"kind":"polar","environment":"test"}"#;
const LAGO: &str = r#"{"kind":"lago"}"#;

#[test]
fn answers_that_name_events() {
    use EventVerdict::{Accepted, Known, Refused, Resend, Retry};
    let no = |why: &str| Refused(why.to_owned());
    let creem = r#"{"kind":"creem","environment":"test"}"#;
    let late = [NOW, NOW + 300_001, NOW + 300_000];
    for (settings, status, body, want) in [
        (
            POLAR,
            422,
            r#"{"detail":[{"loc":["body","events",1,"name"],"msg":"long"},{"loc":["body","events",1,"x"],"msg":"y"}]}"#,
            vec![Resend, no("long"), Resend],
        ),
        (
            POLAR,
            422,
            r#"{"detail":[{"loc":["body","events",1,"timestamp"],"msg":"future"},{"loc":["body","events",2,"EventCreateExternalCustomer","timestamp"],"msg":"future"}]}"#,
            vec![Resend, no("future"), Retry],
        ),
        (
            LAGO,
            422,
            r#"{"error_details":{"1":{"transaction_id":["value_already_exist"]},"2":{"code":["bad"]}}}"#,
            vec![Resend, Known { is_stored: true }, no(r#"{"code":["bad"]}"#)],
        ),
        (
            LAGO,
            422,
            r#"{"error_details":{"0":{"transaction_id":["value_already_exist"],"code":["bad"]}}}"#,
            vec![no(r#"{"transaction_id":["value_already_exist"],"code":["bad"]}"#), Resend, Resend],
        ),
        (
            creem,
            422,
            r#"{"error":{"param":"events[2].customer_id","message":"unknown"}}"#,
            vec![Resend, Resend, no("unknown")],
        ),
        (
            r#"{"kind":"orb"}"#,
            400,
            r#"{"validation_failed":[{"idempotency_key":"b","validation_errors":["old"]}]}"#,
            vec![Resend, no(r#"["old"]"#), Resend],
        ),
        (
            r#"{"kind":"orb"}"#,
            200,
            r#"{"validation_failed":[{"idempotency_key":"c","validation_errors":["old"]}]}"#,
            vec![Accepted, Accepted, no(r#"["old"]"#)],
        ),
        (
            r#"{"kind":"custom"}"#,
            200,
            r#"{"refused":[{"id":"a","reason":"why"}]}"#,
            vec![no("why"), Accepted, Accepted],
        ),
    ] {
        let verdict = verdict_of(settings, status, body, &late, |answer| answer.ids = "a b c".into());
        assert_eq!(verdict, Verdict::Partial(want), "{settings} {body}");
    }
    // What names no event of the batch is found by halves.
    for (settings, body) in [
        (POLAR, r#"{"detail":[{"loc":["body","events",3],"msg":"x"}]}"#),
        (POLAR, r#"{"detail":"x"}"#),
        (POLAR, "<html>"),
        (LAGO, r#"{"error_details":{"7":{"code":["bad"]}}}"#),
        (LAGO, r#"{"error_details":{"events":["no_events"]}}"#),
        (creem, r#"{"error":{"param":"events","message":"x"}}"#),
        (creem, r#"{"error":{"param":"events[99999999999999999999].x","message":"x"}}"#),
        (r#"{"kind":"orb"}"#, r#"{"validation_failed":[{"idempotency_key":"z"}]}"#),
    ] {
        assert_eq!(verdict_of(settings, 422, body, &late, |_| ()), Verdict::Bisect, "{settings} {body}");
    }
    let without_date =
        verdict_of(POLAR, 422, r#"{"detail":[{"loc":["body","events",0,"timestamp"],"msg":"x"}]}"#, &[NOW], |answer| {
            answer.date = None
        });
    assert_eq!(without_date, Verdict::Partial(vec![no("x")]));
}

#[test]
fn answers_about_the_whole() {
    let known = r#"{"error":{"type":"invalid_request_error","message":"An event already exists with identifier a."}}"#;
    let retry = |ambiguous| Verdict::Retry { ambiguous };
    let has = |is_stored| Verdict::Partial(vec![EventVerdict::Known { is_stored }]);
    for (settings, status, body, hint, want) in [
        (r#"{"kind":"stripe-v1"}"#, 400, known, Some("false"), has(true)),
        (r#"{"kind":"stripe-v2"}"#, 400, known, None, has(true)),
        (r#"{"kind":"stripe-v1"}"#, 400, r#"{"error":{"message":"No customer"}}"#, None, Verdict::Bisect),
        (r#"{"kind":"stripe-v1"}"#, 400, "{}", Some("true"), retry(false)),
        (r#"{"kind":"stripe-v1"}"#, 409, "{}", Some("true"), retry(true)),
        (r#"{"kind":"stripe-v1"}"#, 500, "{}", Some("false"), Verdict::Bisect),
        (r#"{"kind":"stripe-v1"}"#, 401, "{}", Some("false"), Verdict::Hold { ambiguous: false }),
        (r#"{"kind":"stripe-v1"}"#, 429, "{}", Some("false"), retry(false)),
        (r#"{"kind":"autumn"}"#, 409, "{}", None, has(false)),
        (r#"{"kind":"schematic"}"#, 400, r#"{"error":"batch too large","max_size":100}"#, None, Verdict::Split),
        (LAGO, 422, r#"{"error_details":{"events":["too_many_events"]}}"#, None, Verdict::Split),
        (r#"{"kind":"flexprice"}"#, 400, r#"{"code":"validation_error"}"#, None, Verdict::Bisect),
        (r#"{"kind":"metronome"}"#, 200, "", None, Verdict::Accepted),
        (r#"{"kind":"orb"}"#, 200, r#"{"validation_failed":[]}"#, None, Verdict::Accepted),
        (r#"{"kind":"openmeter-v3","url":"https://a.b"}"#, 202, "", None, Verdict::Accepted),
        (r#"{"kind":"openmeter-v3","url":"https://a.b"}"#, 204, "", None, Verdict::Hold { ambiguous: true }),
    ] {
        let verdict = verdict_of(settings, status, body, &[NOW], |answer| answer.hint = hint.map(str::to_owned));
        assert_eq!(verdict, want, "{settings} {status} {body}");
    }
}

#[test]
fn what_a_success_says_of_its_events() {
    let said = |settings: &str, status, body: &str, is_first: bool| {
        let outcome = Outcome::Answer(Answer { status, body: body.into(), ..Answer::default() });
        let mut out = Vec::new();
        let ambiguous_at = (!is_first).then_some(Mark { wall_ms: NOW, mono_s: NonZeroU32::MIN });
        let entries = (5..9).map(|seq| Entry { seq, bytes: 1, time_ms: NOW, ambiguous_at }).collect();
        sink(settings).unwrap().remark(&outcome, &entries, &mut out);
        out
    };
    let notice = |code, text: &str, seqs: &[u64]| Action::Notice { code, text: text.into(), seqs: seqs.to_vec() };
    let creem = r#"{"kind":"creem","environment":"test"}"#;
    let warnings = r#"{"accepted":4,"warnings":[{"index":0,"code":"no_matching_meter","message":"No meter"},
        {"index":2,"code":"no_matching_meter","message":"No meter"},
        {"index":1,"code":"meter_archived","message":"Archived"},{"index":99,"code":"x"}]}"#;
    for is_first in [true, false] {
        assert_eq!(
            said(creem, 202, warnings, is_first),
            [
                notice("vendor_warning", "no_matching_meter: No meter", &[5, 7]),
                notice("vendor_warning", "meter_archived: Archived", &[6]),
                notice("vendor_warning", "x: ", &[])
            ]
        );
    }
    let known = r#"{"inserted":98,"duplicates":2}"#;
    assert_eq!(said(POLAR, 200, known, true), [notice("duplicate_id", known, &[])]);
    assert_eq!(said(POLAR, 200, known, false), []);
    for (settings, status, body) in [
        (creem, 202, r#"{"accepted":3,"event_ids":["a","b","c"]}"#),
        (creem, 202, r#"{"warnings":[]}"#),
        (creem, 202, r#"{"warnings":null}"#),
        (creem, 422, warnings),
        (creem, 202, "no JSON"),
        (POLAR, 200, r#"{"inserted":100,"duplicates":0}"#),
        (POLAR, 200, r#"{"duplicates":"many"}"#),
        (LAGO, 200, r#"{"duplicates":2,"":2}"#),
    ] {
        assert_eq!(said(settings, status, body, true), [], "{settings} {body}");
    }
}
