//! What packed events say again and again, by numbers instead of texts.

use super::write::RAW_SUBJECT;

/// What stands in a place of which the event says nothing.
const MISSING: [u32; 2] = [u32::MAX, 0];
/// The same for a string or number of its own, which has no number.
const OWN: u32 = 2;
/// Tuples that are remembered: so many customers of a minute; a tuple that comes too often collides with few.
const TUPLES_MAX: usize = 4096;

/// Places for the members of an event that somebody reads.
#[derive(Default)]
pub struct Slots {
    /// By the number of a key's text: 0 for one that has not been seen, 1 for one that nobody reads, else its place and 2.
    by_key: Vec<u16>,
    /// What the event says in each place: the kind of the value, and the value.
    values: Vec<[u32; 2]>,
}

impl Slots {
    /// So many places.
    pub fn new(places: usize) -> Self {
        Self { by_key: Vec::new(), values: vec![MISSING; places] }
    }

    /// Reads the members of an event: two words each. Error: the number of a key that has not been seen.
    pub fn read(&mut self, members: &[u32]) -> Result<(), u32> {
        self.values.fill(MISSING);
        for pair in members.chunks_exact(2) {
            let &[key, value] = pair else { continue };
            let (kind, key) = (key >> 28, key & 0xfff_ffff);
            match self.by_key.get(key as usize).copied().unwrap_or(0) {
                0 => return Err(key),
                place => {
                    if let Some(slot) = self.values.get_mut(usize::from(place).wrapping_sub(2)) {
                        *slot = [kind, value];
                    }
                }
            }
        }
        Ok(())
    }

    /// From now on the key of that number is seen, and read into that place, if into any.
    pub fn know(&mut self, key: u32, place: Option<usize>) {
        let key = key as usize;
        if self.by_key.len() <= key {
            self.by_key.resize(key + 1, 0);
        }
        if let Some(known) = self.by_key.get_mut(key) {
            *known = place.map_or(1, |place| place as u16 + 2);
        }
    }

    /// What the event says in a place: the kind of the value, and the value.
    pub fn get(&self, place: usize) -> Option<[u32; 2]> {
        self.values.get(place).copied().filter(|value| *value != MISSING)
    }

    /// Forgets the keys.
    pub fn forget(&mut self) {
        self.by_key.clear();
    }
}

/// Where something is that belongs to a subject and some values, by their numbers.
#[derive(Default)]
pub struct Recall {
    /// Entries of one width: the tuple, and what belongs to it.
    entries: Vec<u32>,
    /// By hash: 1 + the entry, or 0.
    table: Vec<u16>,
    tuple: Vec<u32>,
}

impl Recall {
    /// What belongs to this subject and what the event says in these places. If nothing is known, [`Self::learn`] may tell.
    pub fn find(&mut self, subject: u32, slots: &Slots, places: &[usize]) -> Option<u32> {
        self.tuple.clear();
        if subject & RAW_SUBJECT != 0 {
            return None;
        }
        self.tuple.push(subject);
        for place in places {
            let [kind, value] = *slots.values.get(*place)?;
            if (OWN..MISSING[0]).contains(&kind) {
                self.tuple.clear();
                return None;
            }
            self.tuple.extend([kind, value]);
        }
        let found = self.at(hash(&self.tuple)).ok()?;
        self.entries.get(found..)?.get(self.tuple.len()).copied()
    }

    /// Remembers what belongs to what has just been looked for.
    pub fn learn(&mut self, what: u32) {
        let width = self.tuple.len() + 1;
        if width == 1 {
            return;
        }
        let mut count = self.entries.len() / width;
        if count >= TUPLES_MAX {
            self.clear();
            count = 0;
        }
        if self.table.len() < 2 * (count + 1) {
            self.grow(width);
        }
        if let Err(free) = self.at(hash(&self.tuple))
            && let Some(place) = self.table.get_mut(free)
        {
            *place = count as u16 + 1;
            self.entries.extend_from_slice(&self.tuple);
            self.entries.push(what);
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.table.clear();
    }

    /// Where the entry of the tuple begins, or the place for it in the table.
    fn at(&self, hash: usize) -> Result<usize, usize> {
        let mask = self.table.len().wrapping_sub(1);
        let mut at = hash & mask;
        while let Some(entry) = self.table.get(at).filter(|entry| **entry > 0) {
            let start = (usize::from(*entry) - 1) * (self.tuple.len() + 1);
            let words = self.entries.get(start..).unwrap_or_default();
            // What the compiler makes of `==` goes byte by byte in WebAssembly.
            if words.iter().zip(&self.tuple).all(|(a, b)| a == b) {
                return Ok(start);
            }
            at = (at + 1) & mask;
        }
        Err(at)
    }

    fn grow(&mut self, width: usize) {
        let length = (2 * self.table.len()).max(64);
        self.table.clear();
        self.table.resize(length, 0);
        let mask = length - 1;
        for (number, entry) in (1..).zip(self.entries.chunks_exact(width)) {
            let mut at = hash(entry.get(..width - 1).unwrap_or_default()) & mask;
            while self.table.get(at).is_some_and(|entry| *entry > 0) {
                at = (at + 1) & mask;
            }
            if let Some(place) = self.table.get_mut(at) {
                *place = number;
            }
        }
    }
}

fn hash(tuple: &[u32]) -> usize {
    let mut hash = 0_u32;
    for word in tuple {
        hash = (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b1);
    }
    (hash ^ hash >> 15) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_learned_is_found_until_there_is_too_much() {
        let mut slots = Slots::new(2);
        slots.know(7, Some(1));
        slots.know(8, None);
        let mut recall = Recall::default();
        let members = |n: u32| [8, 1, 7 | 1 << 28, n];
        for n in 0..TUPLES_MAX as u32 {
            slots.read(&members(n)).unwrap();
            assert_eq!((slots.get(0), slots.get(1)), (None, Some([1, n])));
            assert_eq!(recall.find(n % 3, &slots, &[0, 1]), None);
            recall.learn(n + 5);
        }
        for n in 0..TUPLES_MAX as u32 {
            slots.read(&members(n)).unwrap();
            assert_eq!(recall.find(n % 3, &slots, &[0, 1]), Some(n + 5));
            assert_eq!(recall.find(n % 3 + 1, &slots, &[0, 1]), None);
        }
        recall.learn(1);
        assert_eq!(recall.find((TUPLES_MAX as u32 - 1) % 3, &slots, &[0, 1]), None);
        assert_eq!(slots.read(&[9, 1]), Err(9));
        // A text of its own is never remembered.
        slots.read(&[7 | 3 << 28, 1]).unwrap();
        for _ in 0..2 {
            assert_eq!(recall.find(0, &slots, &[0, 1]), None);
            recall.learn(1);
        }
    }
}
