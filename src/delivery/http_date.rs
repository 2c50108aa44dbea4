//! The three forms of a date in HTTP headers (RFC 9110 §5.6.7).

use crate::time::{civil, days, seconds_of};

/// What follows the weekday, digit by digit: `d`ay, `y`ear, `h`our, m`i`nute, `s`econd; `mmm` is the month's name, and
/// `_` a day's tens or a blank.
const FORMS: [&str; 3] = [", dd mmm yyyy hh:ii:ss GMT", ", dd-mmm-yy hh:ii:ss GMT", " mmm _d hh:ii:ss yyyy"];
/// The form with whole weekdays and years of two digits.
const RFC_850: &str = FORMS[1];
const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
/// From 1970-01-01 on.
const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// Milliseconds since 1970. `near_ms` decides the century of a year of two digits.
///
/// Strict: a form is met byte by byte, and the weekday is the date's own.
pub(crate) fn parse(text: &str, near_ms: i64) -> Option<i64> {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (weekday, rest) = text.split_at_checked(letters)?;
    let (form, fields) = FORMS.iter().find_map(|form| Some((*form, read(form, rest)?)))?;
    let Fields { day, month, mut year, hour, minute, second } = fields;
    if form == RFC_850 {
        // Not more than 50 years ahead.
        let (this_year, ..) = civil(near_ms.div_euclid(86_400_000));
        year = this_year.saturating_sub(this_year.rem_euclid(100)).saturating_add(year);
        year = year.saturating_sub(if year > this_year.saturating_add(50) { 100 } else { 0 });
    }
    let date = days(year, month, day);
    let name = *WEEKDAYS.get(date.rem_euclid(7) as usize)?;
    let name = if form == RFC_850 { name } else { name.get(..3)? };
    let real = civil(date) == (year, month, day) && hour < 24 && minute < 60 && second < 60 && weekday == name;
    real.then(|| seconds_of(year, month, day, hour, minute, second).saturating_mul(1000))
}

#[derive(Default)]
struct Fields {
    day: u32,
    month: u32,
    year: i64,
    hour: u32,
    minute: u32,
    second: u32,
}

fn read(form: &str, text: &str) -> Option<Fields> {
    if form.len() != text.len() {
        return None;
    }
    let mut fields = Fields::default();
    let mut month = [0; 3];
    for (class, byte) in form.bytes().zip(text.bytes()) {
        let field = match class {
            b'd' => &mut fields.day,
            b'h' => &mut fields.hour,
            b'i' => &mut fields.minute,
            b's' => &mut fields.second,
            b'y' => {
                fields.year = fields.year.saturating_mul(10).saturating_add(digit(byte)?.into());
                continue;
            }
            b'm' => {
                month = [month[1], month[2], byte];
                continue;
            }
            b'_' => {
                fields.day = if byte == b' ' { 0 } else { digit(byte).filter(|n| *n > 0)? };
                continue;
            }
            literal if literal == byte => continue,
            _ => return None,
        };
        *field = field.saturating_mul(10).saturating_add(digit(byte)?);
    }
    fields.month = (1..).zip(MONTHS.chunks(3)).find(|(_, name)| *name == month)?.0;
    Some(fields)
}

fn digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(10)
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
