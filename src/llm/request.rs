//! What is needed of a request: its model, whether it asks for a stream, and the wish for the stream's usage.

use std::borrow::Cow;

use super::members::Members;
use super::route::Route;
use crate::json::{Reader, Writer};
use crate::limits::LLM_REQUEST_BYTES_MAX;

/// What a request body says.
#[derive(Default)]
pub struct Request {
    /// The model that is asked for.
    pub model: Option<String>,
    /// Whether the answer will be a stream.
    pub stream: bool,
    /// The body to send instead, which asks for the stream's usage; all other bytes are as they were.
    pub body: Option<String>,
}

impl Request {
    /// `{"model"?,"stream":…,"body"?}`
    pub fn to_json(&self) -> String {
        let mut w = Writer::object();
        for (key, text) in [("model", &self.model), ("body", &self.body)] {
            if let Some(text) = text {
                w.string(key, text);
            }
        }
        w.raw("stream", if self.stream { "true" } else { "false" });
        w.end()
    }
}

/// Reads a request's JSON body. A body that is no JSON object, or too large, says nothing.
///
/// OpenAI streams report usage only when asked to by `stream_options.include_usage`. If the caller left that open,
/// [`Request::body`] asks for it; what the caller set, `false` too, is honoured. `ask` overrides whether the host
/// is known to accept the option, which is so for OpenAI and Azure.
pub fn inspect(route: &Route, body: &str, ask: Option<bool>) -> Request {
    if body.len() > LLM_REQUEST_BYTES_MAX {
        return Request::default();
    }
    read(route, body, ask).unwrap_or_default()
}

fn read(route: &Route, body: &str, ask: Option<bool>) -> Option<Request> {
    let mut request = Request::default();
    let mut options = None;
    let mut r = Reader::new(body);
    r.object(|r, key| {
        r.kind()?;
        let at = r.position();
        let text = r.skip()?;
        match key.as_ref() {
            "model" => request.model = Reader::new(text).string().ok().map(Cow::into_owned).filter(|m| !m.is_empty()),
            "stream" => request.stream = text == "true",
            "stream_options" => options = Some((at, text)),
            _ => {}
        }
        Ok(())
    })
    .ok()?;
    let end = r.position();
    r.end().ok()?;

    let ask = ask.unwrap_or(matches!(route.provider.as_str(), "openai" | "azure"));
    if !ask || !request.stream || route.api != "chat.completions" {
        return Some(request);
    }
    let (from, to, insert) = match options {
        None => (end - 1, end - 1, r#","stream_options":{"include_usage":true}"#),
        Some((at, text @ "null")) => (at, at + text.len(), r#"{"include_usage":true}"#),
        Some((at, text)) => {
            let Some(members) = Members::parse(text) else { return Some(request) };
            if members.iter().any(|(key, _)| key == "include_usage") {
                return Some(request);
            }
            let insert = if members.is_empty() { r#""include_usage":true"# } else { r#""include_usage":true,"# };
            (at + 1, at + 1, insert)
        }
    };
    request.body = Some([body.get(..from)?, insert, body.get(to..)?].concat());
    Some(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::route;

    fn asked(url: &str, body: &str, ask: Option<bool>) -> Option<String> {
        inspect(&route("POST", url, None).unwrap(), body, ask).body
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
        let request = inspect(&route, body, Some(false));
        assert_eq!(request.to_json(), r#"{"model":"a/b","stream":true}"#);
        assert_eq!(inspect(&route, r#"{"model":7}"#, None).to_json(), r#"{"stream":false}"#);
    }
}
