//! What waits to be sent.

use std::collections::VecDeque;
use std::num::NonZeroU32;

/// An event that is not settled yet.
#[cfg_attr(debug_assertions, derive(Debug, PartialEq))]
pub struct Entry {
    /// The number under which the host keeps it. Below 2⁵³, JavaScript's exact integers: a million a second for 285 years.
    pub seq: u64,
    /// UTF-8 bytes of the vendor's text.
    pub bytes: u32,
    /// The event's own time, milliseconds since 1970.
    pub time_ms: i64,
    /// When it was first sent without our being told whether it arrived.
    pub ambiguous_at: Option<Mark>,
}

/// A moment on both clocks: the wall clock may be set back meanwhile, the other one may stand still while the machine
/// sleeps. What has passed since is what either shows, whichever is more.
#[derive(Clone, Copy)]
#[cfg_attr(debug_assertions, derive(Debug, PartialEq))]
// An entry is the smaller by it.
#[repr(C, packed(4))]
pub struct Mark {
    /// Milliseconds since 1970.
    pub wall_ms: i64,
    /// Seconds of the monotonic clock; `MAX` if it was another one, before a restart.
    pub mono_s: NonZeroU32,
}

/// Appends events that were written: where each `ends` behind the comma in front of it, and its milliseconds since the
/// base time. Their numbers follow `seq`. Gives their bytes together.
pub fn admit(to: &mut VecDeque<Entry>, ends: &[u32], deltas: &[u32], base_ms: i64, mut seq: u64) -> usize {
    let (mut start, mut sum) = (0, 0);
    to.reserve(ends.len());
    for (end, delta) in ends.iter().zip(deltas) {
        // The comma in front is not its own.
        let bytes = end.saturating_sub(start).saturating_sub(1);
        start = *end;
        sum += bytes as usize;
        seq = seq.saturating_add(1);
        let time_ms = base_ms.saturating_add((*delta).into());
        to.push_back(Entry { seq, bytes, time_ms, ambiguous_at: None });
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::Entry;

    #[test]
    fn an_entry_is_as_small_as_can_be() {
        assert_eq!(size_of::<Entry>(), 32);
    }
}
