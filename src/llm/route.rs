//! Who answers a request, and in which shape: the provider by the URL's host, the shape by its path.

use crate::json::Writer;

/// The form of a provider's answers.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Shape {
    /// OpenAI's, and that of everybody who is compatible with it.
    Openai,
    /// Anthropic messages.
    Anthropic,
    /// Gemini's `generateContent`.
    Gemini,
    /// Cohere v2.
    Cohere,
    /// Ollama's own API.
    Ollama,
}

static SHAPES: [(Shape, &str); 5] = [
    (Shape::Openai, "openai"),
    (Shape::Anthropic, "anthropic"),
    (Shape::Gemini, "gemini"),
    (Shape::Cohere, "cohere"),
    (Shape::Ollama, "ollama"),
];

impl Shape {
    /// Its name.
    pub fn name(self) -> &'static str {
        SHAPES.iter().find(|(shape, _)| *shape == self).map_or("", |(_, name)| name)
    }

    /// The shape of that name.
    pub fn parse(name: &str) -> Option<Self> {
        SHAPES.iter().find(|(_, n)| *n == name).map(|(shape, _)| *shape)
    }
}

/// Where a request goes.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Route {
    /// The provider, named as in the price book.
    pub provider: String,
    /// The form of its answers.
    pub shape: Shape,
    /// Which of its interfaces: `chat.completions`, `responses`, `messages`, …
    pub api: &'static str,
    /// The region, or empty if the host names none.
    pub region: String,
    /// The model, or empty if the path names none.
    pub model: String,
}

impl Route {
    /// `{"provider":…,"shape":…,"api":…,"region"?,"model"?}`
    pub fn to_json(&self) -> String {
        let mut w = Writer::object();
        w.string("provider", &self.provider).string("shape", self.shape.name()).string("api", self.api);
        for (key, text) in [("region", &self.region), ("model", &self.model)] {
            if !text.is_empty() {
                w.string(key, text);
            }
        }
        w.end()
    }
}

/// Hosts and their providers. One `*` stands for anything, one `?` for the region.
static HOSTS: [(&str, &str); 27] = [
    ("api.openai.com", "openai"),
    ("?.api.openai.com", "openai"),
    ("*.openai.azure.com", "azure"),
    ("*.cognitiveservices.azure.com", "azure"),
    ("*.services.ai.azure.com", "azure"),
    ("*.azure-api.net", "azure"),
    ("api.anthropic.com", "anthropic"),
    ("generativelanguage.googleapis.com", "google"),
    ("aiplatform.googleapis.com", "google"),
    ("?-aiplatform.googleapis.com", "google"),
    ("bedrock-runtime.?.amazonaws.com", "bedrock"),
    ("api.groq.com", "groq"),
    ("api.mistral.ai", "mistral"),
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("openrouter.ai", "openrouter"),
    ("api.deepseek.com", "deepseek"),
    ("api.x.ai", "x-ai"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.perplexity.ai", "perplexity"),
    ("api.fireworks.ai", "fireworks"),
    ("api.cerebras.ai", "cerebras"),
    ("api.moonshot.*", "moonshotai"),
    ("api.z.ai", "zai"),
    ("localhost:11434", "ollama"),
    ("127.0.0.1:11434", "ollama"),
];

/// Ends of paths that are posted to, in lower case. Google names the model and what is asked of it in one:
/// `…/models/<model>:<verb>`.
static PATHS: [(&str, Shape, &str); 23] = [
    ("/chat/completions", Shape::Openai, "chat.completions"),
    ("/completions", Shape::Openai, "completions"),
    ("/embeddings", Shape::Openai, "embeddings"),
    ("/responses", Shape::Openai, "responses"),
    ("/responses/compact", Shape::Openai, "responses"),
    ("/images/generations", Shape::Openai, "images"),
    ("/images/edits", Shape::Openai, "images"),
    ("/images/variations", Shape::Openai, "images"),
    ("/audio/transcriptions", Shape::Openai, "audio.transcriptions"),
    ("/audio/translations", Shape::Openai, "audio.translations"),
    ("/v1/messages", Shape::Anthropic, "messages"),
    (":rawpredict", Shape::Anthropic, "messages"),
    (":streamrawpredict", Shape::Anthropic, "messages"),
    (":generatecontent", Shape::Gemini, "generateContent"),
    (":streamgeneratecontent", Shape::Gemini, "generateContent"),
    (":embedcontent", Shape::Gemini, "embedContent"),
    (":batchembedcontents", Shape::Gemini, "embedContent"),
    ("/v2/chat", Shape::Cohere, "chat"),
    ("/v2/embed", Shape::Cohere, "embed"),
    ("/v2/rerank", Shape::Cohere, "rerank"),
    ("/api/chat", Shape::Ollama, "chat"),
    ("/api/generate", Shape::Ollama, "generate"),
    ("/api/embed", Shape::Ollama, "embed"),
];

/// Decides who answers a request. `method` is in upper case; `provider` is the caller's own word, which wins over the
/// host.
///
/// `None`: not a call that is metered (another path, an unknown host, a free endpoint such as token counting).
pub fn route(method: &str, url: &str, provider: Option<&str>) -> Option<Route> {
    let url = url.to_ascii_lowercase();
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?.as_bytes();
    let authority = until(rest, b"/?#");
    let path = until(rest.get(authority.len()..)?, b"?#");
    let (shape, api, model) = shape(method, path.strip_suffix(b"/").unwrap_or(path))?;

    let port = authority.get(last(authority, b'@').map_or(0, |at| at + 1)..)?;
    let host = until(port, b":");
    let known = HOSTS.iter().find_map(|(pattern, provider)| {
        let pattern = pattern.as_bytes();
        let region = matched(pattern, host).or_else(|| matched(pattern, port))?;
        Some((*provider, if pattern.contains(&b'?') { region } else { b"" }))
    });
    let (host_provider, region) = known.unwrap_or_default();
    let provider = provider.filter(|p| !p.is_empty()).unwrap_or(host_provider);
    let route = Route { provider: provider.to_owned(), shape, api, region: text(region), model: text(model) };
    (!provider.is_empty()).then_some(route)
}

/// What is before the first of these bytes.
fn until<'a>(text: &'a [u8], stops: &[u8]) -> &'a [u8] {
    let at = text.iter().position(|b| stops.contains(b)).unwrap_or(text.len());
    text.get(..at).unwrap_or_default()
}

fn last(text: &[u8], byte: u8) -> Option<usize> {
    text.iter().rposition(|b| *b == byte)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap_or_default()
}

/// What the pattern's wildcard stands for in this host, which is something; nothing if there is none in it.
fn matched<'a>(pattern: &[u8], host: &'a [u8]) -> Option<&'a [u8]> {
    let before = until(pattern, b"*?");
    let rest = host.strip_prefix(before)?;
    match pattern.get(before.len() + 1..) {
        Some(after) => rest.strip_suffix(after).filter(|middle| !middle.is_empty()),
        None => rest.is_empty().then_some(rest),
    }
}

fn shape<'a>(method: &str, path: &'a [u8]) -> Option<(Shape, &'static str, &'a [u8])> {
    let at = last(path, b'/')?;
    let (parent, name) = (path.get(..at)?, path.get(at + 1..)?);
    if method == "GET" {
        if parent.ends_with(b"/responses") {
            return Some((Shape::Openai, "responses", b""));
        }
        let batch = name == b"results" && parent.get(..last(parent, b'/')?)?.ends_with(b"/messages/batches");
        return batch.then_some((Shape::Anthropic, "messages.batches", b""));
    }
    let (_, shape, api) = PATHS.iter().find(|(end, ..)| method == "POST" && path.ends_with(end.as_bytes()))?;
    let model = until(name, b":");
    if model.len() == name.len() {
        return Some((*shape, api, b""));
    }
    // Vertex serves many vendors by the same verb, and counts tokens by the name of a model.
    let ours = *shape == Shape::Gemini || parent.ends_with(b"/publishers/anthropic/models") && model != b"count-tokens";
    ours.then_some((*shape, *api, model))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(method: &str, url: &str) -> String {
        route(method, url, None).map_or_else(String::new, |r| r.to_json().replace('"', ""))
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
            ("https://api.cohere.com/v2/rerank", "provider:cohere,shape:cohere,api:rerank"),
            ("http://127.0.0.1:11434/api/chat", "provider:ollama,shape:ollama,api:chat"),
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
        let r = route("POST", "http://127.0.0.1:4010/f/x/openai/v1/chat/completions", Some("openai")).unwrap();
        assert_eq!(r.provider, "openai");
        assert_eq!(route("POST", "https://api.openai.com/v1/chat/completions", Some("mine")).unwrap().provider, "mine");
    }
}
