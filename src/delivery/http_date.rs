//! The three forms of a date in HTTP headers (RFC 9110 §5.6.7).

use crate::time::{civil, days, seconds_of};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// From 1970-01-01 on.
const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// Milliseconds since 1970. `near_ms` decides the century of a year of two digits.
///
/// Strict: what is read is written again in the same form and has to give the same text, weekday included.
pub(super) fn parse(text: &str, near_ms: i64) -> Option<i64> {
    let words: Vec<&str> = text.split([' ', '-', ',', ':']).filter(|w| !w.is_empty()).collect();
    let number = |word: &str| word.parse::<u32>().ok().filter(|_| word.len() <= 4);
    let (form, [day, month, year, hour, minute, second]) = match *words.as_slice() {
        [_, d, mon, y, h, m, s, "GMT"] if text.contains('-') => (Form::Rfc850, [d, mon, y, h, m, s]),
        [_, d, mon, y, h, m, s, "GMT"] => (Form::Fixed, [d, mon, y, h, m, s]),
        [_, mon, d, h, m, s, y] => (Form::Asctime, [d, mon, y, h, m, s]),
        _ => return None,
    };
    let month = MONTHS.iter().position(|m| *m == month)? as u32 + 1;
    let (day, hour, minute, second) = (number(day)?, number(hour)?, number(minute)?, number(second)?);
    let mut full_year = i64::from(number(year)?);
    if let Form::Rfc850 = form {
        // Not more than 50 years ahead.
        let (this_year, ..) = civil(near_ms.div_euclid(86_400_000));
        full_year += this_year.div_euclid(100) * 100;
        full_year += if full_year > this_year + 50 { -100 } else { 0 };
    }
    let date = days(full_year, month, day);
    if civil(date) != (full_year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let weekday = *WEEKDAYS.get(date.rem_euclid(7) as usize)?;
    let short = weekday.get(..3)?;
    let month_name = *MONTHS.get(month as usize - 1)?;
    let clock = [two(hour, '0'), two(minute, '0'), two(second, '0')].join(":");
    let again = match form {
        Form::Fixed => [short, ", ", &two(day, '0'), " ", month_name, " ", year, " ", &clock, " GMT"].concat(),
        Form::Rfc850 => [weekday, ", ", &two(day, '0'), "-", month_name, "-", year, " ", &clock, " GMT"].concat(),
        Form::Asctime => [short, " ", month_name, " ", &two(day, ' '), " ", &clock, " ", year].concat(),
    };
    let year_digits = if let Form::Rfc850 = form { 2 } else { 4 };
    let exact = again == text && year.len() == year_digits && year.bytes().all(|b| b.is_ascii_digit());
    exact.then(|| seconds_of(full_year, month, day, hour, minute, second) * 1000)
}

enum Form {
    Fixed,
    Rfc850,
    Asctime,
}

fn two(n: u32, pad: char) -> String {
    let digits = n.to_string();
    if n < 10 { [pad.encode_utf8(&mut [0; 4]), digits.as_str()].concat() } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_226_400_000;

    #[test]
    fn the_three_forms() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse(text, NOW), Some(784_111_777_000), "{text}");
        }
        assert_eq!(parse("Sat, 21 Nov 2026 02:00:00 GMT", NOW), Some(NOW));
        assert_eq!(parse("Saturday, 21-Nov-26 02:00:00 GMT", NOW), Some(NOW));
        assert_eq!(parse("Sat Nov 21 02:00:00 2026", NOW), Some(NOW));
    }

    #[test]
    fn nothing_else() {
        for text in [
            "",
            "0",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37",
            "sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun,  06 Nov 1994 08:49:37 GMT",
            " Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun Nov 06 08:49:37 1994",
            "Sun Nov  6 08:49:37 +994",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "1994-11-06T08:49:37Z",
            "Sun, 06 Nov 99999 08:49:37 GMT",
        ] {
            assert_eq!(parse(text, NOW), None, "{text}");
        }
    }
}
