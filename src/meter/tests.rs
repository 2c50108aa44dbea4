use super::filter::Filter;
use super::path::Path;
use super::window::Zone;
use super::{Options, Query, Totals, parse_meters, preview};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::json::Value;
use crate::limits::{METER_CELLS_MAX, RESULT_CELLS_MAX, UNIQUE_TEXTS_MAX};
use crate::time::Instant;

fn value(json: &str) -> Value<'_> {
    Value::parse(json).unwrap()
}

fn refused<T>(result: Result<T>) -> Error {
    result.err().unwrap_or_else(|| panic!("it is taken"))
}

#[test]
fn a_refused_path_comes_with_the_right_one() {
    let help = |path| refused(Path::parse(path)).help.clone().unwrap_or_default();
    assert_eq!(help("$.a-b"), "this name stands in brackets: $['a-b']");
    assert_eq!(help("$.x[0].é.y"), "this name stands in brackets: $.x[0]['é'].y");
    assert_eq!(help("$.a b"), "this name stands in brackets: $['a b']");
    for path in ["", "a", "$a", "$..x", "$.*", "$.a.", "$.'s'", "$.a[-1]", "$.a[0", "$['a", "$.length()"] {
        assert!(help(path).starts_with("paths are like $.a.b"), "{path}");
    }
    // What the server's lexer lets pass by accident.
    for path in ["$.a[1,]", "$.a[0x1]", "$.a[1a]", "$.a/**/", "$.`a`", "$\u{a0}.a", "$[\"\"]", "$.a[1to2]", "$\0.a"] {
        assert_eq!(refused(Path::parse(path)).code, "path_invalid", "{path}");
    }
    for path in ["$.a[ 1 TO 3 , 5 ]", "$[ 'it''s' ]", "$ . \"a\\\"b\" ", "$.a\u{b}[18446744073709551615]"] {
        assert!(Path::parse(path).is_ok(), "{path}");
    }
    assert_eq!(refused(Path::parse(&"$.a".repeat(100))).code, "limit_exceeded");
    assert_eq!(refused(Path::parse(&["$", &"[0]".repeat(33)].concat())).code, "limit_exceeded");
    assert!(Path::parse(&["$", &"[0]".repeat(32)].concat()).is_ok());
}

#[test]
fn a_refused_meter_says_where() {
    let with = |change: &str| {
        let base = r#"{"slug":"m","eventType":"t","aggregation":"SUM","valueProperty":"$.v""#;
        let error = refused(parse_meters(&value(
            &[r#"[{"slug":"n","eventType":"t","aggregation":"COUNT"},"#, base, change, "}]"].concat(),
        )));
        (error.code, error.path.clone().unwrap_or_default(), error.http)
    };
    let invalid = |path: &str| ("meter_invalid", path.to_owned(), Some(400));
    assert_eq!(with(r#","slug":"n""#), invalid("[1].slug"));
    assert_eq!(with(r#","slug":"_m""#), invalid("[1].slug"));
    assert_eq!(with(r#","slug":"m_""#), invalid("[1].slug"));
    assert_eq!(with(r#","eventType":"""#), invalid("[1].eventType"));
    assert_eq!(with(r#","aggregation":"sum""#), invalid("[1].aggregation"));
    assert_eq!(with(r#","aggregation":"COUNT""#), invalid("[1].valueProperty"));
    assert_eq!(with(r#","valueProperty":null"#), invalid("[1].valueProperty"));
    assert_eq!(with(r#","valueProperty":" $.v""#), invalid("[1].valueProperty"));
    assert_eq!(with(r#","valueProperty":"$..v""#), ("path_invalid", "[1].valueProperty".to_owned(), Some(400)));
    assert_eq!(with(r#","eventFrom":"2024-01-01""#), invalid("[1].eventFrom"));
    assert_eq!(with(r#","name":"""#), invalid("[1].name"));
    assert_eq!(with(r#","groupBy":{"1a":"$.a"}"#), invalid("[1].groupBy.1a"));
    assert_eq!(with(r#","groupBy":{"":"$.a"}"#), invalid("[1].groupBy."));
    assert_eq!(with(r#","groupBy":{"a":"$.v"}"#), invalid("[1].groupBy.a"));
    assert_eq!(with(r#","groupBy":{"a":"$.a-b"}"#), ("path_invalid", "[1].groupBy.a".to_owned(), Some(400)));
    assert_eq!(with(r#","groupby":{}"#), ("unknown_option", "[1].groupby".to_owned(), Some(400)));
    let long =
        |n| format!(r#"[{{"slug":"{}","eventType":"t","aggregation":"COUNT"}}]"#, "é".repeat(n).replace('é', "e"));
    assert!(parse_meters(&value(&long(64))).is_ok() && parse_meters(&value(&long(65))).is_err());
    let keys: Vec<_> = (0..17).map(|n| format!(r#""k{n}":"$.k""#)).collect();
    assert_eq!(with(&[r#","groupBy":{"#, &keys.join(","), "}"].concat()).0, "limit_exceeded");
}

#[test]
fn the_first_fault_of_a_query_decides() {
    let ask = |query: &str| {
        let text = r#"[{"slug":"m","eventType":"t","aggregation":"COUNT",
            "groupBy":{"k":"$.k","value":"$.x","customer_id":"$.c","NULL":"$.n"}}]"#;
        let meters = parse_meters(&value(text)).unwrap();
        let options = r#"{"customers":[{"id":"c","key":"s"},{"id":"bare","key":null}]}"#;
        let (options, query) = (value(options), value(query));
        let options = Options::parse(&options).unwrap();
        let error = refused(Query::parse(&query, &meters, &options));
        (error.code, error.path.clone().unwrap_or_default(), error.http.unwrap_or_default())
    };
    let m = |rest: &str| ask(&[r#"{"meter":"m","#, rest, "}"].concat());
    assert_eq!(ask(r#"{"meter":"x","from":"?"}"#), ("meter_not_found", "meter".to_owned(), 404));
    assert_eq!(ask(r#"{"metre":"m"}"#), ("query_invalid", "meter".to_owned(), 400));
    assert_eq!(m(r#""form":"?""#), ("unknown_option", "form".to_owned(), 400));
    for (query, path) in [
        (r#""from":"2024-01-01""#, "from"),
        (r#""to":5"#, "to"),
        (r#""from":"2024-01-01T00:00:00.5Z","to":"2024-01-01T00:00:00.5Z""#, "from"),
        (r#""windowSize":"WEEK""#, "windowSize"),
        (r#""windowTimeZone":"Mars/Base""#, "windowTimeZone"),
        (r#""groupBy":["z"]"#, "groupBy.z"),
        (r#""groupBy":["customer_id"]"#, "groupBy.customer_id"),
        (r#""groupBy":"k""#, "groupBy"),
        (r#""subject":"s""#, "subject"),
        (r#""filterGroupBy":{"z":"a"}"#, "filterGroupBy.z"),
        (r#""filterGroupBy":{"k":5}"#, "filterGroupBy.k"),
        (r#""filterGroupBy":{"customer_id":"a"}"#, "filterGroupBy.customer_id"),
        (r#""filterGroupBy":{},"advancedMeterGroupByFilters":{}"#, "filterGroupBy"),
        (r#""filterCustomerId":["nobody","bare"]"#, "filterCustomerId"),
    ] {
        assert_eq!(m(query), ("query_invalid", path.to_owned(), 400), "{query}");
    }
    assert_eq!(
        m(r#""filterCustomerId":["c","nobody"],"advancedMeterGroupByFilters":{"k":{"$eq":""}}"#),
        ("customer_not_found", "filterCustomerId".to_owned(), 404)
    );
    assert_eq!(
        m(r#""groupBy":["value"],"advancedMeterGroupByFilters":{"k":{"$or":[{"$eq":""}]}}"#),
        ("filter_invalid", "advancedMeterGroupByFilters.k.$or[0].$eq".to_owned(), 400)
    );
    assert_eq!(m(r#""groupBy":["value"]"#), ("group_key_reserved", "groupBy.value".to_owned(), 500));
    assert_eq!(m(r#""groupBy":["k","NULL"]"#), ("group_key_reserved", "groupBy.NULL".to_owned(), 500));
}

const V3: &str =
    r#"[{"key":"m","event_type":"t","aggregation":"sum","value_property":"$.v","dimensions":{"k":"$.k"}}]"#;

#[test]
fn the_names_of_v3() {
    let refuse = |from: &str, to: &str| {
        let error = refused(parse_meters(&value(&V3.replace(from, to))));
        (error.code, error.path.clone().unwrap_or_default())
    };
    for (from, to, path) in [
        ("\"m\"", "\"M\"", "[0].key"),
        ("\"t\"", "\"\"", "[0].event_type"),
        ("\"sum\"", "\"SUM\"", "[0].aggregation"),
        ("\"sum\"", "\"count\"", "[0].value_property"),
        ("\"$.v\"", "\"v\"", "[0].value_property"),
        ("\"k\":", "\"subject\":", "[0].dimensions.subject"),
        ("\"k\":", "\"customer_id\":", "[0].dimensions.customer_id"),
        ("\"$.k\"", "\"$.v\"", "[0].dimensions.k"),
        ("\"key\":", "\"events_from\":\"now\",\"key\":", "[0].events_from"),
    ] {
        assert_eq!(refuse(from, to), ("meter_invalid", path.to_owned()), "{to}");
    }
    assert_eq!(refuse("value_property", "valueProperty"), ("unknown_option", "[0].valueProperty".to_owned()));
    let unique = V3.replace("\"sum\"", "\"unique_count\"");
    assert!(parse_meters(&value(&unique)).unwrap()[0].aggregation == super::Aggregation::UniqueCount);

    let meters = parse_meters(&value(V3)).unwrap();
    let options = r#"{"customers":[{"id":"c1","key":"a","subjectKeys":["b"]}]}"#;
    let options = value(options);
    let options = Options::parse(&options).unwrap();
    let mut totals = totals(V3);
    for (n, (subject, k, v)) in
        [("a", "x", "1e21"), ("b", "x", "0.5"), ("b", "y", "2"), ("z", "y", "4")].iter().enumerate()
    {
        totals.add(&event(n, 1_704_067_200, subject, &format!(r#"{{"k":"{k}","v":{v}}}"#)), n as u64);
    }
    let ask = |rest: &str| {
        let query = format!(r#"{{"meter":"m",{rest}}}"#);
        let query = value(&query);
        match Query::parse(&query, &meters, &options) {
            Ok(query) => totals.query(&query).unwrap(),
            Err(error) => format!("{} {}", error.code, error.path.as_deref().unwrap_or_default()),
        }
    };
    assert_eq!(
        ask(r#""from":"2024-01-01T00:00:00.5Z","granularity":"P1D","time_zone":"UTC","group_by_dimensions":["k"],
            "filters":{"dimensions":{"subject":{"in":["a","b"]},"k":{"or":[{"eq":"x"},{"contains":"nothing"}]}}}"#),
        concat!(
            r#"{"from":"2024-01-01T00:00:00.5Z","data":["#,
            r#"{"value":"1000000000000000000000","from":"2024-01-01T00:00:00Z","to":"2024-01-02T00:00:00Z","dimensions":{"subject":"a","k":"x"}},"#,
            r#"{"value":"0.5","from":"2024-01-01T00:00:00Z","to":"2024-01-02T00:00:00Z","dimensions":{"subject":"b","k":"x"}}]}"#
        )
    );
    let customer =
        ask(r#""group_by_dimensions":["k"],"filters":{"dimensions":{"customer_id":{"eq":"c1"},"k":{"neq":"x"}}}"#);
    assert!(
        customer.contains(r#""value":"2","#) && customer.contains(r#""dimensions":{"customer_id":"c1","k":"y"}"#),
        "{customer}"
    );
    assert!(ask(r#""filters":{}"#).contains(r#""value":"1000000000000000000000","#));
    assert!(ask(r#""groupBy":["k"]"#).contains(r#""value":6,"#));
    for (query, want) in [
        (r#""granularity":"DAY""#, "query_invalid granularity"),
        (r#""granularity":"P1D","windowSize":"DAY""#, "unknown_option windowSize"),
        (r#""time_zone":"Mars/Base""#, "query_invalid time_zone"),
        (r#""group_by_dimensions":["z"]"#, "query_invalid group_by_dimensions.z"),
        (r#""filters":{"subject":{}}"#, "unknown_option filters.subject"),
        (r#""filters":{"dimensions":{"z":{"eq":"x"}}}"#, "query_invalid filters.dimensions.z"),
        (r#""filters":{"dimensions":{"subject":{"neq":"a"}}}"#, "query_invalid filters.dimensions.subject"),
        (r#""filters":{"dimensions":{"subject":{"eq":""}}}"#, "filter_invalid filters.dimensions.subject.eq"),
        (r#""filters":{"dimensions":{"k":{"is":"a"}}}"#, "filter_invalid filters.dimensions.k.is"),
        (
            r#""filters":{"dimensions":{"customer_id":{"eq":"c2"}}}"#,
            "customer_not_found filters.dimensions.customer_id",
        ),
    ] {
        assert_eq!(ask(query), want, "{query}");
    }
    let many: Vec<_> = (0..11).map(|n| format!(r#""k{n}":{{"eq":"x"}}"#)).collect();
    assert_eq!(
        ask(&format!(r#""filters":{{"dimensions":{{{}}}}}"#, many.join(","))),
        "query_invalid filters.dimensions"
    );
}

#[test]
fn filters_are_refused_or_empty() {
    let parse = |json: &str| Filter::parse(Box::leak(Box::new(value(json.to_owned().leak()))));
    for json in
        ["null", "{}", r#"{"$eq":null}"#, r#"{"$exists":true}"#, r#"{"$and":[]}"#, r#"{"$or":[{},{"$and":[null]}]}"#]
    {
        assert!(parse(json).unwrap().is_none(), "{json}");
    }
    for json in [
        "5",
        r#"{"$eq":5}"#,
        r#"{"$in":["a",""]}"#,
        r#"{"$in":"a"}"#,
        r#"{"$eq":"a","$ne":"b"}"#,
        r#"{"equals":"a"}"#,
        r#"{"exists":"a"}"#,
        r#"{"and":[{"or":[{"and":[{"eq":"a"}]}]}]}"#,
    ] {
        let error = refused(parse(json));
        assert_eq!((error.code, error.http), ("filter_invalid", Some(400)), "{json}");
    }
    assert_eq!(refused(parse(r#"{"$like":"a\\"}"#)).http, Some(500));
    assert!(parse(r#"{"$like":"a\\\\"}"#).is_ok());
    assert!(parse(r#"{"$eq":"a","$ne":null,"$contains":"b"}"#).unwrap().unwrap().matches("a"));
    let deep = |n: usize| [&r#"{"$and":["#.repeat(n), r#"{"$eq":"a"}"#, &"]}".repeat(n)].concat();
    assert!(parse(&deep(30)).unwrap().is_some_and(|filter| filter.matches("a")));
    // A quadratic pattern at worst.
    let slow = parse(&[r#"{"$like":""#, &"%a".repeat(500), r#"b"}"#].concat()).unwrap().unwrap();
    assert!(!slow.matches(&"a".repeat(20_000)));
}

#[test]
fn a_zone_is_ascending() {
    for json in ["[]", "{}", "[[0]]", "[[0,3600],[0,7200]]", "[[0,1.5]]", "[[0,999999]]", "[[0,1],5]", "[[9e99,0]]"] {
        assert_eq!(refused(Zone::parse(&value(json))).code, "option_invalid", "{json}");
    }
}

fn event(n: usize, second: i64, subject: &str, data: &str) -> Event {
    let time = Instant { seconds: second, nanos: 0 };
    let data = Some(data.to_owned());
    Event { id: n.to_string(), source: "s".into(), kind: "t".into(), subject: subject.to_owned(), time, data }
}

fn totals(meters: &str) -> Totals {
    Totals::new(parse_meters(&value(meters)).unwrap(), &Options::default())
}

fn ask(totals: &Totals, query: &str) -> (String, bool) {
    let options = Options::default();
    let query = value(query);
    let query = Query::parse(&query, totals.meters(), &options).unwrap();
    let answer = totals.query(&query).unwrap();
    let incomplete = answer.contains(r#""incomplete":true"#);
    (answer, incomplete)
}

const COUNT: &str = r#"[{"slug":"m","eventType":"t","aggregation":"COUNT","groupBy":{"k":"$.k"}}]"#;
const HOUR: i64 = 3_600;

#[test]
fn a_stream_outgrows_its_minutes_but_loses_nothing() {
    let mut totals = totals(COUNT);
    // An event a minute: more than there are cells.
    let events = METER_CELLS_MAX + 1_000;
    let start = 1_704_067_200;
    for n in 0..events {
        totals.add(&event(n, start + n as i64 * 60, "s", "{}"), n as u64);
    }
    let (total, incomplete) = ask(&totals, r#"{"meter":"m"}"#);
    assert!(
        !incomplete && total.contains(&format!(r#""value":{events},"windowStart":"2024-01-01T00:00:00Z""#)),
        "{total}"
    );
    // Hours are as exact as before, a bound between two of them too; one within is not, and says so.
    let (hours, incomplete) = ask(&totals, r#"{"meter":"m","windowSize":"HOUR","to":"2024-01-01T02:00:00Z"}"#);
    assert!(!incomplete && hours.matches(r#""value":60,"#).count() == 2, "{hours}");
    assert!(ask(&totals, r#"{"meter":"m","windowSize":"MINUTE"}"#).1);
    assert!(ask(&totals, r#"{"meter":"m","to":"2024-01-01T02:30:00Z"}"#).1);
    assert!(!ask(&totals, r#"{"meter":"m","to":"2030-01-01T02:30:00Z"}"#).1);
    assert_eq!(totals.time_range(), Some((start - 32 * 24 * HOUR, start + (events as i64 - 1) * 60 + 62 * 24 * HOUR)));
}

#[test]
fn beyond_months_new_subjects_are_counted_together() {
    let mut totals = totals(COUNT);
    let start = 1_704_067_200;
    let events = METER_CELLS_MAX + 10;
    for n in 0..events {
        totals.add(&event(n, start, &n.to_string(), r#"{"k":"x"}"#), n as u64);
    }
    let (total, incomplete) = ask(&totals, r#"{"meter":"m"}"#);
    assert!(!incomplete && total.contains(&format!(r#""value":{events},"#)), "{total}");
    let (groups, incomplete) = ask(&totals, r#"{"meter":"m","groupBy":["k"]}"#);
    assert!(incomplete && groups.contains(r#""value":10,"#) && groups.contains(r#"{"k":"__other__"}"#), "{groups}");
    assert!(groups.contains(&format!(r#""value":{METER_CELLS_MAX},"#)), "{groups}");
    // Who is in the rest is not known.
    assert!(ask(&totals, r#"{"meter":"m","subject":["7"]}"#).1);
    // A known subject goes on as before.
    totals.add(&event(events, start, "7", r#"{"k":"x"}"#), events as u64);
    assert!(ask(&totals, r#"{"meter":"m","subject":["7"]}"#).0.contains(r#""value":2,"#));
}

#[test]
fn a_result_has_a_bound() {
    let mut totals = totals(COUNT);
    let events = RESULT_CELLS_MAX + 5;
    for n in 0..events {
        totals.add(&event(n, 1_704_067_200, &n.to_string(), "{}"), n as u64);
    }
    let (result, incomplete) = ask(&totals, r#"{"meter":"m","groupBy":["subject"]}"#);
    assert_eq!(result.matches(r#""value":1,"#).count(), RESULT_CELLS_MAX);
    assert!(incomplete && result.contains(r#"{"value":5,"windowStart":"2024-01-01T00:00:00Z","windowEnd":"2024-01-01T00:01:00Z","subject":"__other__""#));
}

#[test]
fn distinct_texts_have_a_bound() {
    let mut totals = totals(r#"[{"slug":"m","eventType":"t","aggregation":"UNIQUE_COUNT","valueProperty":"$.v"}]"#);
    for n in 0..=UNIQUE_TEXTS_MAX {
        if n == UNIQUE_TEXTS_MAX {
            assert!(ask(&totals, r#"{"meter":"m"}"#).0.contains(r#""value":100000,"#));
        }
        totals.add(&event(n, 1_704_067_200, "s", &format!(r#"{{"v":{n}}}"#)), n as u64);
    }
    let options = Options::default();
    let query = value(r#"{"meter":"m"}"#);
    let query = Query::parse(&query, totals.meters(), &options).unwrap();
    assert_eq!(refused(totals.query(&query)).code, "limit_exceeded");
}

#[test]
fn sums_overflow_only_at_the_end() {
    let fold = |aggregation: &str, values: &[&str], numeric: &str| {
        let event = |(n, v): (usize, &&str)| {
            format!(r#"{{"specversion":"1.0","id":"{n}","source":"s","type":"t","subject":"s","data":{{"v":"{v}"}}}}"#)
        };
        let lines: Vec<_> = values.iter().enumerate().map(event).collect();
        let request = format!(
            r#"{{"meters":[{{"slug":"m","eventType":"t","aggregation":"{aggregation}","valueProperty":"$.v"}}],
            "query":{{"meter":"m"}},"options":{{"now":"2024-01-01T00:00:00Z","numeric":"{numeric}"}}}}"#
        );
        preview(&request, &lines.join("\n"))
    };
    let sum = |values: &[&str], numeric: &str| fold("SUM", values, numeric);
    let (big, low) = ("9999999999999999999", "-9999999999999999999");
    assert_eq!(refused(sum(&[big, big], "decimal")).code, "sum_overflow");
    assert_eq!(refused(sum(&[low, low], "decimal")).code, "sum_overflow");
    assert!(sum(&[big, big, low, "1"], "decimal").unwrap().contains(r#""valueDecimal":"10000000000000000000""#));
    assert!(sum(&[low, low, low, big, big], "decimal").unwrap().contains(r#""valueDecimal":"-9999999999999999999""#));
    assert_eq!(refused(sum(&["1e308", "1e308"], "float")).code, "sum_overflow");
    // In order of arrival, digit for digit as the server's addition; zero has no sign.
    assert!(sum(&["0.1", "0.2", "0.3"], "float").unwrap().contains(r#""value":0.6000000000000001,"#));
    assert!(sum(&["-0.0"], "float").unwrap().contains(r#""value":0,"#));
    // The mean of decimals is one of floats that are rounded twice: the nearest would end in 7.
    let mean = fold("AVG", &["1", "0.0000001", "3.65229"], "decimal").unwrap();
    assert!(mean.contains(r#""value":1.5507633666666665,"#), "{mean}");
    assert_eq!(refused(fold("AVG", &[big, big], "decimal")).code, "sum_overflow");
}

#[test]
fn a_preview_tells_what_became_of_each_event() {
    let answer = |events: &str| {
        let request = r#"{"meters":[{"slug":"m","eventType":"t","aggregation":"COUNT"}],"query":{"meter":"m"},"options":{"now":"2024-01-01T00:00:00Z"}}"#;
        preview(request, events)
    };
    let event = r#"{"specversion":"1.0","id":"c","source":"a-b","type":"t","subject":"s"}"#;
    let twin = event.replace("\"c\"", "\"b-c\"").replace("a-b", "a");
    let array = answer(&format!("[{event},{twin},5,{}]", event.replace("1.0", "2"))).unwrap();
    let ingest = concat!(
        r#""ingest":[{"event":0,"status":"stored"},{"event":1,"status":"duplicate"},"#,
        r#"{"event":2,"status":"rejected","http":400,"code":"json_invalid"},"#,
        r#"{"event":3,"status":"rejected","http":400,"code":"specversion_unknown","path":"specversion"}],"diagnostics":[]}"#
    );
    assert!(array.ends_with(ingest), "{array}");
    // The same as NDJSON; a line that is no JSON is refused alone.
    assert_eq!(answer(&format!(" [{event}]")).unwrap(), answer(event).unwrap());
    let lines = answer(&format!("{event}\r\n\n{{\n")).unwrap();
    assert!(lines.contains(r#"{"event":1,"status":"rejected","http":400,"code":"json_invalid"}"#), "{lines}");
    assert_eq!(refused(answer("[5,")).path.as_deref(), Some("events"));
    assert_eq!(refused(preview("{\"event\":[]}", "")).code, "unknown_option");
}
