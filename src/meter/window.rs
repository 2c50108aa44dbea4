//! Windows of a minute, an hour, a day or a month, in UTC or by the rules of a zone.
//!
//! The rules come from the host as a table: the database itself would outweigh the core.

use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::json::Value;
use crate::time::{civil, days};

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// A window's size.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Size {
    /// 60 seconds
    #[default]
    Minute,
    /// 3,600 seconds, beginning at a full hour of the wall clock
    Hour,
    /// From midnight to midnight: 23, 24 or 25 hours
    Day,
    /// From midnight of the first to midnight of the first
    Month,
}

impl Size {
    /// The size of a name of the server's API, v1's or v3's, and v1's name.
    pub fn parse(name: &str, v3: bool) -> Option<(Self, &'static str)> {
        const NAMES: [(Size, &str, &str); 4] = [
            (Size::Minute, "MINUTE", "PT1M"),
            (Size::Hour, "HOUR", "PT1H"),
            (Size::Day, "DAY", "P1D"),
            (Size::Month, "MONTH", "P1M"),
        ];
        let found = NAMES.iter().find(|(_, old, new)| name == if v3 { *new } else { *old });
        found.map(|(size, name, _)| (*size, *name))
    }
}

/// The offsets of a zone: each holds from a unix second on until the next, the first also before.
pub struct Zone(Vec<(i64, i64)>);

/// UTC
pub static UTC: Zone = Zone(Vec::new());

impl Zone {
    /// Reads `[[unix second, offset in seconds], …]`, ascending. Error: `option_invalid`.
    pub fn parse(value: &Value<'_>) -> Result<Self> {
        const OFFSET_MAX: i64 = 26 * HOUR;
        const UNIX_MAX: i64 = 1 << 40;
        let integer = |value: Option<&Value<'_>>, max: i64| {
            let Some(Value::Number(text)) = value else { return None };
            let number = Decimal::parse(text).ok().filter(|number| number.scale() == 0)?;
            i64::try_from(number.mantissa()).ok().filter(|n| *n >= -max && *n <= max)
        };
        let mut table: Vec<(i64, i64)> = Vec::new();
        for entry in value.as_array().unwrap_or_default() {
            let pair = entry.as_array().unwrap_or_default();
            let (unix, offset) = (integer(pair.first(), UNIX_MAX), integer(pair.get(1), OFFSET_MAX));
            match (unix, offset, table.last()) {
                (Some(unix), Some(offset), last) if last.is_none_or(|(before, _)| *before < unix) => {
                    table.push((unix, offset));
                }
                _ => table.clear(),
            }
            if table.is_empty() {
                break;
            }
        }
        if table.is_empty() {
            return Err(Error::new(
                "option_invalid",
                "a zone is a list of [unix second, offset in seconds], ascending",
            ));
        }
        Ok(Self(table))
    }

    fn offset(&self, unix: i64) -> i64 {
        let after = self.0.partition_point(|(from, _)| *from <= unix);
        self.0.get(after.saturating_sub(1)).map_or(0, |(_, offset)| *offset)
    }

    /// The instant with this wall clock: the earlier of two; if there is none, by the offset before the gap.
    fn utc_of(&self, local: i64) -> i64 {
        // No offset is more than two days away, so neither is the change that matters.
        let start = self.0.partition_point(|(from, _)| *from <= local - 2 * DAY).saturating_sub(1);
        let mut rules = self.0.iter().skip(start).peekable();
        let mut unix = local;
        while let Some((_, offset)) = rules.next() {
            unix = local - offset;
            match rules.peek() {
                Some((next, next_offset)) if unix >= *next && local - next_offset >= *next => {}
                _ => break,
            }
        }
        unix
    }

    /// Start and end of the window that an instant is in, as unix seconds.
    pub fn window(&self, size: Size, unix: i64) -> (i64, i64) {
        let offset = self.offset(unix);
        let fixed = |n: i64| {
            let start = (unix + offset).div_euclid(n) * n - offset;
            (start, start + n)
        };
        let day = (unix + offset).div_euclid(DAY);
        match size {
            Size::Minute => fixed(MINUTE),
            Size::Hour => fixed(HOUR),
            Size::Day => (self.utc_of(day * DAY), self.utc_of((day + 1) * DAY)),
            Size::Month => {
                let (year, month, _) = civil(day);
                let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                (self.utc_of(days(year, month, 1) * DAY), self.utc_of(days(next_year, next, 1) * DAY))
            }
        }
    }
}
