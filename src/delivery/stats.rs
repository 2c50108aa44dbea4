//! The counts.

/// Events that are not settled, by what they wait for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Pending {
    /// Nothing but a request's turn.
    pub queued: usize,
    /// An answer.
    pub in_flight: usize,
    /// The end of a backoff or of a `Retry-After`.
    pub waiting: usize,
    /// The sink to work again.
    pub held: usize,
}

/// Where all events are: `recorded` is the sum of `delivered`, `pending`, `quarantined` and `dropped`, at every moment.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Stats {
    /// Events taken.
    pub recorded: u64,
    /// Events that the vendor has accepted.
    pub delivered: u64,
    /// Events that are not settled.
    pub pending: Pending,
    /// Events that will not be sent, kept apart.
    pub quarantined: u64,
    /// Events given up by the policy for a full queue, by the user, or for want of room in quarantine.
    pub dropped: u64,
    /// Events not taken.
    pub refused: u64,
    /// Bytes of the events that are not settled.
    pub queue_bytes: usize,
    /// Requests sent.
    pub requests: u64,
    /// Events in these requests; an event counts each time it is sent.
    pub events_sent: u64,
}

impl Pending {
    /// All of them.
    pub fn total(&self) -> usize {
        [self.in_flight, self.waiting, self.held].into_iter().fold(self.queued, usize::saturating_add)
    }
}
