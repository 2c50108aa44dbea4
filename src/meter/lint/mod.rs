//! The lint: what will go wrong with events, said before they are sent.
//!
//! Nothing is changed. An error will not be accepted or counted as it is; a warning is probably not what was meant; an
//! info is good to know. `event` looks at events by themselves, `meters` at what the meters make of them.

mod event;
mod meters;

use super::definition::Meter;
use super::query::is_reserved;
use crate::decimal::digits;
use crate::error::{Error, Result};
use crate::json::Writer;
use crate::limits::LINT_FINDINGS_MAX;
use crate::sink::Sink;
use crate::time::Instant;
use hot::Index;

/// Looks at events, one after the other, and keeps what it finds.
pub struct Lint {
    /// When the events are sent
    now: Instant,
    events: u64,
    /// Level, code, meter, path, what else tells one finding from another, and the code's number: in the order they are told
    keys: Index,
    findings: Vec<Finding>,
    /// Meters that an event has reached
    reached: Vec<bool>,
    /// Source and id, and hashes of type, subject, time and data of the first event that had them
    ids: Index,
    contents: Vec<[u32; 4]>,
    /// What the server knows events by
    joined: Index,
    /// By subject, groups and meter: the deciding moment of a latest value, and whether two share it
    latest: Index,
    deciding: Vec<((u32, u32), bool)>,
}

/// One kind of fault, of one meter, at one place.
struct Finding {
    meter: String,
    path: String,
    /// The first five
    events: Vec<u64>,
    count: u64,
    help: String,
}

/// Where a finding is.
struct Place<'a> {
    meter: &'a str,
    path: &'a str,
    event: Option<u64>,
    /// Whether it is a warning, not an error.
    mild: bool,
}

impl<'a> Place<'a> {
    /// In an event, whatever the meter.
    fn of(event: u64, path: &'a str) -> Self {
        Self { meter: "", path, event: Some(event), mild: false }
    }
}

const LEVELS: [&str; 3] = ["error", "warning", "info"];
const ERROR: u8 = 0;
const WARNING: u8 = 1;
const INFO: u8 = 2;

/// Each code with its level, what it means, and how to mend it where that is always the same.
const CODES: [(&str, u8, &str, &str); 32] = [
    ("rejected", ERROR, "the vendor will refuse the event", ""),
    ("no_meter", ERROR, "no meter counts events of this type", ""),
    ("unmatched_meter", INFO, "none of the events reaches this meter", ""),
    ("value_missing", ERROR, "the data has no value for the meter", ""),
    ("value_not_scalar", ERROR, "an object or array is no value", ""),
    ("value_empty", ERROR, "the value is empty", ""),
    ("value_null", ERROR, "the value is null, and not counted", ""),
    ("value_not_number", ERROR, "the value is not a number, and not counted", ""),
    ("value_not_finite", ERROR, "the value is not a finite number, and not counted", ""),
    ("value_out_of_range", ERROR, "the value is larger than what is counted", ""),
    ("path_too_costly", ERROR, "the path was given up, and the event is not counted", ""),
    ("group_missing", WARNING, "the data has nothing for this group: it will be the empty text", ""),
    ("group_not_scalar", WARNING, "an object or array is no group: it will be the empty text", ""),
    ("group_null", WARNING, "null as a group is the text null", ""),
    ("id_reused", ERROR, "another event has this source and id: the later one is lost", ""),
    (
        "id_collision",
        ERROR,
        "the server joins source and id by a hyphen, and another event has the same",
        "a source without a hyphen",
    ),
    ("duplicate_id", INFO, "the same event again: it counts once", ""),
    ("too_old", ERROR, "the vendor refuses events that are so old", ""),
    ("too_new", ERROR, "the vendor refuses events so far ahead of the present", ""),
    ("time_not_after_epoch", ERROR, "the server drops events of 1970 and before", ""),
    ("time_after_2106", WARNING, "the server takes the time for 2106-02-07T06:28:15Z", ""),
    ("before_event_from", WARNING, "the event is older than what the meter looks at", ""),
    ("number_above_2_53", WARNING, "the integer loses digits as a float64", SEND_TEXT),
    ("integer_above_64_bit", WARNING, "servers before ClickHouse 26.7 cannot read this data", SEND_TEXT),
    ("extension_ignored", INFO, "the attribute is accepted and thrown away", "move it into data"),
    ("latest_tie", INFO, "two values at the deciding moment: the vendor does not say which one counts", ""),
    ("path_not_single", WARNING, "of several matches only the first scalar counts; they are never summed", ""),
    ("path_not_portable", WARNING, "the meter server does not know paths of RFC 9535", ""),
    ("group_key_reserved", ERROR, "the server's queries fail with a group of this name", OTHER_KEY),
    ("group_key_shadowed", WARNING, "the event's own subject or customer takes the place of this group", OTHER_KEY),
    ("undocumented", INFO, "the vendor's documentation does not say how this is counted", ""),
    ("incomplete", WARNING, "there was too much to look at all of it", ""),
];
const SEND_TEXT: &str = "send it as a string: its digits are kept";
const OTHER_KEY: &str = "give the group another key";

impl Lint {
    /// Of events that are sent at this time.
    pub fn new(now: Instant) -> Result<Self> {
        Ok(Self {
            now,
            events: 0,
            keys: Index::default(),
            findings: Vec::new(),
            reached: Vec::new(),
            ids: Index::default(),
            contents: Vec::new(),
            joined: Index::default(),
            latest: Index::default(),
            deciding: Vec::new(),
        })
    }

    /// Why nothing is known about events that were recorded.
    pub fn off() -> Error {
        Error::new("lint_off", "recorded events are looked at only if the client is told to")
            .help("make the client with lint: true, or give the events")
    }

    /// Notes a finding; `what` tells it from others of the same code at the same place. True if it is the first of its kind:
    /// then [`Self::help`] can be given.
    #[inline(never)]
    fn say(&mut self, code: &str, at: &Place<'_>, what: &str) -> bool {
        let Some((number, (_, level, ..))) = CODES.iter().enumerate().find(|(_, (known, ..))| *known == code) else {
            return false;
        };
        let mut key = vec![if at.mild { WARNING } else { *level }];
        for text in [code, at.meter, at.path, what] {
            super::key::push(&mut key, text);
        }
        key.push(number as u8);
        if self.findings.len() >= LINT_FINDINGS_MAX && code != "incomplete" && self.keys.find(&key).is_none() {
            self.say("incomplete", &Place { event: None, ..Place::of(0, "") }, "");
            return false;
        }
        let place = self.keys.place(&key);
        let new = place == self.findings.len();
        if new {
            let (meter, path) = (at.meter.to_owned(), at.path.to_owned());
            self.findings.push(Finding { meter, path, events: Vec::new(), count: 0, help: String::new() });
        }
        if let (Some(finding), Some(event)) = (self.findings.get_mut(place), at.event) {
            finding.count += 1;
            if finding.events.len() < 5 {
                finding.events.push(event);
            }
        }
        new
    }

    /// Says how to mend what has just been found.
    fn help(&mut self, parts: &[&str]) {
        if let Some(finding) = self.findings.last_mut() {
            finding.help = parts.concat();
        }
    }

    /// What was found: a list of `{code, level, meter?, path?, events, count, message, help?}`, by level, code, meter and
    /// path. `events` are the numbers of the first five.
    pub fn findings(&mut self, meters: &[Meter], sink: &Sink) -> String {
        self.reached.resize(meters.len(), false);
        for (index, meter) in meters.iter().enumerate() {
            let at = |path| Place { meter: &meter.slug, path, event: None, mild: false };
            if self.reached.get(index) == Some(&false) {
                self.say("unmatched_meter", &at(""), "");
            }
            if self.has_tie(index) {
                self.say("latest_tie", &at(""), "");
            }
            if let Some(path) = meter.value.as_ref().filter(|path| path.is_plural()) {
                self.say("path_not_single", &at(path.text()), "");
            }
            for path in meter.paths() {
                if !path.is_positional() && sink.takes_all() {
                    self.say("path_not_portable", &at(path.text()), "");
                }
            }
            for (name, _) in &meter.groups {
                if is_reserved(name) {
                    self.say("group_key_reserved", &at(name), "");
                } else if matches!(name.as_str(), "subject" | "customer_id") {
                    self.say("group_key_shadowed", &at(name), "");
                }
            }
        }
        let mut list = Writer::array();
        for place in self.keys.order() {
            let (key, Some(finding)) = (self.keys.key(place), self.findings.get(place)) else { continue };
            let [level, .., number] = key else { continue };
            let Some((code, _, message, mended)) = CODES.get(usize::from(*number)) else { continue };
            let mut events = Writer::array();
            for event in &finding.events {
                events.item(&digits((*event).into()));
            }
            let help = if finding.help.is_empty() { mended } else { finding.help.as_str() };
            let mut w = Writer::object();
            w.string("code", code).string("level", LEVELS.get(usize::from(*level)).copied().unwrap_or_default());
            for (name, text) in [("meter", finding.meter.as_str()), ("path", &finding.path), ("help", help)] {
                if !text.is_empty() {
                    w.string(name, text);
                }
            }
            w.raw("events", &events.end()).raw("count", &digits(finding.count.into())).string("message", message);
            list.item(&w.end());
        }
        list.end()
    }
}
