//! The meter tables of `tests/contract/openmeter-meters.json`: what an OpenMeter server answered, and our own answer
//! where it differs on purpose. Read with the crate's own reader, so that number tokens stay as they are written.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test: its helpers fail it by panicking

use std::borrow::Cow;

use jiff::{Timestamp, tz::TimeZone};
use taximeter::json::{Value, Writer};
use taximeter::meter::filter::Filter;
use taximeter::meter::path::{Document, Path};
use taximeter::meter::value::{Amount, Found, Numeric, What, scalar};
use taximeter::meter::window::{Size, Zone};
use taximeter::meter::{preview, time_range};
use taximeter::time::Instant;
use taximeter::{Result, float};

const FILE: &str = include_str!("contract/openmeter-meters.json");

/// Calls `check` with each case of a table, and holds it to the number of cases that the table has.
fn each(table: &str, cases: usize, mut check: impl FnMut(&Value<'_>)) {
    let file = Value::parse(FILE).unwrap();
    let list = file.get(table).unwrap().as_array().unwrap();
    list.iter().for_each(&mut check);
    println!("{table}: {} cases", list.len());
    assert_eq!(list.len(), cases, "{table}");
}

fn text<'v>(value: &'v Value<'_>, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("{key} in {}", value.to_json()))
}

/// Our answer: the contract's, else that of the new engine, else the server's.
fn ours<'v, 'a>(case: &'v Value<'a>, key: &str) -> Option<&'v Value<'a>> {
    let new = case.get("newEngine").and_then(|v| v.get(key));
    case.get("contract").and_then(|v| v.get(key)).or(new).or(case.get(key))
}

fn number(value: &Value<'_>) -> f64 {
    match value {
        Value::Number(text) => float::parse(text).unwrap(),
        other => panic!("{} is no number", other.to_json()),
    }
}

/// The zone table that the host would make with `Intl`: the offset at `from`, then all changes until `to`.
fn zone_table(name: &str, from: i64, to: i64) -> String {
    let zone = TimeZone::get(name).unwrap();
    let start = Timestamp::from_second(from).unwrap();
    let entry = |unix: i64, offset: i32| format!("[{unix},{offset}]");
    let mut table = vec![entry(from, zone.to_offset(start).seconds())];
    for change in zone.following(start).take_while(|change| change.timestamp().as_second() <= to) {
        table.push(entry(change.timestamp().as_second(), change.offset().seconds()));
    }
    format!("[{}]", table.join(","))
}

fn request(case: &Value<'_>, numeric: &str, engine: &str, zone: Option<&str>) -> String {
    let mut options = Writer::object();
    options.string("numeric", numeric).string("engine", engine).string("now", "2026-11-21T00:00:00Z");
    if let Some(customers) = case.get("customers") {
        options.raw("customers", &customers.to_json());
    }
    if let Some(zone) = zone {
        options.raw("zone", zone);
    }
    let mut request = Writer::object();
    for key in ["meters", "query"] {
        request.raw(key, &case.get(key).unwrap().to_json());
    }
    request.raw("options", &options.end());
    request.end()
}

/// As the host does it: ask which table is needed, make it, ask for the rows.
fn answer(case: &Value<'_>, numeric: &str, engine: &str) -> Result<String> {
    let events = case.get("events").unwrap();
    let events = events.as_str().map_or_else(|| events.to_json(), str::to_owned);
    let needed = time_range(&request(case, numeric, engine, None), &events)?;
    let needed = Value::parse(&needed).unwrap();
    let zone = needed.get("timeZone").and_then(Value::as_str).map(|name| {
        zone_table(name, number(needed.get("from").unwrap()) as i64, number(needed.get("to").unwrap()) as i64)
    });
    preview(&request(case, numeric, engine, zone.as_deref()), &events)
}

/// Equal as JSON: whatever the order of members; numbers by value, or within the tolerance.
fn same(a: &Value<'_>, b: &Value<'_>, tolerance: f64) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => {
            let (a, b) = (number(a), number(b));
            (a - b).abs() <= tolerance * b.abs().max(1.0)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, tolerance)),
        (Value::Object(a), Value::Object(object)) => {
            a.len() == object.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b, tolerance)))
        }
        _ => a == b,
    }
}

fn check_query(case: &Value<'_>, want: &Value<'_>, numeric: &str, engine: &str) {
    let id = format!("{} ({numeric}, {engine})", text(case, "id"));
    let input = case.get("case").unwrap();
    let answer = match (answer(input, numeric, engine), want.get("error")) {
        (Ok(answer), None) => answer,
        (Err(error), Some(status)) => {
            assert_eq!(f64::from(error.http.unwrap()), number(status.get("status").unwrap()), "{id}: {error}");
            return;
        }
        (Ok(answer), Some(_)) => panic!("{id}: an error is expected, not {answer}"),
        (Err(error), None) => panic!("{id}: {error}"),
    };
    let answer = Value::parse(&answer).unwrap();
    let slug = text(input.get("query").unwrap(), "meter");
    let meters = input.get("meters").unwrap().as_array().unwrap();
    let how = text(meters.iter().find(|meter| text(meter, "slug") == slug).unwrap(), "aggregation");
    let tolerance = if numeric == "float" && matches!(how, "SUM" | "AVG") { 1e-12 } else { 0.0 };
    let (got, want) = (answer.get("result").unwrap(), want.get("result").unwrap());
    assert!(same(got, want, tolerance), "{id}\n got {}\nwant {}", got.to_json(), want.to_json());
    assert_eq!(got.get("incomplete"), None, "{id}");

    let verdicts = answer.get("ingest").unwrap().as_array().unwrap();
    if let Some(want) = case.get("ingest") {
        let got = verdicts.iter().map(|v| match text(v, "status") {
            "rejected" => format!("rejected:{}", number(v.get("http").unwrap())),
            status => status.to_owned(),
        });
        let got = Value::Array(got.map(|status| Value::String(Cow::Owned(status))).collect());
        assert_eq!(got.to_json(), want.to_json(), "{id}");
    }
    if numeric == "float" && engine == "26.7" {
        let mut got: Vec<_> = verdicts
            .iter()
            .map(|v| if text(v, "status") == "stored" { Value::Array(Vec::new()) } else { Value::Null })
            .collect();
        for diagnostic in answer.get("diagnostics").unwrap().as_array().unwrap() {
            let members = diagnostic.as_object().unwrap().iter().filter(|(key, _)| key != "event").cloned();
            let Value::Array(list) = &mut got[number(diagnostic.get("event").unwrap()) as usize] else {
                panic!("{id}: a diagnostic of an event that is not stored");
            };
            list.push(Value::Object(members.collect()));
        }
        match case.get("diagnostics") {
            Some(want) => {
                let got = Value::Array(got);
                assert!(same(&got, want, 0.0), "{id}\n got {}\nwant {}", got.to_json(), want.to_json());
            }
            None => assert!(got.iter().all(|list| list.as_array().is_none_or(<[_]>::is_empty)), "{id}: {got:?}"),
        }
    }
}

#[test]
fn queries() {
    let mut runs = 0;
    each("queries", 131, |case| {
        for (numeric, suffix) in [("float", ""), ("decimal", "Decimal")] {
            let get = |start: &str, end: &str| case.get(&[start, suffix, end].concat());
            let server = get("expected", "").unwrap();
            let want = get("contract", "").or(get("expected", "NewEngine")).unwrap_or(server);
            check_query(case, want, numeric, "26.7");
            check_query(case, get("contract", "").unwrap_or(server), numeric, "25.12");
            runs += 2;
        }
    });
    assert_eq!(runs, 131 * 4);
}

/// A number as the two modes read it, and `None` where it is not counted.
fn amounts<'d>(find: impl Fn() -> Found<'d>) -> (Option<f64>, Option<String>) {
    let decimal = |amount: Amount| amount.decimal().unwrap().text();
    let float = find().amount(Numeric::Float).ok().map(|amount| amount.to_f64(Numeric::Float).unwrap());
    (float, find().amount(Numeric::Decimal).ok().map(decimal))
}

fn check_amounts(case: &Value<'_>, (float, decimal): (Option<f64>, Option<String>)) {
    let want = Some(ours(case, "float").unwrap()).filter(|v| **v != Value::Null).map(number);
    // Adding 0 makes -0 the 0 that it may be.
    assert_eq!(float.map(|x| (x + 0.0).to_bits()), want.map(|x| (x + 0.0).to_bits()), "{}", case.to_json());
    assert_eq!(decimal.as_deref(), ours(case, "decimal").unwrap().as_str(), "{}", case.to_json());
}

/// The data as the server stores it: numbers have been through float64, the last of duplicate keys has won.
fn stored<'a>(value: &Value<'a>) -> Value<'a> {
    match value {
        Value::Number(text) => Value::Number(float::js_text(float::parse(text).unwrap()).leak()),
        Value::Array(items) => Value::Array(items.iter().map(stored).collect()),
        Value::Object(members) => {
            let mut keys: Vec<_> = members.iter().map(|(key, _)| key.clone()).collect();
            keys.sort();
            keys.dedup();
            Value::Object(keys.into_iter().map(|key| (key.clone(), stored(value.get(&key).unwrap()))).collect())
        }
        other => other.clone(),
    }
}

fn check_path(case: &Value<'_>) {
    let path = Path::parse(text(case, "path"));
    if case.get("invalidPath").is_some() {
        let error = path.err().unwrap_or_else(|| panic!("{} is taken", case.to_json()));
        assert_eq!((error.code, error.http), ("path_invalid", Some(400)));
        return;
    }
    let path = path.unwrap_or_else(|e| panic!("{e} in {}", case.to_json()));
    let data = text(case, "data");
    let document = || Document::read(Some(data).filter(|data| !data.is_empty()));
    assert_eq!(path.find(&document()).text(), ours(case, "text").unwrap().as_str().unwrap(), "{}", case.to_json());
    assert_eq!(Value::Bool(path.find(&document()).distinct().0.is_some()), *ours(case, "unique").unwrap());
    check_amounts(case, amounts(|| path.find(&document())));
    if !data.is_empty() {
        let want = Value::parse(text(case, "stored")).unwrap();
        assert_eq!(stored(&Value::parse(data).unwrap()).to_json(), want.to_json());
    }
}

#[test]
fn json_value() {
    each("jsonValue", 21, check_path);
}

#[test]
fn json_path() {
    each("jsonPath", 44, check_path);
}

#[test]
fn numbers() {
    each("numbers", 47, |case| {
        check_amounts(case, amounts(|| Found { what: What::String, text: Cow::Borrowed(text(case, "text")) }));
    });
    // A bare number is read by the same rules, through the text that the server makes of it.
    assert_eq!(amounts(|| scalar("12.50")), (Some(12.5), Some("12.5".to_owned())));
}

#[test]
fn windows() {
    each("windows", 626, |case| {
        let time = Instant::parse(text(case, "time")).unwrap().seconds;
        let table = zone_table(text(case, "tz"), time - 32 * 86_400, time + 62 * 86_400);
        let zone = Zone::parse(&Value::parse(&table).unwrap()).unwrap();
        let (size, _) = Size::parse(text(case, "windowSize"), false).unwrap();
        let (start, end) = zone.window(size, time);
        assert!(start <= time && time < end, "{}", case.to_json());
        let bound = |seconds| Instant { seconds, nanos: 0 }.text();
        let want = |key| ours(case, key).unwrap().as_str().unwrap().to_owned();
        assert_eq!((bound(start), bound(end)), (want("start"), want("end")), "{}", case.to_json());
    });
}

#[test]
fn filters() {
    each("filters", 417, |case| {
        let filter = Filter::parse(case.get("filter").unwrap()).unwrap();
        let got = filter.is_none_or(|filter| filter.matches(text(case, "value")));
        assert_eq!(Value::Bool(got), *case.get("match").unwrap(), "{}", case.to_json());
    });
}

#[test]
fn diagnostics() {
    each("parseEvent", 133, |case| {
        let want = case.get("diagnostic").unwrap().as_str();
        let path = match Path::parse(text(case, "valueProperty")) {
            Ok(path) => path,
            Err(error) => return assert_eq!(Some(error.code), want, "{}", case.to_json()),
        };
        let document = Document::read(Some(text(case, "data")).filter(|data| !data.is_empty()));
        let found = path.find(&document);
        let got = match text(case, "aggregation") {
            "UNIQUE_COUNT" => found.distinct().1,
            _ => found.amount(Numeric::Float).err(),
        };
        assert_eq!(got, want, "{}", case.to_json());
    });
}
