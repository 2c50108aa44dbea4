//! One cell of a result: what is kept of the events that fall into it.

use std::collections::BTreeMap;

use super::definition::Aggregation;
use super::value::{Amount, Numeric};
use crate::error::{Error, Result};
use crate::float;

/// Some events, folded into what the aggregation needs.
pub struct Cell {
    /// Unix second of the earliest event, usable or not
    pub first: u32,
    /// Unix second of the latest event, usable or not
    pub last: u32,
    /// Events for COUNT, else usable values
    pub count: u64,
    /// Their values
    pub tally: Tally,
}

/// The values of a cell.
pub enum Tally {
    /// None, or none needed
    Nothing,
    /// A sum or an extreme
    Amount(Amount),
    /// For LATEST
    Latest(Box<Latest>),
    /// The distinct texts
    Texts(Index),
    /// More distinct texts than are kept
    TooManyTexts,
}

/// Byte strings in order, each with a number. The one map of this module, for a second kind would be as large as the
/// rest of its code.
pub type Index = BTreeMap<Vec<u8>, usize>;

/// The latest value so far.
#[derive(Clone)]
pub struct Latest {
    /// The value
    pub amount: Amount,
    /// When it happened
    pub second: u32,
    /// Whose it is
    pub subject: String,
    /// When it came
    pub arrival: u64,
}

impl Cell {
    /// A cell without events.
    pub const EMPTY: Self = Self { first: u32::MAX, last: 0, count: 0, tally: Tally::Nothing };

    /// Takes in another cell, whose events arrived later. Gives number and bytes of the distinct texts that are new.
    pub fn merge(&mut self, how: Aggregation, other: &Self) -> (usize, usize) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count = self.count.saturating_add(other.count);
        match (&mut self.tally, &other.tally) {
            (_, Tally::Nothing) | (Tally::TooManyTexts, _) => {}
            (tally, Tally::TooManyTexts) => *tally = Tally::TooManyTexts,
            (tally, Tally::Texts(texts)) => {
                if !matches!(tally, Tally::Texts(_)) {
                    *tally = Tally::Texts(Index::new());
                }
                let mut new = (0, 0);
                if let Tally::Texts(mine) = tally {
                    for text in texts.keys() {
                        if !mine.contains_key(text) {
                            new = (new.0 + 1, new.1 + text.len());
                            mine.insert(text.clone(), 0);
                        }
                    }
                }
                return new;
            }
            // The greatest second wins; of a tie the bytewise smallest subject, then the earliest arrival. That is what
            // the server answers for one inserted batch; for more it is undefined there.
            (Tally::Latest(mine), Tally::Latest(latest)) => {
                let order = mine.second.cmp(&latest.second).then_with(|| latest.subject.cmp(&mine.subject));
                if order.then(latest.arrival.cmp(&mine.arrival)).is_lt() {
                    mine.clone_from(latest);
                }
            }
            (Tally::Amount(mine), Tally::Amount(amount)) => match how {
                Aggregation::Min if !amount.is_less(mine) => {}
                Aggregation::Max if !mine.is_less(amount) => {}
                Aggregation::Min | Aggregation::Max => *mine = *amount,
                _ => mine.add(amount),
            },
            (tally, Tally::Latest(latest)) => *tally = Tally::Latest(latest.clone()),
            (tally, Tally::Amount(amount)) => *tally = Tally::Amount(*amount),
        }
        (0, 0)
    }

    /// Number and bytes of the distinct texts.
    pub fn texts(&self) -> (usize, usize) {
        match &self.tally {
            Tally::Texts(texts) => (texts.len(), texts.keys().map(Vec::len).sum()),
            _ => (0, 0),
        }
    }

    /// The value as a JSON number, and in decimal mode the exact text where there is one. `None`: no row.
    ///
    /// Errors: `sum_overflow`, `limit_exceeded`.
    pub fn value(&self, how: Aggregation, numeric: Numeric) -> Result<Option<(String, Option<String>)>> {
        let amount = match &self.tally {
            Tally::TooManyTexts => return Err(too_many_texts()),
            Tally::Amount(amount) => amount,
            Tally::Latest(latest) => &latest.amount,
            Tally::Nothing | Tally::Texts(_) => {
                let count = match how {
                    Aggregation::Count => self.count,
                    Aggregation::UniqueCount => self.texts().0 as u64,
                    _ => return Ok(None),
                };
                return Ok(Some((count.to_string(), None)));
            }
        };
        let Some(mut x) = amount.to_f64(numeric) else {
            return Err(Error::new("sum_overflow", "the sum is larger than the numeric mode can hold")
                .help("ask for shorter windows or smaller groups"));
        };
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

/// Cells by key.
#[derive(Default)]
pub struct Cells {
    /// Where in the list
    pub index: Index,
    /// The cells, as they came
    pub list: Vec<Cell>,
}

impl Cells {
    /// Adds a cell to those under its key. Gives number and bytes of the distinct texts that are new there.
    pub fn put(&mut self, key: Vec<u8>, cell: &Cell, how: Aggregation) -> (usize, usize) {
        let at = self.index.get(&key).copied().unwrap_or(self.list.len());
        if at == self.list.len() {
            self.index.insert(key, at);
            self.list.push(Cell::EMPTY);
        }
        self.list.get_mut(at).map_or((0, 0), |mine| mine.merge(how, cell))
    }
}

/// The error for a distinct count that would need more texts than are kept.
pub fn too_many_texts() -> Error {
    Error::new("limit_exceeded", "more distinct values than a UNIQUE_COUNT keeps")
        .help("count fewer values: a narrower filter, a shorter time, or a value with fewer forms")
}
