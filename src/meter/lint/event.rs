//! What is wrong with an event whatever the meters.

use super::super::preview::each;
use super::super::value::has_huge_integer;
use super::{Lint, Place};
use crate::decimal::{Decimal, digits};
use crate::error::Result;
use crate::event::{Event, is_attribute};
use crate::float;
use crate::json::{Kind, Reader};
use crate::limits::LINT_IDS_BYTES_MAX;
use crate::meter::Meter;
use crate::sink::Sink;
use crate::time::Instant;

impl Lint {
    /// Looks at events: a JSON array, or one a line. `sink` is where they would go. Error: `json_invalid`.
    pub fn add_all(&mut self, meters: &[Meter], sink: &Sink, events: &str) -> Result<()> {
        each(events, self.now, &mut |text, event| {
            let mut taken = event;
            if let (Ok(event), false) = (&taken, sink.takes_all())
                && let Err(error) = sink.map(event)
            {
                taken = Err(error);
            }
            match taken {
                Ok(event) => self.add(meters, sink, text, &event),
                Err(error) => {
                    let place = Place::of(self.events, error.path.as_deref().unwrap_or_default());
                    if self.say("rejected", &place, error.code) {
                        self.help(&[error.code, ": ", &error.message]);
                    }
                    self.events += 1;
                }
            }
            Ok(())
        })
    }

    /// Looks at the next event, which is sent at this time.
    pub fn add_recorded(&mut self, meters: &[Meter], sink: &Sink, event: &Event, now: Instant) {
        self.now = now;
        self.add(meters, sink, "", event);
    }

    /// Looks at the next event; `text` is its JSON text where there is one.
    #[inline(never)]
    fn add(&mut self, meters: &[Meter], sink: &Sink, text: &str, event: &Event) {
        let number = self.events;
        self.events += 1;
        self.time(sink, event, &Place::of(number, "time"));
        if !event.id.is_empty() {
            self.id(sink.takes_all(), event, &Place::of(number, "id"));
        }
        if sink.takes_all() {
            // Where there is no text there are none.
            let _ = Reader::new(text).each(false, &mut |r, name| {
                if r.kind()? != Kind::Null && !is_attribute(&name) {
                    self.say("extension_ignored", &Place::of(number, &name), "");
                }
                r.skip().map(drop)
            });
        }
        if let Some(data) = &event.data {
            self.numbers(&mut Reader::new(data), &mut String::from("data"), number);
            if has_huge_integer(data) {
                self.say("integer_above_64_bit", &Place::of(number, "data"), "");
            }
        }
        self.meters(meters, event, number);
    }

    fn time(&mut self, sink: &Sink, event: &Event, at: &Place<'_>) {
        let late = self.now.millis().saturating_sub(event.time.millis());
        let (code, limit) = if late > 0 { ("too_old", sink.oldest_ms()) } else { ("too_new", sink.newest_ms()) };
        let by = late.unsigned_abs();
        if let Some(limit) = limit.filter(|limit| by > *limit)
            && self.say(code, at, "")
        {
            let seconds = |ms: u64| digits((ms / 1000).into());
            self.help(&["the limit is ", &seconds(limit), " s, this is ", &seconds(by), " s"]);
        }
        if event.time.seconds <= 0 {
            self.say("time_not_after_epoch", at, "");
        }
        if event.time.seconds > i64::from(u32::MAX) {
            self.say("time_after_2106", at, "");
        }
    }

    fn id(&mut self, has_source: bool, event: &Event, at: &Place<'_>) {
        if self.ids.size() + self.joined.size() > LINT_IDS_BYTES_MAX {
            self.say("incomplete", at, "");
            return;
        }
        let source = if has_source { event.source.as_str() } else { "" };
        let time = event.time.text();
        let parts = [event.kind.as_str(), &event.subject, &time, event.data.as_deref().unwrap_or_default()];
        let content = parts.map(hash);
        let known = self.ids.place([source, "\0", &event.id].concat().as_bytes());
        let joined = self.joined.count();
        let is_taken = self.joined.place([source, "-", &event.id].concat().as_bytes()) < joined;
        let Some(before) = self.contents.get(known).copied() else {
            self.contents.push(content);
            if is_taken {
                self.say("id_collision", at, "");
            }
            return;
        };
        let mut differ = String::new();
        for ((before, new), name) in before.iter().zip(&content).zip([" type", " subject", " time", " data"]) {
            if before != new {
                differ.push_str(name);
            }
        }
        if differ.is_empty() {
            self.say("duplicate_id", at, "");
        } else if self.say("id_reused", at, &differ) {
            self.help(&["give each an id of its own; they differ in", &differ]);
        }
    }

    /// Integers that a float64 does not hold.
    fn numbers(&mut self, r: &mut Reader<'_>, path: &mut String, event: u64) {
        let array = match r.kind() {
            Ok(Kind::Array) => true,
            Ok(Kind::Object) => false,
            Ok(Kind::Number) => {
                let text = r.number().unwrap_or_default();
                let is_long = text.len() > 15 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                if is_long
                    && float::parse(text).is_none_or(|x| Decimal::parse(&float::js_text(x)) != Decimal::parse(text))
                {
                    self.say("number_above_2_53", &Place::of(event, path), "");
                }
                return;
            }
            _ => return drop(r.skip()),
        };
        let length = path.len();
        let _ = r.each(array, &mut |r, key| {
            path.push('.');
            path.push_str(if array { "*" } else { &key });
            self.numbers(r, path, event);
            path.truncate(length);
            Ok(())
        });
    }
}

/// FNV-1a.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
