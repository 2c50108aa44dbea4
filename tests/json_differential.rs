//! The JSON reader accepts and refuses what `serde_json` does, and reads the same strings.
//!
//! Two differences are meant. A lone surrogate reads as U+FFFD, as on the meter server, where `serde_json` refuses it in a
//! string that is wanted and takes it in one that is skipped. And a number is text: that a float64 would overflow is for those
//! to say who want a float64.

#![allow(clippy::unwrap_used, clippy::panic)] // a test: its helpers fail it by panicking

use proptest::prelude::*;
use serde_json::value::RawValue;
use taximeter::json::{self, Reader, Value};

/// Checks both readers against each other.
fn agree(bytes: &[u8]) {
    let ours = json::text(bytes).and_then(|text| {
        let mut reader = Reader::new(text);
        reader.skip()?;
        reader.end()
    });
    // Skips without a limit on depth, so the limit is that of the other.
    let skipped = serde_json::from_slice::<&RawValue>(bytes).is_ok();
    let read = serde_json::from_slice::<serde_json::Value>(bytes);
    let shown = String::from_utf8_lossy(bytes);
    if let Ok(read) = &read {
        assert!(ours.is_ok(), "{ours:?}: {shown}");
        let text = std::str::from_utf8(bytes).unwrap();
        assert!(same(&Value::parse(text).unwrap(), read), "{shown}");
        return;
    }
    let why = read.err().unwrap().to_string();
    if why.starts_with("recursion limit") {
        assert!(ours.is_err(), "{shown}");
    } else if why.starts_with("number out of range") || why.contains("surrogate") || why.contains("hex escape") {
        // What comes after it has not been read by the other; nor how deep it goes.
        let is_deep = ours.as_ref().is_err_and(|error| error.code == "json_too_deep");
        assert!(ours.is_ok() == skipped || is_deep, "{why}, {ours:?}: {shown}");
    } else {
        assert!(ours.is_err(), "{why}: {shown}");
    }
}

fn same(ours: &Value<'_>, read: &serde_json::Value) -> bool {
    use serde_json::Value as Read;
    match (ours, read) {
        (Value::Null, Read::Null) => true,
        (Value::Bool(a), Read::Bool(b)) => a == b,
        (Value::String(a), Read::String(b)) => a == b,
        (Value::Number(text), Read::Number(number)) => {
            // Its floats are off by a bit now and then.
            let (a, b) = (text.parse::<f64>().unwrap(), number.as_f64().unwrap());
            a == b || (a - b).abs() <= b.abs() * 1e-15
        }
        (Value::Array(a), Read::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        // Of duplicate keys the last wins, in both.
        (Value::Object(a), Read::Object(b)) => {
            b.iter().all(|(key, value)| ours.get(key).is_some_and(|own| same(own, value)))
                && a.iter().all(|(key, _)| b.contains_key(key.as_ref()))
        }
        _ => false,
    }
}

#[test]
fn corners() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    let objects = |depth: usize| [r#"{"a":"#.repeat(depth), "1".into(), "}".repeat(depth)].concat();
    for text in [
        "",
        " ",
        "null",
        "nul",
        "nullx",
        "true",
        "false",
        "tru",
        "0",
        "-0",
        "00",
        "01",
        "-",
        "-01",
        "+1",
        "1.",
        ".5",
        "1.5",
        "1e",
        "1e5",
        "1E+5",
        "1e-5",
        "1e+",
        "1.e5",
        "0x1",
        "1_0",
        "NaN",
        "Infinity",
        "1e400",
        "-1e400",
        "1e-400",
        "123456789",
        "\"\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\n\\t\\/\\b\\f\\r\\\\\\\"\"",
        "\"\\x\"",
        "\"\\u0041\"",
        "\"\\u004\"",
        "\"\\u00zz\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800x\"",
        "\"\\udc00\\ud800\"",
        "\"\t\"",
        "\"\u{0}\"",
        "\"\u{7f}\"",
        "\"é😀\"",
        "[",
        "]",
        "[]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,2]",
        "{",
        "}",
        "{}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{\"a\" : 1 , \"a\" : 2}",
        "{\"a\":1}{",
        "[1]x",
        " [ 1 ] ",
        "\n1\r\t",
        "\u{c}1",
        "\u{a0}1",
        "\u{feff}1",
        "//x\n1",
        "/**/1",
    ] {
        agree(text.as_bytes());
    }
    for depth in [126, 127, 128, 129, 1000] {
        agree(nested(depth).as_bytes());
        agree(objects(depth).as_bytes());
    }
    for bytes in [&b"\"\xff\""[..], b"\"\xc3\"", b"\"\xed\xa0\x80\"", b"\xff", b"\xef\xbb\xbf1", b"\"\xc3\xa9\""] {
        agree(bytes);
    }
}

/// Pieces of JSON, put together mostly rightly.
fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("{\"a\":".to_owned()),
        3 => prop_oneof![Just("}"), Just("]"), Just("["), Just(","), Just(":"), Just(" ")].prop_map(str::to_owned),
        3 => "\"[a-c\\\\\"/u0d8\u{e9}\u{1}]{0,8}\"",
        2 => "-?[0-9]{1,4}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,3})?",
        1 => prop_oneof![Just("true"), Just("false"), Just("null"), Just("\\ud83d\\ude00"), Just("\\udead")]
            .prop_map(str::to_owned),
    ]
}

const STRING: &str = "\"([ -!#-\\[\\]-~é😀]|\\\\[nrtbf/\"\\\\]|\\\\u[0-9a-f]{4}){0,10}\"";

/// A valid text.
fn valid() -> impl Strategy<Value = String> {
    let leaf =
        prop_oneof![STRING, "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?", Just("null".to_owned())];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        let member = (STRING, inner.clone()).prop_map(|(key, value)| format!("{key} :{value}"));
        prop_oneof![
            proptest::collection::vec(inner, 0..5).prop_map(|list| format!("[{}]", list.join(", "))),
            proptest::collection::vec(member, 0..5).prop_map(|list| format!("{{{}}}", list.join(","))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn tokens_in_any_order(tokens in proptest::collection::vec(token(), 0..12)) {
        agree(tokens.concat().as_bytes());
    }

    #[test]
    fn valid_texts_and_their_mutations(
        text in valid(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..4, any::<u8>()), 0..4),
    ) {
        let mut bytes = text.into_bytes();
        agree(&bytes);
        for (at, how, byte) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes.insert(at, byte),
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                _ => bytes.splice(at..=at, [byte]).for_each(drop),
            }
            agree(&bytes);
        }
    }
}
