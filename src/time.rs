//! Instants, RFC 3339, and the calendar.

use std::fmt;

use crate::error::{Error, Result};

/// A point in time, counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    /// Whole seconds, rounded down.
    pub seconds: i64,
    /// Nanoseconds after the second.
    pub nanos: u32,
}

const DAY: i64 = 86_400;

impl Instant {
    /// Reads RFC 3339: `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`.
    ///
    /// A real calendar time of the years 0 to 9999, upper-case `T` and `Z`, the offset mandatory. Of a fraction the
    /// first nine digits count. Error: `time_invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        read(text.as_bytes()).ok_or_else(|| {
            Error::new("time_invalid", "not an RFC 3339 time").help("write it like 2026-11-21T02:00:00Z")
        })
    }

    /// From milliseconds since 1970.
    pub fn from_millis(ms: i64) -> Self {
        Self { seconds: ms.div_euclid(1000), nanos: ms.rem_euclid(1000) as u32 * 1_000_000 }
    }

    /// Milliseconds since 1970, rounded down.
    pub fn millis(self) -> i64 {
        self.seconds.saturating_mul(1000).saturating_add(i64::from(self.nanos / 1_000_000))
    }

    /// RFC 3339 in UTC with `Z`; the fraction without trailing zeros, and absent if it is zero.
    pub fn text(self) -> String {
        let mut text = second_text(self.seconds);
        if self.nanos > 0 {
            text.push('.');
            push_padded(&mut text, self.nanos.into(), 9);
            text.truncate(text.trim_end_matches('0').len());
        }
        text.push('Z');
        text
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// Milliseconds since 1970 as `2026-11-21T02:00:00.250Z`: always three digits of a second.
pub fn millis_text(ms: i64) -> String {
    let mut text = second_text(ms.div_euclid(1000));
    text.push('.');
    push_padded(&mut text, ms.rem_euclid(1000), 3);
    text.push('Z');
    text
}

/// The calendar date of a day since 1970: year, month from 1, day from 1. (Proleptic Gregorian calendar.)
pub fn civil(days: i64) -> (i64, u32, u32) {
    // Years that begin in March, so that the leap day is a year's last; eras of 400 years are all alike.
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month as u32, day as u32)
}

/// Days since 1970 of a calendar date. A month or day beyond its range counts on into the next, and years end at ±10⁹.
pub fn days(year: i64, month: u32, day: u32) -> i64 {
    let months = i64::from(month) - 3;
    let year = year.clamp(-1_000_000_000, 1_000_000_000) + months.div_euclid(12);
    let of_year = (153 * months.rem_euclid(12) + 2) / 5 + i64::from(day) - 1;
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Seconds since 1970 of a calendar time in UTC.
pub fn seconds_of(year: i64, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> i64 {
    days(year, month, day) * DAY + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)
}

/// Adds a number with at least so many digits.
fn push_padded(text: &mut String, n: i64, width: u32) {
    if n < 0 {
        text.push('-');
    }
    let n = n.unsigned_abs();
    let mut place = 10_u64.pow(width - 1);
    while n / place > 9 {
        place *= 10;
    }
    while place > 0 {
        text.push(char::from(b'0' + (n / place % 10) as u8));
        place /= 10;
    }
}

/// As RFC 3339 has it, without a zone; with room for a fraction and that.
fn second_text(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let of_day = seconds.rem_euclid(DAY);
    let mut text = String::with_capacity("2026-11-21T02:00:00.123456789Z".len());
    push_padded(&mut text, year, 4);
    for (before, n) in
        [('-', month.into()), ('-', day.into()), ('T', of_day / 3600), (':', of_day / 60 % 60), (':', of_day % 60)]
    {
        text.push(before);
        push_padded(&mut text, n, 2);
    }
    text
}

fn read(text: &[u8]) -> Option<Instant> {
    let (head, tail) = text.split_at_checked(19)?;
    let [y1, y2, y3, y4, b'-', mo1, mo2, b'-', d1, d2, b'T', h1, h2, b':', mi1, mi2, b':', s1, s2] = head else {
        return None;
    };
    let (year, month, day) = (number(&[*y1, *y2, *y3, *y4])?, number(&[*mo1, *mo2])?, number(&[*d1, *d2])?);
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*mi1, *mi2])?, number(&[*s1, *s2])?);
    let date = days(year.into(), month, day);
    if civil(date) != (year.into(), month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (mut nanos, mut zone) = (0, tail);
    if let [b'.', fraction @ ..] = tail {
        let end = fraction.iter().position(|b| !b.is_ascii_digit())?;
        let (digits, rest) = fraction.split_at_checked(end).filter(|(digits, _)| !digits.is_empty())?;
        nanos = number(digits.get(..9).unwrap_or(digits))? * 10_u32.pow(9 - digits.len().min(9) as u32);
        zone = rest;
    }
    let offset = match zone {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours * 3600 + minutes * 60);
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    Some(Instant { seconds: seconds_of(year.into(), month, day, hour, minute, second) - offset, nanos })
}

/// At most nine digits.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |n, d| d.is_ascii_digit().then(|| n * 10 + u32::from(d - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn real_times_only() {
        for (text, want) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("2026-11-21T02:00:00.250Z", "2026-11-21T02:00:00.25Z"),
            ("2026-11-21T02:00:00.000Z", "2026-11-21T02:00:00Z"),
            ("2026-11-21T02:00:00+05:30", "2026-11-20T20:30:00Z"),
            ("2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("2000-02-29T23:59:59.999999999Z", "2000-02-29T23:59:59.999999999Z"),
            ("2026-01-01T00:00:00.1234567899999Z", "2026-01-01T00:00:00.123456789Z"),
            ("0000-02-29T00:00:00Z", "0000-02-29T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"),
            ("2026-11-21T02:00:00-00:00", "2026-11-21T02:00:00Z"),
        ] {
            assert_eq!(Instant::parse(text).unwrap().text(), want);
        }
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T02:00:00",
            "2026-11-21t02:00:00Z",
            "2026-11-21T02:00:00z",
            "2026-11-21 02:00:00Z",
            "2026-11-21T02:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T23:59:60Z",
            "2026-11-21T23:60:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-11-21T02:00:00.Z",
            "2026-11-21T02:00:00,5Z",
            "2026-11-21T02:00:00.5",
            "2026-11-21T02:00:00+0530",
            "2026-11-21T02:00:00+24:00",
            "2026-11-21T02:00:00+05:60",
            "2026-11-21T02:00:00+5:30",
            "12026-11-21T02:00:00Z",
            "-026-11-21T02:00:00Z",
            "2026-11-21T02:00:00Z ",
            "２026-11-21T02:00:00Z",
        ] {
            assert_eq!(Instant::parse(text).unwrap_err().code, "time_invalid", "{text}");
        }
    }

    #[test]
    fn milliseconds() {
        assert_eq!(millis_text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(millis_text(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(millis_text(1_795_226_400_250), "2026-11-21T02:00:00.250Z");
        assert_eq!(Instant::parse("2026-11-21T02:00:00.2509Z").unwrap().millis(), 1_795_226_400_250);
    }

    #[test]
    fn the_calendar_runs_day_by_day() {
        let mut date = (-400, 1, 1);
        let first = days(-400, 1, 1);
        for day in first..first + 800 * 366 {
            assert_eq!(civil(day), date);
            assert_eq!(days(date.0, date.1, date.2), day);
            let leap = date.0 % 4 == 0 && (date.0 % 100 != 0 || date.0 % 400 == 0);
            let last = match date.1 {
                2 => 28 + u32::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            date = match date {
                (y, 12, 31) => (y + 1, 1, 1),
                (y, m, d) if d == last => (y, m + 1, 1),
                (y, m, d) => (y, m, d + 1),
            };
        }
    }

    proptest! {
        #[test]
        fn times_come_back(ms in -62_167_219_200_000_i64..253_402_300_800_000) {
            let instant = Instant::from_millis(ms);
            prop_assert_eq!(instant.millis(), ms);
            prop_assert_eq!(Instant::parse(&instant.text()).unwrap(), instant);
            prop_assert_eq!(Instant::parse(&millis_text(ms)).unwrap(), instant);
        }

        #[test]
        fn no_number_and_no_text_panics(ms in any::<i64>(), year in any::<i64>(), n in any::<u32>(), text in ".{0,40}") {
            drop((millis_text(ms), civil(ms), days(year, n, n), seconds_of(year, n, n, n, n, n), Instant::parse(&text)));
        }
    }
}
