//! Every simulator fixture, as bytes on the wire in any cut, yields exactly the records it expects.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test: its helpers fail it by panicking

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use taximeter::llm::{Call, End, route};

const STARTED_AT_MS: i64 = 1_795_226_400_000;

struct Fixture {
    id: String,
    route: Option<String>,
    bytes: Vec<u8>,
    info: Value,
    expect: Value,
}

fn fixtures(eol: &str) -> Vec<Fixture> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/llm/fixtures");
    let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let all = paths.iter().filter(|path| path.extension().is_some_and(|e| e == "json"));
    all.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        .filter(|f: &Value| f["response"]["refuse"].is_null())
        .map(|f| fixture(&f, eol))
        .collect()
}

fn fixture(f: &Value, eol: &str) -> Fixture {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let id = text(&f["id"]);
    let response = &f["response"];
    let path = text(&f["path"]).replace("(\\?|$)", "").replace("(batchEmbedContents|embedContent)", "embedContent");
    let path = path.trim_end_matches('$').replace(':', "/v1beta/models/gemini-embedding-2:");
    let provider = if f["provider"] == "any" { "openai".to_owned() } else { text(&f["provider"]) };
    let provider = provider.trim_end_matches("-ai-sdk");
    let path = if path.starts_with('/') { path } else { "/v1/chat/completions".to_owned() };
    let method = if f["expect"]["call"] == "retrieve" { "GET" } else { "POST" };
    let route = route(method, &["http://127.0.0.1:4010", &path].concat(), Some(provider));

    let frames = response["frames"].as_array().cloned().unwrap_or_default();
    let (content_type, bytes): (_, Vec<u8>) = match response["stream"].as_str() {
        Some("aws-eventstream") => {
            ("application/vnd.amazon.eventstream", frames.iter().flat_map(|frame| message(&frame["payload"])).collect())
        }
        Some("sse") => {
            let eol = response["eol"].as_str().unwrap_or(eol);
            (
                "text/event-stream; charset=utf-8",
                frames.iter().map(|frame| event(frame).replace('\n', eol)).collect::<String>().into(),
            )
        }
        Some(_) => (
            "application/x-ndjson",
            frames.iter().map(|frame| [&frame.to_string(), eol].concat()).collect::<String>().into(),
        ),
        None if response["text"].is_string() => ("application/json", text(&response["text"]).into()),
        None => ("application/json", response["json"].to_string().into_bytes()),
    };
    let content_type = response["headers"]["content-type"].as_str().unwrap_or(content_type);
    let info = json!({
        "route": route.as_ref().map(|r| serde_json::from_str::<Value>(r).unwrap()),
        "model": f["expect"]["request_model"],
        "stream": response["stream"].is_string(),
        "status": response["status"].as_u64().unwrap_or(200),
        "contentType": content_type,
        "startedAtMs": STARTED_AT_MS,
    });
    Fixture { id, route, bytes, info, expect: f["expect"].clone() }
}

/// A message of Amazon's event stream. Nobody here reads its checksums.
fn message(payload: &Value) -> Vec<u8> {
    let payload = payload.to_string().into_bytes();
    let headers = b"\x0b:event-type\x07\x00\x08metadata";
    let length = |n: usize| u32::try_from(n).unwrap().to_be_bytes();
    let whole = 16 + headers.len() + payload.len();
    [&length(whole), &length(headers.len()), &[0; 4][..], headers, &payload, &[0; 4]].concat()
}

fn event(frame: &Value) -> String {
    if let Some(raw) = frame.as_str() {
        return raw.to_owned();
    }
    let mut text = String::new();
    for name in ["event", "id"] {
        if let Some(value) = frame[name].as_str() {
            text += &format!("{name}: {value}\n");
        }
    }
    let data = frame["data"].as_str().map_or_else(|| frame["data"].to_string(), str::to_owned);
    for line in data.split('\n') {
        text += &format!("data: {line}\n");
    }
    while let Some((before, rest)) = text.split_once("@@PAD:") {
        let (n, after) = rest.split_once("@@").unwrap();
        text = [before, &"x".repeat(n.parse().unwrap()), after].concat();
    }
    text + "\n"
}

fn records(info: &Value, chunks: impl Iterator<Item = Vec<u8>>) -> Vec<Value> {
    let mut call = Call::open(&info.to_string()).unwrap();
    for chunk in chunks {
        call.push(&chunk);
    }
    assert!(call.take_output().is_empty());
    let out = call.finish(End::End, STARTED_AT_MS + 1500);
    assert_eq!(call.finish(End::End, STARTED_AT_MS + 1500), "[]");
    serde_json::from_str(&out).unwrap()
}

/// Listed members are equal; of `usage`, what is not listed is absent or 0.
fn compare(id: &str, got: &[Value], want: &[Value]) {
    assert_eq!(got.len(), want.len(), "{id}: {got:?}");
    for (got, want) in got.iter().zip(want) {
        for (key, value) in want.as_object().unwrap() {
            if key != "note" && key != "usage" {
                assert_eq!(&got[key], value, "{id}: {key} of {got}");
            }
        }
        let keys = |v: &Value| v["usage"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        for key in keys(got).into_iter().chain(keys(want)) {
            let count = |v: &Value| v["usage"][&key].as_f64().unwrap_or(0.0);
            assert_eq!(count(got), count(want), "{id}: {key} of {got}");
        }
        assert_eq!(got["started_at"], "2026-11-21T02:00:00.000Z");
        assert_eq!(got["duration_ms"], 1500);
    }
}

fn check(fixture: &Fixture, chunks: impl Iterator<Item = Vec<u8>>) {
    let want = fixture.expect["records"].as_array().unwrap();
    let got = if fixture.route.is_some() { records(&fixture.info, chunks) } else { Vec::new() };
    compare(&fixture.id, &got, want);
}

#[test]
fn fixtures_in_every_cut_and_line_end() {
    for eol in ["\n", "\r\n", "\r"] {
        for fixture in fixtures(eol) {
            for size in [1, 2, 7, 64, usize::MAX] {
                let size = if fixture.bytes.len() > 100_000 { size.max(4096) } else { size };
                check(&fixture, fixture.bytes.chunks(size).map(<[u8]>::to_vec));
            }
            if fixture.info["contentType"] == "application/vnd.amazon.eventstream" {
                continue;
            }
            let marked = [b"\xef\xbb\xbf", fixture.bytes.as_slice()].concat();
            check(&fixture, marked.chunks(5000).map(<[u8]>::to_vec));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn fixtures_in_random_cuts(sizes in proptest::collection::vec(1usize..90, 1..40)) {
        for fixture in fixtures("\r\n") {
            let mut rest = fixture.bytes.as_slice();
            let mut sizes = sizes.iter().cycle();
            let chunks = std::iter::from_fn(|| {
                let size = if rest.len() > 100_000 { 65_536 } else { *sizes.next()? };
                let (chunk, after) = rest.split_at(size.min(rest.len()));
                rest = after;
                (!chunk.is_empty()).then(|| chunk.to_vec())
            });
            check(&fixture, chunks);
        }
    }
}
