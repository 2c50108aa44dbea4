//! Texts that have come, by number: texts are compared once, numbers from then on.

use super::hash::{mix, words};
use crate::limits::{REPLAY_TEXT_BYTES_MAX, REPLAY_TEXTS_MAX};

/// Numbers of texts. It is emptied when it is full.
#[derive(Default)]
pub struct Texts {
    bytes: Vec<u8>,
    /// Where a text ends, and its hash
    texts: Vec<(usize, u32)>,
    /// Numbers from 1; 0 is free
    table: Vec<u32>,
}

impl Texts {
    /// Whether it is to be emptied, and with it whatever holds its numbers.
    pub fn is_full(&self) -> bool {
        self.texts.len() >= REPLAY_TEXTS_MAX || self.bytes.len() >= REPLAY_TEXT_BYTES_MAX
    }

    /// The number of a text. `salt` tells texts apart that are of another kind.
    pub fn number(&mut self, text: &[u8], salt: u8) -> u32 {
        let mut hash = mix(text.len() as u64, salt.into());
        words(text, |word| hash = mix(hash, word));
        let hash = (hash ^ hash >> 29) as u32;
        if self.texts.len() * 2 >= self.table.len() {
            self.grow();
        }
        let mask = self.table.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        loop {
            let number = self.table.get(at).copied().unwrap_or_default();
            if number == 0 {
                break;
            }
            if self.is(number, hash, text, salt) {
                return number;
            }
            at = (at + 1) & mask;
        }
        self.bytes.extend_from_slice(text);
        self.bytes.push(salt);
        self.texts.push((self.bytes.len(), hash));
        let number = self.texts.len() as u32;
        if let Some(free) = self.table.get_mut(at) {
            *free = number;
        }
        number
    }

    fn is(&self, number: u32, hash: u32, text: &[u8], salt: u8) -> bool {
        let at = number as usize - 1;
        let Some((end, known)) = self.texts.get(at) else { return false };
        let start = if at == 0 { 0 } else { self.texts.get(at - 1).map_or(0, |(end, _)| *end) };
        *known == hash
            && self
                .bytes
                .get(start..*end)
                .and_then(<[u8]>::split_last)
                .is_some_and(|(last, known)| *last == salt && same(known, text))
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(256);
        self.table = vec![0; size];
        for (number, (_, hash)) in (1..).zip(&self.texts) {
            let mut at = *hash as usize & (size - 1);
            while self.table.get(at).is_some_and(|other| *other != 0) {
                at = (at + 1) & (size - 1);
            }
            if let Some(free) = self.table.get_mut(at) {
                *free = number;
            }
        }
    }
}

/// The compiler's own comparison goes byte by byte in WebAssembly.
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    a_words.iter().zip(b_words).all(|(a, b)| u64::from_le_bytes(*a) == u64::from_le_bytes(*b))
        && a_rest.iter().zip(b_rest).all(|(a, b)| a == b)
}
