//! One cell of a result: what is kept of the events that fall into it.

use super::definition::{Aggregation, Meter};
use super::value::{Amount, Numeric};
use crate::decimal::{Decimal, digits};
use crate::error::{Error, Result};
use crate::float;
use hot::Index;

/// Some events, folded into what the aggregation needs.
#[derive(Clone, Default)]
pub struct Cell {
    /// Unix second of the earliest event, usable or not
    pub first: u32,
    /// Unix second of the latest event, usable or not
    pub last: u32,
    /// Events; for UNIQUE_COUNT, distinct texts
    pub count: u64,
    /// Usable values
    pub values: u64,
    /// Their sum, the extreme, or the latest
    pub amount: Amount,
    /// For LATEST: what decides
    pub latest: Option<Box<Latest>>,
}

/// What decides which of two values is the latest.
#[derive(Clone)]
pub struct Latest {
    /// When it happened
    pub second: u32,
    /// And how long after that second, where it counts
    pub nanos: u32,
    /// Whose it is
    pub subject: String,
    /// When it came
    pub arrival: u64,
}

impl Latest {
    /// The greatest second wins; of a tie the bytewise smallest subject, then the earliest arrival. That is what the server
    /// answers for one inserted batch; for more it is undefined there.
    fn is_before(&self, other: &Self) -> bool {
        let order = (self.second, self.nanos).cmp(&(other.second, other.nanos));
        let order = order.then_with(|| other.subject.cmp(&self.subject));
        order.then(other.arrival.cmp(&self.arrival)).is_lt()
    }
}

impl Cell {
    /// An event without a value.
    pub fn of(second: u32) -> Self {
        Self { first: second, last: second, count: 1, ..Self::default() }
    }

    /// Takes in an event and its amount, if its order does not matter.
    #[inline(always)]
    pub fn count(&mut self, how: Aggregation, second: u32, amount: Option<&Amount>) -> bool {
        if matches!(how, Aggregation::Min | Aggregation::Max | Aggregation::Latest) {
            return false;
        }
        self.first = self.first.min(second);
        self.last = self.last.max(second);
        self.count = self.count.saturating_add(1);
        if let Some(amount) = amount {
            self.amount.add(amount);
            self.values = self.values.saturating_add(1);
        }
        true
    }

    /// Takes in another cell, of which `count` is new.
    pub fn merge(&mut self, how: Aggregation, other: &Self, count: u64) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count = self.count.saturating_add(count);
        if other.values == 0 {
            return;
        }
        let better = match how {
            _ if self.values == 0 => true,
            Aggregation::Min => other.amount.is_less(&self.amount),
            Aggregation::Max => self.amount.is_less(&other.amount),
            Aggregation::Latest => {
                matches!((&self.latest, &other.latest), (Some(mine), Some(other)) if mine.is_before(other))
            }
            _ => {
                self.amount.add(&other.amount);
                false
            }
        };
        self.values = self.values.saturating_add(other.values);
        if better {
            self.amount = other.amount;
            self.latest.clone_from(&other.latest);
        }
    }

    /// The value as a JSON number, and in decimal mode the exact text where there is one. `None`: no row.
    ///
    /// Error: `sum_overflow`.
    pub fn value(&self, meter: &Meter, numeric: Numeric) -> Result<Option<(String, Option<String>)>> {
        let how = meter.aggregation;
        if matches!(how, Aggregation::Count | Aggregation::UniqueCount) {
            return Ok(Some((digits(self.count.into()), None)));
        }
        // Dodo's are exact, and 0 if nothing was usable.
        let numeric = if meter.dodo.is_some() { Numeric::Decimal } else { numeric };
        if self.values == 0 && meter.dodo.is_none() {
            return Ok(None);
        }
        let Some(mut x) = self.amount.to_f64(numeric) else {
            return Err(Error::new("sum_overflow", "the sum is larger than the numeric mode can hold")
                .help("ask for shorter windows or smaller groups"));
        };
        let mut exact = None;
        if how == Aggregation::Avg {
            x = self.amount.dividend(numeric) / self.values as f64;
        } else if numeric == Numeric::Decimal {
            exact = self.amount.decimal().map(|decimal| decimal.text());
        }
        // JavaScript prints -0 as 0.
        Ok(Some((float::js_text(x + 0.0), exact)))
    }

    /// The value as a decimal: exact in decimal mode, else as [`Self::value`] prints it.
    pub fn quantity(&self, meter: &Meter, numeric: Numeric) -> Result<Option<Decimal>> {
        match self.value(meter, numeric)? {
            None => Ok(None),
            Some((text, exact)) => Decimal::parse(exact.as_ref().unwrap_or(&text)).map(Some),
        }
    }
}

/// Cells by key.
#[derive(Default)]
pub struct Cells {
    /// Their keys
    pub index: Index,
    /// The cells, as they came
    pub list: Vec<Cell>,
}

impl Cells {
    /// Adds a cell, of which `count` is new, to those under its key. Gives their place.
    pub fn put(&mut self, key: &[u8], cell: &Cell, how: Aggregation, count: u64) -> usize {
        let at = self.place(key);
        self.merge(at, cell, how, count);
        at
    }

    /// The number of the cell under this key, which is made if there is none.
    pub fn place(&mut self, key: &[u8]) -> usize {
        let at = self.index.place(key);
        if at == self.list.len() {
            self.list.push(Cell { first: u32::MAX, ..Cell::default() });
        }
        at
    }

    /// Adds a cell, of which `count` is new, to the one with this number.
    pub fn merge(&mut self, at: usize, cell: &Cell, how: Aggregation, count: u64) {
        if let Some(mine) = self.list.get_mut(at) {
            mine.merge(how, cell, count);
        }
    }

    /// Bytes it takes.
    pub fn size(&self) -> usize {
        self.index.size() + self.list.len() * size_of::<Cell>()
    }
}
