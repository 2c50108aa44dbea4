//! What the meters make of an event.

use super::super::definition::Aggregation;
use super::super::path::{Document, Path};
use super::super::similar::edits;
use super::super::totals::stored_second;
use super::super::value::{Engine, Numeric, What};
use super::{Lint, Place};
use crate::event::Event;
use crate::float;
use crate::limits::LINT_IDS_BYTES_MAX;
use crate::meter::Meter;

impl Lint {
    pub(super) fn meters(&mut self, meters: &[Meter], event: &Event, number: u64) {
        self.reached.resize(meters.len(), false);
        let document = Document::of(event, Engine::default());
        let second = stored_second(event.time).unwrap_or_default();
        let mut known = false;
        for (index, meter) in meters.iter().enumerate() {
            if meter.event_type != event.kind {
                continue;
            }
            known = true;
            let at = |path| Place { meter: &meter.slug, ..Place::of(number, path) };
            if meter.from.is_some_and(|from| i64::from(second) < from) {
                self.say("before_event_from", &at("time"), "");
                continue;
            }
            if meter.dodo.as_ref().is_some_and(|filter| filter.is_guess(&document)) {
                self.say("undocumented", &at("filter"), "");
            }
            if !meter.sees(second, &document) {
                continue;
            }
            if let Some(reached) = self.reached.get_mut(index) {
                *reached = true;
            }
            let (mut key, cell, code) = meter.cell(&document, event, second, number, Numeric::Float);
            if document.was_cut() {
                self.say("path_too_costly", &at(""), "");
                continue;
            }
            if let Some(path) = &meter.value {
                if let Some(code) = code {
                    let mild = meter.aggregation == Aggregation::UniqueCount;
                    if self.say(code, &Place { mild, ..at(path.text()) }, "") {
                        self.mend(code, path, &document, meter);
                    }
                } else if meter.dodo.is_some() && path.find(&document).what == What::String {
                    self.say("undocumented", &at(path.text()), "");
                }
            }
            if let Some(latest) = cell.latest.filter(|_| cell.values > 0) {
                key.extend_from_slice(&index.to_be_bytes());
                self.latest(&key, (latest.second, latest.nanos));
            }
            for (_, path) in &meter.groups {
                let code = match path.find(&document).what {
                    What::Missing => "group_missing",
                    What::NotScalar => "group_not_scalar",
                    What::Null => "group_null",
                    _ => continue,
                };
                if self.say(code, &at(path.text()), "") {
                    self.mend(code, path, &document, meter);
                }
            }
        }
        if !known && self.say("no_meter", &Place::of(number, "type"), &event.kind) {
            self.other_type(meters, event, &document);
        }
    }

    fn latest(&mut self, key: &[u8], moment: (u32, u32)) {
        if self.latest.size() > LINT_IDS_BYTES_MAX && self.latest.find(key).is_none() {
            self.say("incomplete", &Place { event: None, ..Place::of(0, "") }, "");
            return;
        }
        let place = self.latest.place(key);
        match self.deciding.get_mut(place) {
            None => self.deciding.push((moment, false)),
            Some((last, tie)) if moment >= *last => (*last, *tie) = (moment, moment == *last),
            Some(_) => {}
        }
    }

    /// Whether there is more than one latest value in a group of the meter with this index.
    pub(super) fn has_tie(&self, meter: usize) -> bool {
        let mut places = self.deciding.iter().enumerate();
        places.any(|(place, (_, tie))| *tie && self.latest.key(place).ends_with(&meter.to_be_bytes()))
    }

    /// Says how a value or a group that is not usable may be put right.
    fn mend(&mut self, code: &str, path: &Path, document: &Document<'_>, meter: &Meter) {
        let meant = if code.ends_with("_missing") {
            path.beside(document, &meter.paths())
        } else {
            let text = path.find(document).text;
            let kept = text.trim_ascii().bytes().filter(|byte| !matches!(byte, b',' | b'_' | b' '));
            let number = String::from_utf8(kept.collect()).unwrap_or_default();
            let is_number = code == "value_not_number" && float::parse(&number).is_some_and(f64::is_finite);
            Some(number).filter(|_| is_number)
        };
        if let Some(meant) = meant {
            self.help(&["did you mean ", &meant, "?"]);
        }
    }

    /// Says which type may have been meant: one that is written much the same, or that of a meter that finds all it reads.
    fn other_type(&mut self, meters: &[Meter], event: &Event, document: &Document<'_>) {
        let kind = event.kind.to_ascii_lowercase();
        for meter in meters {
            let other = meter.event_type.to_ascii_lowercase();
            let edits = edits(other.as_bytes(), kind.as_bytes());
            // Of a short name two edits leave nothing.
            if edits <= 2 && edits * 2 < other.len().min(kind.len()).max(1) {
                return self.help(&["did you mean ", &meter.event_type, "?"]);
            }
        }
        for meter in meters {
            let paths = meter.paths();
            let finds = |path: &&Path| !matches!(path.find(document).what, What::Missing | What::NotScalar);
            if let Some(first) = paths.first()
                && paths.iter().all(finds)
            {
                return self.help(&[&meter.slug, " reads ", first.text(), " from events of type ", &meter.event_type]);
            }
        }
    }
}
