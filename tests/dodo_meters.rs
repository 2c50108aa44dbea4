//! Meters of Dodo: the cases of `tests/contract/dodo-meters.json`, and what its documentation says of each operator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test: its helpers fail it by panicking

use taximeter::Result;
use taximeter::decimal::Decimal;
use taximeter::json::{Value, Writer};
use taximeter::meter::preview;

const FILE: &str = include_str!("contract/dodo-meters.json");

fn answer(meter: &str, query: &str, requests: &str) -> Result<String> {
    let request = format!(r#"{{"meters":[{meter}],"query":{query},"options":{{"now":"2026-11-21T00:00:00Z"}}}}"#);
    preview(&request, requests)
}

/// The quantity that a meter answers; `rejected` if no event was taken.
fn quantity(meter: &str, requests: &str) -> String {
    let name = Value::parse(meter).unwrap();
    let mut query = Writer::object();
    query.string("meter", name.present("name").or(name.get("event_name")).unwrap().as_str().unwrap());
    let answer = answer(meter, &query.end(), requests).unwrap();
    let answer = Value::parse(&answer).unwrap();
    let verdicts = answer.get("ingest").unwrap().as_array().unwrap();
    if !verdicts.is_empty() && verdicts.iter().all(|v| v.get("status").unwrap().as_str() == Some("rejected")) {
        return String::from("rejected");
    }
    let rows = answer.get("result").unwrap().get("data").unwrap().as_array().unwrap();
    assert_eq!(rows.len(), 1);
    match (rows[0].get("valueDecimal").and_then(Value::as_str), rows[0].get("value")) {
        (Some(exact), _) => exact.to_owned(),
        (None, Some(Value::Number(count))) => (*count).to_owned(),
        _ => panic!("{answer:?}"),
    }
}

#[test]
fn the_documented_cases() {
    let file = Value::parse(FILE).unwrap();
    let cases = file.get("meters").unwrap().as_array().unwrap();
    for case in cases {
        let list = |key| case.get(key).map(Value::to_json);
        let requests = list("requests").unwrap_or_else(|| format!("[{}]", list("events").unwrap()));
        let got = quantity(&case.get("meter").unwrap().to_json(), &requests);
        let want = case.get("expect").unwrap().as_str().unwrap();
        assert_eq!(Decimal::parse(&got), Decimal::parse(want), "{}", case.to_json());
    }
    println!("{} cases", cases.len());
    assert_eq!(cases.len(), 8);
}

fn event(id: usize, metadata: &str) -> String {
    format!(r#"{{"event_id":"{id}","customer_id":"c","event_name":"e","metadata":{metadata}}}"#)
}

fn events(metadata: &[&str]) -> String {
    let events: Vec<_> = metadata.iter().enumerate().map(|(id, metadata)| event(id, metadata)).collect();
    format!("[{}]", events.join(","))
}

fn count(filter: &str, metadata: &[&str]) -> String {
    let meter = format!(r#"{{"event_name":"e","aggregation":{{"type":"count"}},"filter":{filter}}}"#);
    quantity(&meter, &events(metadata))
}

#[test]
fn every_operator_with_every_type() {
    // How many of these it lets through: 5, 5.0, "5", "a5b", true, missing.
    let metadata = [r#"{"k":5}"#, r#"{"k":5.0}"#, r#"{"k":"5"}"#, r#"{"k":"a5b"}"#, r#"{"k":true}"#, r#"{"other":5}"#];
    for (operator, value, want) in [
        ("equals", "5", 2),
        ("equals", "\"5\"", 1),
        ("equals", "true", 1),
        ("not_equals", "5", 3),
        ("not_equals", "\"5\"", 4),
        ("not_equals", "false", 5),
        ("greater_than", "4.9", 2),
        ("greater_than", "5", 0),
        ("greater_than", "\"4\"", 0),
        ("greater_than_or_equals", "5", 2),
        ("greater_than_or_equals", "5.1", 0),
        ("less_than", "5e0", 0),
        ("less_than", "6", 2),
        ("less_than", "true", 0),
        ("less_than_or_equals", "5.00", 2),
        ("less_than_or_equals", "\"z\"", 0),
        ("contains", "\"5\"", 2),
        ("contains", "\"A\"", 0),
        ("contains", "\"\"", 2),
        ("contains", "5", 0),
        ("does_not_contain", "\"a\"", 1),
        ("does_not_contain", "5", 0),
    ] {
        let filter =
            format!(r#"{{"conjunction":"and","clauses":[{{"key":"k","operator":"{operator}","value":{value}}}]}}"#);
        assert_eq!(count(&filter, &metadata), want.to_string(), "{filter}");
    }
}

#[test]
fn filters_nest_three_levels_and_keys_are_names() {
    let condition = |key: &str| format!(r#"{{"key":"{key}","operator":"equals","value":1}}"#);
    let nested = |levels: usize| {
        [&r#"{"conjunction":"or","clauses":["#.repeat(levels + 1), condition("a.b").as_str(), &"]}".repeat(levels + 1)]
            .concat()
    };
    assert_eq!(count(&nested(3), &[r#"{"a.b":1}"#, r#"{"a.b":2}"#]), "1");
    let meter = |filter: &str| format!(r#"{{"event_name":"e","aggregation":{{"type":"count"}},"filter":{filter}}}"#);
    assert_eq!(refused(&meter(&nested(4))).1, "meters[0].filter.clauses[0].clauses[0].clauses[0].clauses[0].clauses");
    // Names that JavaScript's objects have of their own are names like any other.
    for key in ["__proto__", "constructor", "toString"] {
        let filter = format!(r#"{{"conjunction":"and","clauses":[{}]}}"#, condition(key));
        assert_eq!(count(&filter, &["{}", &format!(r#"{{"{key}":1}}"#)]), "1");
    }
}

#[test]
fn sums_are_exact_and_the_last_is_that_of_the_full_time() {
    let meter = |how: &str| format!(r#"{{"event_name":"e","aggregation":{{"type":"{how}","key":"v"}}}}"#);
    let values = [r#"{"v":0.1}"#, r#"{"v":"0.2"}"#, r#"{"v":9007199254740993}"#, r#"{"v":"x"}"#, r#"{"v":true}"#];
    assert_eq!(quantity(&meter("sum"), &events(&values)), "9007199254740993.3");
    assert_eq!(quantity(&meter("max"), &events(&values)), "9007199254740993");
    assert_eq!(quantity(&meter("max"), &events(&[r#"{"v":"-"}"#])), "0");
    assert_eq!(quantity(&meter("last"), "[]"), "0");
    let at = |id: usize, time: &str, v: usize| {
        event(id, &format!(r#"{{"v":{v}}}"#))
            .replace("\"event_name\"", &format!("\"timestamp\":\"{time}\",\"event_name\""))
    };
    let times = [
        at(1, "2026-01-01T00:00:00.100Z", 1),
        at(2, "2026-01-01T00:00:00.9Z", 2),
        at(3, "2026-01-01T00:00:00.900Z", 3),
        at(4, "2026-01-01T01:00:00.5+01:00", 4),
    ];
    assert_eq!(quantity(&meter("last"), &format!("[{}]", times.join(","))), "2");
}

#[test]
fn a_request_is_taken_or_refused_whole() {
    let meter = r#"{"event_name":"e","aggregation":{"type":"count"}}"#;
    let (a, b) = (event(1, "{}"), event(2, "{}"));
    assert_eq!(quantity(meter, &format!("[[{a},{a}]]")), "rejected");
    assert_eq!(quantity(meter, &format!("[[{a},{b},{a}],[{b}],[{b}],[{a},{b}]]")), "2");
    for fault in [
        event(2, r#"{"nested":{}}"#),
        event(2, r#"{"list":[1]}"#),
        event(2, r#"{"nothing":null}"#),
        event(2, "7"),
        event(2, r#"{"n":1e400}"#),
        b.replace("\"c\"", "\"\""),
        b.replace("event_name", "eventName"),
        b.replace("\"event_name\"", "\"timestamp\":\"yesterday\",\"event_name\""),
        String::from("5"),
        String::from(r#"{"specversion":"1.0","id":"1","source":"s","type":"e","subject":"c"}"#),
    ] {
        assert_eq!(quantity(meter, &format!("[[{a},{fault}]]")), "rejected", "{fault}");
        // By themselves, each for itself.
        if fault.contains("event_id") {
            assert_eq!(quantity(meter, &format!("{a}\n{fault}")), "1", "{fault}");
        }
    }
    let many = |n: usize| format!("[[{}]]", (0..n).map(|id| event(id, "{}")).collect::<Vec<_>>().join(","));
    assert_eq!(quantity(meter, &many(1000)), "1000");
    assert_eq!(quantity(meter, &many(1001)), "rejected");
    // A CloudEvent is the same event: its type is the name, its subject the customer.
    let event = r#"{"specversion":"1.0","id":"1","source":"s","type":"e","subject":"c"}"#;
    assert_eq!(quantity(meter, event), "1");
}

fn refused(meter: &str) -> (&'static str, String) {
    let error = answer(meter, r#"{"meter":"e"}"#, "[]").expect_err(meter);
    assert_eq!(error.http, Some(400));
    (error.code, error.path.clone().unwrap_or_default())
}

#[test]
fn a_refused_meter_says_where() {
    let with = |rest: &str| format!(r#"{{"event_name":"e",{rest}}}"#);
    let filter = |clauses: &str| {
        with(&format!(r#""aggregation":{{"type":"count"}},"filter":{{"conjunction":"and","clauses":{clauses}}}"#))
    };
    for (meter, path) in [
        (r#"{"event_name":"","aggregation":{"type":"count"}}"#.to_owned(), "event_name"),
        (with(r#""aggregation":"count""#), "aggregation.type"),
        (with(r#""aggregation":{"type":"avg","key":"v"}"#), "aggregation.type"),
        (with(r#""aggregation":{"type":"sum"}"#), "aggregation.key"),
        (with(r#""aggregation":{"type":"last","key":""}"#), "aggregation.key"),
        (with(r#""name":7,"aggregation":{"type":"count"}"#), "name"),
        (with(r#""aggregation":{"type":"count"},"filter":[]"#), "filter.clauses"),
        (filter("[]"), "filter.clauses"),
        (filter(r#"[{"operator":"equals","value":1}]"#), "filter.clauses[0].key"),
        (filter(r#"[{"key":"k","operator":"is","value":1}]"#), "filter.clauses[0].operator"),
        (filter(r#"[{"key":"k","operator":"equals"}]"#), "filter.clauses[0].value"),
        (filter(r#"[{"key":"k","operator":"equals","value":[1]}]"#), "filter.clauses[0].value"),
        (filter(r#"[{"conjunction":"xor","clauses":[]}]"#), "filter.clauses[0].conjunction"),
    ] {
        assert_eq!(refused(&meter), ("meter_invalid", format!("meters[0].{path}")), "{meter}");
    }
    let (code, path) = refused(&with(r#""aggregation":{"type":"count"},"groupBy":{}"#));
    assert_eq!((code, path.as_str()), ("unknown_option", "meters[0].groupBy"));
    let names = r#"{"event_name":"e","aggregation":{"type":"count"}},{"event_name":"f","name":"e","aggregation":{"type":"count"}}"#;
    assert_eq!(refused(names), ("meter_invalid", "meters[1].name".to_owned()));
}
