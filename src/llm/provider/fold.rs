//! How an answer is put together from a document or from the events of a stream.

use crate::llm::answer::Answers;
use crate::llm::members::{Members, count, one_of};
use crate::llm::route::Shape;
use crate::llm::sieve::{Keep, Kept};
use crate::llm::usage::number;

/// Which members of a body are needed; those of all shapes, since none has content where another has numbers.
pub(in crate::llm) const KEPT: &Kept = &[
    ("id", Keep::Scalar),
    ("type", Keep::Scalar),
    ("event_type", Keep::Scalar),
    ("model", Keep::Scalar),
    ("index", Keep::Scalar),
    ("status", Keep::Scalar),
    ("service_tier", Keep::Scalar),
    ("finish_reason", Keep::Scalar),
    ("stop_reason", Keep::Scalar),
    ("stopReason", Keep::Scalar),
    ("modelVersion", Keep::Scalar),
    ("responseId", Keep::Scalar),
    ("finishReason", Keep::Scalar),
    ("blockReason", Keep::Scalar),
    ("done", Keep::Scalar),
    ("done_reason", Keep::Scalar),
    ("prompt_eval_count", Keep::Scalar),
    ("eval_count", Keep::Scalar),
    ("total_duration", Keep::Scalar),
    ("choices", Keep::Walk),
    ("response", Keep::Walk),
    ("interaction", Keep::Walk),
    ("data", Keep::Walk),
    ("message", Keep::Walk),
    ("delta", Keep::Walk),
    ("result", Keep::Walk),
    ("body", Keep::Walk),
    ("candidates", Keep::Walk),
    ("promptFeedback", Keep::Walk),
    ("usage", Keep::All),
    ("tool_usage", Keep::All),
    ("usage_breakdown", Keep::All),
    ("x_groq", Keep::All),
    ("usageMetadata", Keep::All),
    ("meta", Keep::All),
    ("serviceTier", Keep::All),
    ("amazon-bedrock-invocationMetrics", Keep::All),
    ("content", Keep::Count),
    ("text", Keep::Count),
    ("thinking", Keep::Count),
    ("partial_json", Keep::Count),
    ("reasoning_content", Keep::Count),
    ("arguments", Keep::Count),
];

/// What is known of an answer besides its usage.
const NOTES: &str = "\
    id id responseId\n\
    model model modelVersion\n\
    service_tier service_tier serviceTier.type\n\
    finish_reason stop_reason stopReason delta.finish_reason finish_reason done_reason";

/// Takes in one event of a stream, one line, or the whole document. `images`: it is of an images API, which is also
/// billed by image.
pub(in crate::llm) fn fold(shape: Shape, doc: &Members<'_>, images: bool, answers: &mut Answers) {
    let kind = doc.text("type");
    // A line of a batch's results.
    let batch = doc.text("result.type") == "succeeded";
    if shape == Shape::Anthropic && !batch && !one_of("message message_start message_delta message_stop", kind) {
        return;
    }
    let inner = doc.object(match shape {
        Shape::Openai => "response.body response",
        Shape::Anthropic => "message result.message",
        Shape::Gemini => "interaction",
        _ => "",
    });
    let root = if inner.is_empty() { doc } else { &inner };
    let id = answers.current.said.get("id");
    if kind == "message_start" && !id.is_empty() && id != root.get("id") {
        // A second generation in the same stream: a gateway that fell back in the middle of the first.
        answers.next();
        answers.is_final = false;
    }

    let answer = &mut answers.current;
    answer.note(root, NOTES);
    // What of the usage is told later replaces what was told before, and is never added.
    let usage = root.object(match shape {
        Shape::Cohere => "usage delta.usage meta delta.meta",
        _ => "usage x_groq.usage usageMetadata amazon-bedrock-invocationMetrics",
    });
    if shape != Shape::Cohere || !usage.get("billed_units tokens").is_empty() {
        answer.usage.fold(&usage);
    }
    // On Vertex the traffic type tells what the tier is.
    answer.note(&usage, "service_tier serviceTier trafficType");
    let reason = root.get("delta.stop_reason promptFeedback.blockReason candidates.finishReason");
    answer.said.set("finish_reason", reason);
    answer.ended |= kind == "message" || !reason.is_empty();

    if shape == Shape::Ollama {
        // A prompt that was cached has no count; the duration is always there.
        for key in ["prompt_eval_count", "eval_count", "total_duration"] {
            answer.usage.set(key, doc.get(key));
        }
    }
    let status = root.text("status");
    let by_status = matches!(shape, Shape::Openai | Shape::Gemini);
    let queued = by_status && one_of("queued in_progress", status);
    // An interaction is over, or waits for its caller, with the event that has its usage.
    let told = match shape {
        Shape::Bedrock | Shape::AiSdk => true,
        Shape::Gemini => !status.is_empty() && !queued,
        _ => false,
    };
    if told && !usage.is_empty() {
        answers.end();
    }
    let answer = &mut answers.current;
    answer.queued = queued;
    if by_status && !queued {
        answer.note(root, "finish_reason status");
    }
    if shape == Shape::Openai {
        answer.said.set("tool_usage", root.get("tool_usage"));
        answer.said.set("usage_breakdown", root.get("x_groq.usage_breakdown usage_breakdown"));
        if inner.is_empty() {
            let choices = doc.array("choices");
            let mut finished = choices.is_empty();
            for (at, (_, choice)) in choices.iter().enumerate() {
                let choice = Members::of(choice);
                finished |= !choice.text("finish_reason").is_empty();
                if at == 0 && matches!(choice.get("index"), "" | "0") {
                    answer.note(&choice, "finish_reason finish_reason");
                }
            }
            answer.ended |= finished && !usage.is_empty();
            answers.usage_only = doc.get("choices") == "[]" && !usage.is_empty();
        }
    }
    if images {
        let made = match kind {
            "" => doc.array("data").len() as u64,
            // `image_generation.completed`, `image_edit.completed`
            kind => u64::from(kind.ends_with(".completed")),
        };
        if made > 0 {
            let made = count(answer.said.get("images")).unwrap_or(0).saturating_add(made);
            answer.said.set("images", &number(made));
        }
    }

    if one_of("message_stop message-end response.completed response.incomplete response.failed", kind)
        || doc.get("done") == "true"
    {
        answers.end();
    }
    if batch {
        answers.current.ended = true;
        answers.next();
    }
}
