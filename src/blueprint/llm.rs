//! The LLM blueprint: usage records of a provider's answer become events.
//!
//! | member of `data` | |
//! |---|---|
//! | `provider`, `model`, `api`, `status` | as in the record; `model` is absent where no one named it |
//! | `service_tier`, `region`, `role` | where the answer says so |
//! | `estimated` | `true` if the output was estimated |
//! | `requests` | 1 for an answer's main record, 0 for a sub-inference, so that a SUM counts answers |
//! | `input_tokens`, `output_tokens`, `cache_read_tokens`, … | the counts as reported; input and output include their parts |
//! | `total_tokens` | input + output, as far as they are reported |
//! | `provider_cost` | US dollars, a decimal string: what the provider charges; only with a price book, never 0 for unknown |
//! | `unpriced` | instead of it: why no cost is known |
//! | `price_book` | the version of the book that it was priced by |
//! | `price_flags` | what is to be known about the price, if anything: `matched_loosely`, `stale_book`, … |
//!
//! Or one event a token type, with `type` and `tokens` instead of the counts of tokens. The types do not overlap: their
//! sum is `total_tokens`. What is not tokens is in the first of them.
//!
//! Dimensions that the caller attributes (`feature`, `team`, …) come first and cannot replace these.

use crate::error::{Error, Result};
use crate::json::{Value, Writer};

/// The type of the events, unless it is chosen; the ready-made meters match it.
const EVENT_TYPE: &str = "llm.usage";

/// Members of a record that become dimensions of the event.
const DIMENSIONS: [&str; 7] = ["provider", "model", "api", "status", "service_tier", "region", "role"];

/// What the provider charges for a record, as far as it is known.
pub enum Charge {
    /// US dollars, a canonical decimal; the book's version and flags, empty if the provider said it itself.
    Priced(String, String, String),
    /// The reason, e.g. `unknown_model`.
    Unpriced(&'static str),
}

/// The form of the events.
pub struct Form {
    /// CloudEvents' `type`.
    pub event_type: String,
    per_type: bool,
    /// Other names of members of `data`, empty for those to leave out.
    names: Vec<(String, String)>,
}

impl Form {
    /// Reads `{eventType?, events?: "one" | "per-type", fields?: {<member>: <name> | null}}`.
    ///
    /// Errors: `unknown_option`, `invalid_option`.
    pub fn parse(settings: Option<&Value>) -> Result<Self> {
        let mut form = Self { event_type: EVENT_TYPE.to_owned(), per_type: false, names: Vec::new() };
        let Some(settings) = settings else { return Ok(form) };
        settings.only(&["eventType", "events", "fields"])?;
        let wrong = |path: &str, help: &'static str| {
            Err(Error::new("invalid_option", "not a form that events can have").at(path).help(help))
        };
        match settings.present("eventType").map(Value::as_str) {
            None => {}
            Some(Some(kind)) if !kind.is_empty() => kind.clone_into(&mut form.event_type),
            Some(_) => return wrong("eventType", "a text, e.g. 'prompt'"),
        }
        match settings.present("events").map(Value::as_str) {
            None | Some(Some("one")) => {}
            Some(Some("per-type")) => form.per_type = true,
            Some(_) => return wrong("events", "'one' event with all counts, or one 'per-type' of token"),
        }
        for (member, name) in settings.get("fields").and_then(Value::as_object).unwrap_or_default() {
            let name = if *name == Value::Null { Some("") } else { name.as_str().filter(|name| !name.is_empty()) };
            let plain = |name: &&str| {
                name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                    && !name.starts_with(|c: char| c.is_ascii_digit())
            };
            match name.filter(plain) {
                Some(name) => form.names.push((member.to_string(), name.to_owned())),
                None => {
                    return wrong(member, "letters, digits and _; or null to leave it out")
                        .map_err(|e: Error| e.at("fields"));
                }
            }
        }
        Ok(form)
    }

    /// What a member of `data` is called; empty if it is left out.
    pub fn name<'a>(&'a self, member: &'a str) -> &'a str {
        self.names.iter().find(|(ours, _)| ours == member).map_or(member, |(_, name)| name)
    }

    /// The texts of the events (what `record()` takes) for a usage record and the caller's attribution: `subject`, and
    /// any other members as dimensions.
    ///
    /// Error: `invalid_event` for an attribution without a subject.
    pub fn events(&self, record: &Value, context: &Value, charge: Option<&Charge>) -> Result<Vec<String>> {
        let Some(subject) = context.get("subject").and_then(Value::as_str) else {
            return Err(Error::new("invalid_event", "the usage is not attributed to anyone")
                .at("context.subject")
                .help("wrap the client with { subject: 'customer-1' }, or call it within meter.run()"));
        };
        let mut parts = if self.per_type { parts(record) } else { Vec::new() };
        if parts.is_empty() {
            parts.push(("", 0));
        }
        let mut texts = Vec::new();
        for (at, (kind, tokens)) in parts.into_iter().enumerate() {
            let mut w = Writer::object();
            w.string("type", &self.event_type).string("subject", subject);
            if let Some(id) = record.get("event_id").and_then(Value::as_str) {
                let slash = if kind.is_empty() { "" } else { "/" };
                w.string("id", &[id, slash, kind].concat());
            }
            if let Some(time) = record.get("started_at").and_then(Value::as_str) {
                w.string("time", time);
            }
            w.raw("data", &self.data(record, context, charge.filter(|_| at == 0), at == 0, (kind, tokens)));
            texts.push(w.end());
        }
        Ok(texts)
    }

    fn data(&self, record: &Value, context: &Value, charge: Option<&Charge>, first: bool, part: (&str, u64)) -> String {
        let mut members: Vec<(&str, String)> = Vec::new();
        let mut add = |member, value: &Value| members.push((member, value.to_json()));
        for key in DIMENSIONS {
            if let Some(text @ Value::String(_)) = record.get(key) {
                add(key, text);
            }
        }
        if let Some(estimated) = record.present("estimated") {
            add("estimated", estimated);
        }
        let main = first && record.present("role").is_none();
        add("requests", &Value::Number(if main { "1" } else { "0" }));
        let (kind, tokens) = part;
        if !kind.is_empty() {
            add("type", &Value::String(kind.into()));
            add("tokens", &Value::Number(&tokens.to_string()));
        }
        for (key, value) in record.get("usage").and_then(Value::as_object).unwrap_or_default() {
            let shown = kind.is_empty() || (first && !key.ends_with("_tokens"));
            if shown && matches!(value, Value::Number(_)) {
                add(key, value);
            }
        }
        let totals = [count(record, "input_tokens"), count(record, "output_tokens")];
        if kind.is_empty() && totals != [None, None] {
            let total: u64 = totals.into_iter().flatten().sum();
            add("total_tokens", &Value::Number(&total.to_string()));
        }
        match charge {
            Some(Charge::Priced(amount, book, flags)) => {
                for (member, text) in [("provider_cost", amount), ("price_book", book), ("price_flags", flags)] {
                    if !text.is_empty() {
                        add(member, &Value::String(text.into()));
                    }
                }
            }
            Some(Charge::Unpriced(reason)) => add("unpriced", &Value::String((*reason).into())),
            None => {}
        }

        let mut w = Writer::object();
        for (key, value) in context.as_object().unwrap_or_default() {
            let ours = DIMENSIONS.contains(&key.as_ref())
                || ["subject", "provider_cost", "unpriced", "price_book", "price_flags"].contains(&key.as_ref())
                || members.iter().any(|(member, _)| self.name(member) == key);
            if !ours {
                w.raw(key, &value.to_json());
            }
        }
        for (member, json) in &members {
            let name = self.name(member);
            if !name.is_empty() {
                w.raw(name, json);
            }
        }
        w.end()
    }
}

fn count(record: &Value, key: &str) -> Option<u64> {
    record.get("usage")?.get(key)?.as_u64()
}

/// The tokens of a record by type, each token in one of them; those of which there are none left out.
fn parts(record: &Value) -> Vec<(&'static str, u64)> {
    let of = |key| count(record, key).unwrap_or(0);
    let (read, write, reasoning) = (of("cache_read_tokens"), of("cache_write_tokens"), of("output_reasoning_tokens"));
    let mut parts = vec![
        ("input", of("input_tokens").saturating_sub(read).saturating_sub(write)),
        ("cache_read", read),
        ("cache_write", write),
        ("output", of("output_tokens").saturating_sub(reasoning)),
        ("reasoning", reasoning),
    ];
    parts.retain(|(_, tokens)| *tokens > 0);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"provider":"openai","model":"m","status":"complete","event_id":"openai/r","started_at":"2026-01-01T00:00:00Z",
        "usage":{"input_tokens":100,"cache_read_tokens":60,"output_tokens":30,"output_reasoning_tokens":10,"web_searches":2}}"#;

    fn events(settings: &str, record: &str, context: &str) -> Vec<serde_json::Value> {
        let form = Form::parse(Some(&Value::parse(settings).unwrap())).unwrap_or_else(|e| panic!("{}", e.to_json()));
        let charge = Charge::Priced("0.5".to_owned(), String::new(), String::new());
        let (record, context) = (Value::parse(record).unwrap(), Value::parse(context).unwrap());
        let texts = form.events(&record, &context, Some(&charge)).unwrap_or_else(|e| panic!("{}", e.to_json()));
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    #[test]
    fn one_event_with_all_counts() {
        let got = events("{}", RECORD, r#"{"subject":"c","team":"t","model":"mine","web_searches":9}"#);
        let data = serde_json::json!({
            "team": "t", "provider": "openai", "model": "m", "status": "complete", "requests": 1, "input_tokens": 100,
            "cache_read_tokens": 60, "output_tokens": 30, "output_reasoning_tokens": 10, "web_searches": 2,
            "total_tokens": 130, "provider_cost": "0.5",
        });
        assert_eq!(got.len(), 1);
        assert_eq!((&got[0]["data"], &got[0]["id"], &got[0]["type"]), (&data, &"openai/r".into(), &"llm.usage".into()));
    }

    #[test]
    fn one_event_a_type_counts_each_token_once() {
        let got = events(
            r#"{"eventType":"prompt","events":"per-type","fields":{"type":"kind","api":null}}"#,
            RECORD,
            r#"{"subject":"c","kind":"mine"}"#,
        );
        let seen: Vec<_> = got
            .iter()
            .map(|e| {
                let d = &e["data"];
                (
                    e["id"].as_str(),
                    d["kind"].as_str(),
                    d["tokens"].as_u64(),
                    d["requests"].as_u64(),
                    d["web_searches"].as_u64(),
                )
            })
            .collect();
        let want = [
            (Some("openai/r/input"), Some("input"), Some(40), Some(1), Some(2)),
            (Some("openai/r/cache_read"), Some("cache_read"), Some(60), Some(0), None),
            (Some("openai/r/output"), Some("output"), Some(20), Some(0), None),
            (Some("openai/r/reasoning"), Some("reasoning"), Some(10), Some(0), None),
        ];
        assert_eq!(seen, want);
        assert!(got.iter().all(|e| e["type"] == "prompt" && e["data"]["input_tokens"].is_null()));
    }

    #[test]
    fn without_tokens_the_answer_is_still_an_event() {
        let record = r#"{"provider":"openai","status":"unreported","usage":{}}"#;
        let got = events(r#"{"events":"per-type"}"#, record, r#"{"subject":"c"}"#);
        assert_eq!(got.len(), 1);
        assert_eq!(got[0]["data"]["requests"], 1);
    }

    #[test]
    fn a_form_that_is_none_is_refused() {
        for (settings, path) in [
            (r#"{"events":"two"}"#, "events"),
            (r#"{"eventType":""}"#, "eventType"),
            (r#"{"fields":{"model":"a b"}}"#, "fields.model"),
            (r#"{"fields":{"model":""}}"#, "fields.model"),
        ] {
            let error = Form::parse(Some(&Value::parse(settings).unwrap())).err().unwrap();
            assert!(error.to_json().contains(path), "{}", error.to_json());
        }
    }
}
