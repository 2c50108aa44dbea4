//! Lines of a known shape: counted without an event being made of them.

use std::borrow::Cow;

use super::shape::Source;
use super::{Asked, State, cache};
use crate::error::Result;
use crate::meter::aggregate::{Cell, Latest};
use crate::meter::definition::Aggregation;
use crate::meter::key;
use crate::meter::rows::Rows;
use crate::meter::value::{Amount, Found};

impl State {
    /// Takes the line at `at` if it has a known shape and lies in the piece whole; gives where the next line begins.
    #[inline(never)]
    pub(super) fn known_line(
        &mut self,
        piece: &[u8],
        at: usize,
        rows: &mut [Rows<'_>],
        asked: &Asked<'_>,
    ) -> Result<Option<usize>> {
        let Self { shapes, leaves, caches, clock, seen, tally, key, .. } = self;
        let Some((shape, next)) = shapes.find(piece, at, leaves) else { return Ok(None) };
        let leaf = |number: usize| {
            let (from, to) = leaves.get(number).copied().unwrap_or_default();
            piece.get(from..to).unwrap_or_default()
        };
        let [id, source, subject] = shape.attributes.map(leaf);
        let second = match shape.time {
            None => Some(asked.now.seconds),
            Some(time) => clock.second(leaf(time)),
        };
        // Who says what is wrong with it is the reader of events.
        let Some(second) = second.filter(|_| !id.is_empty() && !source.is_empty() && !subject.is_empty()) else {
            return Ok(None);
        };
        tally.lines += 1;
        if second <= 0 {
            tally.dropped += 1;
            return Ok(Some(next));
        }
        let second = u32::try_from(second).unwrap_or(u32::MAX);
        if asked.dedupe && !seen.add(source, id)? {
            tally.duplicate += 1;
            return Ok(Some(next));
        }
        let arrival = tally.stored;
        tally.stored += 1;
        if shape.uses.is_empty() {
            tally.diagnose(None, "no_meter");
        }
        let find = |source| found(source, piece, leaves);
        for used in &shape.uses {
            let Some(meter) = asked.meters.get(used.meter) else { continue };
            let mut cell = Cell::of(second);
            let mut distinct = None;
            let mut code = None;
            if let Some(value) = &used.value {
                if meter.aggregation == Aggregation::UniqueCount {
                    (distinct, code) = find(value).distinct();
                } else {
                    let short = match value {
                        Source::Leaf(_, number) => Amount::short(leaf(*number), asked.numeric),
                        Source::Fixed(..) => None,
                    };
                    match short.map_or_else(|| find(value).amount(asked.numeric), Ok) {
                        Ok(amount) => (cell.amount, cell.values) = (amount, 1),
                        Err(said) => code = Some(said),
                    }
                    if meter.aggregation == Aggregation::Latest {
                        let subject = String::from_utf8_lossy(subject).into_owned();
                        cell.latest = Some(Box::new(Latest { second, nanos: 0, subject, arrival }));
                    }
                }
            }
            if let Some(code) = code {
                tally.diagnose(Some(used.meter), code);
            }
            if !meter.is_from(second) {
                continue;
            }
            for ((rows, cache), plan) in rows.iter_mut().zip(caches.iter_mut()).zip(&asked.plans) {
                if plan.meter != used.meter || !plan.time.contains(&second.into()) {
                    continue;
                }
                key.clear();
                if plan.by_window {
                    key.push(cache.window(rows.query(), second) as u64);
                }
                if plan.by_subject {
                    cache::push(key, subject, 0);
                }
                for group in &plan.groups {
                    match used.groups.get(*group) {
                        Some(Source::Leaf(what, number)) => cache::push(key, leaf(*number), *what as u8),
                        Some(Source::Fixed(_, text)) => cache::push(key, text.as_bytes(), 0),
                        None => {}
                    }
                }
                if let Some(distinct) = &distinct {
                    cache::push(key, distinct.as_bytes(), 0);
                }
                let (row, count) = match cache.get(key) {
                    // A distinct text counts once.
                    Some(row) => (row, u64::from(meter.aggregation != Aggregation::UniqueCount)),
                    None => {
                        let mut whole = key::new(0);
                        key::push(&mut whole, &String::from_utf8_lossy(subject));
                        for group in &used.groups {
                            key::push(&mut whole, &find(group).text());
                        }
                        if let Some(distinct) = &distinct {
                            key::push(&mut whole, distinct);
                        }
                        let selected = rows.select(&whole, &cell)?;
                        cache.put(key, selected.map(|(row, _)| row));
                        (selected.map(|(row, _)| row), selected.map_or(0, |(_, count)| count))
                    }
                };
                if let Some(row) = row {
                    rows.merge(row, &cell, count);
                }
            }
        }
        Ok(Some(next))
    }
}

/// What a path finds in a line of which all leaves are UTF-8.
fn found<'d>(source: &'d Source, piece: &'d [u8], leaves: &[(usize, usize)]) -> Found<'d> {
    let (what, text) = match source {
        Source::Leaf(what, number) => {
            let (from, to) = leaves.get(*number).copied().unwrap_or_default();
            (what, std::str::from_utf8(piece.get(from..to).unwrap_or_default()).unwrap_or_default())
        }
        Source::Fixed(what, text) => (what, text.as_str()),
    };
    Found { what: *what, text: Cow::Borrowed(text) }
}
