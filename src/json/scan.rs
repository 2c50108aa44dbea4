//! Text looked through eight bytes at a time.

use crate::error::{Error, Result};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;

/// Where the plain part of a string ends: at a quote, a backslash, a control character, or the end of the text. And
/// whether what was looked at, which may be some bytes more, is ASCII.
pub fn plain_end(text: &[u8], from: usize) -> (usize, bool) {
    let (mut at, mut seen) = (from, 0);
    while let Some(word) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*word);
        seen |= word;
        // The high bit of a byte of the difference is set where the byte is too small. Above the lowest such byte, what
        // is borrowed may make false ones; below it there are none.
        let is = |byte: u8| {
            let other = word ^ (ONES * u64::from(byte));
            other.wrapping_sub(ONES) & !other
        };
        let low = word.wrapping_sub(ONES * 0x20) & !word;
        let hits = (low | is(b'"') | is(b'\\')) & HIGH;
        if hits != 0 {
            return (at + hits.trailing_zeros() as usize / 8, seen & HIGH == 0);
        }
        at += 8;
    }
    while let Some(byte) = text.get(at)
        && !matches!(byte, b'"' | b'\\' | 0..=0x1f)
    {
        seen |= u64::from(*byte);
        at += 1;
    }
    (at, seen & HIGH == 0)
}

/// Where the next such byte is.
pub fn find_byte(text: &[u8], from: usize, byte: u8) -> Option<usize> {
    let mut at = from;
    while let Some(word) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        let other = u64::from_le_bytes(*word) ^ (ONES * u64::from(byte));
        let hits = other.wrapping_sub(ONES) & !other & HIGH;
        if hits != 0 {
            return Some(at + hits.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().position(|other| *other == byte).map(|behind| at + behind)
}

/// JSON text is UTF-8. Error: `json_invalid`.
pub fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = crate::decimal::digits(error.valid_up_to() as u128);
        Error::new("json_invalid", ["the text is not UTF-8 at byte ", &at].concat())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_stops_where_one_byte_at_a_time_stops(
            text in proptest::collection::vec(prop_oneof![9 => 0x1fu8..=0x23, 9 => 0x5bu8..=0x5d, 40 => any::<u8>()], 0..40),
            plain in 0usize..40,
        ) {
            let text = [&b"x".repeat(plain), text.as_slice()].concat();
            let end = text.iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f)).unwrap_or(text.len());
            let (found, ascii) = plain_end(&text, 0);
            prop_assert_eq!(found, end);
            prop_assert!(!ascii || text.iter().take(end).all(u8::is_ascii));
        }
    }
}
