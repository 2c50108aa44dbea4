//! Each finding of the lint, by the fault that brings it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test: its helpers fail it by panicking

use proptest::prelude::*;
use taximeter::json::Value;
use taximeter::meter::lint::Lint;
use taximeter::meter::parse_meters;
use taximeter::sink::Sink;
use taximeter::time::Instant;

const METERS: &str = r#"[
    {"slug":"sum","eventType":"call","aggregation":"SUM","valueProperty":"$.v","groupBy":{"g":"$.g"}},
    {"slug":"unique","eventType":"login","aggregation":"UNIQUE_COUNT","valueProperty":"$.user['the id']"},
    {"slug":"latest","eventType":"level","aggregation":"LATEST","valueProperty":"$.v","eventFrom":"2026-01-01T00:00:00Z"}]"#;

fn look(meters: &str, sink: &str, events: &str) -> String {
    let meters = parse_meters(&Value::parse(meters).unwrap()).unwrap();
    let sink = Sink::parse(&Value::parse(sink).unwrap()).unwrap();
    let mut lint = Lint::new(Instant::parse("2026-11-21T00:00:00Z").unwrap()).unwrap();
    lint.add_all(&meters, &sink, events).unwrap();
    lint.findings(&meters, &sink)
}

/// `code meter path: help` of each finding about events, and the events' numbers.
fn found(meters: &str, sink: &str, events: &str) -> Vec<(String, String)> {
    let findings = look(meters, sink, events);
    let findings = Value::parse(&findings).unwrap();
    let text = |finding: &Value<'_>, key: &str| finding.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = findings.as_array().unwrap().iter().filter(|finding| text(finding, "code") != "unmatched_meter");
    let line = |finding: &Value<'_>| {
        let words = ["level", "code", "meter", "path", "help"].map(|key| text(finding, key));
        (words.join("|"), finding.get("events").unwrap().to_json())
    };
    list.map(line).collect()
}

const OPENMETER: &str = r#"{"kind":"openmeter","url":"http://localhost"}"#;
const DODO: &str = r#"{"kind":"dodo","environment":"test"}"#;

fn event(id: &str, kind: &str, rest: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"{kind}","subject":"c"{rest}}}"#)
}

fn data(kind: &str, data: &str) -> String {
    event("1", kind, &format!(r#","data":{data}"#))
}

#[test]
fn one_fault_one_finding() {
    for (event, want) in [
        (data("call", r#"{"v":1,"g":"x"}"#), ""),
        (data("calls", r#"{"v":1}"#), "error|no_meter||type|did you mean call?"),
        (data("LOGIN", r#"{"user":{"the id":1}}"#), "error|no_meter||type|did you mean login?"),
        (data("levle", r#"{"x":1}"#), "error|no_meter||type|did you mean level?"),
        (data("other", r#"{"v":1,"g":2}"#), "error|no_meter||type|sum reads $.v from events of type call"),
        (data("call", r#"{"g":"x"}"#), "error|value_missing|sum|$.v|"),
        (data("call", r#"{"v":{},"g":"x"}"#), "error|value_not_scalar|sum|$.v|"),
        (data("call", r#"{"v":null,"g":"x"}"#), "error|value_null|sum|$.v|"),
        (data("call", r#"{"v":" 1,000.5 ","g":"x"}"#), "error|value_not_number|sum|$.v|did you mean 1000.5?"),
        (data("call", r#"{"v":"many","g":"x"}"#), "error|value_not_number|sum|$.v|"),
        (data("call", r#"{"v":"Infinity","g":"x"}"#), "error|value_not_finite|sum|$.v|"),
        (data("call", r#"{"v":1,"G":"x"}"#), "warning|group_missing|sum|$.g|did you mean $.G?"),
        (data("call", r#"{"v":1,"g":null}"#), "warning|group_null|sum|$.g|"),
        (data("call", r#"{"v":1,"g":[]}"#), "warning|group_not_scalar|sum|$.g|"),
        (data("login", r#"{"user":{"x":1}}"#), "warning|value_missing|unique|$.user['the id']|"),
        (
            data("login", r#"{"user":{"theID":1}}"#),
            "warning|value_missing|unique|$.user['the id']|did you mean $.user.theID?",
        ),
        (
            data("login", r#"{"user":{"the id's":1}}"#),
            r"warning|value_missing|unique|$.user['the id']|did you mean $.user['the id\'s']?",
        ),
        (data("login", r#"{"user":{"the id":""}}"#), "warning|value_empty|unique|$.user['the id']|"),
        (
            event("1", "level", r#","time":"2025-12-31T23:59:59Z","data":{"v":1}"#),
            "warning|before_event_from|latest|time|",
        ),
        (
            event("1", "call", r#","time":"1970-01-01T00:00:00Z","data":{"v":1,"g":"x"}"#),
            "error|time_not_after_epoch||time|",
        ),
        (
            event("1", "call", r#","time":"2200-01-01T00:00:00Z","data":{"v":1,"g":"x"}"#),
            "warning|time_after_2106||time|",
        ),
        (
            event("1", "call", r#","time":"now","data":{"v":1,"g":"x"}"#),
            "error|rejected||time|time_invalid: not an RFC 3339 time",
        ),
        (data("call", "[1]"), "error|rejected||data|data_not_object: data is not a JSON object"),
        (
            event("1", "call", r#","tenant":"x","gone":null,"data":{"v":1,"g":"x"}"#),
            "info|extension_ignored||tenant|move it into data",
        ),
        (
            data("call", r#"{"v":1,"g":"x","n":[{"id":9007199254740993}]}"#),
            "warning|number_above_2_53||data.n.*.id|send it as a string: its digits are kept",
        ),
        (data("call", r#"{"v":1,"g":"x","n":9007199254740992}"#), ""),
    ] {
        let got: Vec<_> = found(METERS, OPENMETER, &event).into_iter().map(|(line, _)| line).collect();
        let want: Vec<_> = Some(want).filter(|want| !want.is_empty()).into_iter().collect();
        assert_eq!(got, want, "{event}");
    }
    let huge = found(METERS, OPENMETER, &data("call", r#"{"v":1,"g":"x","nonce":100000000000000000000}"#));
    assert_eq!(huge[0].0, "warning|integer_above_64_bit||data|send it as a string: its digits are kept");
}

#[test]
fn ids_that_meet() {
    let at = |id: &str, source: &str, v: usize| {
        event(id, "call", &format!(r#","time":"2026-01-01T00:00:00Z","data":{{"v":{v},"g":"x"}}"#))
            .replace("\"s\"", &format!("\"{source}\""))
    };
    let events =
        [at("c", "a-b", 1), at("b-c", "a", 1), at("c", "a-b", 1), at("c", "a-b", 2), at("c", "a", 1)].join("\n");
    let want = [
        ("error|id_collision||id|a source without a hyphen", "[1]"),
        ("error|id_reused||id|give each an id of its own; they differ in data", "[3]"),
        ("info|duplicate_id||id|", "[2]"),
    ];
    assert_eq!(found(METERS, OPENMETER, &events), want.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn latest_values_that_tie() {
    let at = |id: usize, time: &str, subject: &str| {
        let event = event(&id.to_string(), "level", &format!(r#","time":"2026-01-01T00:00:{time}Z","data":{{"v":1}}"#));
        event.replace("\"c\"", &format!("\"{subject}\""))
    };
    let tie = |events: &[String]| look(METERS, OPENMETER, &events.join("\n")).contains("latest_tie");
    assert!(tie(&[at(1, "05.1", "a"), at(2, "05.9", "a")]));
    assert!(!tie(&[at(1, "05", "a"), at(2, "05", "b")]));
    assert!(!tie(&[at(1, "05", "a"), at(2, "05", "a"), at(3, "06", "a")]));
    assert!(!tie(&[at(1, "06", "a"), at(2, "05", "a"), at(3, "05", "a")]));
}

#[test]
fn meters_that_mislead() {
    let meters = r#"[{"slug":"m","eventType":"t","aggregation":"SUM","valueProperty":"$.a[*]","groupBy":{"value":"$.x","subject":"$.s"}}]"#;
    let want = [
        "error|group_key_reserved|m|value|give the group another key",
        "warning|group_key_shadowed|m|subject|give the group another key",
        "warning|path_not_single|m|$.a[*]|",
    ];
    let got: Vec<_> = found(meters, OPENMETER, "").into_iter().map(|(line, _)| line).collect();
    assert_eq!(got, want);
    assert!(
        look(meters, OPENMETER, "")
            .contains(r#""code":"unmatched_meter","level":"info","meter":"m","events":[],"count":0"#)
    );
}

#[test]
fn what_dodo_leaves_open() {
    let meters = r#"[{"event_name":"e","aggregation":{"type":"max","key":"v"},"filter":{"conjunction":"and","clauses":[
        {"key":"tier","operator":"not_equals","value":"test"}]}}]"#;
    let look = |metadata: &str| {
        let event = format!(r#"{{"event_id":"1","customer_id":"c","event_name":"e","metadata":{metadata}}}"#);
        found(meters, DODO, &event).into_iter().map(|(line, _)| line).collect::<Vec<_>>()
    };
    assert_eq!(look(r#"{"v":1,"tier":"prod"}"#), Vec::<String>::new());
    assert_eq!(look(r#"{"v":"1","tier":"prod"}"#), ["info|undocumented|e|v|"]);
    assert_eq!(look(r#"{"v":1,"tier":5}"#), ["info|undocumented|e|filter|"]);
    assert_eq!(look(r#"{"V":1,"tier":"prod"}"#), ["error|value_missing|e|v|did you mean V?"]);
}

#[test]
fn it_is_bounded() {
    let events: Vec<_> = (0..1_500).map(|n| event(&n.to_string(), &format!("a-type-of-its-own-{n}"), "")).collect();
    let findings = look("[]", OPENMETER, &events.join("\n"));
    assert_eq!(findings.matches(r#""code":"no_meter""#).count(), 1_000);
    assert_eq!(findings.matches(r#""code":"incomplete""#).count(), 1);
    // Ids of half a megabyte: they are compared until there are eight megabytes of them.
    let long = "x".repeat(500_000);
    let events: Vec<_> = (0..20).map(|n| event(&format!("{long}{n}"), "call", r#","data":{"v":1,"g":""}"#)).collect();
    assert!(look(METERS, OPENMETER, &events.join("\n")).contains("incomplete"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(data in "[\\[\\]{}\",:0-9a-z.-]{0,20}", kind in "call|login|level|\\PC{1,8}", time in "\\PC{0,20}") {
        let event = event("1", "KIND", &format!(r#","time":"TIME","data":{{"v":{data}}}"#));
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let event = event.replace("\"KIND\"", &quoted(&kind)).replace("\"TIME\"", &quoted(&time));
        for sink in [OPENMETER, DODO] {
            prop_assert!(Value::parse(&look(METERS, sink, &event)).is_ok());
            let meters = parse_meters(&Value::parse(METERS).unwrap()).unwrap();
            let sink = Sink::parse(&Value::parse(sink).unwrap()).unwrap();
            // A broken list is an error, a broken line is a finding.
            let read = Lint::new(Instant::from_millis(0)).unwrap().add_all(&meters, &sink, &data);
            prop_assert!(read.is_ok() || data.starts_with('['));
        }
    }
}
