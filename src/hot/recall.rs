//! What packed events say again and again, by numbers instead of texts.

use super::write::RAW_SUBJECT;

/// What stands in a place of which the event says nothing.
const MISSING: u64 = u64::MAX;
/// The first kind of a string or number of its own, which has no number.
const OWN: u32 = 2;
/// Tuples that are remembered: so many customers of a minute; a tuple that comes too often collides with few.
const TUPLES_MAX: usize = 4096;

/// Places for the members of an event that somebody reads.
#[derive(Default)]
pub struct Slots {
    /// By the number of a key's text: 0 for one that has not been seen, 1 for one that nobody reads, else its place and 2.
    by_key: Vec<u16>,
    /// What the event says in each place: the kind of the value, and behind it the value.
    values: Vec<u64>,
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
                        *slot = u64::from(kind) << 32 | u64::from(value);
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
        let value = self.values.get(place).copied().filter(|value| *value != MISSING)?;
        Some([(value >> 32) as u32, value as u32])
    }

    /// Forgets the keys.
    pub fn forget(&mut self) {
        self.by_key.clear();
    }
}

/// Numbers that belong to a subject and some values, by the numbers of these.
#[derive(Default)]
pub struct Recall {
    /// Words of a tuple: the subject, and the values.
    length: usize,
    /// Words of an entry: the tuple, and what belongs to it.
    width: usize,
    entries: Vec<u64>,
    /// By hash: 1 + the entry, or 0.
    table: Vec<u16>,
}

impl Recall {
    /// So many numbers for so many values.
    pub fn new(values: usize, numbers: usize) -> Self {
        Self { length: 1 + values, width: 1 + values + numbers, ..Self::default() }
    }

    /// What belongs to this subject and what the event says in these places, to be changed: zeros until it is. `None` if one
    /// of them has no number.
    pub fn find(&mut self, subject: u32, slots: &Slots, places: &[usize]) -> Option<&mut [u64]> {
        if subject & RAW_SUBJECT != 0 {
            return None;
        }
        let mut hash = mixed(0, subject.into());
        for place in places {
            let value = *slots.values.get(*place)?;
            if value != MISSING && value >> 32 >= OWN.into() {
                return None;
            }
            hash = mixed(hash, value);
        }
        let mask = self.table.len().wrapping_sub(1);
        let mut at = folded(hash) & mask;
        while let Some(entry) = self.table.get(at).filter(|entry| **entry > 0) {
            let start = (usize::from(*entry) - 1) * self.width;
            let (tuple, _) = self.entries.get(start..)?.split_at_checked(self.length)?;
            let (known, values) = tuple.split_first()?;
            if *known == subject.into() && values.iter().zip(places).all(|(a, b)| slots.values.get(*b) == Some(a)) {
                return self.entries.get_mut(start + self.length..start + self.width);
            }
            at = (at + 1) & mask;
        }
        self.add(subject, slots, places)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.table.clear();
    }

    #[inline(never)]
    fn add(&mut self, subject: u32, slots: &Slots, places: &[usize]) -> Option<&mut [u64]> {
        let start = self.entries.len();
        if start / self.width >= TUPLES_MAX {
            self.clear();
        }
        let start = self.entries.len();
        self.entries.push(subject.into());
        self.entries.extend(places.iter().filter_map(|place| slots.values.get(*place)));
        self.entries.resize(start + self.width, 0);
        let count = self.entries.len() / self.width;
        if self.table.len() < 2 * count {
            let length = (2 * self.table.len()).max(64);
            self.table.clear();
            self.table.resize(length, 0);
            for number in 1..count {
                self.enter(number);
            }
        }
        self.enter(count);
        self.entries.get_mut(start + self.length..)
    }

    /// Enters an entry into the table, which has room.
    #[inline(never)]
    fn enter(&mut self, number: usize) {
        let tuple = self.entries.get((number - 1) * self.width..).unwrap_or_default();
        let hash = tuple.iter().take(self.length).fold(0, |hash, word| mixed(hash, *word));
        let mask = self.table.len() - 1;
        let mut at = folded(hash) & mask;
        while self.table.get(at).is_some_and(|entry| *entry > 0) {
            at = (at + 1) & mask;
        }
        if let Some(place) = self.table.get_mut(at) {
            *place = number as u16;
        }
    }
}

#[inline(always)]
fn mixed(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[inline(always)]
fn folded(hash: u64) -> usize {
    (hash >> 40) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_found_until_there_is_too_much() {
        let mut slots = Slots::new(2);
        slots.know(7, Some(1));
        slots.know(8, None);
        let mut recall = Recall::new(2, 2);
        let members = |n: u32| [8, 1, 7 | 1 << 28, n];
        for n in 0..TUPLES_MAX as u32 {
            slots.read(&members(n)).unwrap();
            assert_eq!((slots.get(0), slots.get(1)), (None, Some([1, n])));
            let found = recall.find(n % 3, &slots, &[0, 1]).unwrap();
            assert_eq!(found, [0, 0]);
            found[1] = u64::from(n) + 5;
        }
        for n in 0..TUPLES_MAX as u32 {
            slots.read(&members(n)).unwrap();
            assert_eq!(recall.find(n % 3, &slots, &[0, 1]).unwrap(), [0, u64::from(n) + 5]);
        }
        assert_eq!(recall.find(9, &slots, &[0, 1]).unwrap(), [0, 0]);
        slots.read(&members(0)).unwrap();
        assert_eq!(recall.find(0, &slots, &[0, 1]).unwrap(), [0, 0]);
        assert_eq!(slots.read(&[9, 1]), Err(9));
        // A text of its own is never remembered.
        slots.read(&[7 | 3 << 28, 1]).unwrap();
        assert_eq!(recall.find(0, &slots, &[0, 1]), None);
    }
}
