//! What comes from outside, mutated: nothing panics, hangs or recurses too deep. Seeded, so that a failure can be replayed:
//! `cargo test --test fuzz -- --nocapture` names the seed and the input. (Mutations on stable Rust, instead of a fuzzer that
//! wants another one.)

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use taximeter::delivery::{Answer, Delivery, Now, Outcome, Settings};
use taximeter::event::Event;
use taximeter::json::Value;
use taximeter::llm::{Book, Call, End};
use taximeter::meter::path::Path;
use taximeter::sink::Sink;
use taximeter::time::Instant;

const ROUNDS: u64 = 5_000;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }

    /// One of the corpus, with bytes changed, cut, doubled, or exchanged with another's.
    fn mutant(&mut self, corpus: &[&str]) -> Vec<u8> {
        const TOKENS: [&[u8]; 12] = [
            b"{",
            b"[",
            b"\"",
            b"\\u",
            b"1e999",
            b"-0",
            b"\xff",
            b"\n\n",
            b"..",
            b"[*]",
            b"\0",
            b"9999999999999999999",
        ];
        let mut text = corpus[self.below(corpus.len())].as_bytes().to_vec();
        for _ in 0..=self.below(6) {
            let at = self.below(text.len());
            match self.below(6) {
                0 if !text.is_empty() => text[at] = self.below(256) as u8,
                1 => text.truncate(at),
                2 => {
                    let part = text[at..].to_vec();
                    text.extend(part);
                }
                3 => {
                    let other = corpus[self.below(corpus.len())].as_bytes();
                    text.truncate(at);
                    text.extend(&other[self.below(other.len())..]);
                }
                4 => {
                    let token = TOKENS[self.below(TOKENS.len())];
                    for _ in 0..=self.below(70) {
                        text.splice(at..at, token.iter().copied());
                    }
                }
                _ => {
                    let token = TOKENS[self.below(TOKENS.len())];
                    text.splice(at..at, token.iter().copied());
                }
            }
            text.truncate(20_000);
        }
        text
    }
}

fn fuzz(corpus: &[&str], target: impl Fn(&[u8])) {
    for seed in 0..ROUNDS {
        let input = Random(seed).mutant(corpus);
        if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
            panic!("seed {seed}: {:?}", String::from_utf8_lossy(&input));
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn event() {
    let corpus = [
        r#"{"specversion":"1.0","id":"a","source":"s","type":"t","subject":"c","time":"2026-11-21T02:00:00.250Z","data":{"n":1.50}}"#,
        r#"{"id":"é\u00e9\ud83d\ude00","source":"","type":"t","data":[{"a":[[[1e3]]]},null,true,"x"]}"#,
    ];
    fuzz(&corpus, |input| {
        let _ = Value::parse(&text(input));
        if let Ok(event) = Event::parse(&text(input), Instant::from_millis(0)) {
            // What was taken is taken again, as the same.
            let json = event.to_json();
            let again = Event::parse(&json, Instant::from_millis(0)).unwrap();
            assert_eq!(again.to_json(), json);
        }
    });
}

#[test]
fn path() {
    let corpus = ["$.a.b[0]['c d'][*].e", "$", "$[\"a\\\"b\"][12]", "$.tokens", "$.*[1 to 3]"];
    fuzz(&corpus, |input| {
        let _ = Path::parse(&text(input));
    });
}

#[test]
fn retry_after() {
    let corpus =
        ["120", "Sat, 21 Nov 2026 02:00:30 GMT", "Saturday, 21-Nov-26 02:00:30 GMT", "Sat Nov 21 02:00:30 2026"];
    let sink = Sink::parse(&Value::parse(r#"{"kind":"openmeter","url":"https://a.b"}"#).unwrap()).unwrap();
    fuzz(&corpus, |input| {
        let mut delivery = Delivery::new(Settings::new(&sink, "reject").unwrap());
        let now = Now { mono_ms: 5, wall_ms: 1_795_226_400_000 };
        let mut out = Vec::new();
        delivery.offer(10, now.wall_ms, now).unwrap();
        delivery.flush();
        delivery.poll(now, 0, &mut out);
        let header = Some(text(input));
        let answer = Answer { status: 429, retry_after: header.clone(), date: header, ..Answer::default() };
        delivery.outcome(1, Outcome::Answer(answer), &sink, now, u32::MAX, &mut out);
        // Never for ever, whatever it said.
        let later = Now { mono_ms: now.mono_ms + 375_000 + 1, ..now };
        out.clear();
        delivery.poll(later, 0, &mut out);
        assert_eq!(out.len(), 1);
        assert_eq!(delivery.state(), "backoff");
    });
}

#[test]
fn price_book() {
    let whole = include_str!("../prices/book.json");
    let part = whole.get(..8_000).unwrap_or(whole);
    fuzz(
        &[part, r#"{"source":{},"providers":[{"provider":"x","models":[{"model":"m","prices":[{"input":"0.1"}]}]}]}"#],
        |input| {
            if let Ok(book) = Book::parse(&text(input)) {
                let record = r#"{"provider":"x","model":"m","usage":{"input_tokens":5}}"#;
                let _ = book.cost(&Value::parse(record).unwrap());
            }
        },
    );
}

#[test]
fn sse() {
    let corpus = [
        "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}\n\ndata: [DONE]\n\n",
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":{\"input_tokens\":5}}}\n\nevent: message_delta\r\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":9}}\r\n\r\n",
        ":comment\nretry: 5\ndata\n\n",
    ];
    let urls = ["https://api.openai.com/v1/chat/completions", "https://api.anthropic.com/v1/messages"];
    let kinds = ["text/event-stream", "application/json", "application/x-ndjson", "application/vnd.amazon.eventstream"];
    let infos: Vec<String> = urls
        .iter()
        .flat_map(|url| kinds.map(|kind| (taximeter::llm::route("POST", url, None).unwrap(), kind)))
        .map(|(route, kind)| format!(r#"{{"route":{route},"startedAtMs":0,"contentType":"{kind}","hide":true}}"#))
        .collect();
    fuzz(&corpus, |input| {
        for info in &infos {
            let mut call = Call::open(info).unwrap();
            let (first, rest) = input.split_at(input.len() / 2);
            call.push(first);
            call.push(rest);
            let _ = call.finish(End::End, 0);
        }
    });
}
