//! What came of a request, as the host tells it.

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
        /// Whether the host is certain that nothing reached the server.
        unsent: bool,
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
    /// The header that the sink asked for.
    pub hint: Option<String>,
    /// The ids of the events sent, with blanks between, if the answer is no success.
    pub ids: String,
    /// The body's text.
    pub body: String,
}

impl Outcome {
    /// Reads what the host tells: the status and, as lines, the headers `Content-Type`, `Retry-After`, `Date` and the one
    /// that the sink asked for (empty if absent), the ids sent, and the body; or no status and, as lines, the failure's code
    /// and words.
    pub fn read(status: Option<u16>, unsent: bool, lines: &str) -> Self {
        let mut rest = lines;
        let mut line = || {
            let end = rest.bytes().position(|b| b == b'\n').unwrap_or(rest.len());
            let (line, more) = rest.split_at_checked(end).unwrap_or_default();
            rest = more.get(1..).unwrap_or_default();
            line.to_owned()
        };
        let Some(status) = status else {
            return Self::Failed { error: line(), text: rest.to_owned(), unsent };
        };
        let mut header = || Some(line()).filter(|text| !text.is_empty());
        let (content_type, retry_after, date, hint, ids) = (header(), header(), header(), header(), header());
        let ids = ids.unwrap_or_default();
        Self::Answer(Answer { status, content_type, retry_after, date, hint, ids, body: rest.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_from_lines() {
        assert_eq!(
            Outcome::read(Some(429), false, "text/plain\n2\nx\ntrue\na b\nslow\ndown"),
            Outcome::Answer(Answer {
                status: 429,
                content_type: Some("text/plain".into()),
                retry_after: Some("2".into()),
                date: Some("x".into()),
                hint: Some("true".into()),
                ids: "a b".into(),
                body: "slow\ndown".into()
            })
        );
        for lines in ["\n\n\n", ""] {
            let bare = Outcome::Answer(Answer { status: 204, ..Answer::default() });
            assert_eq!(Outcome::read(Some(204), false, lines), bare);
        }
        for (lines, error, text) in [("deadline\n10 s\n", "deadline", "10 s\n"), ("EPIPE", "EPIPE", "")] {
            assert_eq!(
                Outcome::read(None, true, lines),
                Outcome::Failed { error: error.into(), text: text.into(), unsent: true }
            );
        }
    }
}
