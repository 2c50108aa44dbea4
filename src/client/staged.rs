//! Events that the host has packed (see [`crate::buffer::Staging`]): recorded there, taken here many at a time.

use super::Client;
use crate::buffer::{Segment, Use};
use crate::delivery::Now;
use crate::error::Result;
use crate::event::Event;
use crate::json::Writer;
use crate::limits::{ATTRIBUTE_BYTES_MAX, EVENT_BYTES_MAX, STAGED_EVENTS, STAGED_RAW_BYTES, STAGED_WORDS};
use crate::time::Instant;

/// More than an event has beside its source, type, subject and data.
const FRAME_BYTES: usize = 256;

impl Client {
    /// Opens the places for packed events and says where they are: `{words, raw, report, wordsMax, rawMax, eventsMax,
    /// frameBytes, eventBytesMax}`, the first three as addresses; `frameBytes` is what an event has beside its own texts and
    /// numbers, at most; `eventBytesMax` is 0 if the sink has to see each event.
    pub fn open_staging(&mut self) -> String {
        self.staging.open();
        let event_bytes = if self.sink.takes_all() && self.source.len() <= ATTRIBUTE_BYTES_MAX {
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
    }

    /// Takes the packed events in the words `from..to`: they are written out, counted and queued. Gives how many;
    /// fewer than there were only if the words are broken.
    ///
    /// In the report's first places stand: the number of the first event (the others follow), whether to poll at once,
    /// how many more events and bytes the queue takes for certain, after how many more events a request is full, and the
    /// address of what was written. Behind them, where each event ends, then each one's milliseconds since the base time.
    pub fn drain(&mut self, from: usize, to: usize, segment: Segment, now: Now) -> usize {
        let Self { staging, totals, provider_cost, delivery, arrivals, .. } = self;
        let mut first = 0;
        let metered = !totals.meters().is_empty() || provider_cost.is_some();
        let count = staging.write(from, to, segment, |staging, event| {
            let seq = delivery.admit(event.bytes, event.time_ms, now);
            if first == 0 {
                first = seq;
            }
            *arrivals += 1;
            if metered {
                let data = event.data.and_then(|data| std::str::from_utf8(data).ok());
                let event = Event {
                    id: String::new(),
                    source: String::new(),
                    kind: staging.kind(event.kind).unwrap_or_default(),
                    subject: staging.subject(event.subject).unwrap_or_default(),
                    time: Instant::from_millis(event.time_ms),
                    data: data.map(str::to_owned),
                };
                totals.add(&event, *arrivals);
                if let Some(provider_cost) = provider_cost {
                    provider_cost.add(&event, *arrivals);
                }
            }
        });
        let (room_events, room_bytes, until_full) = delivery.room();
        let told = [
            first,
            delivery.due(now).into(),
            room_events as u32,
            room_bytes as u32,
            until_full as u32,
            staging.out.as_ptr() as usize as u32,
        ];
        for (place, value) in staging.report.iter_mut().zip(told) {
            *place = value;
        }
        count
    }
}
