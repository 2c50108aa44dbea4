//! What came of a request, as the host tells it.

use crate::error::{Error, Result};
use crate::json::Value;

/// What came of a request.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub enum Outcome {
    /// The server answered.
    Answer(Answer),
    /// It did not.
    Failed {
        /// The platform's code or name of the failure, e.g. `ECONNREFUSED` or `deadline`.
        error: String,
        /// The platform's words.
        text: String,
    },
}

/// A server's answer. Only the first 64 KiB of a body are read, and none after an accepted status.
#[derive(Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Answer {
    /// The status; 0 for a redirect that a browser hides.
    pub status: u16,
    /// `Content-Type`
    pub content_type: Option<String>,
    /// `Retry-After`
    pub retry_after: Option<String>,
    /// `Date`
    pub date: Option<String>,
    /// The body's text.
    pub body: String,
}

impl Outcome {
    /// Reads `{status, contentType?, retryAfter?, date?, body?}` or `{error, text?}`.
    ///
    /// Errors: `json_invalid`, `invalid_outcome`.
    pub fn parse(text: &str) -> Result<Self> {
        let value = Value::parse(text)?;
        let text = |name| value.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(error) = text("error") {
            return Ok(Self::Failed { error, text: text("text").unwrap_or_default() });
        }
        let status = value.get("status").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
        Ok(Self::Answer(Answer {
            status: status
                .ok_or_else(|| Error::new("invalid_outcome", "neither a status nor an error").at("status"))?,
            content_type: text("contentType"),
            retry_after: text("retryAfter"),
            date: text("date"),
            body: text("body").unwrap_or_default(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_from_json() {
        assert_eq!(
            Outcome::parse(r#"{"status":429,"contentType":"text/plain","retryAfter":"2","date":"x","body":"slow"}"#)
                .unwrap(),
            Outcome::Answer(Answer {
                status: 429,
                content_type: Some("text/plain".into()),
                retry_after: Some("2".into()),
                date: Some("x".into()),
                body: "slow".into()
            })
        );
        let bare = Outcome::Answer(Answer { status: 204, ..Answer::default() });
        assert_eq!(Outcome::parse(r#"{"status":204,"contentType":null}"#).unwrap(), bare);
        assert_eq!(
            Outcome::parse(r#"{"error":"deadline","text":"10 s"}"#).unwrap(),
            Outcome::Failed { error: "deadline".into(), text: "10 s".into() }
        );
        for (text, code) in
            [("", "json_invalid"), ("{}", "invalid_outcome"), (r#"{"status":70000}"#, "invalid_outcome")]
        {
            assert_eq!(Outcome::parse(text).unwrap_err().code, code, "{text}");
        }
    }
}
