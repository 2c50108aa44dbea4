//! What is needed of a request: its model, whether it asks for a stream, and the wish for the stream's usage.

use super::members::Members;
use super::record::{join, put};
use crate::json::Writer;
use crate::limits::LLM_REQUEST_BYTES_MAX;

/// Reads a request's JSON body, and says `{"model"?,"stream","body"?}`: the model that is asked for, whether the answer
/// will be a stream, and the body to send instead. A body that is no JSON object, or too large, says nothing.
///
/// OpenAI streams report usage only when asked to by `stream_options.include_usage`. If the caller left that open,
/// `body` asks for it, and is the same in all other bytes; what the caller set, `false` too, is honoured. `ask`
/// overrides whether the host is known to accept the option, which is so for OpenAI and Azure.
///
/// `route` is what [`route`](super::route) gave.
pub fn inspect(route: &str, body: &str, ask: Option<bool>) -> String {
    let said = Members::of(if body.len() > LLM_REQUEST_BYTES_MAX { "" } else { body });
    let route = Members::of(route);
    let stream = said.get("stream") == "true";
    let ask = ask.unwrap_or(matches!(route.text("provider"), "openai" | "azure"));

    let mut w = Writer::object();
    w.raw("stream", if stream { "true" } else { "false" });
    put(&mut w, "model", said.text("model"));
    if ask
        && stream
        && route.text("api") == "chat.completions"
        && let Some(body) = asking(body, said.last("stream_options"))
    {
        w.string("body", &body);
    }
    w.end()
}

/// The body with the wish for usage put in; `None` if the caller said something about it.
fn asking(body: &str, options: &str) -> Option<String> {
    let (from, to, insert) = if options.is_empty() {
        let end = body.trim_ascii_end().len().checked_sub(1)?;
        (end, end, r#","stream_options":{"include_usage":true}"#)
    } else {
        // Members are parts of the body: this is where they lie in it.
        let at = (options.as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
        let said = Members::of(options);
        match options {
            "null" => (at, at + options.len(), r#"{"include_usage":true}"#),
            _ if !options.starts_with('{') || !said.last("include_usage").is_empty() => return None,
            _ if said.is_empty() => (at + 1, at + 1, r#""include_usage":true"#),
            _ => (at + 1, at + 1, r#""include_usage":true,"#),
        }
    };
    Some(join(&[body.get(..from)?, insert, body.get(to..)?]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::route;

    fn asked(url: &str, body: &str, ask: Option<bool>) -> Option<String> {
        let said = inspect(&route("POST", url, None).unwrap(), body, ask);
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        said["body"].as_str().map(str::to_owned)
    }

    const CHAT: &str = "https://api.openai.com/v1/chat/completions";

    #[test]
    fn asks_for_usage_and_changes_nothing_else() {
        for (body, want) in [
            (
                r#" {"model":"m", "stream" : true,"n":1.50 } "#,
                r#" {"model":"m", "stream" : true,"n":1.50 ,"stream_options":{"include_usage":true}} "#,
            ),
            (
                r#"{"stream_options": null ,"stream":true}"#,
                r#"{"stream_options": {"include_usage":true} ,"stream":true}"#,
            ),
            (r#"{"stream_options":{ },"stream":true}"#, r#"{"stream_options":{"include_usage":true },"stream":true}"#),
            (
                r#"{"stream":true,"stream_options":{"include_obfuscation":false}}"#,
                r#"{"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}"#,
            ),
        ] {
            assert_eq!(asked(CHAT, body, None).as_deref(), Some(want));
        }
    }

    #[test]
    fn leaves_alone_what_was_said_and_who_may_not_understand() {
        for body in [
            r#"{"stream":true,"stream_options":{"include_usage":false}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":null}}"#,
            r#"{"stream":true,"stream_options":7}"#,
            r#"{"stream":false}"#,
            r#"{"messages":[{"stream":true}]}"#,
            r#"{"stream":true"#,
            r#"[{"stream":true}]"#,
            "",
        ] {
            assert_eq!(asked(CHAT, body, None), None, "{body}");
        }
        let body = r#"{"stream":true}"#;
        assert_eq!(asked("https://api.groq.com/openai/v1/chat/completions", body, None), None);
        assert!(asked("https://api.groq.com/openai/v1/chat/completions", body, Some(true)).is_some());
        assert!(asked("https://me.openai.azure.com/openai/deployments/d/chat/completions", body, None).is_some());
        assert_eq!(asked(CHAT, body, Some(false)), None);
        assert_eq!(asked("https://api.openai.com/v1/responses", body, None), None);
    }

    #[test]
    fn reads_model_and_stream_at_the_top_only() {
        let route = route("POST", CHAT, None).unwrap();
        let body = r#"{"messages":[{"content":"\"model\":\"x\"","model":"y"}],"model":"a\/b","stream":true}"#;
        assert_eq!(inspect(&route, body, Some(false)), r#"{"stream":true,"model":"a\/b"}"#);
        assert_eq!(inspect(&route, r#"{"model":7}"#, None), r#"{"stream":false}"#);
        assert_eq!(inspect(&route, "", None), r#"{"stream":false}"#);
    }
}
