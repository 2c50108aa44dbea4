//! What waits to be sent to one sink: new events in order, and before them what came back.
//!
//! Only numbers are here: the host keeps the events' bytes under their sequence numbers. An entry is moved, never
//! copied, so it is in one place at a time.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod staging;

pub use staging::{Staging, Use};

use std::collections::VecDeque;

pub use hot::{Entry, Mark};

/// Events of one request, or of a part of one.
#[derive(Default)]
pub struct Part {
    /// The events.
    pub entries: VecDeque<Entry>,
    /// Whether the vendor was asked already and could not answer: sending it again is extra load.
    pub resend: bool,
}

/// An event that must not be sent any more, and the code of the reason.
pub type Stale = (Entry, &'static str);

/// What one request may carry.
pub struct Limit {
    /// Events.
    pub events_max: usize,
    /// Bytes of the body.
    pub bytes_max: usize,
    /// Bytes of the body's frame.
    pub frame_bytes: usize,
    /// Bytes between two events.
    pub separator_bytes: usize,
}

impl Limit {
    /// Bytes of a body with so many events of so many bytes together.
    pub fn body_bytes(&self, event_bytes: usize, events: usize) -> usize {
        let separators = events.saturating_sub(1).saturating_mul(self.separator_bytes);
        event_bytes.saturating_add(separators).saturating_add(self.frame_bytes)
    }
}

/// The queue of one sink.
#[derive(Default)]
pub struct Buffer {
    fresh: VecDeque<Entry>,
    fresh_bytes: usize,
    /// How many of `fresh`, from the front, need not wait for company any more.
    due: usize,
    /// Since when the first of `fresh` waits.
    waiting_since: u64,
    returned: VecDeque<Part>,
}

impl Buffer {
    /// Appends a new event.
    pub fn push(&mut self, entry: Entry, mono_ms: u64) {
        if self.fresh.is_empty() {
            self.waiting_since = mono_ms;
        }
        self.fresh_bytes = self.fresh_bytes.saturating_add(entry.bytes as usize);
        self.fresh.push_back(entry);
    }

    /// Appends events that were written, see [`hot::admit`]. Gives their bytes.
    pub fn admit(&mut self, [ends, deltas]: [&[u32]; 2], base_ms: i64, seq: u64, mono_ms: u64) -> usize {
        if self.fresh.is_empty() {
            self.waiting_since = mono_ms;
        }
        let bytes = hot::admit(&mut self.fresh, ends, deltas, base_ms, seq);
        self.fresh_bytes = self.fresh_bytes.saturating_add(bytes);
        bytes
    }

    /// Appends an event behind all others, though it has waited already.
    pub fn push_due(&mut self, entry: Entry) {
        self.fresh_bytes = self.fresh_bytes.saturating_add(entry.bytes as usize);
        self.fresh.push_back(entry);
        self.due = self.fresh.len();
    }

    /// Puts back what came back, before all others.
    pub fn put_back(&mut self, part: Part) {
        if !part.entries.is_empty() {
            self.returned.push_front(part);
        }
    }

    /// Nothing that is here now waits for company any more.
    pub fn flush(&mut self) {
        self.due = self.fresh.len();
    }

    /// Whether new events alone make a full request.
    pub fn is_full(&self, limit: &Limit) -> bool {
        let body = limit.body_bytes(self.fresh_bytes, self.fresh.len());
        !self.fresh.is_empty() && (self.fresh.len() >= limit.events_max || body >= limit.bytes_max)
    }

    /// Whether some of the new events wait for nothing any more.
    pub fn is_due(&self) -> bool {
        self.due > 0
    }

    /// When the new events will have waited long enough, if there are any. Past for what is due already.
    pub fn due_at(&self, linger_ms: u64) -> Option<u64> {
        (!self.fresh.is_empty()).then(|| if self.due > 0 { 0 } else { self.waiting_since.saturating_add(linger_ms) })
    }

    /// Whether something came back, and is extra load if sent again.
    pub fn next_returned(&self) -> Option<bool> {
        self.returned.front().map(|part| part.resend)
    }

    /// Takes from the front what one request may carry: of what came back, else of the new events.
    ///
    /// At least one event, however large; events for which `stale` gives a code are taken apart.
    pub fn take(&mut self, limit: &Limit, stale: &dyn Fn(&Entry) -> Option<&'static str>) -> (Part, Vec<Stale>) {
        let Some(part) = self.returned.front_mut() else {
            let (entries, out) = cut(&mut self.fresh, limit, stale);
            let bytes: usize = entries.iter().chain(out.iter().map(|(e, _)| e)).map(|e| e.bytes as usize).sum();
            self.fresh_bytes = self.fresh_bytes.saturating_sub(bytes);
            self.due = self.due.saturating_sub(entries.len()).saturating_sub(out.len());
            return (Part { entries, resend: false }, out);
        };
        let resend = part.resend;
        let (entries, out) = cut(&mut part.entries, limit, stale);
        if part.entries.is_empty() {
            self.returned.pop_front();
        }
        (Part { entries, resend }, out)
    }

    /// The event that goes next.
    pub fn first(&self) -> Option<&Entry> {
        self.returned.front().map_or(&self.fresh, |part| &part.entries).front()
    }

    /// Takes the event that has waited longest.
    pub fn take_oldest(&mut self) -> Option<Entry> {
        let Some(part) = self.returned.front_mut() else {
            let entry = self.fresh.pop_front()?;
            self.fresh_bytes = self.fresh_bytes.saturating_sub(entry.bytes as usize);
            self.due = self.due.saturating_sub(1);
            return Some(entry);
        };
        let entry = part.entries.pop_front();
        if part.entries.is_empty() {
            self.returned.pop_front();
        }
        entry
    }

    /// How many new events wait.
    pub fn fresh_count(&self) -> usize {
        self.fresh.len()
    }

    /// How many events wait.
    pub fn count(&self) -> usize {
        self.returned.iter().fold(self.fresh.len(), |sum, part| sum.saturating_add(part.entries.len()))
    }
}

fn cut(
    from: &mut VecDeque<Entry>,
    limit: &Limit,
    stale: &dyn Fn(&Entry) -> Option<&'static str>,
) -> (VecDeque<Entry>, Vec<Stale>) {
    // At once as large as it can get: growing would leave its old places behind in memory.
    let (mut taken, mut out) = (VecDeque::with_capacity(limit.events_max.min(from.len())), Vec::new());
    let mut bytes = 0_usize;
    while taken.len() < limit.events_max
        && let Some(entry) = from.pop_front()
    {
        if let Some(code) = stale(&entry) {
            out.push((entry, code));
            continue;
        }
        let more = bytes.saturating_add(entry.bytes as usize);
        if !taken.is_empty() && limit.body_bytes(more, taken.len().saturating_add(1)) > limit.bytes_max {
            from.push_front(entry);
            break;
        }
        bytes = more;
        taken.push_back(entry);
    }
    (taken, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { events_max: 3, bytes_max: 100, frame_bytes: 2, separator_bytes: 1 };

    fn entry(seq: u64, bytes: u32) -> Entry {
        Entry { seq, bytes, time_ms: 0, ambiguous_at: None }
    }

    fn filled(sizes: &[u32]) -> Buffer {
        let mut buffer = Buffer::default();
        for (seq, bytes) in (1..).zip(sizes) {
            buffer.push(entry(seq, *bytes), 0);
        }
        buffer
    }

    fn take(buffer: &mut Buffer) -> Vec<u64> {
        buffer.take(&LIMIT, &|_| None).0.entries.iter().map(|e| e.seq).collect()
    }

    #[test]
    fn cut_by_count_and_by_bytes_of_the_whole_body() {
        let mut buffer = filled(&[1, 1, 1, 1]);
        assert_eq!((take(&mut buffer), take(&mut buffer), take(&mut buffer)), (vec![1, 2, 3], vec![4], vec![]));
        // 2 + 48 + 1 + 49 = 100; a byte more does not fit.
        assert_eq!(take(&mut filled(&[48, 49])), [1, 2]);
        assert_eq!(take(&mut filled(&[48, 50])), [1]);
        // One event goes alone, however large.
        assert_eq!(take(&mut filled(&[500, 1])), [1]);
    }

    #[test]
    fn what_came_back_goes_first_and_stays_apart() {
        let mut buffer = filled(&[1, 1]);
        buffer.put_back(Part { entries: [entry(9, 1)].into(), resend: true });
        buffer.put_back(Part { entries: [entry(7, 1), entry(8, 1)].into(), resend: false });
        assert_eq!(buffer.next_returned(), Some(false));
        assert_eq!((take(&mut buffer), buffer.next_returned()), (vec![7, 8], Some(true)));
        assert_eq!((take(&mut buffer), take(&mut buffer)), (vec![9], vec![1, 2]));
        assert_eq!(buffer.count(), 0);
    }

    #[test]
    fn full_by_count_or_bytes() {
        assert!(!filled(&[1, 1]).is_full(&LIMIT));
        assert!(filled(&[1, 1, 1]).is_full(&LIMIT));
        assert!(!filled(&[48, 48]).is_full(&LIMIT));
        assert!(filled(&[48, 49]).is_full(&LIMIT));
    }

    #[test]
    fn stale_events_are_taken_out_and_counted_off() {
        let mut buffer = filled(&[30, 30, 30, 30, 30]);
        let (part, out) = buffer.take(&LIMIT, &|e| (e.seq == 2).then_some("expired"));
        assert_eq!(part.entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(out, [(entry(2, 30), "expired")]);
        assert_eq!((buffer.fresh_bytes, buffer.count()), (30, 1));
    }

    #[test]
    fn a_flush_is_for_what_is_there() {
        let mut buffer = filled(&[1, 1]);
        assert_eq!(buffer.due_at(250), Some(250));
        buffer.flush();
        assert_eq!(buffer.due_at(250), Some(0));
        take(&mut buffer);
        assert_eq!(buffer.due_at(250), None);
        buffer.push(entry(3, 1), 1_000);
        assert_eq!(buffer.due_at(250), Some(1_250));
        buffer.push(entry(4, 1), 1_200);
        assert_eq!(buffer.due_at(250), Some(1_250));
        // The same with the event that was flushed dropped instead.
        buffer.flush();
        buffer.take_oldest();
        buffer.take_oldest();
        buffer.push(entry(5, 1), 2_000);
        assert_eq!(buffer.due_at(250), Some(2_250));
    }

    #[test]
    fn the_oldest_first() {
        let mut buffer = filled(&[1, 1]);
        buffer.put_back(Part { entries: [entry(9, 1)].into(), resend: true });
        let mut order = Vec::new();
        while let Some(entry) = buffer.take_oldest() {
            order.push(entry.seq);
        }
        assert_eq!(order, [9, 1, 2]);
        assert_eq!(buffer.fresh_bytes, 0);
    }
}
