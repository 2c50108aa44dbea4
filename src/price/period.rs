//! Billing periods.

use super::read::choice;
use crate::error::{Error, Result};
use crate::json::Value;
use crate::time::{Instant, civil, days};

const DAY_SECONDS: i64 = 86_400;
/// What periods are counted from if nothing is said: a month begins on its first day, a week on Monday.
const ANCHOR: &str = "1970-01-01T00:00:00Z";
const MONDAY: &str = "1970-01-05T00:00:00Z";

/// The kinds of periods.
pub(super) static EVERY: [&str; 4] = ["month", "year", "week", "day"];

/// The first second of a period and the first after it.
///
/// `{from, to}` in RFC 3339, or `{every: 'month'|'year'|'week'|'day', anchor?, at?}`: the one around a time, `now` if it
/// is left out. Periods begin as often after the anchor; in a month that lacks its day, on the month's last. All in UTC.
///
/// Errors: `invalid_period`, `time_invalid`, `unknown_option`.
pub fn period(period: &Value, now: i64) -> Result<(i64, i64)> {
    let time = |key: &'static str, default: &str| {
        let text = period.present(key).map_or(default, |time| time.as_str().unwrap_or_default());
        Instant::parse(text).map(|time| time.seconds).map_err(|e| e.at(key))
    };
    if period.present("every").is_none() {
        period.only(&["from", "to"])?;
        let (from, to) = (time("from", "")?, time("to", "")?);
        return if from < to { Ok((from, to)) } else { Err(empty()) };
    }
    period.only(&["every", "anchor", "at"])?;
    let every = choice(period, "every", &EVERY).map_err(|mut e| {
        e.code = "invalid_period";
        e
    })?;
    let anchor = time("anchor", if every == 2 { MONDAY } else { ANCHOR })?;
    let at = if period.present("at").is_some() { time("at", "")? } else { now };
    Ok(around(anchor, every, at))
}

/// The period around a time, in [`EVERY`]'s order: its first second and the first after it.
pub(super) fn around(anchor: i64, every: usize, at: i64) -> (i64, i64) {
    let begin = |n| beginning(anchor, every, n);
    // As many as there are at least; the last may begin after it.
    let mut n = at.saturating_sub(anchor).div_euclid(DAY_SECONDS);
    n = match every {
        0 | 1 => {
            let months = |at: i64| {
                let (year, month, _) = civil(at.div_euclid(DAY_SECONDS));
                year.saturating_mul(12).saturating_add(month.into())
            };
            let n = months(at).saturating_sub(months(anchor));
            if every == 1 { n.div_euclid(12) } else { n }
        }
        2 => n.div_euclid(7),
        _ => n,
    };
    if begin(n) > at {
        n = n.saturating_sub(1);
    }
    (begin(n), begin(n.saturating_add(1)))
}

/// When the n-th period after the anchor begins.
fn beginning(anchor: i64, every: usize, n: i64) -> i64 {
    let (day, second) = (anchor.div_euclid(DAY_SECONDS), anchor.rem_euclid(DAY_SECONDS));
    let day = match every {
        0 | 1 => {
            let (year, month, of_month) = civil(day);
            let months =
                i64::from(month).saturating_sub(1).saturating_add(if every == 1 { n.saturating_mul(12) } else { n });
            let (year, month) = (year.saturating_add(months.div_euclid(12)), months.rem_euclid(12) as u32);
            // Days beyond the end of the month would be those of the next.
            days(year, month.saturating_add(1), of_month).min(days(year, month.saturating_add(2), 1).saturating_sub(1))
        }
        2 => day.saturating_add(n.saturating_mul(7)),
        _ => day.saturating_add(n),
    };
    day.saturating_mul(DAY_SECONDS).saturating_add(second)
}

#[cold]
pub(super) fn empty() -> Error {
    Error::new("invalid_period", "a period begins before it ends").at("from")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(given: &str, now: &str) -> String {
        let text = |seconds| Instant { seconds, nanos: 0 }.text();
        match period(&Value::parse(given).unwrap(), Instant::parse(now).unwrap().seconds) {
            Ok((from, to)) => [text(from), text(to)].join(" "),
            Err(error) => [error.code, error.path.as_deref().unwrap_or_default()].join(" "),
        }
    }

    #[test]
    fn periods_around_a_time() {
        for (given, now, want) in [
            (r#"{"every":"month"}"#, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z 2027-01-01T00:00:00Z"),
            (r#"{"every":"month"}"#, "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z 2026-12-01T00:00:00Z"),
            (
                r#"{"every":"month","anchor":"2026-01-31T10:00:00Z"}"#,
                "2026-02-28T09:59:59Z",
                "2026-01-31T10:00:00Z 2026-02-28T10:00:00Z",
            ),
            (
                r#"{"every":"month","anchor":"2026-01-31T10:00:00Z"}"#,
                "2026-02-28T10:00:00Z",
                "2026-02-28T10:00:00Z 2026-03-31T10:00:00Z",
            ),
            (
                r#"{"every":"month","anchor":"2030-05-15T00:00:00Z"}"#,
                "2026-11-14T23:00:00Z",
                "2026-10-15T00:00:00Z 2026-11-15T00:00:00Z",
            ),
            (
                r#"{"every":"year","anchor":"2024-02-29T00:00:00Z"}"#,
                "2026-11-21T00:00:00Z",
                "2026-02-28T00:00:00Z 2027-02-28T00:00:00Z",
            ),
            (r#"{"every":"week"}"#, "2026-11-21T00:00:00Z", "2026-11-16T00:00:00Z 2026-11-23T00:00:00Z"),
            (
                r#"{"every":"day","anchor":"2020-01-01T06:00:00Z"}"#,
                "2026-11-21T05:00:00Z",
                "2026-11-20T06:00:00Z 2026-11-21T06:00:00Z",
            ),
            (
                r#"{"every":"month","at":"2026-03-05T00:00:00Z"}"#,
                "2000-01-01T00:00:00Z",
                "2026-03-01T00:00:00Z 2026-04-01T00:00:00Z",
            ),
            (
                r#"{"from":"2026-11-01T00:00:00Z","to":"2026-11-08T00:00:00Z"}"#,
                "2000-01-01T00:00:00Z",
                "2026-11-01T00:00:00Z 2026-11-08T00:00:00Z",
            ),
            (
                r#"{"from":"2026-11-09T00:00:00Z","to":"2026-11-08T00:00:00Z"}"#,
                "2000-01-01T00:00:00Z",
                "invalid_period from",
            ),
            (r#"{"from":"2026-11-09T00:00:00Z"}"#, "2000-01-01T00:00:00Z", "time_invalid to"),
            (r#"{"every":"fortnight"}"#, "2000-01-01T00:00:00Z", "invalid_period every"),
            (r#"{"every":"day","anchor":7}"#, "2000-01-01T00:00:00Z", "time_invalid anchor"),
            (r#"{"every":"day","from":"x"}"#, "2000-01-01T00:00:00Z", "unknown_option from"),
        ] {
            assert_eq!(told(given, now), want, "{given} {now}");
        }
    }
}
