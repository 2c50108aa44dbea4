//! Anthropic messages, wherever they are served: `api.anthropic.com`, Vertex, Foundry, gateways; and batch results.
//!
//! Cache reads and writes lie on top of `input_tokens`. In a stream `message_start` has the input side and
//! `message_delta` running totals, which replace and never add.

use crate::llm::answer::{Answer, Answers, Part, told};
use crate::llm::members::Members;
use crate::llm::sieve::Keep;
use crate::llm::usage::Usage;

pub(super) fn keep(key: &[u8]) -> Keep {
    match key {
        b"id" | b"model" | b"type" | b"stop_reason" => Keep::Scalar,
        b"message" | b"delta" | b"result" => Keep::Walk,
        b"usage" => Keep::All,
        _ => Keep::Drop,
    }
}

pub(super) fn fold(doc: &Members<'_>, answers: &mut Answers) {
    let result = doc.object("result");
    if result.string("type").as_deref() == Some("succeeded") {
        message(&result.object("message"), &mut answers.current);
        answers.current.ended = true;
        answers.next();
        return;
    }
    match doc.string("type").as_deref() {
        Some("message") => {
            message(doc, &mut answers.current);
            answers.current.ended = true;
        }
        Some("message_start") => {
            let start = doc.object("message");
            let id = start.string("id").unwrap_or_default();
            if !answers.current.id.is_empty() && answers.current.id != id {
                // A second generation in the same stream: a gateway that fell back in the middle of the first.
                answers.next();
                answers.is_final = false;
            }
            message(&start, &mut answers.current);
        }
        Some("message_delta") => {
            let delta = doc.object("delta");
            told(&mut answers.current.finish_reason, &delta, "stop_reason");
            answers.current.fold_usage(&doc.object("usage"));
            answers.current.ended |= delta.string("stop_reason").is_some();
        }
        Some("message_stop") => {
            answers.current.ended = true;
            answers.is_final = true;
        }
        _ => {}
    }
}

fn message(message: &Members<'_>, answer: &mut Answer) {
    told(&mut answer.id, message, "id");
    told(&mut answer.model, message, "model");
    told(&mut answer.finish_reason, message, "stop_reason");
    answer.fold_usage(&message.object("usage"));
}

/// Records by the iterations of one answer: the top-level counts leave out what other models, and compaction, used.
pub(super) fn parts(raw: String) -> Vec<Part> {
    let told = Members::parse(&raw).unwrap_or_default();
    let iterations: Vec<_> =
        told.array("iterations").into_iter().map(|text| (text, Members::parse(text).unwrap_or_default())).collect();
    let fallback = iterations.iter().find(|(_, i)| i.string("type").as_deref() == Some("fallback_message"));
    let model = fallback.and_then(|(_, i)| i.string("model"));

    let text = |key| told.string(key).unwrap_or_default().into_owned();
    let (service_tier, speed, region) = (text("service_tier"), text("speed"), text("inference_geo"));
    let part = |usage, raw: &str, role, model| Part {
        role,
        model,
        usage,
        raw: raw.to_owned(),
        service_tier: service_tier.clone(),
        speed: speed.clone(),
        region: region.clone(),
        provider_cost: None,
    };

    let mut usage = Usage::default();
    add_counts(&mut usage, &told);
    let mut parts = Vec::new();
    for (text, entry) in &iterations {
        let kind = entry.string("type").unwrap_or_default();
        let role = match kind.as_ref() {
            "compaction" => {
                add_counts(&mut usage, entry);
                continue;
            }
            "fallback_message" => continue,
            "message" => match (fallback, entry.string("model")) {
                (Some(_), Some(own)) if Some(&own) != model.as_ref() => "fallback_attempt",
                _ => continue,
            },
            "advisor_message" => "advisor",
            // Whatever comes: a record of its own counts nothing twice and loses nothing.
            "" => "unknown",
            kind => kind,
        };
        let mut counts = Usage::default();
        add_counts(&mut counts, entry);
        parts.push(part(counts, text, Some(role.to_owned()), entry.string("model").map(Into::into)));
    }
    parts.insert(0, part(usage, &raw, None, model.map(Into::into)));
    parts
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
