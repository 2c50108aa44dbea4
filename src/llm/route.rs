//! Who answers a request, and in which shape: the provider by the URL's host, the shape by its path.

use super::members::cut;
use crate::json::Writer;

/// The form of a provider's answers.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Shape {
    /// OpenAI's, and that of everybody who is compatible with it.
    Openai,
    /// Anthropic messages.
    Anthropic,
    /// Gemini's `generateContent`, and its interactions.
    Gemini,
    /// Cohere v2.
    Cohere,
    /// Ollama's own API.
    Ollama,
    /// Amazon Bedrock's Converse, and what its own models answer.
    Bedrock,
    /// The AI SDK's usage objects, from version 6 on.
    AiSdk,
}

impl Shape {
    /// The shape of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "openai" => Self::Openai,
            "anthropic" => Self::Anthropic,
            "gemini" => Self::Gemini,
            "cohere" => Self::Cohere,
            "ollama" => Self::Ollama,
            "bedrock" => Self::Bedrock,
            "ai-sdk" => Self::AiSdk,
            _ => return None,
        })
    }
}

/// Providers and their hosts. One `*` stands for anything, one `?` for the region.
const HOSTS: &str = "\
    openai api.openai.com ?.api.openai.com\n\
    azure *.openai.azure.com *.cognitiveservices.azure.com *.services.ai.azure.com *.azure-api.net\n\
    anthropic api.anthropic.com\n\
    google generativelanguage.googleapis.com aiplatform.googleapis.com \
        ?-aiplatform.googleapis.com aiplatform.?.rep.googleapis.com\n\
    bedrock bedrock-runtime.?.amazonaws.com\n\
    groq api.groq.com\n\
    mistral api.mistral.ai\n\
    together api.together.xyz api.together.ai\n\
    openrouter openrouter.ai\n\
    deepseek api.deepseek.com\n\
    x-ai api.x.ai\n\
    cohere api.cohere.com api.cohere.ai\n\
    perplexity api.perplexity.ai\n\
    fireworks api.fireworks.ai\n\
    cerebras api.cerebras.ai\n\
    moonshotai api.moonshot.*\n\
    zai api.z.ai\n\
    ollama localhost:11434 127.0.0.1:11434";

/// Shapes, their interfaces, and the ends of paths that are posted to, in lower case. Google names the model and what is
/// asked of it in one: `…/models/<model>:<verb>`.
const PATHS: &str = "\
    openai:chat.completions */chat/completions\n\
    openai:completions */completions\n\
    openai:embeddings */embeddings\n\
    openai:responses */responses */responses/compact\n\
    openai:images */images/generations */images/edits */images/variations\n\
    openai:audio.transcriptions */audio/transcriptions\n\
    openai:audio.translations */audio/translations\n\
    anthropic:messages */v1/messages *:rawpredict *:streamrawpredict\n\
    gemini:generateContent *:generatecontent *:streamgeneratecontent\n\
    gemini:embedContent *:embedcontent *:batchembedcontents\n\
    gemini:interactions */interactions\n\
    cohere:chat */v2/chat\n\
    cohere:embed */v2/embed\n\
    cohere:rerank */v2/rerank\n\
    ollama:chat */api/chat\n\
    ollama:generate */api/generate\n\
    ollama:embed */api/embed\n\
    bedrock:converse */converse */converse-stream\n\
    bedrock:invoke */invoke */invoke-with-response-stream";

/// Decides who answers a request: `{"provider":…,"shape":…,"api":…,"region"?,"model"?}`, where the provider is named as
/// in the price book, the shape as one of [`Shape`], and the region and the model are those that the URL names. `method`
/// is in upper case; `provider` is the caller's own word, which wins over the host.
///
/// With an empty `method` it is the route of answers that are told by themselves, see `observe()` in JavaScript.
///
/// `None`: not a call that is metered (another path, an unknown host, a free endpoint such as token counting).
pub fn route(method: &str, url: &str, provider: Option<&str>) -> Option<String> {
    if method.is_empty() {
        return observed(provider.unwrap_or_default());
    }
    let url = url.to_ascii_lowercase();
    let url = until(url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?, b"?#");
    let url = url.strip_suffix('/').unwrap_or(url);
    let (parent, name) = at_last(url, b'/');
    let mut model = until(name, b":");
    let mut api = match method {
        "POST" => find(PATHS, &[url])?.0,
        "GET" if parent.ends_with("/responses") => "openai:responses",
        "GET" if parent.ends_with("/interactions") => "gemini:interactions",
        "GET" if name == "results" && at_last(parent, b'/').0.ends_with("/messages/batches") => {
            "anthropic:messages.batches"
        }
        _ => return None,
    };
    let mut shape = cut(&mut api, b':');
    let decoded;
    if shape == "bedrock" {
        decoded = percent_decoded(at_last(parent, b'/').1);
        model = &decoded;
        // By its bytes: a search for text brings 6 KB along, what its panic prints included.
        if api == "invoke" && decoded.as_bytes().windows(10).any(|part| part == b"anthropic.") {
            shape = "anthropic";
        }
    } else if model.len() == name.len() {
        model = "";
    } else if shape != "gemini" && (!parent.ends_with("/publishers/anthropic/models") || model == "count-tokens") {
        // Vertex serves many vendors by the same verb, and counts tokens by the name of a model.
        return None;
    }

    let (_, port) = at_last(until(url, b"/"), b'@');
    let (host_provider, region) = find(HOSTS, &[until(port, b":"), port]).unwrap_or_default();
    let provider = provider.filter(|p| !p.is_empty()).unwrap_or(host_provider);
    let mut w = Writer::object();
    w.string("provider", provider).string("shape", shape).string("api", api);
    for (key, text) in [("region", region), ("model", model)] {
        if !text.is_empty() {
            w.string(key, text);
        }
    }
    (!provider.is_empty()).then(|| w.end())
}

/// The route of answers that did not come as an HTTP answer, one a line: by their provider alone.
fn observed(provider: &str) -> Option<String> {
    let shape = match provider {
        "" => return None,
        "google" => "gemini",
        "anthropic" | "cohere" | "ollama" | "bedrock" => provider,
        _ => "openai",
    };
    let mut w = Writer::object();
    w.string("provider", provider).string("shape", shape).string("api", "observed");
    Some(w.end())
}

/// The text with what stands for its colons and slashes put back.
fn percent_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (sign, rest) = match part.get(..2) {
            Some("3a") => (":", part.get(2..)),
            Some("2f") => ("/", part.get(2..)),
            _ => ("%", Some(part)),
        };
        decoded.push_str(sign);
        decoded.push_str(rest.unwrap_or_default());
    }
    decoded
}

/// What is before the first of these bytes.
#[inline(never)]
fn until<'a>(text: &'a str, stops: &[u8]) -> &'a str {
    let at = text.bytes().position(|b| stops.contains(&b)).unwrap_or(text.len());
    text.get(..at).unwrap_or_default()
}

/// What is before and behind the last of these bytes; all is behind if there is none.
#[inline(never)]
fn at_last(text: &str, byte: u8) -> (&str, &str) {
    let at = text.bytes().rposition(|b| b == byte);
    let behind = text.get(at.map_or(0, |at| at + 1)..).unwrap_or_default();
    (text.get(..at.unwrap_or(0)).unwrap_or_default(), behind)
}

/// The table's line that has a pattern for one of the texts, and the region in it.
#[inline(never)]
fn find<'a>(mut table: &'static str, texts: &[&'a str]) -> Option<(&'static str, &'a str)> {
    while !table.is_empty() {
        let mut patterns = cut(&mut table, b'\n');
        let name = cut(&mut patterns, b' ');
        while !patterns.is_empty() {
            let pattern = cut(&mut patterns, b' ');
            for text in texts {
                let region = matched(pattern, text);
                if region.is_some() {
                    return region.map(|region| (name, region));
                }
            }
        }
    }
    None
}

/// The region in a text that matches the pattern, empty if the pattern names none.
fn matched<'a>(pattern: &str, text: &'a str) -> Option<&'a str> {
    let before = until(pattern, b"*?");
    let rest = text.strip_prefix(before)?;
    let Some(after) = pattern.get(before.len() + 1..) else { return rest.is_empty().then_some("") };
    let middle = rest.strip_suffix(after).filter(|middle| !middle.is_empty())?;
    Some(if pattern.as_bytes().get(before.len()) == Some(&b'?') { middle } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(method: &str, url: &str) -> String {
        route(method, url, None).unwrap_or_default().replace('"', "")
    }

    #[test]
    fn provider_by_host_and_shape_by_path() {
        for (url, want) in [
            ("https://api.openai.com/v1/chat/completions", "provider:openai,shape:openai,api:chat.completions"),
            ("https://EU.api.openai.com:443/v1/responses?x=/", "provider:openai,shape:openai,api:responses,region:eu"),
            ("https://api.openai.com/v1/responses/compact/", "provider:openai,shape:openai,api:responses"),
            ("https://api.openai.com/v1/images/edits#/v1/messages", "provider:openai,shape:openai,api:images"),
            (
                "https://me.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=1",
                "provider:azure,shape:openai,api:chat.completions",
            ),
            ("https://me.services.ai.azure.com/anthropic/v1/messages", "provider:azure,shape:anthropic,api:messages"),
            ("https://api.anthropic.com/v1/messages?beta=true", "provider:anthropic,shape:anthropic,api:messages"),
            (
                "https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@2:streamRawPredict",
                "provider:google,shape:anthropic,api:messages,region:europe-west1,model:claude-x@2",
            ),
            (
                "https://generativelanguage.googleapis.com/v1beta/openai/embeddings",
                "provider:google,shape:openai,api:embeddings",
            ),
            ("https://api.x.ai/v1/completions", "provider:x-ai,shape:openai,api:completions"),
            ("https://api.moonshot.cn/v1/chat/completions", "provider:moonshotai,shape:openai,api:chat.completions"),
            ("https://a:b@openrouter.ai/api/v1/messages", "provider:openrouter,shape:anthropic,api:messages"),
            ("http://localhost:11434/v1/chat/completions", "provider:ollama,shape:openai,api:chat.completions"),
            (
                "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.5-pro:streamGenerateContent?alt=sse",
                "provider:google,shape:gemini,api:generateContent,model:gemini-3.5-pro",
            ),
            (
                "https://generativelanguage.googleapis.com/v1beta/interactions",
                "provider:google,shape:gemini,api:interactions",
            ),
            ("https://api.cohere.com/v2/rerank", "provider:cohere,shape:cohere,api:rerank"),
            ("http://127.0.0.1:11434/api/chat", "provider:ollama,shape:ollama,api:chat"),
            (
                "https://aiplatform.eu.rep.googleapis.com/v1/publishers/anthropic/models/claude-x:rawPredict",
                "provider:google,shape:anthropic,api:messages,region:eu,model:claude-x",
            ),
            (
                "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-pro-v1%3A0/converse-stream",
                "provider:bedrock,shape:bedrock,api:converse,region:us-east-1,model:amazon.nova-pro-v1:0",
            ),
            (
                "https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn%3Aaws%3Aprofile%2Feu.anthropic.x%%2/invoke",
                "provider:bedrock,shape:anthropic,api:invoke,region:eu-west-1,model:arn:aws:profile/eu.anthropic.x%%2",
            ),
            (
                "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-x/invoke",
                "provider:bedrock,shape:anthropic,api:invoke,region:us-east-1,model:us.anthropic.claude-x",
            ),
            ("https://api.groq.com/openai/v1/audio/translations", "provider:groq,shape:openai,api:audio.translations"),
        ] {
            assert_eq!(routed("POST", url), ["{", want, "}"].concat(), "{url}");
        }
        assert!(routed("GET", "https://api.openai.com/v1/responses/resp_1").contains("api:responses"));
        assert!(routed("GET", "https://api.anthropic.com/v1/messages/batches/b/results").contains("messages.batches"));
    }

    #[test]
    fn everything_else_passes() {
        for (method, url) in [
            ("POST", "https://api.anthropic.com/v1/messages/count_tokens"),
            ("POST", "https://api.anthropic.com/v1/messages/batches"),
            ("POST", "https://api.openai.com/v1/responses/input_tokens"),
            ("POST", "https://api.openai.com/v1/moderations"),
            ("GET", "https://api.openai.com/v1/chat/completions"),
            ("GET", "https://api.openai.com/v1/responses"),
            ("GET", "https://api.openai.com/v1/responses/r/input_items"),
            ("DELETE", "https://api.openai.com/v1/responses/resp_1"),
            ("POST", "https://example.com/v1/chat/completions"),
            ("POST", "https://api.openai.com.evil.example/v1/chat/completions"),
            ("POST", "https://evilapi.openai.com/v1/chat/completions"),
            ("POST", "https://.api.openai.com/v1/chat/completions"),
            ("POST", "https://us-aiplatform.googleapis.com/v1/publishers/meta/models/llama:rawPredict"),
            ("POST", "https://aiplatform.googleapis.com/v1/publishers/anthropic/models/count-tokens:rawPredict"),
            ("POST", "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.5-pro:countTokens"),
            ("POST", "https://generativelanguage.googleapis.com/v1beta/interactions/i/cancel"),
            ("POST", "data:,"),
            ("POST", "ftp://api.openai.com/v1/chat/completions"),
            ("POST", "https://api.openai.com"),
            ("POST", ""),
        ] {
            assert_eq!(routed(method, url), "", "{method} {url}");
        }
    }

    #[test]
    fn the_callers_word_wins() {
        for (url, provider) in [
            ("http://127.0.0.1:4010/f/x/openai/v1/chat/completions", "openai"),
            ("https://api.openai.com/v1/chat/completions", "mine"),
        ] {
            let route = route("POST", url, Some(provider)).unwrap();
            assert!(route.starts_with(&format!(r#"{{"provider":"{provider}","#)), "{route}");
        }
    }
}
