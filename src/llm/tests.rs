//! The rules of the usage record, and what gateways and connections do to answers.

use serde_json::{Value, json};

use super::*;
use crate::limits::LLM_PENDING_BYTES_MAX;

fn open(provider: &str, shape: &str, api: &str, more: Value) -> Call {
    let mut info = json!({
        "route": { "provider": provider, "shape": shape, "api": api },
        "contentType": "text/event-stream", "stream": true, "startedAtMs": 1000,
    });
    for (key, value) in more.as_object().unwrap() {
        info[key] = value.clone();
    }
    Call::open(&info.to_string()).unwrap()
}

fn finish(mut call: Call, how: End) -> Vec<Value> {
    serde_json::from_str(&call.finish(how, 1250)).unwrap()
}

fn plain(shape: &str, api: &str, body: &str) -> Vec<Value> {
    let mut call = open(shape, shape, api, json!({ "contentType": "application/json", "model": "asked" }));
    call.push(body.as_bytes());
    finish(call, End::End)
}

fn chat(usage: Value) -> Value {
    let body = json!({ "id": "c1", "model": "m", "choices": [], "usage": usage });
    plain("openai", "chat.completions", &body.to_string()).remove(0)
}

fn stream(shape: &str, api: &str, events: &[&str], how: End) -> Vec<Value> {
    let mut call = open(shape, shape, api, json!({}));
    for event in events {
        call.push(format!("data: {event}\n\n").as_bytes());
    }
    finish(call, how)
}

const START: &str = concat!(
    r#"{"type":"message_start","message":{"id":"m1","model":"claude","usage":{"input_tokens":10,"#,
    r#""cache_read_input_tokens":5,"cache_creation":{"ephemeral_1h_input_tokens":0},"output_tokens":1,"service_tier":"standard"}}}"#
);
const DELTA: &str =
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":null,"output_tokens":7}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

#[test]
fn a_record_in_full() {
    let body = r#"{"id":"c1","model":"m-1","service_tier":"flex","choices":[{"index":0,"finish_reason":"stop"}],
        "usage":{"prompt_tokens":10,"cost":1.95e-3,"new":{"x":1},"completion_tokens":0}}"#;
    let mut call = open(
        "openrouter",
        "openai",
        "chat.completions",
        json!({ "contentType": "application/json", "model": "asked", "requestId": "r1" }),
    );
    call.push(body.as_bytes());
    assert_eq!(
        call.finish(End::End, 1250),
        concat!(
            r#"[{"provider":"openrouter","api":"chat.completions","model":"m-1","request_model":"asked","#,
            r#""response_id":"c1","request_id":"r1","status":"complete","service_tier":"flex","#,
            r#""started_at":"1970-01-01T00:00:01.000Z","finish_reason":"stop","provider_cost":"0.00195","event_id":"openrouter/c1","#,
            r#""stream":false,"duration_ms":250,"#,
            r#""usage":{"input_tokens":10,"output_tokens":0},"#,
            r#""raw":{"prompt_tokens":10,"cost":1.95e-3,"new":{"x":1},"completion_tokens":0}}]"#
        )
    );
    assert_eq!(call.finish(End::End, 1250), "[]");
}

#[test]
fn r1_input_and_output_are_inclusive() {
    let r = stream("anthropic", "messages", &[START, DELTA, STOP], End::Cancel);
    assert_eq!(r[0]["usage"]["input_tokens"], 15);
    assert_eq!(r[0]["status"], "complete");
}

#[test]
fn r2_r3_parts_are_cut_to_their_whole_and_raw_is_kept() {
    let r =
        chat(json!({ "prompt_tokens": 10, "prompt_tokens_details": { "cached_tokens": 8, "cache_write_tokens": 5 } }));
    assert_eq!(r["usage"], json!({ "input_tokens": 10, "cache_read_tokens": 8, "cache_write_tokens": 2 }));
    assert_eq!(r["raw"]["prompt_tokens_details"]["cache_write_tokens"], 5);
    assert_eq!(r["flags"], json!(["clamped"]));
}

#[test]
fn r4_no_split_is_not_a_split_of_zeros() {
    let body = json!({ "type": "message", "id": "m", "model": "c",
        "usage": { "input_tokens": 1, "cache_creation_input_tokens": 9, "cache_creation": null } });
    let r = plain("anthropic", "messages", &body.to_string());
    assert_eq!(r[0]["usage"], json!({ "input_tokens": 10, "cache_write_tokens": 9 }));
}

#[test]
fn r5_running_totals_replace() {
    let chunk =
        |n: u32| format!(r#"{{"id":"a","choices":[{{}}],"usage":{{"prompt_tokens":5,"completion_tokens":{n}}}}}"#);
    let (one, two) = (chunk(1), chunk(2));
    let r = stream("openai", "chat.completions", &[&one, &two, &two, r#"{"usage":null}"#, "[DONE]"], End::End);
    assert_eq!(r[0]["usage"], json!({ "input_tokens": 5, "output_tokens": 2 }));
}

#[test]
fn r6_reasoning_beside_the_output_is_added() {
    let usage = |total: u32| {
        json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": total,
        "completion_tokens_details": { "reasoning_tokens": 4 } })
    };
    assert_eq!(chat(usage(19))["usage"]["output_tokens"], 9);
    assert_eq!(chat(usage(15))["usage"]["output_tokens"], 5);
}

#[test]
fn r7_what_is_no_count_is_absent() {
    let r = chat(json!({ "prompt_tokens": "12", "completion_tokens": -1, "prompt_tokens_details": [1],
        "completion_tokens_details": { "reasoning_tokens": 1.5, "audio_tokens": {} }, "seconds": 1.5, "cost": "free" }));
    assert_eq!((&r["usage"], &r["status"]), (&json!({ "audio_seconds": 1.5 }), &json!("complete")));
    assert_eq!(r.get("provider_cost"), None);
}

#[test]
fn r8_large_counts_are_exact() {
    assert_eq!(
        chat(json!({ "prompt_tokens": 9_007_199_254_740_991_u64 }))["usage"]["input_tokens"],
        9_007_199_254_740_991_u64
    );
}

#[test]
fn r9_other_models_have_records_of_their_own() {
    let body = json!({ "type": "message", "id": "m", "model": "small", "usage": {
        "input_tokens": 10, "output_tokens": 20, "service_tier": "standard", "iterations": [
            { "type": "message", "model": "big", "input_tokens": 3, "output_tokens": 4 },
            { "type": "fallback_message", "model": "small", "input_tokens": 10, "output_tokens": 20 },
            { "type": "message", "model": "small", "input_tokens": 10, "output_tokens": 20 },
            { "type": "compaction", "input_tokens": 100, "output_tokens": 50 },
            { "type": "advisor_message", "model": "wise", "input_tokens": 1, "output_tokens": 2 },
            { "type": "advisor_message", "model": "wise", "input_tokens": 5, "output_tokens": 6 },
            { "type": "oracle", "input_tokens": 7, "output_tokens": 8, "later": true },
        ] } });
    let r = plain("anthropic", "messages", &body.to_string());
    let told: Vec<_> = r
        .iter()
        .map(|r| json!([r["role"], r["model"], r["usage"]["input_tokens"], r["usage"]["output_tokens"], r["event_id"]]))
        .collect();
    assert_eq!(
        json!(told),
        json!([
            [null, "small", 110, 70, "anthropic/m"],
            ["fallback_attempt", "big", 3, 4, "anthropic/m/fallback_attempt/0"],
            ["advisor", "wise", 1, 2, "anthropic/m/advisor/0"],
            ["advisor", "wise", 5, 6, "anthropic/m/advisor/1"],
            ["oracle", "small", 7, 8, "anthropic/m/oracle/0"],
        ])
    );
    assert_eq!(r[4]["raw"]["later"], true);
}

#[test]
fn r10_no_usage_is_unreported_neither_zero_nor_dropped() {
    for body in [
        r#"{"id":"c1","model":"m","usage":null}"#,
        r#"{"id":"c1","model":"m"}"#,
        r#"{"id":"c1","model":"m","usage":[]}"#,
    ] {
        let r = plain("openai", "chat.completions", body);
        assert_eq!(
            (r.len(), &r[0]["status"], &r[0]["usage"], &r[0]["raw"]),
            (1, &json!("unreported"), &json!({}), &Value::Null)
        );
        assert_eq!(r[0]["event_id"], "openai/c1/unreported");
    }
    let r = plain("openai", "chat.completions", r#"{"id":"c1","usage":{"prompt_tokens":5}"#);
    assert_eq!((&r[0]["status"], &r[0]["model"]), (&json!("unreported"), &json!("asked")));
}

#[test]
fn r12_the_provider_is_the_routes() {
    let route = route("POST", "https://openrouter.ai/api/v1/messages", None).unwrap();
    let route: Value = serde_json::from_str(&route).unwrap();
    let mut call = Call::open(&json!({ "route": route, "startedAtMs": 0 }).to_string()).unwrap();
    call.push(br#"{"type":"message","usage":{"input_tokens":1}}"#);
    assert_eq!(finish(call, End::End)[0]["provider"], "openrouter");
}

#[test]
fn r13_unknown_members_are_kept_in_raw() {
    assert_eq!(chat(json!({ "prompt_tokens": 1, "brand_new": [{ "a": 1 }] }))["raw"]["brand_new"], json!([{ "a": 1 }]));
}

#[test]
fn usage_inside_content_is_no_usage() {
    let text = r#"{\"usage\":{\"prompt_tokens\":999}}"#;
    for chunk in [
        format!(r#"{{"choices":[{{"delta":{{"content":"{text}","usage":{{"prompt_tokens":999}}}}}}]}}"#),
        format!(r#"{{"type":"response.output_text.delta","delta":"{text}"}}"#),
        r#"{"choices":[{"usage":{"prompt_tokens":999}}]}"#.to_owned(),
    ] {
        let r = stream("openai", "chat.completions", &[&chunk, "[DONE]"], End::End);
        assert_eq!(r[0]["status"], "unreported", "{chunk}");
    }
    let delta = r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"x","usage":{"input_tokens":9}},"usage":{"input_tokens":9}}"#;
    let r = stream("anthropic", "messages", &[START, delta, DELTA, STOP], End::End);
    assert_eq!(r[0]["usage"]["input_tokens"], 15);
}

#[test]
fn status_of_streams_that_break_off() {
    for how in [End::Cancel, End::Abort, End::Error, End::Flush] {
        let r = stream("anthropic", "messages", &[START], how);
        assert_eq!((r.len(), &r[0]["status"], &r[0]["usage"]["output_tokens"]), (1, &json!("partial"), &json!(1)));
        let r = stream("openai", "chat.completions", &[r#"{"id":"c","choices":[{"delta":{}}]}"#], how);
        assert_eq!((r.len(), &r[0]["status"]), (1, &json!("unreported")));
        // Usage was seen, and nothing can follow it.
        let r = stream("openai", "chat.completions", &[r#"{"choices":[],"usage":{"prompt_tokens":1}}"#], how);
        assert_eq!(r[0]["status"], "complete");
        let r = stream("openai", "chat.completions", &[r#"{"choices":[{}],"usage":{"prompt_tokens":1}}"#], how);
        assert_eq!(r[0]["status"], "partial");
    }
    let error = r#"{"type":"error","error":{"type":"overloaded_error"}}"#;
    let r = stream("anthropic", "messages", &[START, error, "not json", "{broken"], End::End);
    assert_eq!((&r[0]["status"], &r[0]["usage"]["input_tokens"]), (&json!("partial"), &json!(15)));
}

#[test]
fn two_generations_in_one_stream_are_two_records() {
    let other = START.replace("m1", "m2");
    let r = stream("anthropic", "messages", &[START, &other, DELTA, STOP], End::End);
    let told: Vec<_> = r.iter().map(|r| json!([r["response_id"], r["status"], r["usage"]["output_tokens"]])).collect();
    assert_eq!(json!(told), json!([["m1", "partial", 1], ["m2", "complete", 7]]));

    // A stream that goes on after its records were taken adds only what is new.
    let mut call = open("anthropic", "anthropic", "messages", json!({}));
    call.push(format!("data: {START}\n\ndata: {DELTA}\n\n").as_bytes());
    assert!(!call.is_final());
    assert!(call.finish(End::Flush, 0).contains("m1"));
    call.push(format!("data: {DELTA}\n\ndata: {STOP}\n\n").as_bytes());
    assert!(call.is_final());
    assert_eq!(call.finish(End::End, 0), "[]");
}

#[test]
fn responses_are_final_at_their_last_event() {
    let event = |kind: &str, usage: &str| {
        format!(r#"{{"type":"{kind}","response":{{"id":"r","model":"m","status":"in_progress","usage":{usage}}}}}"#)
    };
    for kind in ["response.completed", "response.incomplete", "response.failed"] {
        let mut call = open("openai", "openai", "responses", json!({}));
        call.push(format!("data: {}\n\n", event("response.created", "null")).as_bytes());
        assert!(!call.is_final());
        call.push(format!("data: {}\n\n", event(kind, r#"{"input_tokens":1}"#)).as_bytes());
        assert!(call.is_final());
        assert_eq!(finish(call, End::Flush)[0]["status"], "complete");
    }
}

#[test]
fn a_background_response_is_recorded_when_it_is_fetched_completed() {
    for status in ["queued", "in_progress"] {
        let body = json!({ "id": "r", "status": status, "usage": null });
        assert!(plain("openai", "responses", &body.to_string()).is_empty());
    }
    let body = json!({ "id": "r", "status": "completed", "usage": { "input_tokens": 1 } });
    let r = plain("openai", "responses", &body.to_string());
    assert_eq!((&r[0]["event_id"], &r[0]["finish_reason"]), (&json!("openai/r"), &json!("completed")));
}

#[test]
fn batch_results_are_one_record_a_line() {
    let mut call = open("anthropic", "anthropic", "messages.batches", json!({ "contentType": "application/binary" }));
    for (id, kind) in [("a", "succeeded"), ("b", "errored"), ("c", "succeeded")] {
        let message = json!({ "id": id, "model": "m", "usage": { "input_tokens": 1, "service_tier": "batch" } });
        let line = json!({ "custom_id": id, "result": { "type": kind, "message": message } });
        call.push(format!("{line}\r\n").as_bytes());
    }
    let r = finish(call, End::End);
    let told: Vec<_> = r.iter().map(|r| json!([r["event_id"], r["status"], r["service_tier"], r["stream"]])).collect();
    let want = json!([["anthropic/a", "complete", "batch", false], ["anthropic/c", "complete", "batch", false]]);
    assert_eq!(json!(told), want);
    let empty = open("anthropic", "anthropic", "messages.batches", json!({}));
    assert!(finish(empty, End::End).is_empty());
}

#[test]
fn failed_answers_and_pages_yield_nothing() {
    for more in
        [json!({ "status": 429 }), json!({ "status": 500 }), json!({ "contentType": "text/html; charset=utf-8" })]
    {
        let mut call = open("openai", "openai", "chat.completions", more);
        call.push(br#"{"usage":{"prompt_tokens":5}}"#);
        assert!(finish(call, End::End).is_empty());
    }
}

#[test]
fn an_id_only_where_it_tells_answers_apart() {
    let id = |provider: &str, more: Value, body: &str| {
        let mut call = open(provider, "openai", "embeddings", more);
        call.push(format!("data: {body}\n\n").as_bytes());
        finish(call, End::End)[0]["event_id"].clone()
    };
    let usage = r#"{"usage":{"prompt_tokens":5}}"#;
    let named = r#"{"id":"chatcmpl-7","usage":{"prompt_tokens":5}}"#;
    assert_eq!(id("openai", json!({}), usage), Value::Null);
    assert_eq!(id("openai", json!({ "requestId": "r" }), usage), "openai/r");
    assert_eq!(id("openai", json!({ "requestId": "r" }), named), "openai/chatcmpl-7");
    assert_eq!(id("ollama", json!({}), named), Value::Null);
}

#[test]
fn huge_events_and_broken_text_are_passed_over_or_through() {
    let mut call = open("openai", "openai", "chat.completions", json!({}));
    call.push(b"data: {\"choices\":[{\"delta\":{\"content\":\"");
    for _ in 0..80 {
        call.push(&[b'x'; 65_536]);
    }
    call.push(b"\xff\xfe\"},\"finish_reason\":\"st\xffop\"}],\"usage\":{\"prompt_tokens\":5}}\n\n");
    call.push(b"data: {\"usage\":{\"x\":\"");
    call.push(&vec![b'x'; LLM_PENDING_BYTES_MAX]);
    call.push(b"\"}}\n\ndata: {\"usage\":{\"completion_tokens\":6}}\n\n");
    let r = finish(call, End::End);
    assert_eq!(
        (&r[0]["usage"], &r[0]["finish_reason"]),
        (&json!({ "input_tokens": 5, "output_tokens": 6 }), &json!("st?op"))
    );
}

#[test]
fn a_stream_without_its_last_blank_line() {
    let mut call = open("openai", "openai", "chat.completions", json!({}));
    call.push(b": hello\n\nid: 1\ndata:{\"usage\":\ndata: {\"prompt_tokens\":5}}");
    assert_eq!(finish(call, End::End)[0]["usage"]["input_tokens"], 5);
}

#[test]
fn what_opens_no_call() {
    for (info, code) in [
        ("", "route_invalid"),
        ("{}", "route_invalid"),
        (r#"{"route":{"provider":"x","shape":"nope","api":"y"},"startedAtMs":1}"#, "route_invalid"),
        (r#"{"route":{"provider":"x","shape":"openai","api":"y"},"startedAtMs":1.5}"#, "call_invalid"),
    ] {
        assert_eq!(Call::open(info).err().unwrap().code, code);
    }
    assert_eq!(End::parse("stop").err().unwrap().code, "call_invalid");
}

#[test]
fn gemini_streams_that_are_one_array_or_are_blocked() {
    let chunk = |n: u32, reason: &str| {
        json!({ "candidates": [{ "content": { "parts": [{ "text": "x" }] }, "finishReason": reason }], "responseId": "g",
            "usageMetadata": { "promptTokenCount": 3, "candidatesTokenCount": n, "trafficType": "ON_DEMAND_FLEX",
                "promptTokensDetails": [{ "modality": "DOCUMENT", "tokenCount": 2 }, { "modality": "SMELL", "tokenCount": 1 }] } })
    };
    let body = json!([chunk(1, ""), chunk(2, "STOP")]).to_string();
    let r = plain("gemini", "generateContent", &body).remove(0);
    assert_eq!(r["usage"], json!({ "input_tokens": 3, "output_tokens": 2, "input_image_tokens": 2 }));
    assert_eq!((&r["service_tier"], &r["finish_reason"]), (&json!("ON_DEMAND_FLEX"), &json!("STOP")));

    let cut = stream("gemini", "generateContent", &[&chunk(1, "").to_string()], End::Cancel).remove(0);
    assert_eq!((&cut["status"], &cut["usage"]["output_tokens"]), (&json!("partial"), &json!(1)));
    let blocked = r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3}}"#;
    let r = stream("gemini", "generateContent", &[blocked], End::Cancel).remove(0);
    assert_eq!((&r["status"], &r["finish_reason"]), (&json!("complete"), &json!("SAFETY")));
}

#[test]
fn r11_cohere_bills_units_before_tokens() {
    let body = r#"{"id":"c","results":[],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}"#;
    assert_eq!(plain("cohere", "rerank", body)[0]["usage"], json!({ "rerank_searches": 1 }));
    let body = r#"{"usage":{"billed_units":{"input_tokens":5},"tokens":{"input_tokens":71}}}"#;
    assert_eq!(plain("cohere", "chat", body)[0]["usage"], json!({ "input_tokens": 5 }));
    let body = r#"{"usage":{"tokens":{"input_tokens":71}}}"#;
    assert_eq!(plain("cohere", "chat", body)[0]["usage"], json!({ "input_tokens": 71 }));
}

#[test]
fn ollama_is_final_at_its_last_line() {
    let mut call = open("ollama", "ollama", "chat", json!({ "contentType": "application/x-ndjson" }));
    call.push(b"{\"model\":\"m\",\"done\":false}\n");
    assert!(!call.is_final());
    call.push(b"{\"model\":\"m\",\"done\":true,\"eval_count\":2,\"total_duration\":9}\n");
    assert!(call.is_final());
    let r = finish(call, End::Flush).remove(0);
    assert_eq!((&r["status"], &r["usage"]), (&json!("complete"), &json!({ "output_tokens": 2 })));
}

#[test]
fn images_are_counted_even_if_their_events_are_alike() {
    let event = r#"{"type":"image_generation.completed","b64_json":"x","usage":{"input_tokens":1}}"#;
    let partial = r#"{"type":"image_generation.partial_image","b64_json":"x"}"#;
    let r = stream("openai", "images", &[partial, partial, event, event], End::End);
    assert_eq!(r[0]["usage"], json!({ "input_tokens": 1, "images": 2 }));
}

mod hiding {
    use super::*;

    const SHOWN: [&str; 5] = [
        ": keep-alive\n\n",
        "data: {\"choices\":[],\"id\":\"\",\"prompt_filter_results\":[]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\u{e5}\"}}],\"usage\":null}\n\n",
        "data: {\"choices\":[{}],\"usage\":{\"prompt_tokens\":1}}\n\n",
        "data: {\"choices\":[],\"usage\":null}\n\n",
    ];
    const HIDDEN: &str = "data: {\"choices\": [ ],\"usage\":{\"prompt_tokens\":5}}\n\n";
    const LAST: &str = "data: [DONE]\n\n";

    fn shown(text: &str, cut: usize) -> String {
        let mut call = open("openai", "openai", "chat.completions", json!({ "hide": true }));
        let mut out = Vec::new();
        for (at, chunk) in text.as_bytes().chunks(cut).enumerate() {
            call.push(chunk);
            out.extend(call.take_output());
            assert!(out.len() + call.held() <= (at + 1) * cut);
        }
        let records: Vec<Value> = serde_json::from_str(&call.finish(End::End, 0)).unwrap();
        assert_eq!(records[0]["usage"]["input_tokens"], 5);
        out.extend(call.take_output());
        assert_eq!((call.held(), call.take_output().len()), (0, 0));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_the_chunk_that_is_nothing_but_usage_is_hidden() {
        for eol in ["\n", "\r\n", "\r"] {
            let with = [&SHOWN.concat(), HIDDEN, LAST].concat().replace('\n', eol);
            let without = [&SHOWN.concat(), LAST].concat().replace('\n', eol);
            for cut in [1, 2, 3, 11, 1000] {
                assert_eq!(shown(&with, cut), without, "{eol:?} {cut}");
            }
        }
    }

    #[test]
    fn nothing_is_held_back_at_the_end() {
        let tail = "data: {\"choices\":[{\"delta\"";
        assert_eq!(shown(&[HIDDEN, tail].concat(), 5), tail);
        assert_eq!(shown(HIDDEN.trim_end(), 5), "");
    }

    #[test]
    fn an_event_too_large_to_hold_is_shown() {
        let large = "x".repeat(LLM_PENDING_BYTES_MAX + 5);
        let event = format!("data: {{\"choices\":[],\"pad\":\"{large}\",\"usage\":{{\"prompt_tokens\":5}}}}\r\n\r\n");
        assert!(shown(&[&event, LAST].concat(), 1_000_000) == [&event, LAST].concat());
    }

    #[test]
    fn other_answers_pass_whole() {
        let mut call = open("openai", "openai", "chat.completions", json!({ "hide": true, "status": 400 }));
        call.push(HIDDEN.as_bytes());
        assert_eq!(call.take_output(), HIDDEN.as_bytes());
        let mut call =
            open("openai", "openai", "chat.completions", json!({ "hide": true, "contentType": "application/json" }));
        call.push(b"{\"usage\":");
        assert_eq!(call.take_output(), b"{\"usage\":");
    }
}
