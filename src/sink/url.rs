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
    let scheme = |name: &str| url.get(..name.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(name));
    let (https, http) = (scheme("https://"), scheme("http://"));
    let rest = url.get(if https { 8 } else { 7 }..).unwrap_or_default();
    let authority = upto(rest, b'/');
    // A colon inside of brackets belongs to the host.
    let bracket = authority.bytes().position(|b| b == b']').unwrap_or(0);
    let host_end = bracket + upto(authority.get(bracket..).unwrap_or_default(), b':').len();
    let (host, port) = authority.split_at_checked(host_end).unwrap_or_default();
    if !(https || http) || !is_host(host) || !is_port(port) {
        return Err(invalid("not an http URL").help("write it like https://example.com"));
    }
    if !https && !["localhost", "127.0.0.1", "[::1]"].iter().any(|local| host.eq_ignore_ascii_case(local)) {
        return Err(Error::new("insecure_url", "the key would travel unencrypted")
            .help("use https; http is for localhost, 127.0.0.1 and [::1] only"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn upto(text: &str, end: u8) -> &str {
    let at = text.bytes().position(|b| b == end).unwrap_or(text.len());
    text.get(..at).unwrap_or_default()
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')),
        Some(None) => false,
        Some(Some(v6)) => !v6.is_empty() && v6.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')),
    }
}

/// Nothing, or a colon and a number.
fn is_port(port: &str) -> bool {
    match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            let plain = (1..=5).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            plain && digits.bytes().fold(0, |n, b| n * 10 + u32::from(b - b'0')) <= 65_535
        }
    }
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
            ("http://LocalHost/", "http://LocalHost"),
            ("http://[::1]:8888", "http://[::1]:8888"),
        ] {
            assert_eq!(read(url).as_deref(), Ok(want));
        }
        for url in [
            "http://example.com",
            "http://127.0.0.1.example.com",
            "http://127.1",
            "http://127.0.0.256",
            "http://127.0.0.1.",
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
            "https://[::1]x",
            "https://a]b:1",
            "https://a:b:1",
            "https://[]",
        ] {
            assert_eq!(read(url), Err("invalid_sink"), "{url}");
        }
        assert_eq!(read(&format!("https://a.b/{}", "x".repeat(2048))), Err("invalid_sink"));
    }
}
