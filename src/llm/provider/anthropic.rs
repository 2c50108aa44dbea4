//! Anthropic messages, wherever they are served: `api.anthropic.com`, Vertex, Foundry, gateways; and batch results.
//!
//! Cache reads and writes lie on top of `input_tokens`. In a stream `message_start` has the input side and
//! `message_delta` running totals, which replace and never add.

use crate::llm::answer::{Answer, Answers};
use crate::llm::members::Members;
use crate::llm::record::{Records, first};
use crate::llm::sieve::{Keep, Kept};
use crate::llm::usage::Usage;

pub(super) const KEPT: &Kept = &[
    ("id", Keep::Scalar),
    ("model", Keep::Scalar),
    ("type", Keep::Scalar),
    ("stop_reason", Keep::Scalar),
    ("message", Keep::Walk),
    ("delta", Keep::Walk),
    ("result", Keep::Walk),
    ("usage", Keep::All),
];

pub(super) fn fold(doc: &Members<'_>, answers: &mut Answers) {
    let answer = &mut answers.current;
    match doc.text("type") {
        "message" => {
            message(doc, answer);
            answer.ended = true;
        }
        "message_start" => {
            let start = doc.object("message");
            let id = answer.said.get("id");
            if !id.is_empty() && id != start.text("id") {
                // A second generation in the same stream: a gateway that fell back in the middle of the first.
                answers.next();
                answers.is_final = false;
            }
            message(&start, &mut answers.current);
        }
        "message_delta" => {
            let delta = doc.object("delta");
            answer.note(&delta, &STOP);
            answer.ended |= !delta.text("stop_reason").is_empty();
            answer.usage.fold(&doc.object("usage"));
        }
        "message_stop" => {
            answer.ended = true;
            answers.is_final = true;
        }
        _ => {
            // A line of a batch's results.
            let result = doc.object("result");
            if result.text("type") == "succeeded" {
                message(&result.object("message"), answer);
                answer.ended = true;
                answers.next();
            }
        }
    }
}

const STOP: [(&str, &str); 1] = [("stop_reason", "finish_reason")];

fn message(message: &Members<'_>, answer: &mut Answer) {
    answer.note(message, &[("id", "id"), ("model", "model")]);
    answer.note(message, &STOP);
    answer.usage.fold(&message.object("usage"));
}

/// Records by the iterations of one answer: the top-level counts leave out what other models, and compaction, used.
pub(super) fn write<'a>(raw: &'a str, records: &mut Records<'a>) {
    let told = Members::of(raw);
    let mut usage = Usage::default();
    add_counts(&mut usage, &told);
    let iterations = told.array("iterations");
    let mut fallback = "";
    for entry in &iterations {
        let entry = Members::of(entry);
        match entry.text("type") {
            "compaction" => add_counts(&mut usage, &entry),
            "fallback_message" => fallback = first(entry.text("model"), records.model),
            _ => {}
        }
    }
    records.add("", first(fallback, records.model), usage, raw);
    for raw in iterations {
        let entry = Members::of(raw);
        let own = entry.text("model");
        let role = match entry.text("type") {
            "compaction" | "fallback_message" => continue,
            "message" if !fallback.is_empty() && !own.is_empty() && own != fallback => "fallback_attempt",
            "message" => continue,
            "advisor_message" => "advisor",
            // Whatever comes: a record of its own counts nothing twice and loses nothing.
            kind => first(kind, "unknown"),
        };
        let mut usage = Usage::default();
        add_counts(&mut usage, &entry);
        records.add(role, first(own, records.model), usage, raw);
    }
}

fn add_counts(usage: &mut Usage, told: &Members<'_>) {
    let read = told.count("cache_read_input_tokens");
    let write = told.count("cache_creation_input_tokens");
    for n in [told.count("input_tokens"), write, read] {
        usage.add("input_tokens", n);
    }
    usage.add("cache_read_tokens", read);
    usage.add("cache_write_tokens", write);
    usage.add_all(
        &told.object("cache_creation"),
        &[
            ("ephemeral_5m_input_tokens", "cache_write_5m_tokens"),
            ("ephemeral_1h_input_tokens", "cache_write_1h_tokens"),
        ],
    );
    usage.add("output_tokens", told.count("output_tokens"));
    usage.add("output_reasoning_tokens", told.object("output_tokens_details").count("thinking_tokens"));
    usage.add_all(
        &told.object("server_tool_use"),
        &[
            ("web_search_requests", "web_searches"),
            ("web_fetch_requests", "web_fetches"),
            ("code_execution_requests", "code_executions"),
        ],
    );
}
