//! Which row an event of a query's meter goes into, by the numbers of the texts that decide it.

use super::hash::mix;
use crate::limits::REPLAY_TEXTS_MAX;
use crate::meter::Query;

/// Rows of one query by key. Every key of one query has the same length.
#[derive(Default)]
pub struct Cache {
    keys: Vec<u32>,
    /// `None`: the query does not select it
    rows: Vec<Option<usize>>,
    /// Numbers from 1; 0 is free
    table: Vec<u32>,
    /// The last window: from, to (exclusive)
    last: (i64, i64),
}

impl Cache {
    /// The row that was put under a key: `None` if none was, `Some(None)` if it is known that there is none.
    pub fn get(&self, key: &[u32]) -> Option<Option<usize>> {
        let number = self.table.get(self.place(key)).copied().unwrap_or_default() as usize;
        if number == 0 { None } else { self.rows.get(number - 1).copied() }
    }

    /// Puts a row under a new key.
    pub fn put(&mut self, key: &[u32], row: Option<usize>) {
        if self.rows.len() >= REPLAY_TEXTS_MAX {
            self.clear();
        }
        if self.rows.len() * 2 >= self.table.len() {
            self.table = vec![0; (self.table.len() * 2).max(256)];
            let keys = std::mem::take(&mut self.keys);
            for (number, known) in (1..).zip(keys.chunks(key.len().max(1)).take(self.rows.len())) {
                // Nothing is equal to a key that is not in the list yet.
                let place = self.place(known);
                self.keys.extend_from_slice(known);
                if let Some(free) = self.table.get_mut(place) {
                    *free = number;
                }
            }
        }
        let place = self.place(key);
        self.keys.extend_from_slice(key);
        self.rows.push(row);
        if let Some(free) = self.table.get_mut(place) {
            *free = self.rows.len() as u32;
        }
    }

    /// Where the window of a second begins.
    pub fn window(&mut self, query: &Query<'_>, second: u32) -> i64 {
        let second = i64::from(second);
        if let Some((size, _)) = query.window
            && !(self.last.0..self.last.1).contains(&second)
        {
            self.last = query.zone.window(size, second);
        }
        self.last.0
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self { last: self.last, ..Self::default() };
    }

    fn place(&self, key: &[u32]) -> usize {
        let mask = self.table.len().wrapping_sub(1);
        let hash = key.iter().fold(0, |hash, word| mix(hash, u64::from(*word)));
        let mut at = hash as usize & mask;
        while let Some(number) = self.table.get(at).filter(|number| **number > 0) {
            let from = (*number as usize - 1) * key.len();
            if self.keys.get(from..from + key.len()) == Some(key) {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }
}
