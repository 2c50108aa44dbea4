//! Which records an answer makes: most make one, some have parts that other models ran.

use super::counts::add_counts;
use crate::llm::members::Members;
use crate::llm::record::{Records, first};
use crate::llm::route::Shape;
use crate::llm::usage::Usage;

/// Writes the records of an answer whose usage is known, the main one first. `raw` is the usage object.
pub(in crate::llm) fn write<'a>(shape: Shape, raw: &'a str, records: &mut Records<'a>) {
    let counts = |raw: &str| {
        let mut usage = Usage::default();
        add_counts(&mut usage, shape, raw);
        usage
    };
    let models = records.known.array("said.usage_breakdown.models");
    for (_, entry) in &models {
        // Groq's compound systems: the total is the sum of these.
        let entry = Members::of(entry);
        let raw = entry.get("usage");
        records.add("compound", entry.text("model"), counts(raw), raw);
    }
    if !models.is_empty() {
        return;
    }

    // Anthropic's iterations: the top-level counts leave out what other models, and compaction, used.
    let iterations = records.known.array("usage.iterations");
    let mut usage = counts(raw);
    let mut fallback = "";
    for (_, raw) in &iterations {
        let entry = Members::of(raw);
        match entry.text("type") {
            "compaction" => add_counts(&mut usage, shape, raw),
            "fallback_message" => fallback = first(entry.text("model"), records.model),
            _ => {}
        }
    }
    usage.add_all(&records.known, "images said.images\nweb_searches said.tool_usage.web_search.num_requests");
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
        records.add(role, first(own, records.model), counts(raw), raw);
    }

    // Tokens of the hosted image model, which are not in the usage of the one that called it. Which one is not said.
    let raw = records.known.get("said.tool_usage.image_gen");
    let usage = counts(raw);
    if usage.get("input_tokens").max(usage.get("output_tokens")) > 0 {
        records.add("tool:image_generation", "", usage, raw);
    }
}
