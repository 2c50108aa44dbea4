//! One cell of a result: what is kept of the events that fall into it.

use std::collections::BTreeSet;

use super::definition::Aggregation;
use super::value::{Amount, Numeric};
use crate::error::{Error, Result};
use crate::float;

/// What one event brings to a cell.
pub enum Brought<'a> {
    /// An event is all there is to count.
    Event,
    /// It has no usable value.
    Nothing,
    /// A number.
    Amount(Amount),
    /// A text, for distinct counts.
    Text(&'a str),
}

/// The events of one time bucket, subject and group, folded into what the aggregation needs.
#[derive(Clone)]
pub struct Cell {
    /// Unix second of the earliest event, usable or not.
    pub first: u32,
    /// Unix second of the latest event, usable or not.
    pub last: u32,
    /// Events, or usable values.
    count: u64,
    tally: Tally,
}

#[derive(Clone)]
enum Tally {
    Nothing,
    Amount(Amount),
    Latest(Box<Latest>),
    Texts(BTreeSet<Box<str>>),
    /// More distinct texts than are kept
    TooManyTexts,
}

#[derive(Clone)]
struct Latest {
    amount: Amount,
    second: u32,
    subject: Box<str>,
    arrival: u64,
}

impl Latest {
    /// The greatest second wins; of a tie the bytewise smallest subject, then the earliest arrival. That is what the
    /// server answers for one inserted batch; for more it is undefined there.
    fn yields_to(&self, other: &Self) -> bool {
        let order = self.second.cmp(&other.second).then_with(|| other.subject.cmp(&self.subject));
        order.then_with(|| other.arrival.cmp(&self.arrival)).is_lt()
    }
}

impl Cell {
    /// A cell without a value yet, for an event of this second.
    pub fn new(second: u32) -> Self {
        Self { first: second, last: second, count: 0, tally: Tally::Nothing }
    }

    /// Adds one event. With `room` false a distinct text that is new is not kept, and the count is given up.
    /// Gives the bytes of text it has kept.
    pub fn add(
        &mut self,
        how: Aggregation,
        brought: Brought<'_>,
        second: u32,
        subject: &str,
        arrival: u64,
        room: bool,
    ) -> usize {
        self.first = self.first.min(second);
        self.last = self.last.max(second);
        match brought {
            Brought::Nothing => {}
            Brought::Event => self.count = self.count.saturating_add(1),
            Brought::Text(text) => {
                if matches!(self.tally, Tally::Nothing) {
                    self.tally = Tally::Texts(BTreeSet::new());
                }
                if let Tally::Texts(texts) = &mut self.tally
                    && !texts.contains(text)
                {
                    if room {
                        texts.insert(text.into());
                        return text.len();
                    }
                    self.tally = Tally::TooManyTexts;
                }
            }
            Brought::Amount(amount) => {
                let tally = match how {
                    Aggregation::Latest => {
                        Tally::Latest(Box::new(Latest { amount, second, subject: subject.into(), arrival }))
                    }
                    _ => Tally::Amount(amount),
                };
                self.count = self.count.saturating_add(1);
                self.tally.merge(how, tally);
            }
        }
        0
    }

    /// Takes in another cell, whose events arrived later.
    pub fn merge(&mut self, how: Aggregation, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count = self.count.saturating_add(other.count);
        self.tally.merge(how, other.tally);
    }

    /// Number and bytes of the distinct texts that are kept.
    pub fn texts(&self) -> (usize, usize) {
        match &self.tally {
            Tally::Texts(texts) => (texts.len(), texts.iter().map(|text| text.len()).sum()),
            _ => (0, 0),
        }
    }

    /// The value as a JSON number, and in decimal mode the exact text where there is one. `None`: no row.
    ///
    /// Errors: `sum_overflow`, `limit_exceeded`.
    pub fn value(&self, how: Aggregation, numeric: Numeric) -> Result<Option<(String, Option<String>)>> {
        let amount = match (&self.tally, how) {
            (_, Aggregation::Count) => return Ok(Some((self.count.to_string(), None))),
            (Tally::TooManyTexts, _) => return Err(too_many_texts()),
            (_, Aggregation::UniqueCount) => return Ok(Some((self.texts().0.to_string(), None))),
            (Tally::Amount(amount), _) => amount,
            (Tally::Latest(latest), _) => &latest.amount,
            (Tally::Nothing | Tally::Texts(_), _) => return Ok(None),
        };
        let overflow = || {
            Error::new("sum_overflow", "the sum is larger than the numeric mode can hold")
                .help("ask for shorter windows or smaller groups")
        };
        let mut x = amount.to_f64(numeric).ok_or_else(overflow)?;
        let mut exact = None;
        if how == Aggregation::Avg {
            x /= self.count as f64;
        } else if numeric == Numeric::Decimal {
            exact = amount.decimal().map(|decimal| decimal.text());
        }
        // JavaScript prints -0 as 0.
        Ok(Some((float::js_text(x + 0.0), exact)))
    }
}

impl Tally {
    fn merge(&mut self, how: Aggregation, other: Self) {
        match (&mut *self, other) {
            (_, Self::Nothing) | (Self::TooManyTexts, _) => {}
            (Self::Texts(mine), Self::Texts(texts)) => mine.extend(texts),
            (Self::Latest(mine), Self::Latest(latest)) => {
                if mine.yields_to(&latest) {
                    *mine = latest;
                }
            }
            (Self::Amount(mine), Self::Amount(amount)) => match how {
                Aggregation::Min if amount.compare(mine).is_lt() => *mine = amount,
                Aggregation::Max if amount.compare(mine).is_gt() => *mine = amount,
                Aggregation::Min | Aggregation::Max => {}
                _ => mine.add(&amount),
            },
            (_, other) => *self = other,
        }
    }
}

/// The error for a distinct count that would need more texts than are kept.
pub fn too_many_texts() -> Error {
    Error::new("limit_exceeded", "more distinct values than a UNIQUE_COUNT keeps")
        .help("count fewer values: a narrower filter, a shorter time, or a value with fewer forms")
}
