//! Who answers a request, and in which shape: the provider by the URL's host, the shape by its path.

use crate::error::{Error, Result};
use crate::json::{Value, Writer};

/// The form of a provider's answers.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Shape {
    /// OpenAI's, and that of everybody who is compatible with it.
    Openai,
    /// Anthropic messages.
    Anthropic,
}

impl Shape {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// The shape of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Openai, Self::Anthropic].into_iter().find(|shape| shape.name() == name)
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
    pub api: String,
    /// The region, if the host names one.
    pub region: Option<String>,
    /// The model, if the path names one.
    pub model: Option<String>,
}

impl Route {
    /// Reads what [`Self::to_json`] wrote. Error: `route_invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        Self::from_value(&Value::parse(text)?)
    }

    pub(super) fn from_value(route: &Value<'_>) -> Result<Self> {
        let text = |key| route.get(key).and_then(Value::as_str).map(str::to_owned);
        match (text("provider"), text("shape").as_deref().and_then(Shape::parse), text("api")) {
            (Some(provider), Some(shape), Some(api)) => {
                Ok(Self { provider, shape, api, region: text("region"), model: text("model") })
            }
            _ => Err(Error::new("route_invalid", "this is not a route that was given out")),
        }
    }

    /// `{"provider":…,"shape":…,"api":…,"region"?,"model"?}`
    pub fn to_json(&self) -> String {
        let mut w = Writer::object();
        w.string("provider", &self.provider).string("shape", self.shape.name()).string("api", &self.api);
        for (key, text) in [("region", &self.region), ("model", &self.model)] {
            if let Some(text) = text {
                w.string(key, text);
            }
        }
        w.end()
    }
}

/// Hosts and their providers. A leading dot or dash: the host ends so; a trailing dot: it begins so.
const HOSTS: [(&str, &str); 27] = [
    ("api.openai.com", "openai"),
    (".api.openai.com", "openai"),
    (".openai.azure.com", "azure"),
    (".cognitiveservices.azure.com", "azure"),
    (".services.ai.azure.com", "azure"),
    (".azure-api.net", "azure"),
    ("api.anthropic.com", "anthropic"),
    ("generativelanguage.googleapis.com", "google"),
    ("aiplatform.googleapis.com", "google"),
    ("-aiplatform.googleapis.com", "google"),
    ("bedrock-runtime.", "bedrock"),
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
    ("api.moonshot.", "moonshotai"),
    ("api.z.ai", "zai"),
    ("localhost:11434", "ollama"),
    ("127.0.0.1:11434", "ollama"),
];

/// Ends of paths that are posted to.
const PATHS: [(&str, Shape, &str); 8] = [
    ("/chat/completions", Shape::Openai, "chat.completions"),
    ("/completions", Shape::Openai, "completions"),
    ("/embeddings", Shape::Openai, "embeddings"),
    ("/responses", Shape::Openai, "responses"),
    ("/responses/compact", Shape::Openai, "responses"),
    ("/audio/transcriptions", Shape::Openai, "audio.transcriptions"),
    ("/audio/translations", Shape::Openai, "audio.translations"),
    ("/v1/messages", Shape::Anthropic, "messages"),
];

/// Decides who answers a request. `provider` is the caller's own word, which wins over the host.
///
/// `None`: not a call that is metered (another path, an unknown host, a free endpoint such as token counting).
pub fn route(method: &str, url: &str, provider: Option<&str>) -> Option<Route> {
    let (host, path) = split(url)?;
    let (shape, api, model) = shape(method, path)?;
    let provider = provider.filter(|p| !p.is_empty()).or_else(|| {
        let bare = host.split_once(':').map_or(host.as_str(), |(bare, _)| bare);
        HOSTS
            .iter()
            .find(|(pattern, _)| matches(pattern, if pattern.contains(':') { &host } else { bare }))
            .map(|h| h.1)
    })?;
    Some(Route { provider: provider.to_owned(), shape, api: api.to_owned(), region: region(&host), model })
}

/// Host with port, in lower case, and path of an http(s) URL.
fn split(url: &str) -> Option<(String, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let rest = rest.split(['?', '#']).next()?;
    let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
    let host = authority.rsplit('@').next()?;
    Some((host.to_ascii_lowercase(), path.trim_end_matches('/')))
}

fn matches(pattern: &str, host: &str) -> bool {
    if pattern.starts_with(['.', '-']) {
        host.ends_with(pattern)
    } else if pattern.ends_with('.') {
        host.starts_with(pattern)
    } else {
        host == pattern
    }
}

fn region(host: &str) -> Option<String> {
    let host = host.split(':').next()?;
    host.strip_suffix(".api.openai.com")
        .or_else(|| host.strip_suffix("-aiplatform.googleapis.com"))
        .or_else(|| host.strip_prefix("bedrock-runtime.")?.split('.').next())
        .map(str::to_owned)
}

fn shape(method: &str, path: &str) -> Option<(Shape, &'static str, Option<String>)> {
    let (parent, last) = path.rsplit_once('/')?;
    if method.eq_ignore_ascii_case("GET") {
        if parent.ends_with("/responses") {
            return Some((Shape::Openai, "responses", None));
        }
        let batch = last == "results" && parent.rsplit_once('/')?.0.ends_with("/messages/batches");
        return batch.then_some((Shape::Anthropic, "messages.batches", None));
    }
    if !method.eq_ignore_ascii_case("POST") {
        return None;
    }
    if let Some((_, shape, api)) = PATHS.iter().find(|(end, ..)| path.ends_with(end)) {
        return Some((*shape, api, None));
    }
    if parent.ends_with("/images") {
        return Some((Shape::Openai, "images", None));
    }
    // Google names the model and what is asked of it in one: `…/models/<model>:<verb>`.
    let (model, verb) = last.split_once(':')?;
    if matches!(verb, "rawPredict" | "streamRawPredict") && parent.ends_with("/publishers/anthropic/models") {
        return (model != "count-tokens").then(|| (Shape::Anthropic, "messages", Some(model.to_owned())));
    }
    None
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
            ("https://api.groq.com/openai/v1/audio/translations", "provider:groq,shape:openai,api:audio.translations"),
        ] {
            assert_eq!(routed("post", url), ["{", want, "}"].concat(), "{url}");
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
            ("POST", "https://aiplatform.googleapis.com/v1/publishers/anthropic/models/count-tokens:rawPredict"),
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
