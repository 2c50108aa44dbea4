//! A stream of events is answered as the same events at hand, however it is cut, and whether a line has a known shape or not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test: its helpers fail it by panicking

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use taximeter::meter::{Replay, preview};

const NOW: &str = "2026-11-21T00:00:00Z";

fn meters() -> Value {
    let meter = |how: &str, value: Value, groups: Value| {
        let mut meter = json!({"slug": how.to_lowercase(), "eventType": "t", "aggregation": how, "groupBy": groups});
        if !value.is_null() {
            meter["valueProperty"] = value;
        }
        meter
    };
    json!([
        meter("SUM", json!("$.v"), json!({"b": "$.b", "a": "$.a[0]"})),
        meter("COUNT", Value::Null, json!({"b": "$.b", "v": "$.v"})),
        meter("UNIQUE_COUNT", json!("$.v"), json!({"b": "$['b']"})),
        meter("AVG", json!("$.v"), json!({"c": "$.o.c"})),
        meter("MIN", json!("$.a[*]"), json!({"b": "$.b"})),
        meter("MAX", json!("$.v"), json!({})),
        meter("LATEST", json!("$.v"), json!({"b": "$.b"})),
        {"name": "dodo", "event_name": "w", "aggregation": {"type": "last", "key": "v"}, "measurement_unit": "x",
            "filter": {"conjunction": "and", "clauses": [{"key": "b", "operator": "not_equals", "value": "p"}]}},
        {"slug": "other", "eventType": "u", "aggregation": "COUNT", "eventFrom": "2023-12-31T00:00:00Z"},
    ])
}

fn query() -> impl Strategy<Value = Value> {
    let windows =
        prop_oneof![Just(None), Just(Some("MINUTE")), Just(Some("HOUR")), Just(Some("DAY")), Just(Some("MONTH"))];
    (0usize..9, windows, any::<bool>(), any::<bool>(), 0u8..4, any::<bool>()).prop_map(
        |(meter, window, by_subject, by_group, filter, bounded)| {
            let meter = &meters()[meter];
            let group = meter["groupBy"].as_object().and_then(|groups| groups.keys().next().cloned());
            let mut keys = Vec::new();
            let mut query = json!({"meter": meter.get("slug").unwrap_or(&json!("dodo"))});
            if by_subject {
                keys.push("subject".to_owned());
            }
            if let Some(group) = group {
                match filter {
                    1 => query["filterGroupBy"] = json!({&group: ["p", "x", "1"]}),
                    2 => query["advancedMeterGroupByFilters"] = json!({&group: {"$ne": "p"}}),
                    _ => {}
                }
                if by_group {
                    keys.push(group);
                }
            }
            if filter == 3 {
                query["subject"] = json!(["a"]);
            }
            query["groupBy"] = json!(keys);
            if let Some(window) = window {
                query["windowSize"] = json!(window);
            }
            if bounded {
                query["from"] = json!("2023-12-31T05:00:07Z");
                query["to"] = json!("2024-01-01T10:05:00.5Z");
            }
            query
        },
    )
}

/// A line: mostly an event of one of few shapes.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![
        6 => (-100_000i64..100_000, 0u32..4).prop_map(|(n, scale)| format!("{}", n as f64 / 10f64.powi(scale as i32))),
        1 => prop_oneof![Just("1e3"), Just("0"), Just("-0"), Just("1.50"), Just("9007199254740993"), Just("1e400"), Just("01")]
            .prop_map(str::to_owned),
        1 => prop_oneof![Just("\"1.5\""), Just("\"\""), Just("null"), Just("true"), Just("{}"), Just("\"null\""), Just("\"x\"")]
            .prop_map(str::to_owned),
    ];
    let time = prop_oneof![
        12 => (0i64..400_000, 0u32..3).prop_map(|(second, nanos)| {
            format!("\"{}\"", taximeter::time::Instant { seconds: 1_703_900_000 + second, nanos: nanos * 500_000_000 })
        }),
        1 => prop_oneof![
            Just("null"), Just("\"2024-01-01T00:00:60Z\""), Just("\"2024-01-01T00:00:59.5+02:00\""), Just("7"), Just("\"\""),
            Just("\"2024-01-01T00:00:5xZ\""), Just("\"1969-12-31T23:59:59Z\""), Just("\"2200-01-01T00:00:00Z\""),
        ].prop_map(str::to_owned),
    ];
    let text = prop_oneof![8 => "[pqx]", 1 => Just(String::new()), 1 => "[pé\\\\n\"]{1,3}"];
    let event = (
        0u32..60,
        "[ab]",
        prop_oneof![9 => Just("t"), 2 => Just("u"), 1 => Just("w"), 1 => Just("z")],
        time,
        number,
        text,
        0u8..8,
    );
    let event = event.prop_map(|(id, subject, kind, time, v, text, shape)| {
        let b = Value::String(text).to_string();
        let data = match shape {
            0 => format!(r#"{{"v": {v},"b":{b}}}"#),
            1 => format!(r#"{{"a":[{v},{b}],"b":{b},"v":3,"v":{v}}}"#),
            2 => format!(r#"{{"o":{{"c":{b},"d":{v}}},"v":"12"}}"#),
            3 => "null".to_owned(),
            _ => format!(r#"{{"v":{v},"a":[{b}],"b":{b}}}"#),
        };
        let more = ["", "", r#","ext":"a""#, r#","ext":7"#, r#","ext":99999999999"#, ",\"x_y\":1"][usize::from(shape % 6)];
        if shape == 7 && kind == "w" {
            return format!(
                r#"{{"event_id":"{id}","customer_id":"{subject}","event_name":"w","timestamp":{time},"metadata":{{"v":{v},"b":{b}}}}}"#
            );
        }
        let end = if shape == 5 { " \r" } else { "" };
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"{kind}","subject":"{subject}","time":{time}{more},"data":{data}}}{end}"#
        )
    });
    prop_oneof![
        30 => event.clone().prop_map(String::into_bytes),
        2 => (event, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(event, at, byte)| {
            let mut bytes = event.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = if byte == b'\n' { b' ' } else { byte };
            bytes
        }),
        1 => prop_oneof![Just(""), Just("  \t"), Just("x"), Just("{}"), Just("null"), Just("{\"id\":\"\"}")]
            .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

fn replay(request: &Value, stream: &[u8], cuts: &[usize]) -> Value {
    let mut replay = Replay::new(&request.to_string(), 7).unwrap();
    let mut at = 0;
    for cut in cuts {
        let end = stream.len().min(at + cut);
        replay.push(&stream[at..end]).unwrap();
        at = end;
    }
    replay.push(&stream[at..]).unwrap();
    serde_json::from_str(&replay.finish().unwrap()).unwrap()
}

/// Counts of what a preview says of each event.
fn counted(list: &Value, keys: &[&str]) -> BTreeMap<Vec<String>, u64> {
    let mut counts = BTreeMap::new();
    for item in list.as_array().unwrap() {
        let key = keys.iter().map(|key| item[key].as_str().unwrap_or_default().to_owned()).collect();
        *counts.entry(key).or_default() += 1;
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_is_answered_as_events_at_hand(
        lines in vec(line(), 0..120),
        queries in vec(query(), 1..4),
        cuts in vec(1usize..400, 0..40),
        (dedupe, decimal, old) in (any::<bool>(), any::<bool>(), prop::bool::weighted(0.1)),
    ) {
        let options = json!({
            "now": NOW,
            "dedupe": dedupe,
            "numeric": if decimal { "decimal" } else { "float" },
            "engine": if old { "25.12" } else { "26.7" },
        });
        let asked: Vec<_> = queries.iter().map(|query| json!({"query": query})).collect();
        let request = json!({"meters": meters(), "queries": asked, "options": options});
        // The first line says that this is no array.
        let lines = [vec![b"x".to_vec()], lines].concat();
        let stream = lines.join(&b'\n');
        let got = replay(&request, &stream, &cuts);
        if !lines.last().is_some_and(Vec::is_empty) {
            prop_assert_eq!(&got, &replay(&request, &[stream.as_slice(), b"\n"].concat(), &[]));
        }

        // Bytes that are no text cannot be handed over at hand: they stand for any other bad line.
        let text: Vec<_> = lines.iter().map(|line| std::str::from_utf8(line).unwrap_or("x")).collect();
        for (query, result) in queries.iter().zip(got["results"].as_array().unwrap()) {
            let request = json!({"meters": meters(), "query": query, "options": options});
            let whole: Value = serde_json::from_str(&preview(&request.to_string(), &text.join("\n")).unwrap()).unwrap();
            prop_assert_eq!(result, &whole["result"]);

            let statuses = counted(&whole["ingest"], &["status"]);
            for status in ["stored", "duplicate", "dropped", "rejected"] {
                let count = statuses.get(&vec![status.to_owned()]).copied().unwrap_or(0);
                prop_assert_eq!(got["events"][status].as_u64(), Some(count), "{}", status);
            }
            let mut codes = counted(&whole["ingest"], &["status", "code"]);
            codes.retain(|key, _| key[0] == "rejected");
            let own: BTreeMap<_, _> = got["codes"].as_object().unwrap().iter()
                .map(|(code, count)| (vec!["rejected".to_owned(), code.clone()], count.as_u64().unwrap())).collect();
            prop_assert_eq!(own, codes);
            let own: BTreeMap<_, _> = got["diagnostics"].as_array().unwrap().iter().map(|d| {
                let key = ["meter", "code"].map(|key| d[key].as_str().unwrap_or_default().to_owned()).to_vec();
                (key, d["count"].as_u64().unwrap())
            }).collect();
            prop_assert_eq!(own, counted(&whole["diagnostics"], &["meter", "code"]));
        }
    }
}
