//! Ids and times of packed events, as text that is changed only where it differs from the event before.

use crate::time::Instant;

/// `,{"specversion":"1.0","id":"…`: how an event begins. The id is a UUIDv7: 48 bits of milliseconds, a counter of 42
/// bits, and a node of 32 bits (see [`crate::id`]).
pub struct HeadText {
    /// All of it counts.
    pub text: [u8; 64],
    known: Option<(u64, u64, u32)>,
}

impl HeadText {
    /// Bytes up to the id's end.
    pub const LENGTH: usize = 64;
    const ID: usize = 28;

    /// No id yet.
    pub fn new() -> Self {
        Self { text: *b",{\"specversion\":\"1.0\",\"id\":\"00000000-0000-7000-8000-000000000000", known: None }
    }

    /// Becomes the id of an event; what does not fit its bits is cut off.
    #[inline(always)]
    pub fn set(&mut self, millis: u64, counter: u64, node: u32) {
        let known = self.known.replace((millis, counter, node));
        let same = |of: fn((u64, u64, u32)) -> u64| known.is_some_and(|known| of(known) == of((millis, counter, node)));
        self.digits(24, counter as u16);
        if !same(|(millis, _, _)| millis) {
            self.digits(9, millis as u16);
        }
        if !same(|(millis, counter, _)| millis >> 16 ^ counter >> 16 << 32) || !same(|(_, _, node)| node.into()) {
            self.digits(0, (millis >> 32) as u16);
            self.digits(4, (millis >> 16) as u16);
            self.digits(14, 0x7000 | (counter >> 30) as u16 & 0xfff);
            self.digits(19, 0x8000 | (counter >> 16) as u16 & 0x3fff);
            self.digits(28, (node >> 16) as u16);
            self.digits(32, node as u16);
        }
    }

    #[inline(always)]
    fn digits(&mut self, at: usize, n: u16) {
        if let Some(digits) = self.text.get_mut(Self::ID + at..).and_then(<[u8]>::first_chunk_mut) {
            *digits = hex(n);
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
    base: (i64, u32),
}

impl TimeText {
    /// Characters up to the second.
    pub const LENGTH: usize = 28;

    /// No time yet; times count from `base_ms`.
    pub fn new(base_ms: i64) -> Self {
        let mut text = [b' '; 32];
        for (byte, with) in text.iter_mut().zip(*b",\"time\":\"") {
            *byte = with;
        }
        Self { text, second: None, base: (base_ms.div_euclid(1000), base_ms.rem_euclid(1000) as u32) }
    }

    /// Becomes the second of an event, so many milliseconds after the base; gives the milliseconds that are left.
    #[inline(always)]
    pub fn set(&mut self, delta: u32) -> u32 {
        let (second, base) = self.base;
        // In 32 bits, and the last thousand by itself.
        let ms = base + delta % 1000;
        let second = second.saturating_add((delta / 1000 + ms / 1000).into());
        if self.second != Some(second) {
            self.write(second);
        }
        ms % 1000
    }

    #[inline(never)]
    fn write(&mut self, second: i64) {
        self.second = Some(second);
        for (byte, with) in self.text.iter_mut().skip(9).zip(Instant { seconds: second, nanos: 0 }.text().bytes()) {
            *byte = with;
        }
    }
}

/// The fraction of a second as events write it, without zeros at its end, and its length; nothing for a whole second.
#[inline(always)]
pub fn fraction(ms: u32) -> ([u8; 4], usize) {
    let (tens, ones) = (ms / 10, (ms % 10) as u8);
    let (hundreds, tens) = ((tens / 10) as u8, (tens % 10) as u8);
    let length = match (hundreds, tens, ones) {
        (0, 0, 0) => 0,
        (_, 0, 0) => 2,
        (_, _, 0) => 3,
        _ => 4,
    };
    ([b'.', b'0' + hundreds, b'0' + tens, b'0' + ones], length)
}

/// A whole number's digits, at the end of the first 16 bytes; gives where they begin.
#[inline(always)]
pub fn digits(mut n: u32) -> ([u8; 32], usize) {
    let mut text = [0; 32];
    let mut at = 16;
    for byte in text.iter_mut().take(16).rev() {
        *byte = b'0' + (n % 10) as u8;
        n /= 10;
        at -= 1;
        if n == 0 {
            break;
        }
    }
    (text, at)
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
        let (mut ids, mut text) = (Ids::seeded(entropy), HeadText::new());
        for i in 0..70_000_u64 {
            let ms = 1_795_226_400_250 + i * 7;
            text.set(ms, counter + 1 + i, bits as u32);
            assert_eq!(text.text[28..], *ids.next(ms as i64).as_bytes());
        }
    }

    proptest! {
        #[test]
        fn times_and_numbers(ms in -62_167_219_200_000_i64..248_000_000_000_000, deltas in prop::collection::vec(any::<u32>(), 1..9), n in any::<u32>(), few in 0..1000_u32) {
            let mut time = TimeText::new(ms);
            for delta in deltas.into_iter().chain([0, few, 1000 - (ms.rem_euclid(1000) as u32)]) {
                let (tail, length) = fraction(time.set(delta));
                let text = [&time.text[9..28], &tail[..length], b"Z"].concat();
                prop_assert_eq!(String::from_utf8(text).unwrap(), Instant::from_millis(ms + i64::from(delta)).text());
            }
            for n in [n, few] {
                let (text, at) = digits(n);
                prop_assert_eq!(std::str::from_utf8(&text[at..16]).unwrap(), n.to_string());
            }
        }
    }
}
