//! Event ids: UUIDv7 (RFC 9562) from a counter.

/// The counter's bits in an id.
const COUNTER_BITS: u32 = 42;
const MILLIS_MAX: u64 = (1 << 48) - 1;

/// Makes ids: 48 bits of milliseconds, 42 bits that count on, 32 bits drawn once.
///
/// Ids of one seed rise strictly, also when the clock goes back; ids of two seeds are told apart by their random parts.
/// Counted ids are cheap and, unlike random ones, compress well. A process that may be copied (a snapshot, a fork) must
/// draw a new seed afterwards.
pub struct Ids {
    node: u32,
    counter: u64,
    millis: u64,
}

impl Ids {
    /// Starts from 16 random bytes.
    pub fn seeded(entropy: [u8; 16]) -> Self {
        let bits = u128::from_le_bytes(entropy);
        // The counter starts in its lower half, so that it does not run over.
        Self { node: bits as u32, counter: (bits >> 32) as u64 & ((1 << (COUNTER_BITS - 1)) - 1), millis: 0 }
    }

    /// The next id, in lower case with hyphens.
    pub fn next(&mut self, now_ms: i64) -> String {
        self.millis = self.millis.max(u64::try_from(now_ms).unwrap_or(0).min(MILLIS_MAX));
        self.counter += 1;
        if self.counter >> COUNTER_BITS != 0 {
            self.counter = 0;
            self.millis = (self.millis + 1).min(MILLIS_MAX);
        }
        let (high, low) = (self.counter >> 30, self.counter & ((1 << 30) - 1));
        let upper = self.millis << 16 | 0x7000 | high;
        let lower = 0b10 << 62 | low << 32 | u64::from(self.node);
        let bits = u128::from(upper) << 64 | u128::from(lower);
        let mut text = String::with_capacity(36);
        for digit in (0..32_u32).rev() {
            let nibble = (bits >> (digit * 4)) as u8 & 15;
            text.push(char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }));
            if matches!(digit, 24 | 20 | 16 | 12) {
                text.push('-');
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn layout() {
        let mut ids = Ids::seeded([0; 16]);
        assert_eq!(ids.next(0x0123_4567_89ab), "01234567-89ab-7000-8000-000100000000");
        let mut ids = Ids::seeded([0xff; 16]);
        assert_eq!(ids.next(0x0123_4567_89ab), "01234567-89ab-7800-8000-0000ffffffff");
    }

    #[test]
    fn the_counter_runs_over_into_the_time() {
        let mut ids = Ids { node: 1, counter: (1 << COUNTER_BITS) - 2, millis: 0 };
        assert_eq!(ids.next(5), "00000000-0005-7fff-bfff-ffff00000001");
        assert_eq!(ids.next(5), "00000000-0006-7000-8000-000000000001");
    }

    proptest! {
        #[test]
        fn ids_rise_whatever_the_clock_does(entropy in any::<[u8; 16]>(), clock in prop::collection::vec(any::<i64>(), 2..50)) {
            let mut ids = Ids::seeded(entropy);
            let made: Vec<String> = clock.into_iter().map(|ms| ids.next(ms)).collect();
            prop_assert!(made.is_sorted_by(|a, b| a < b));
            for id in made {
                prop_assert_eq!(id.len(), 36);
                let bytes = id.as_bytes();
                prop_assert!(bytes[14] == b'7' && matches!(bytes[19], b'8' | b'9' | b'a' | b'b'));
            }
        }
    }
}
