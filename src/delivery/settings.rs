//! What a delivery is set to, from its sink's declarations and the user's policy.

use crate::error::{Error, Result};
use crate::limits::{
    QUARANTINE_EVENTS_MAX, QUEUE_BYTES_MAX, QUEUE_EVENTS_MAX, REQUEST_DEADLINE_MS, RESEND_LIMIT_MS, RESEND_MARGIN_MS,
};
use crate::sink::{Batching, Dedup, Sink};

/// What happens to an event for which the queue has no room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// It is refused.
    Reject,
    /// The events that have waited longest are dropped and counted.
    DropOldest,
    /// It is dropped and counted.
    DropNewest,
}

/// Limits and times of one delivery.
#[derive(Clone)]
pub struct Settings {
    /// What happens when the queue is full.
    pub policy: Policy,
    /// Events that are not settled yet.
    pub queue_events_max: usize,
    /// Bytes of these events.
    pub queue_bytes_max: usize,
    /// Events and bytes of one request, and how long the first event waits for company.
    pub batching: Batching,
    /// Bytes of a body's frame, and between two of its events.
    pub framing: (usize, usize),
    /// Requests at a time.
    pub in_flight_max: usize,
    /// After so long a request has failed.
    pub deadline_ms: u64,
    /// An event older than this is not sent.
    pub oldest_ms: Option<u64>,
    /// An event further ahead than this is not taken.
    pub newest_ms: Option<u64>,
    /// An event that may have arrived longer ago than this is not sent again.
    pub resend_ms: Option<u64>,
    /// Events in quarantine; more are dropped and counted.
    pub quarantine_events_max: usize,
}

impl Settings {
    /// Takes over what the sink declares. `policy` is `reject`, `drop-oldest` or `drop-newest`.
    ///
    /// Error: `invalid_option`.
    pub fn new(sink: &Sink, policy: &str) -> Result<Self> {
        let policy = match policy {
            "reject" => Policy::Reject,
            "drop-oldest" => Policy::DropOldest,
            "drop-newest" => Policy::DropNewest,
            _ => {
                return Err(Error::new("invalid_option", "there is no such policy")
                    .help("known are 'reject', 'drop-oldest' and 'drop-newest'"));
            }
        };
        Ok(Self {
            policy,
            queue_events_max: QUEUE_EVENTS_MAX,
            queue_bytes_max: QUEUE_BYTES_MAX,
            batching: sink.batching(),
            framing: sink.framing(),
            in_flight_max: 1,
            deadline_ms: REQUEST_DEADLINE_MS,
            oldest_ms: sink.oldest_ms(),
            newest_ms: sink.newest_ms(),
            resend_ms: match sink.dedup() {
                Dedup::Unlimited => None,
                Dedup::Window(ms) => Some(ms.saturating_sub(RESEND_MARGIN_MS.min(ms / 24))),
                Dedup::Off | Dedup::Unknown => Some(RESEND_LIMIT_MS),
            },
            quarantine_events_max: QUARANTINE_EVENTS_MAX,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Value;

    #[test]
    fn the_resend_limit_follows_the_vendors_memory() {
        for (dedup, want) in [
            ("\"off\"", Some(23 * 3_600_000)),
            ("\"unlimited\"", None),
            ("86400000", Some(23 * 3_600_000)),
            ("2764800000", Some(2_764_800_000 - 3_600_000)),
            ("2400000", Some(2_300_000)),
            ("1", Some(1)),
        ] {
            let sink = format!(r#"{{"kind":"openmeter","url":"https://a.b","dedup":{dedup}}}"#);
            let sink = Sink::parse(&Value::parse(&sink).unwrap()).unwrap();
            assert_eq!(Settings::new(&sink, "reject").unwrap().resend_ms, want, "{dedup}");
        }
        let sink = Sink::parse(&Value::parse(r#"{"kind":"dodo","environment":"test"}"#).unwrap()).unwrap();
        let settings = Settings::new(&sink, "drop-oldest").unwrap();
        assert_eq!((settings.resend_ms, settings.oldest_ms), (Some(23 * 3_600_000), Some(3_600_000)));
        assert_eq!(Settings::new(&sink, "block").err().map(|e| e.code), Some("invalid_option"));
    }
}
