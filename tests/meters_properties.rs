//! What must hold of meters for any events.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test: its helpers fail it by panicking

use proptest::collection::vec;
use proptest::prelude::*;
use taximeter::decimal::Decimal;
use taximeter::event::Event;
use taximeter::json::Value;
use taximeter::meter::filter::Filter;
use taximeter::meter::path::Path;
use taximeter::meter::value::Numeric;
use taximeter::meter::window::Zone;
use taximeter::meter::{Options, Query, Totals, parse_meters, preview, time_range};
use taximeter::time::Instant;

const NOW: &str = "2026-11-21T00:00:00Z";
const AGGREGATIONS: [&str; 7] = ["SUM", "COUNT", "UNIQUE_COUNT", "AVG", "MIN", "MAX", "LATEST"];

fn meters() -> String {
    let meter = |how: &&str| {
        let value = if *how == "COUNT" { "" } else { r#""valueProperty":"$.v","# };
        let slug = how.to_lowercase();
        format!(
            r#"{{"slug":"{slug}","eventType":"t","aggregation":"{how}",{value}"groupBy":{{"b":"$.b","a":"$.a[0]"}}}}"#
        )
    };
    format!("[{}]", AGGREGATIONS.iter().map(meter).collect::<Vec<_>>().join(","))
}

/// Events of some days around a new year; few subjects and groups, so that they meet; `second` may be given.
fn event() -> impl Strategy<Value = (i64, String)> {
    let value = prop_oneof![
        6 => (-1_000_000i64..1_000_000, 0u32..6).prop_map(|(n, scale)| Decimal::new(n.into(), scale).text()),
        1 => Just("\"0.0000000000000000001\"".to_owned()),
        1 => Just("\"no number\"".to_owned()),
        1 => Just("null".to_owned()),
    ];
    (0i64..400_000, "[ab]", "[xy]?", "[pq]", value).prop_map(|(second, subject, a, b, v)| {
        (second, format!(r#""subject":"{subject}","type":"t","data":{{"v":{v},"a":["{a}"],"b":"{b}"}}"#))
    })
}

fn json(events: &[(i64, String)]) -> Vec<String> {
    let write = |(id, (second, rest)): (usize, &(i64, String))| {
        let time = Instant { seconds: 1_703_900_000 + second, nanos: 0 }.text();
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"s","time":"{time}",{rest}}}"#)
    };
    events.iter().enumerate().map(write).collect()
}

fn query() -> impl Strategy<Value = String> {
    let window = prop_oneof![Just(""), Just("MINUTE"), Just("HOUR"), Just("DAY"), Just("MONTH")];
    let groups = proptest::sample::subsequence(vec!["a", "b", "subject"], 0..=3);
    let filter = prop_oneof![Just(""), Just(r#","filterGroupBy":{"b":"p"}"#), Just(r#","subject":["a"]"#)];
    // Full minutes, as the live totals have them.
    let from = prop_oneof![Just(""), Just(r#","from":"2023-12-31T05:00:00Z","to":"2024-01-01T10:05:00Z""#)];
    (0usize..7, window, any::<bool>(), groups, filter, from).prop_map(|(how, window, zone, groups, filter, from)| {
        let window = if window.is_empty() { String::new() } else { format!(r#","windowSize":"{window}""#) };
        let window = if zone { format!(r#"{window},"windowTimeZone":"X/Y""#) } else { window };
        let groups: Vec<_> = groups.iter().map(|key| format!("\"{key}\"")).collect();
        let slug = AGGREGATIONS[how].to_lowercase();
        format!(r#"{{"meter":"{slug}","groupBy":[{}]{window}{filter}{from}}}"#, groups.join(","))
    })
}

/// A zone that changes its offset among the events: back by an hour and a half, then forward again.
const ZONE: &str = "[[1700000000,20700],[1703990000,15300],[1704160000,20700]]";

fn at_hand(events: &[String], query: &str) -> String {
    let request = format!(
        r#"{{"meters":{},"query":{query},"options":{{"now":"{NOW}","numeric":"decimal","zone":{ZONE}}}}}"#,
        meters()
    );
    let answer = preview(&request, &events.join("\n")).unwrap();
    let answer = Value::parse(&answer).unwrap();
    let result = answer.get("result").unwrap();
    assert_eq!(result.get("incomplete"), None);
    result.to_json()
}

fn options() -> Options<'static> {
    let zone = Zone::parse(&Value::parse(ZONE).unwrap()).unwrap();
    Options { numeric: Numeric::Decimal, zone: Some(zone), ..Options::default() }
}

fn live(totals: &Totals, query: &str) -> String {
    let options = options();
    let query = Value::parse(query).unwrap();
    let query = Query::parse(&query, totals.meters(), &options).unwrap();
    totals.query(&query).unwrap()
}

/// The sum of `valueDecimal` over the rows.
fn sum(result: &str) -> Decimal {
    let result = Value::parse(result).unwrap();
    let rows = result.get("data").unwrap().as_array().unwrap();
    let values = rows.iter().map(|row| Decimal::parse(row.get("valueDecimal").unwrap().as_str().unwrap()).unwrap());
    values.fold(Decimal::ZERO, |sum, value| sum.add(value).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn live_totals_are_those_of_the_events_at_hand(events in vec(event(), 0..40), cut in 0usize..40, query in query()) {
        let events = json(&events);
        let mut totals = Totals::new(parse_meters(&Value::parse(&meters()).unwrap()).unwrap(), &options());
        let now = Instant::parse(NOW).unwrap();
        let cut = cut.min(events.len());
        for (at, event) in events.iter().enumerate() {
            if at == cut {
                prop_assert_eq!(live(&totals, &query), at_hand(&events[..cut], &query));
            }
            totals.add(&Event::parse(event, now).unwrap(), at as u64);
        }
        prop_assert_eq!(live(&totals, &query), at_hand(&events, &query));
    }

    #[test]
    fn windows_and_groups_add_up(events in vec(event(), 0..40), window in "MINUTE|HOUR|DAY|MONTH") {
        let events = json(&events);
        let total = sum(&at_hand(&events, r#"{"meter":"sum"}"#));
        for rest in [format!(r#""windowSize":"{window}""#), r#""groupBy":["a","subject"]"#.to_owned()] {
            prop_assert_eq!(sum(&at_hand(&events, &format!(r#"{{"meter":"sum",{rest}}}"#))), total);
        }
    }

    #[test]
    fn order_and_repetition_do_not_matter(mut events in vec(event(), 0..40), query in query(), seed in any::<u64>()) {
        // No two in one second: LATEST breaks a tie by the order of arrival.
        events.sort_by_key(|(second, _)| *second);
        events.dedup_by_key(|(second, _)| *second);
        let events = json(&events);
        let want = at_hand(&events, &query);
        let mut shuffled: Vec<_> = events.iter().chain(&events).cloned().collect();
        shuffled.sort_by_key(|event| event.bytes().fold(seed, |hash, byte| hash.wrapping_mul(31).rotate_left(7) ^ u64::from(byte)));
        prop_assert_eq!(at_hand(&shuffled, &query), want);
    }

    #[test]
    fn nothing_panics_on_text(text in any::<String>(), path in "[$.\\[\\]'\"*,a0-9 to\\\\-]{0,20}", cut in any::<usize>(), with in "[\\[\\]{}\",:0-9a-z\\\\$%-]{0,3}") {
        let _ = (Path::parse(&text), Path::parse(&path), Path::parse(&format!("${path}")));
        let now = Instant::parse(NOW).unwrap();
        let _ = (Event::parse(&text, now), preview(&text, &with), time_range(&text, &text));
        if let Ok(value) = Value::parse(&with) {
            let _ = Filter::parse(&value);
        }
        // A request that is nearly right reaches further.
        let filters = r#"{"$or":[{"$like":"a%\\"},{"in":["b"]},{"and":[{"exists":true},{"$gt":"9"}]}]}"#;
        let request = format!(
            r#"{{"meters":{},"query":{{"meter":"max","from":"{NOW}","windowSize":"DAY","windowTimeZone":"X/Y","advancedMeterGroupByFilters":{{"a":{filters}}}}},"options":{{"now":"{NOW}","zone":[[0,3600]],"customers":[{{"id":"c","key":"k"}}]}}}}"#,
            meters(),
        );
        let event = &json(&[(0, r#""subject":"a","type":"t","data":{"v":1e9}"#.to_owned())])[0];
        let at = cut % request.len();
        let (before, after) = request.split_at(at);
        let broken = format!("{before}{with}{}", after.get(cut % 3..).unwrap_or_default());
        let _ = (preview(&broken, event), time_range(&broken, event));
    }

    /// The plain meaning of a pattern: a run is any split.
    #[test]
    fn patterns_mean_what_they_say(pattern in "[ab%_]{1,8}", text in "[ab]{0,10}") {
        fn naive(pattern: &[u8], text: &[u8]) -> bool {
            match (pattern.split_first(), text.split_first()) {
                (None, _) => text.is_empty(),
                (Some((b'%', more)), _) => (0..=text.len()).any(|at| naive(more, &text[at..])),
                (Some((b'_', more)), Some((_, rest))) => naive(more, rest),
                (Some((want, more)), Some((byte, rest))) => want == byte && naive(more, rest),
                (Some(_), None) => false,
            }
        }
        let json = format!(r#"{{"$like":"{pattern}"}}"#);
        let json = Value::parse(&json).unwrap();
        let filter = Filter::parse(&json).unwrap().unwrap();
        prop_assert_eq!(filter.matches(&text), naive(pattern.as_bytes(), text.as_bytes()));
    }
}
