//! The base URL of a sink, checked once.

use super::invalid;
use crate::error::{Error, Result};
use crate::json::Value;
use crate::limits::URL_BYTES_MAX;

/// A base URL without its trailing slashes.
///
/// `https`, or `http` to this very machine, since the key travels in a header. No credentials, query or fragment.
/// Errors: `invalid_sink`, `insecure_url`.
pub(super) fn base(url: Option<&Value>) -> Result<String> {
    let url = url.and_then(Value::as_str).ok_or_else(|| invalid("the URL is missing, or not a string"))?;
    // What URL parsers read differently (a backslash, a tab, a percent sign in a host) is not argued about.
    if url.len() > URL_BYTES_MAX || !url.bytes().all(|b| b.is_ascii_graphic()) || url.contains(['\\', '?', '#', '@']) {
        return Err(invalid("the URL has credentials, a query, a fragment or characters that need escaping")
            .help("give the base URL alone, and the key by its own option"));
    }
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    let rest = rest.strip_prefix("//").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rfind([':', ']']) {
        Some(at) if authority.get(at..).is_some_and(|tail| tail.starts_with(':')) => {
            (authority.get(..at).unwrap_or_default(), authority.get(at + 1..).unwrap_or_default())
        }
        _ => (authority, "443"),
    };
    let host_is_plain = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(inner) => !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')),
    };
    let port_is_plain = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let https = scheme.eq_ignore_ascii_case("https");
    if !host_is_plain || !port_is_plain || !(https || scheme.eq_ignore_ascii_case("http")) {
        return Err(invalid("not an http URL").help("write it like https://example.com"));
    }
    if !https && !loopback(host) {
        return Err(Error::new("insecure_url", "the key would travel unencrypted")
            .help("use https; http is for localhost, 127.0.0.1 and [::1] only"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn loopback(host: &str) -> bool {
    let mut parts = host.split('.');
    let local_v4 = parts.next() == Some("127") && parts.clone().count() == 3 && parts.all(|p| p.parse::<u8>().is_ok());
    local_v4 || host == "[::1]" || host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> std::result::Result<String, &'static str> {
        base(Some(&Value::String(url.into()))).map_err(|e| e.code)
    }

    #[test]
    fn https_or_this_machine() {
        for (url, want) in [
            ("https://openmeter.cloud", "https://openmeter.cloud"),
            ("https://a.b/prefix//", "https://a.b/prefix"),
            ("HTTPS://A.b:8443/", "HTTPS://A.b:8443"),
            ("https://[2001:db8::1]:1", "https://[2001:db8::1]:1"),
            ("http://localhost:8888", "http://localhost:8888"),
            ("http://127.0.0.1:8888/x", "http://127.0.0.1:8888/x"),
            ("http://127.9.8.7", "http://127.9.8.7"),
            ("http://[::1]:8888", "http://[::1]:8888"),
        ] {
            assert_eq!(read(url).as_deref(), Ok(want));
        }
        for url in [
            "http://example.com",
            "http://127.0.0.1.example.com",
            "http://127.1",
            "http://127.0.0.256",
            "http://localhost.example.com",
            "http://[::2]",
            "http://10.0.0.1",
        ] {
            assert_eq!(read(url), Err("insecure_url"), "{url}");
        }
        for url in [
            "",
            "openmeter.cloud",
            "ftp://a.b",
            "data:text/plain,x",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "https://user:secret@a.b",
            "http://127.0.0.1@evil.com",
            "http://127.0.0.1\\@evil.com",
            "https://a.b?x=1",
            "https://a.b#x",
            "https://a b",
            "https://a.b\n",
            "https://bücher.example",
            "https://a%2eb",
            "https://a.b:",
            "https://a.b:65536",
            "https://a.b:+1",
            "https://[::1",
            "https://[]",
        ] {
            assert_eq!(read(url), Err("invalid_sink"), "{url}");
        }
        assert_eq!(read(&format!("https://a.b/{}", "x".repeat(2048))), Err("invalid_sink"));
    }
}
