//! How long a sink is left alone after a failure.

use crate::limits::{BACKOFF_BASE_MS, BACKOFF_CAP_MS};

/// Full jitter: uniform from 0 to min(60 s, 0.5 s × 2ⁿ), n being the failures in a row before this one.
///
/// The whole range, from zero on, is what spreads clients that failed together. There is no last attempt: only an
/// event's age ends it.
pub(super) fn delay_ms(failures: u32, random: u32) -> u64 {
    let doubled = BACKOFF_BASE_MS << failures.min(16);
    let ceiling = doubled.min(BACKOFF_CAP_MS);
    up_to(ceiling, random)
}

/// Uniform from 0 to a quarter of the wait that a server asked for.
pub(super) fn spread_ms(wait_ms: u64, random: u32) -> u64 {
    up_to(wait_ms / 4, random)
}

fn up_to(ceiling: u64, random: u32) -> u64 {
    ceiling.saturating_add(1).saturating_mul(random.into()) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_doubles_up_to_its_cap() {
        for (failures, ceiling) in
            [(0, 500), (1, 1000), (2, 2000), (6, 32_000), (7, 60_000), (16, 60_000), (u32::MAX, 60_000)]
        {
            assert_eq!(delay_ms(failures, 0), 0);
            assert_eq!(delay_ms(failures, u32::MAX), ceiling);
            assert_eq!(delay_ms(failures, 1 << 31), ceiling / 2);
        }
    }

    #[test]
    fn a_thousand_clients_come_back_spread() {
        let mut arrivals = [0_u32; 21];
        for client in 0..1000_u32 {
            let random = client.wrapping_mul(2_654_435_761);
            arrivals[delay_ms(2, random) as usize / 100] += 1;
        }
        assert!(arrivals.iter().all(|n| *n <= 3 * 1000 / 20), "{arrivals:?}");
    }
}
