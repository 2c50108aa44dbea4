//! Anthropic messages, wherever they are served: `api.anthropic.com`, Vertex, Foundry, gateways; and batch results.
//!
//! Cache reads and writes lie on top of `input_tokens`. In a stream `message_start` has the input side and
//! `message_delta` running totals, which replace and never add.

use crate::llm::answer::{Answer, Answers};
use crate::llm::members::Members;
use crate::llm::record::{Records, first};
use crate::llm::usage::Usage;

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
            if !id.is_empty() && id != start.get("id") {
                // A second generation in the same stream: a gateway that fell back in the middle of the first.
                answers.next();
                answers.is_final = false;
            }
            message(&start, &mut answers.current);
        }
        "message_delta" => {
            answer.note(doc, "finish_reason delta.stop_reason");
            answer.ended |= !doc.get("delta.stop_reason").is_empty();
            answer.usage.fold(&doc.object("usage"));
        }
        "message_stop" => answers.end(),
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

#[inline(never)]
fn message(message: &Members<'_>, answer: &mut Answer) {
    answer.note(message, "id id\nmodel model\nfinish_reason stop_reason");
    answer.usage.fold(&message.object("usage"));
}

/// Records by the iterations of one answer: the top-level counts leave out what other models, and compaction, used.
pub(super) fn write<'a>(raw: &'a str, records: &mut Records<'a>) {
    let told = Members::of(raw);
    let mut usage = Usage::default();
    usage.add_all(&told, COUNTS);
    let iterations = told.array("iterations");
    let mut fallback = "";
    for (_, entry) in &iterations {
        let entry = Members::of(entry);
        match entry.text("type") {
            "compaction" => usage.add_all(&entry, COUNTS),
            "fallback_message" => fallback = first(entry.text("model"), records.model),
            _ => {}
        }
    }
    records.add("", first(fallback, records.model), usage, raw);
    for (_, raw) in iterations {
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
        usage.add_all(&entry, COUNTS);
        records.add(role, first(own, records.model), usage, raw);
    }
}

const COUNTS: &str = "\
    input_tokens input_tokens\n\
    input_tokens cache_creation_input_tokens\n\
    input_tokens cache_read_input_tokens\n\
    cache_read_tokens cache_read_input_tokens\n\
    cache_write_tokens cache_creation_input_tokens\n\
    cache_write_5m_tokens cache_creation.ephemeral_5m_input_tokens\n\
    cache_write_1h_tokens cache_creation.ephemeral_1h_input_tokens\n\
    output_tokens output_tokens\n\
    output_reasoning_tokens output_tokens_details.thinking_tokens\n\
    web_searches server_tool_use.web_search_requests\n\
    web_fetches server_tool_use.web_fetch_requests\n\
    code_executions server_tool_use.code_execution_requests";
