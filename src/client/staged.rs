//! Events that the host has packed (see [`crate::buffer::Staging`]): recorded there, taken here many at a time.

use hot::Segment;

use super::Client;
use crate::buffer::Use;
use crate::delivery::Now;
use crate::error::Result;
use crate::event::Event;
use crate::json::Writer;
use crate::limits::{ATTRIBUTE_BYTES_MAX, EVENT_BYTES_MAX, STAGED_EVENTS, STAGED_RAW_BYTES, STAGED_WORDS};
use crate::meter::Packed;
use crate::time::Instant;

/// More than an event has beside its source, type, subject and data.
const FRAME_BYTES: usize = 160;

impl Client {
    /// Opens the places for packed events and says where they are: `{words, raw, report, wordsMax, rawMax, eventsMax,
    /// frameBytes, eventBytesMax, membersMax, keyMax, stringMax, takesNull}`, the first three as addresses; `frameBytes` is
    /// what an event has beside its own texts and numbers, at most; `eventBytesMax` is 0 if none may be packed. The last
    /// four are the sink's bounds (see [`crate::sink::Packed`]).
    pub fn open_staging(&mut self) -> String {
        self.staging.open();
        let packed = self.staging.packed();
        let event_bytes = if packed.takes_any && self.source.len() <= ATTRIBUTE_BYTES_MAX {
            self.delivery.event_bytes_max().min(EVENT_BYTES_MAX)
        } else {
            0
        };
        let mut w = Writer::object();
        for (name, value) in [
            ("words", self.staging.words.as_mut_ptr() as usize),
            ("raw", self.staging.raw.as_mut_ptr() as usize),
            ("report", self.staging.report.as_mut_ptr() as usize),
            ("wordsMax", STAGED_WORDS),
            ("rawMax", STAGED_RAW_BYTES),
            ("eventsMax", STAGED_EVENTS),
            ("frameBytes", FRAME_BYTES + self.staging.source_bytes()),
            ("eventBytesMax", event_bytes),
            ("membersMax", packed.members_max),
            ("keyMax", packed.units_max.0),
            ("stringMax", packed.units_max.1),
            ("takesNull", packed.takes_null.into()),
        ] {
            w.raw(name, &value.to_string());
        }
        w.end()
    }

    /// See [`crate::buffer::Staging::intern`].
    pub fn intern(&mut self, what: Use, from: usize, length: usize) -> Result<usize> {
        self.staging.intern(what, from, length)
    }

    /// See [`crate::buffer::Staging::forget`].
    pub fn forget_texts(&mut self) {
        self.staging.forget();
        self.totals.forget_numbers();
        if let Some(provider_cost) = &mut self.provider_cost {
            provider_cost.forget_numbers();
        }
    }

    /// Takes the packed events in the words `from..to`: they are written out, counted and queued. Gives how many;
    /// fewer than there were only if the words are broken.
    ///
    /// In the report's first places stand: the low half of the number of the first event (the others follow), whether to poll at once,
    /// how many more events and bytes the queue takes for certain, after how many more events a request is full, the
    /// address of what was written, and the high half. Behind them, where each event ends, then each one's milliseconds since the base time.
    pub fn drain(&mut self, from: usize, to: usize, segment: Segment, now: Now) -> usize {
        let count = self.staging.write(from, to, segment);
        let [ends, deltas, _] = self.staging.written(count);
        let first = self.delivery.admit([ends, deltas], segment.base_ms, now);
        if !self.totals.meters().is_empty() || self.provider_cost.is_some() || self.lint.is_some() {
            self.meter_staged(from, count, segment.base_ms, now);
        }
        self.arrivals += count as u64;
        let (room_events, room_bytes, until_full) = self.delivery.room();
        let told = [
            first as u32,
            self.delivery.due(now).into(),
            room_events as u32,
            room_bytes as u32,
            until_full as u32,
            self.staging.out.as_ptr() as usize as u32,
            (first >> 32) as u32,
        ];
        for (place, value) in self.staging.report.iter_mut().zip(told) {
            *place = value;
        }
        count
    }

    /// Counts the events that have just been written, of which the first begins at that word.
    fn meter_staged(&mut self, mut word: usize, count: usize, base_ms: i64, now: Now) {
        let Self { staging, totals, provider_cost, arrivals, lint, sink, .. } = self;
        let [ends, deltas, starts] = staging.written(count);
        for (arrival, ((end, delta), data)) in (*arrivals + 1..).zip(ends.iter().zip(deltas).zip(starts)) {
            let Some((&[head, subject, _], members)) = staging.words.get(word..).and_then(<[u32]>::split_first_chunk)
            else {
                break;
            };
            let count = if head >> 24 == 255 { 0 } else { 2 * (head >> 24) as usize };
            word += 3 + count;
            let packed = Packed {
                kind: head & 0xff_ffff,
                subject,
                time: Instant::from_millis(base_ms.saturating_add((*delta).into())),
                members: members.get(..count).unwrap_or_default(),
            };
            let mut event = || {
                let data = if *data == 0 { None } else { staging.out.get(*data as usize..*end as usize - 1) };
                Event {
                    id: String::new(),
                    source: String::new(),
                    kind: staging.kind(packed.kind as usize).unwrap_or_default(),
                    subject: staging.subject(subject).unwrap_or_default(),
                    time: packed.time,
                    data: data.and_then(|data| std::str::from_utf8(data).ok()).map(str::to_owned),
                }
            };
            totals.add_packed(&packed, staging, arrival, &mut event);
            if let Some(provider_cost) = provider_cost {
                provider_cost.add_packed(&packed, staging, arrival, &mut event);
            }
            if let Some(lint) = lint {
                lint.add_recorded(totals.meters(), sink, &event(), Instant::from_millis(now.wall_ms));
            }
        }
    }
}
