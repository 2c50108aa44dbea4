//! The events that have come, by source and id.

use super::hash::{mix, words};
use crate::error::{Error, Result};
use crate::limits::REPLAY_IDS_MAX;

/// Sources and ids by a hash of 128 bits: two of 10⁷ events would be mistaken for each other once in 10²⁴ streams. The seed
/// keeps who writes the events from making two that are.
pub struct Seen {
    seed: u64,
    /// Pairs of zeros are free
    table: Vec<(u64, u64)>,
    count: usize,
    joined: Vec<u8>,
}

impl Seen {
    /// Nothing yet.
    pub fn new(seed: u64) -> Self {
        Self { seed, table: Vec::new(), count: 0, joined: Vec::new() }
    }

    /// Adds an event's source and id; false if they have come before. As the server joins them, `a-b`, `c` and `a`, `b-c` are
    /// the same. Error: `limit_exceeded`.
    pub fn add(&mut self, source: &[u8], id: &[u8]) -> Result<bool> {
        self.joined.clear();
        self.joined.extend_from_slice(source);
        self.joined.push(b'-');
        self.joined.extend_from_slice(id);
        let (mut low, mut high) = (self.seed, mix(self.seed, self.joined.len() as u64));
        words(&self.joined, |word| {
            low = mix(low, word);
            high = mix(high, word.rotate_left(32)).wrapping_add(low);
        });
        let hash = (mix(low, high) | 1, high);
        if self.count * 4 >= self.table.len() * 3 {
            self.grow()?;
        }
        let place = self.place(hash);
        match self.table.get_mut(place) {
            Some(free) if *free == (0, 0) => {
                *free = hash;
                self.count += 1;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Where a hash is, or would be.
    fn place(&self, hash: (u64, u64)) -> usize {
        let mask = self.table.len().wrapping_sub(1);
        let mut at = hash.1 as usize & mask;
        while self.table.get(at).is_some_and(|other| *other != (0, 0) && *other != hash) {
            at = (at + 1) & mask;
        }
        at
    }

    #[cold]
    fn grow(&mut self) -> Result<()> {
        if self.count >= REPLAY_IDS_MAX {
            return Err(Error::new("limit_exceeded", "more events than can be told apart by their ids")
                .help("replay fewer at a time, or with dedupe: false"));
        }
        let size = (self.table.len() * 2).max(1024);
        let before = std::mem::replace(&mut self.table, vec![(0, 0); size]);
        for hash in before.into_iter().filter(|hash| *hash != (0, 0)) {
            let place = self.place(hash);
            if let Some(free) = self.table.get_mut(place) {
                *free = hash;
            }
        }
        Ok(())
    }
}
