//! The `Retry-After` header (RFC 9110 §10.2.3).

use super::http_date;
use crate::limits::{RETRY_AFTER_MAX_MS, RETRY_AFTER_MIN_MS};

/// Milliseconds to wait, within 1 to 300 s; `None` if the header is neither digits nor a date.
///
/// `server_ms` is the server's own clock where it told it, so that a date means what it says.
pub(super) fn parse(text: &str, server_ms: i64) -> Option<u64> {
    let ms = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // Only too many digits can fail here.
        text.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1000)
    } else {
        u64::try_from(http_date::parse(text, server_ms)?.saturating_sub(server_ms)).unwrap_or(0)
    };
    Some(ms.clamp(RETRY_AFTER_MIN_MS, RETRY_AFTER_MAX_MS))
}

#[cfg(test)]
mod tests {
    use super::parse;

    const NOW: i64 = 1_795_226_400_000;

    #[test]
    fn digits_or_a_date_within_bounds() {
        for (text, want) in [
            ("2", Some(2_000)),
            ("007", Some(7_000)),
            ("0", Some(1_000)),
            ("301", Some(300_000)),
            ("99999999999999999999999999", Some(300_000)),
            ("Sat, 21 Nov 2026 02:00:30 GMT", Some(30_000)),
            ("Saturday, 21-Nov-26 02:00:30 GMT", Some(30_000)),
            ("Sat Nov 21 02:00:30 2026", Some(30_000)),
            ("Sat, 21 Nov 2026 01:00:00 GMT", Some(1_000)),
            ("Sat, 21 Nov 2026 03:00:00 GMT", Some(300_000)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1e3", None),
            (" 2", None),
            ("2s", None),
            ("٢", None),
            ("soon", None),
            ("Fri, 21 Nov 2026 02:00:30 GMT", None),
        ] {
            assert_eq!(parse(text, NOW), want, "{text}");
        }
    }
}
