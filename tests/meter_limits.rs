//! Each bound of the meters: what is at it is taken, one more is refused or flagged, nothing is lost in silence.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test: its helpers fail it by panicking

use taximeter::Error;
use taximeter::json::Value;
use taximeter::limits::{FILTER_DEPTH_MAX, GROUP_BY_MAX, METERS_MAX, PATH_BYTES_MAX, RESULT_CELLS_MAX};
use taximeter::meter::filter::Filter;
use taximeter::meter::path::Path;
use taximeter::meter::{parse_meters, preview};

fn code<T>(result: Result<T, Error>) -> &'static str {
    result.map_or_else(|error| error.code, |_| "taken")
}

/// The answer to a query about events of type `t`, one second, an id each, with these subjects and data.
fn ask(
    aggregation: &str,
    query: &str,
    numeric: &str,
    events: impl Iterator<Item = (String, String)>,
) -> Result<String, Error> {
    let value = if aggregation == "COUNT" { "" } else { r#","valueProperty":"$.v""# };
    let request = format!(
        r#"{{"meters":[{{"slug":"m","eventType":"t","aggregation":"{aggregation}","groupBy":{{"g":"$.g"}}{value}}}],
        "query":{{"meter":"m"{query}}},"options":{{"now":"2024-01-01T00:00:00Z","numeric":"{numeric}"}}}}"#
    );
    let event = |(id, (subject, data)): (usize, (String, String))| {
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"t","subject":"{subject}","data":{data}}}"#)
    };
    preview(&request, &events.enumerate().map(event).collect::<Vec<_>>().join("\n"))
}

#[test]
fn definitions() {
    let list = |n: usize| {
        let meter = |n| format!(r#"{{"slug":"m{n}","eventType":"t","aggregation":"COUNT"}}"#);
        format!("[{}]", (0..n).map(meter).collect::<Vec<_>>().join(","))
    };
    let meters = |text: String| code(parse_meters(&Value::parse(&text).unwrap()));
    assert_eq!(meters(list(METERS_MAX)), "taken");
    assert_eq!(meters(list(METERS_MAX + 1)), "limit_exceeded");
    let groups = |n: usize| {
        let keys: Vec<_> = (0..n).map(|n| format!(r#""k{n}":"$.k{n}""#)).collect();
        format!(r#"[{{"slug":"m","eventType":"t","aggregation":"COUNT","groupBy":{{{}}}}}]"#, keys.join(","))
    };
    assert_eq!(meters(groups(GROUP_BY_MAX)), "taken");
    assert_eq!(meters(groups(GROUP_BY_MAX + 1)), "limit_exceeded");
    let path = |n: usize| code(Path::parse(&["$.", &"a".repeat(n - 2)].concat()));
    assert_eq!((path(PATH_BYTES_MAX), path(PATH_BYTES_MAX + 1)), ("taken", "limit_exceeded"));
    let filter = |n: usize| {
        let text = [&r#"{"$not_known":0,"$or":["#.repeat(n), r#"{"$eq":"a"}"#, &"]}".repeat(n)].concat();
        Value::parse(&text).map_or_else(|error| error.code, |value| code(Filter::parse(&value)))
    };
    assert_eq!((filter(FILTER_DEPTH_MAX), filter(FILTER_DEPTH_MAX + 1)), ("taken", "limit_exceeded"));
}

#[test]
fn rows() {
    let subjects = |n: usize| (0..n).map(|n| (n.to_string(), String::from(r#"{"g":"x","v":1}"#)));
    let by_subject = r#","groupBy":["subject"]"#;
    let full = ask("SUM", by_subject, "decimal", subjects(RESULT_CELLS_MAX)).unwrap();
    assert!(!full.contains("incomplete") && !full.contains("__other__"));
    assert_eq!(full.matches(r#""valueDecimal":"1""#).count(), RESULT_CELLS_MAX);
    let more = ask("SUM", by_subject, "decimal", subjects(RESULT_CELLS_MAX + 1).chain(subjects(1))).unwrap();
    assert!(more.contains(r#""incomplete":true"#));
    assert_eq!(more.matches(r#""subject":"__other__""#).count(), 1);
    // The first subject has two, the other has one, and so have the rest: nothing is lost.
    assert_eq!(more.matches(r#""valueDecimal":"1""#).count(), RESULT_CELLS_MAX);
    assert_eq!(more.matches(r#""valueDecimal":"2""#).count(), 1);
    // A group that is really called so stays itself.
    let named = ["__other__", "a"].map(|name| (name.to_owned(), String::from("{}")));
    let named = ask("COUNT", by_subject, "float", named.into_iter()).unwrap();
    assert!(named.contains(r#""subject":"__other__""#) && !named.contains("incomplete"));
}

#[test]
fn sums() {
    let sum = |values: &[&str], numeric: &str| {
        ask("SUM", "", numeric, values.iter().map(|v| (String::from("s"), format!(r#"{{"v":"{v}"}}"#))))
    };
    // 2^127 − 1 of the last digit is what an exact sum holds.
    let (a, b) = ("9999999999999999999.9999999999999999999", "7014118346046923173.1687303715884105726");
    let full = sum(&[a, b, "0.0000000000000000002"], "decimal").unwrap();
    assert!(full.contains(r#""valueDecimal":"17014118346046923173.1687303715884105727""#), "{full}");
    assert_eq!(code(sum(&[a, b, "0.0000000000000000003"], "decimal")), "sum_overflow");
    assert!(sum(&["1.7976931348623157e308", "1"], "float").is_ok());
    assert_eq!(code(sum(&["1.7976931348623157e308", "1e292"], "float")), "sum_overflow");
    // One value beyond what is counted is said, and not counted.
    let out = sum(&["1", "1e19"], "decimal").unwrap();
    assert!(out.contains(r#""value":1,"#) && out.contains("value_out_of_range"), "{out}");
}
