//! Times of events: mostly of the same minute as the one before.

use crate::time::Instant;

/// Bytes of `2026-11-21T02:00`
const MINUTE: usize = 16;

/// The last minute that was read.
#[derive(Default)]
pub struct Clock {
    minute: u128,
    seconds: i64,
}

impl Clock {
    /// The unix second of a time, as [`Instant::parse`] reads it. `None` if it is none.
    pub fn second(&mut self, text: &[u8]) -> Option<i64> {
        let minute = u128::from_le_bytes(*text.first_chunk::<MINUTE>()?);
        if minute == self.minute
            && let Some(second) = second(text.get(MINUTE..)?)
        {
            return Some(self.seconds + second);
        }
        let time = Instant::parse(std::str::from_utf8(text).ok()?).ok()?;
        if let Some(second) = second(text.get(MINUTE..)?) {
            (self.minute, self.seconds) = (minute, time.seconds - second);
        }
        Some(time.seconds)
    }
}

/// Reads `:ss[.fraction]Z`. `None` for anything else, and for a leap second.
fn second(rest: &[u8]) -> Option<i64> {
    let [b':', tens @ b'0'..=b'5', ones @ b'0'..=b'9', fraction @ .., b'Z'] = rest else { return None };
    match fraction {
        [] => {}
        [b'.', _, ..] if fraction.iter().skip(1).all(u8::is_ascii_digit) => {}
        _ => return None,
    }
    Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}
