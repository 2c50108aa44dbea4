//! What the members of a usage object are in our counts.
//!
//! Ours are inclusive: input contains cache reads and writes, output contains reasoning.

use crate::llm::members::{Members, cut};
use crate::llm::record::join;
use crate::llm::route::Shape;
use crate::llm::usage::Usage;

/// DeepSeek and Together have their cache reads at the top.
const OPENAI: &str = "\
    input_tokens prompt_tokens input_tokens\n\
    cache_read_tokens prompt_tokens_details|input_tokens_details|input_token_details.cached_tokens \
        prompt_cache_hit_tokens cached_tokens\n\
    output_tokens completion_tokens output_tokens";

const OPENAI_INPUT: &str = "\
    cache_write_tokens cache_write_tokens\n\
    cache_write_30m_tokens cache_write_tokens_details.ttl_30m_tokens\n\
    cache_write_12h_tokens cache_write_tokens_details.ttl_12h_tokens\n\
    input_text_tokens text_tokens\n\
    input_audio_tokens audio_tokens\n\
    input_image_tokens image_tokens\n\
    input_video_tokens video_tokens\n\
    cache_text_read_tokens cached_tokens_details.text_tokens\n\
    cache_audio_read_tokens cached_tokens_details.audio_tokens\n\
    cache_image_read_tokens cached_tokens_details.image_tokens\n\
    cache_video_read_tokens cached_tokens_details.video_tokens";

const OPENAI_OUTPUT: &str = "\
    output_reasoning_tokens reasoning_tokens\n\
    output_text_tokens text_tokens\n\
    output_audio_tokens audio_tokens\n\
    output_image_tokens image_tokens\n\
    output_video_tokens video_tokens\n\
    accepted_prediction_tokens accepted_prediction_tokens\n\
    rejected_prediction_tokens rejected_prediction_tokens";

/// Cache reads and writes lie on top of `input_tokens`.
const ANTHROPIC: &str = "\
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

/// The prompt contains cached tokens; thoughts lie on top of the candidates, tool input on top of the prompt. The second
/// names are those of interactions.
const GEMINI: &str = "\
    input_tokens promptTokenCount total_input_tokens\n\
    input_tokens toolUsePromptTokenCount total_tool_use_tokens\n\
    input_tool_tokens toolUsePromptTokenCount total_tool_use_tokens\n\
    cache_read_tokens cachedContentTokenCount total_cached_tokens\n\
    output_tokens candidatesTokenCount total_output_tokens\n\
    output_tokens thoughtsTokenCount total_thought_tokens\n\
    output_reasoning_tokens thoughtsTokenCount total_thought_tokens";

/// Gemini's lists of modalities, and what is before and behind the modality in the names of our counts.
const GEMINI_DETAILS: &str = "\
    promptTokensDetails input_ _tokens\n\
    toolUsePromptTokensDetails input_ _tokens\n\
    cacheTokensDetails cache_ _read_tokens\n\
    candidatesTokensDetails output_ _tokens\n\
    input_tokens_by_modality input_ _tokens\n\
    tool_use_tokens_by_modality input_ _tokens\n\
    cached_tokens_by_modality cache_ _read_tokens\n\
    output_tokens_by_modality output_ _tokens";

/// Billed units are what is invoiced; they differ from the tokens that were counted.
const COHERE: &str = "\
    input_tokens billed_units|tokens.input_tokens\n\
    output_tokens billed_units|tokens.output_tokens\n\
    rerank_searches billed_units|tokens.search_units\n\
    images billed_units|tokens.images\n\
    cache_read_tokens cached_tokens";

/// Cache reads and writes lie on top of `inputTokens`. The long names are those of `amazon-bedrock-invocationMetrics`.
const BEDROCK: &str = "\
    input_tokens inputTokens inputTokenCount\n\
    input_tokens cacheReadInputTokens cacheReadInputTokenCount\n\
    input_tokens cacheWriteInputTokens cacheWriteInputTokenCount\n\
    cache_read_tokens cacheReadInputTokens cacheReadInputTokenCount\n\
    cache_write_tokens cacheWriteInputTokens cacheWriteInputTokenCount\n\
    output_tokens outputTokens outputTokenCount";

/// The parts are inside the totals. The flat names are those that telemetry is told.
const AI_SDK: &str = "\
    input_tokens inputTokens.total inputTokens\n\
    cache_read_tokens inputTokens.cacheRead inputTokenDetails.cacheReadTokens\n\
    cache_write_tokens inputTokens.cacheWrite inputTokenDetails.cacheWriteTokens\n\
    output_tokens outputTokens.total outputTokens\n\
    output_reasoning_tokens outputTokens.reasoning outputTokenDetails.reasoningTokens";

const OLLAMA: &str = "input_tokens prompt_eval_count\noutput_tokens eval_count";

/// Adds the counts of one usage object.
pub(in crate::llm) fn add_counts(usage: &mut Usage, shape: Shape, raw: &str) {
    let told = Members::of(raw);
    usage.add_all(
        &told,
        match shape {
            Shape::Openai => OPENAI,
            Shape::Anthropic => ANTHROPIC,
            Shape::Gemini => GEMINI,
            Shape::Cohere => COHERE,
            Shape::Ollama => OLLAMA,
            Shape::Bedrock => BEDROCK,
            Shape::AiSdk => AI_SDK,
        },
    );
    if shape == Shape::Openai {
        usage.add_all(&told.object("prompt_tokens_details input_tokens_details input_token_details"), OPENAI_INPUT);
        usage.add_all(
            &told.object("completion_tokens_details output_tokens_details output_token_details"),
            OPENAI_OUTPUT,
        );
    }
    let mut lists = GEMINI_DETAILS;
    while !lists.is_empty() {
        let mut suffix = cut(&mut lists, b'\n');
        let list = told.array(cut(&mut suffix, b' '));
        let prefix = cut(&mut suffix, b' ');
        for (_, detail) in list {
            let detail = Members::of(detail);
            let modality = match detail.text("modality") {
                "TEXT" | "text" => "text",
                "AUDIO" | "audio" => "audio",
                "VIDEO" | "video" => "video",
                // A document is paid for as the images of its pages.
                "IMAGE" | "DOCUMENT" | "image" | "document" => "image",
                _ => continue,
            };
            if let Some(n) = detail.count("tokenCount tokens") {
                usage.add(&join(&[prefix, modality, suffix]), n);
            }
        }
    }
    for (_, detail) in told.array("cacheDetails") {
        let detail = Members::of(detail);
        if let (ttl @ ("5m" | "1h"), Some(n)) = (detail.text("ttl"), detail.count("inputTokens")) {
            usage.add(&join(&["cache_write_", ttl, "_tokens"]), n);
        }
    }
    // xAI reports reasoning beside the output; only the total tells.
    let reasoning = usage.get("output_reasoning_tokens");
    let sum = usage.get("input_tokens").saturating_add(usage.get("output_tokens"));
    if reasoning > 0 && told.count("total_tokens") == Some(sum.saturating_add(reasoning)) {
        usage.add("output_tokens", reasoning);
    }
    for (_, tool) in told.array("grounding_tool_count") {
        let tool = Members::of(tool);
        if let ("google_search", Some(n)) = (tool.text("type"), tool.count("count")) {
            usage.add("web_searches", n);
        }
    }
    usage.0.set("audio_seconds", &told.amount("seconds prompt_audio_seconds"));
}
