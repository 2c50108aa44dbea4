//! What an outcome means for the events of a request: the one table.
//!
//! An outcome is *ambiguous* if the server may have stored the events and we were not told.

use super::outcome::{Answer, Outcome};

/// What becomes of a batch.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub enum Verdict {
    /// Delivered.
    Accepted,
    /// Again, after a while.
    Retry {
        /// Whether it may have arrived.
        ambiguous: bool,
    },
    /// Something is wrong with the sink, not with the events: all are kept, and one probes now and then.
    Hold {
        /// Whether it may have arrived.
        ambiguous: bool,
    },
    /// Too large: halves, at once. One event alone is put into quarantine.
    Split,
    /// One of the events is refused, and the answer does not say which: halves, at once. One alone is put into
    /// quarantine.
    Bisect,
    /// The answer says it for each event, in the order sent; one that it does not mention is not accepted.
    Partial(Vec<EventVerdict>),
}

/// What becomes of one event of a batch.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub enum EventVerdict {
    /// Delivered.
    Accepted,
    /// Delivered, for the vendor says that it has this id.
    Known {
        /// Whether it says so only of what it has stored; else also of what it is storing still.
        is_stored: bool,
    },
    /// Put into quarantine, with the vendor's words.
    Refused(String),
    /// Not stored, since others were refused: again, at once.
    Resend,
    /// Again, after a while.
    Retry,
}

/// The verdict for an endpoint that takes a batch with one of the statuses `accepted`, and may say so in plain text.
pub fn verdict(outcome: &Outcome, accepted: &[u16], takes_text: bool) -> Verdict {
    let answer = match outcome {
        Outcome::Answer(answer) => answer,
        Outcome::Failed { error, text, unsent } => {
            return Verdict::Retry { ambiguous: !unsent && !never_connected(error, text) };
        }
    };
    match answer.status {
        200..=299 => match Content::of(answer) {
            Content::Absent | Content::Json if accepted.contains(&answer.status) => Verdict::Accepted,
            Content::Text if takes_text && accepted.contains(&answer.status) => Verdict::Accepted,
            // A captive portal answers so in the server's place.
            Content::Html => Verdict::Hold { ambiguous: false },
            _ => Verdict::Hold { ambiguous: true },
        },
        400 | 422 => Verdict::Bisect,
        408 | 425 | 429 => Verdict::Retry { ambiguous: false },
        409 => Verdict::Retry { ambiguous: true },
        413 => Verdict::Split,
        501 | 505 => Verdict::Hold { ambiguous: true },
        500..=599 => Verdict::Retry { ambiguous: true },
        // Redirects, which are never followed; configuration: a key, a path, a method; and what is no status at all.
        _ => Verdict::Hold { ambiguous: false },
    }
}

enum Content {
    Absent,
    Json,
    Html,
    Text,
    Other,
}

impl Content {
    fn of(answer: &Answer) -> Self {
        let Some(text) = &answer.content_type else { return Self::Absent };
        let media = text.bytes().position(|b| b == b';').and_then(|end| text.get(..end)).unwrap_or(text).trim_ascii();
        let ends = |end: &str| {
            let from = media.len().checked_sub(end.len());
            from.and_then(|from| media.get(from..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
        };
        match media.len() {
            0 => Self::Absent,
            _ if ends("/json") || ends("+json") => Self::Json,
            _ if ends("text/plain") => Self::Text,
            _ if ends("/html") || ends("/xhtml+xml") => Self::Html,
            _ => Self::Other,
        }
    }
}

/// Whether the platform says that no connection came about. A failure that does not say so may have come after the body
/// was sent: a reset, a timeout, a browser's `TypeError`.
fn never_connected(error: &str, text: &str) -> bool {
    const CODES: [&str; 20] = [
        // Node: name look-up, connect
        "ENOTFOUND",
        "EAI_AGAIN",
        "EAI_NODATA",
        "EAI_NONAME",
        "EAI_FAIL",
        "ECONNREFUSED",
        "UND_ERR_CONNECT_TIMEOUT",
        // Node: the certificate does not convince
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "SELF_SIGNED_CERT_IN_CHAIN",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "UNABLE_TO_GET_ISSUER_CERT",
        "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        "CERT_HAS_EXPIRED",
        "CERT_NOT_YET_VALID",
        "CERT_REVOKED",
        "CERT_UNTRUSTED",
        "ERR_TLS_CERT_ALTNAME_INVALID",
        "HOSTNAME_MISMATCH",
        // Bun
        "ConnectionRefused",
        "FailedToOpenSocket",
    ];
    // Deno has no codes: its HTTP client names the phase in the text. (Compared as bytes: searching in strings is 4 KB.)
    const CONNECT: &[u8] = b"client error (Connect)";
    CODES.contains(&error) || text.as_bytes().windows(CONNECT.len()).any(|part| part == CONNECT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, content_type: Option<&str>) -> Verdict {
        let answer = Answer { status, content_type: content_type.map(str::to_owned), ..Answer::default() };
        verdict(&Outcome::Answer(answer), &[204], false)
    }

    #[test]
    fn accepted_by_status_and_content_type() {
        for content_type in [None, Some(""), Some("application/json"), Some("Application/Problem+JSON; charset=utf-8")]
        {
            assert_eq!(of(204, content_type), Verdict::Accepted, "{content_type:?}");
        }
        for content_type in ["text/html", "text/html; charset=utf-8", "TEXT/HTML", "application/xhtml+xml"] {
            assert_eq!(of(204, Some(content_type)), Verdict::Hold { ambiguous: false });
            assert_eq!(of(200, Some(content_type)), Verdict::Hold { ambiguous: false });
        }
        assert_eq!(of(204, Some("text/plain")), Verdict::Hold { ambiguous: true });
        let plain = Answer { status: 204, content_type: Some("text/plain".into()), ..Answer::default() };
        assert_eq!(verdict(&Outcome::Answer(plain), &[204], true), Verdict::Accepted);
        for status in [200, 201, 202, 203, 205, 206, 207, 226, 299] {
            assert_eq!(of(status, None), Verdict::Hold { ambiguous: true }, "{status}");
        }
    }

    #[test]
    fn every_status_has_its_row() {
        for status in 0..=999 {
            let want = match status {
                204 => Verdict::Accepted,
                200..=299 | 501 | 505 => Verdict::Hold { ambiguous: true },
                400 | 422 => Verdict::Bisect,
                413 => Verdict::Split,
                408 | 425 | 429 => Verdict::Retry { ambiguous: false },
                409 | 500 | 502 | 503 | 504 | 506..=599 => Verdict::Retry { ambiguous: true },
                _ => Verdict::Hold { ambiguous: false },
            };
            assert_eq!(of(status, None), want, "{status}");
        }
        // An error page of a proxy is still the error that its status says.
        assert_eq!(of(503, Some("text/html")), Verdict::Retry { ambiguous: true });
        assert_eq!(of(400, Some("text/html")), Verdict::Bisect);
    }

    #[test]
    fn no_answer() {
        for (error, text, ambiguous) in [
            ("ENOTFOUND", "", false),
            ("EAI_AGAIN", "", false),
            ("ECONNREFUSED", "", false),
            ("UND_ERR_CONNECT_TIMEOUT", "", false),
            ("CERT_HAS_EXPIRED", "", false),
            ("ERR_TLS_CERT_ALTNAME_INVALID", "", false),
            ("ConnectionRefused", "", false),
            ("TypeError", "error sending request: client error (Connect): tcp connect error", false),
            ("TypeError", "Failed to fetch", true),
            ("deadline", "no answer within 10000 ms", true),
            ("ECONNRESET", "", true),
            ("ETIMEDOUT", "", true),
            ("EPIPE", "", true),
            ("EPROTO", "", true),
            ("EHOSTUNREACH", "", true),
            ("UND_ERR_SOCKET", "other side closed", true),
            ("UND_ERR_HEADERS_TIMEOUT", "", true),
            ("AbortError", "", true),
            ("", "", true),
        ] {
            let failed = |unsent| Outcome::Failed { error: error.into(), text: text.into(), unsent };
            assert_eq!(verdict(&failed(false), &[204], false), Verdict::Retry { ambiguous }, "{error} {text}");
            assert_eq!(verdict(&failed(true), &[204], false), Verdict::Retry { ambiguous: false }, "{error} {text}");
        }
    }
}
