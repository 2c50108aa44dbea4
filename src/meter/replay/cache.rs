//! Which row an event goes into, by the bytes that decide it: its window, and the texts by which its query groups and filters.

use super::hash::mix;
use crate::limits::REPLAY_CACHE_BYTES_MAX;
use crate::meter::Query;

/// The rows of one query.
#[derive(Default)]
pub struct Cache {
    /// All keys, one after the other
    keys: Vec<u64>,
    entries: Vec<Entry>,
    /// Numbers of entries from 1, and a part of their hash; 0 is free
    table: Vec<(u32, u32)>,
    /// The last window: from, to (exclusive)
    last: (i64, i64),
}

struct Entry {
    /// Where its key ends
    end: usize,
    /// `None`: the query does not select it
    row: Option<usize>,
}

impl Cache {
    /// The row that was put under a key: `None` if none was, `Some(None)` if it is known that there is none.
    pub fn get(&self, key: &[u64]) -> Option<Option<usize>> {
        let mask = self.table.len().wrapping_sub(1);
        let hash = hash(key);
        let mut at = hash as usize & mask;
        while let Some((number, other)) = self.table.get(at).filter(|(number, _)| *number > 0) {
            if *other == hash && self.key(*number as usize - 1).is_some_and(|other| same(other, key)) {
                return self.entries.get(*number as usize - 1).map(|entry| entry.row);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Puts a row under a key that is not there yet.
    pub fn put(&mut self, key: &[u64], row: Option<usize>) {
        if (self.keys.len() + key.len() + self.entries.len()) * 8 > REPLAY_CACHE_BYTES_MAX {
            *self = Self { last: self.last, ..Self::default() };
        }
        if self.entries.len() * 2 >= self.table.len() {
            self.table = vec![(0, 0); (self.table.len() * 2).max(256)];
            for at in 0..self.entries.len() {
                if let Some(key) = self.key(at) {
                    let hash = hash(key);
                    self.place(at, hash);
                }
            }
        }
        self.keys.extend_from_slice(key);
        self.entries.push(Entry { end: self.keys.len(), row });
        self.place(self.entries.len() - 1, hash(key));
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

    fn key(&self, at: usize) -> Option<&[u64]> {
        let from = if at == 0 { 0 } else { self.entries.get(at - 1)?.end };
        self.keys.get(from..self.entries.get(at)?.end)
    }

    fn place(&mut self, entry: usize, hash: u32) {
        let mask = self.table.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        while self.table.get(at).is_some_and(|(number, _)| *number > 0) {
            at = (at + 1) & mask;
        }
        if let Some(free) = self.table.get_mut(at) {
            *free = (entry as u32 + 1, hash);
        }
    }
}

/// What the compiler makes of `==` goes byte by byte in WebAssembly.
fn same(a: &[u64], b: &[u64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b)
}

fn hash(key: &[u64]) -> u32 {
    key.iter().fold(0, |hash, word| mix(hash, *word)) as u32
}

/// Appends a text to a key. `kind` tells texts apart that stand for something else.
pub fn push(key: &mut Vec<u64>, text: &[u8], kind: u8) {
    key.push((text.len() as u64) << 8 | u64::from(kind));
    super::hash::words(text, |word| key.push(word));
}
