//! Ids and times of packed events, as text that is changed only where it differs from the event before.

use crate::time::Instant;

/// UUIDv7 text of one segment: 48 bits of milliseconds, a counter of 42 bits, and a node of 32 bits (see [`crate::id`]).
/// Padded, so that it is copied in whole pieces.
pub struct IdText {
    /// The first [`Self::LENGTH`] bytes are the id.
    pub text: [u8; 48],
    groups: [u16; 8],
}

impl IdText {
    /// Characters of an id.
    pub const LENGTH: usize = 36;
    /// Where each group of four digits stands.
    const PLACES: [usize; 8] = [0, 4, 9, 14, 19, 24, 28, 32];

    /// No id yet.
    pub fn new() -> Self {
        let mut text = [b'0'; 48];
        for hyphen in [8, 13, 18, 23] {
            if let Some(byte) = text.get_mut(hyphen) {
                *byte = b'-';
            }
        }
        Self { text, groups: [0; 8] }
    }

    /// Becomes the id of an event; what does not fit its bits is cut off.
    pub fn set(&mut self, millis: u64, counter: u64, node: u32) {
        let groups = [
            (millis >> 32) as u16,
            (millis >> 16) as u16,
            millis as u16,
            0x7000 | (counter >> 30) as u16 & 0xfff,
            0x8000 | (counter >> 16) as u16 & 0x3fff,
            counter as u16,
            (node >> 16) as u16,
            node as u16,
        ];
        for ((known, group), place) in self.groups.iter_mut().zip(groups).zip(Self::PLACES) {
            if *known != group {
                *known = group;
                if let Some(digits) = self.text.get_mut(place..).and_then(<[u8]>::first_chunk_mut) {
                    *digits = hex(group);
                }
            }
        }
    }
}

/// Four hexadecimal digits, all at once.
fn hex(n: u16) -> [u8; 4] {
    let n = u32::from(n);
    // Each digit in a byte of its own, the first one lowest.
    let nibbles = n >> 12 | (n & 0x0f00) | (n & 0x00f0) << 12 | (n & 0x000f) << 24;
    let letters = (nibbles + 0x0606_0606) >> 4 & 0x0101_0101;
    (nibbles + 0x3030_3030 + letters * 39).to_le_bytes()
}

/// `,"time":"2026-11-21T02:00:00` of the last second, padded.
pub struct TimeText {
    /// The first [`Self::LENGTH`] bytes count.
    pub text: [u8; 32],
    second: Option<i64>,
}

impl TimeText {
    /// Characters up to the second.
    pub const LENGTH: usize = 28;

    /// No time yet.
    pub fn new() -> Self {
        let mut text = [b' '; 32];
        for (byte, with) in text.iter_mut().zip(*b",\"time\":\"") {
            *byte = with;
        }
        Self { text, second: None }
    }

    /// Becomes the second of an event.
    pub fn set(&mut self, millis: i64) {
        let second = millis.div_euclid(1000);
        if self.second != Some(second) {
            self.second = Some(second);
            for (byte, with) in self.text.iter_mut().skip(9).zip(Instant { seconds: second, nanos: 0 }.text().bytes()) {
                *byte = with;
            }
        }
    }
}

/// The fraction of a second as events write it, without zeros at its end, and its length; nothing for a whole second.
pub fn fraction(millis: i64) -> ([u8; 16], usize) {
    let ms = millis.rem_euclid(1000) as u32;
    let digit = |n: u32| b'0' + (n % 10) as u8;
    let mut text = [0; 16];
    text[0] = b'.';
    (text[1], text[2], text[3]) = (digit(ms / 100), digit(ms / 10), digit(ms));
    let length = match (ms, ms % 100, ms % 10) {
        (0, _, _) => 0,
        (_, 0, _) => 2,
        (_, _, 0) => 3,
        _ => 4,
    };
    (text, length)
}

/// A whole number's digits, and how many.
pub fn digits(mut n: u32) -> ([u8; 16], usize) {
    let mut backwards = [0_u8; 10];
    let mut length = 0;
    for byte in &mut backwards {
        *byte = b'0' + (n % 10) as u8;
        n /= 10;
        length += 1;
        if n == 0 {
            break;
        }
    }
    let mut text = [0; 16];
    for (to, from) in text.iter_mut().zip(backwards.iter().take(length).rev()) {
        *to = *from;
    }
    (text, length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::Ids;

    #[test]
    fn an_id_is_one_of_the_same_layout() {
        let mut entropy = [0; 16];
        entropy[..12].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0]);
        let bits = u128::from_le_bytes(entropy);
        let counter = (bits >> 32) as u64 & ((1 << 41) - 1);
        let (mut ids, mut text) = (Ids::seeded(entropy), IdText::new());
        for i in 0..70_000_u64 {
            let ms = 1_795_226_400_250 + i * 7;
            text.set(ms, counter + 1 + i, bits as u32);
            assert_eq!(text.text[..36], *ids.next(ms as i64).as_bytes());
        }
    }

    proptest! {
        #[test]
        fn times_and_numbers(ms in -62_167_219_200_000_i64..253_402_300_800_000, n in any::<u32>(), few in 0..1000_u32) {
            let mut time = TimeText::new();
            for ms in [ms, ms / 1000 * 1000, ms / 100 * 100, ms] {
                time.set(ms);
                let (tail, length) = fraction(ms);
                let text = [&time.text[9..28], &tail[..length], b"Z"].concat();
                prop_assert_eq!(String::from_utf8(text).unwrap(), Instant::from_millis(ms).text());
            }
            for n in [n, few] {
                let (text, length) = digits(n);
                prop_assert_eq!(std::str::from_utf8(&text[..length]).unwrap(), n.to_string());
            }
        }
    }
}
