//! What the host is to do.

use crate::json::Writer;

/// Something the host is to do. Sequence numbers are those that [`super::Delivery::offer`] gave.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub enum Action {
    /// Send these events in one request, in this order, and tell the outcome of `batch`.
    Send {
        /// The number of the request.
        batch: u32,
        /// Its events.
        seqs: Vec<u32>,
        /// After so long without an answer the request has failed (`deadline`).
        deadline_ms: u64,
    },
    /// The vendor has these events: forget them.
    Acked {
        /// The events.
        seqs: Vec<u32>,
    },
    /// The event will not be sent: keep it apart, with the reason.
    Quarantine {
        /// The event.
        seq: u32,
        /// `rejected`, `too_large`, `expired` or `dedup_window_expired`.
        code: &'static str,
        /// The answer's status, if it was an answer.
        status: Option<u16>,
        /// The answer's words.
        text: String,
    },
    /// These events are given up, and counted.
    Dropped {
        /// The events.
        seqs: Vec<u32>,
    },
    /// These events may have arrived: keep the time with them over a restart.
    Ambiguous {
        /// The events.
        seqs: Vec<u32>,
        /// When they were sent; milliseconds since 1970.
        at: i64,
    },
    /// Poll at this time of the monotonic clock. It replaces an earlier one.
    Wake {
        /// Milliseconds.
        at: u64,
    },
    /// Something the user should hear of.
    Notice {
        /// `hold_started`, `hold_ended`, `clock_skew` or `quarantine_full`.
        code: &'static str,
        /// What it is about.
        text: String,
    },
}

/// The actions as a JSON array; each has its name as `do`: `send`, `acked`, `quarantine`, `dropped`, `ambiguous`, `wake`,
/// `notice`. In `seqs` are the first and the last number of each run of events: `[1,3,7,7]` is 1, 2, 3 and 7.
pub fn actions_json(actions: &[Action]) -> String {
    let mut out = Writer::array();
    for action in actions {
        out.item(&action.to_json());
    }
    out.end()
}

impl Action {
    fn to_json(&self) -> String {
        let mut w = Writer::object();
        match self {
            Self::Send { batch, seqs, deadline_ms } => {
                w.string("do", "send").raw("batch", &batch.to_string()).raw("seqs", &list(seqs));
                w.raw("deadlineMs", &deadline_ms.to_string());
            }
            Self::Acked { seqs } => {
                w.string("do", "acked").raw("seqs", &list(seqs));
            }
            Self::Quarantine { seq, code, status, text } => {
                w.string("do", "quarantine").raw("seq", &seq.to_string()).string("code", code);
                if let Some(status) = status {
                    w.raw("status", &status.to_string());
                }
                if !text.is_empty() {
                    w.string("text", text);
                }
            }
            Self::Dropped { seqs } => {
                w.string("do", "dropped").raw("seqs", &list(seqs));
            }
            Self::Ambiguous { seqs, at } => {
                w.string("do", "ambiguous").raw("seqs", &list(seqs)).raw("at", &at.to_string());
            }
            Self::Wake { at } => {
                w.string("do", "wake").raw("at", &at.to_string());
            }
            Self::Notice { code, text } => {
                w.string("do", "notice").string("code", code).string("text", text);
            }
        }
        w.end()
    }
}

/// First and last of each run: a batch is mostly one.
fn list(seqs: &[u32]) -> String {
    let mut w = Writer::array();
    for run in seqs.chunk_by(|a, b| a.wrapping_add(1) == *b) {
        for end in [run.first(), run.last()].into_iter().flatten() {
            w.item(&end.to_string());
        }
    }
    w.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_json() {
        let quarantine =
            |status, text: &str| Action::Quarantine { seq: 3, code: "rejected", status, text: text.into() };
        let actions = [
            Action::Send { batch: 7, seqs: vec![1, 2, 3, 7], deadline_ms: 10_000 },
            Action::Acked { seqs: vec![1] },
            quarantine(Some(400), "a\"b"),
            quarantine(None, ""),
            Action::Dropped { seqs: vec![] },
            Action::Ambiguous { seqs: vec![4], at: -5 },
            Action::Wake { at: 9 },
            Action::Notice { code: "hold_started", text: "401".into() },
        ];
        assert_eq!(
            actions_json(&actions),
            concat!(
                r#"[{"do":"send","batch":7,"seqs":[1,3,7,7],"deadlineMs":10000},{"do":"acked","seqs":[1,1]},"#,
                r#"{"do":"quarantine","seq":3,"code":"rejected","status":400,"text":"a\"b"},"#,
                r#"{"do":"quarantine","seq":3,"code":"rejected"},{"do":"dropped","seqs":[]},"#,
                r#"{"do":"ambiguous","seqs":[4,4],"at":-5},{"do":"wake","at":9},"#,
                r#"{"do":"notice","code":"hold_started","text":"401"}]"#
            )
        );
    }
}
