//! What a scalar in an event's data counts as: a text for groups and distinct counts, a number for the rest.

use std::borrow::Cow;

use crate::big::scan;
use crate::decimal::Decimal;
use crate::float;
use crate::json::{Kind, Reader};

/// How the server adds: a switch of its configuration.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Numeric {
    /// float64, the server's default
    #[default]
    Float,
    /// Exact, with 19 digits behind the point
    Decimal,
}

/// The ClickHouse version behind the server.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// 25.12: an integer outside 64 bits anywhere in `data` makes all of it unreadable
    V25_12,
    /// 26.7 and later
    #[default]
    V26_7,
}

/// True if a JSON text holds a number that prints as an integer outside 64 bits: engine 25.12 chokes on that.
///
/// The server prints numbers before the engine reads them: plain below 10²¹, with the shortest digits. The first
/// float64 beyond either end of the 64-bit range is the end itself, rounded away from zero by that.
pub fn has_huge_integer(json: &str) -> bool {
    const LOW: f64 = -9_223_372_036_854_775_808.0;
    const HIGH: f64 = 18_446_744_073_709_551_616.0;
    let is_part = |byte: u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    let bytes = json.as_bytes();
    let (mut at, mut in_string) = (0, false);
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'"' => in_string = !in_string,
            b'-' | b'0'..=b'9' if !in_string => {
                while bytes.get(at).is_some_and(|byte| is_part(*byte)) {
                    at += 1;
                }
                let x = json.get(start..at).and_then(float::parse).unwrap_or_default();
                if (HIGH..1e21).contains(&x) || (x > -1e21 && x <= LOW) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// What a path found.
pub struct Found<'d> {
    /// Of which kind it is
    pub what: What,
    /// A string's text, unescaped; null, booleans and numbers as they were written; else nothing
    pub text: Cow<'d, str>,
}

/// Kinds of what a path found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// No data, or nothing matches
    Missing,
    /// Only objects or arrays match
    NotScalar,
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number
    Number,
    /// A string
    String,
}

/// Reads one JSON value if it is a scalar.
pub fn scalar(text: &str) -> Found<'_> {
    let mut r = Reader::new(text);
    let what = match r.kind() {
        Ok(Kind::Null) => What::Null,
        Ok(Kind::Bool) => What::Bool,
        Ok(Kind::Number) => What::Number,
        Ok(Kind::String) => What::String,
        Ok(_) => return Found::nothing(What::NotScalar),
        Err(_) => return Found::nothing(What::Missing),
    };
    let text = if what == What::String { r.string() } else { r.skip().map(Cow::Borrowed) };
    text.map_or(Found::nothing(What::Missing), |text| Found { what, text })
}

/// Why a value is not counted (`value_missing`, …): a diagnostic, not an error.
pub type Code = &'static str;

impl<'d> Found<'d> {
    /// Nothing, or no scalar.
    pub fn nothing(what: What) -> Self {
        Self { what, text: Cow::Borrowed("") }
    }

    /// The text that groups, filters and distinct counts see. Nothing and what is no scalar are the empty text.
    pub fn text(self) -> Cow<'d, str> {
        if self.what != What::Number || is_short_integer(&self.text) {
            return self.text;
        }
        Cow::Owned(float::server_text(float::parse(&self.text).unwrap_or_default()))
    }

    /// The number that sums, extremes and the latest value see.
    pub fn amount(self, numeric: Numeric) -> Result<Amount, Code> {
        match self.what {
            What::Missing => return Err("value_missing"),
            What::NotScalar => return Err("value_not_scalar"),
            What::Null => return Err("value_null"),
            What::Bool => return Err("value_not_number"),
            What::Number | What::String => {}
        }
        // A bare number has been a float64 on the server: its digits are those of its text, not those that were sent.
        let text = if numeric == Numeric::Float { self.text } else { self.text() };
        let Some(x) = float::parse(&text) else {
            let word = match text.as_bytes() {
                [b'+' | b'-', word @ ..] | word => word,
            };
            let special = ["nan", "inf", "infinity"].iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
            return Err(if special { "value_not_finite" } else { "value_not_number" });
        };
        if !x.is_finite() {
            return Err("value_not_finite");
        }
        let mut amount = Amount::default();
        match numeric {
            Numeric::Float => amount.float = x,
            Numeric::Decimal => amount.units = units(&text).ok_or("value_out_of_range")?,
        }
        Ok(amount)
    }

    /// The text under which a distinct count counts it, if it does, and what there is to say about it.
    pub fn distinct(self) -> (Option<Cow<'d, str>>, Option<Code>) {
        let code = match (self.what, self.text.as_ref()) {
            (What::Missing, _) => Some("value_missing"),
            (What::NotScalar, _) => Some("value_not_scalar"),
            (What::Null, _) | (What::String, "null") => return (None, Some("value_null")),
            (What::String, "") => Some("value_empty"),
            _ => None,
        };
        (Some(self.text()), code)
    }
}

/// True for an integer whose text is the one it was written as, which spares a way through float64.
fn is_short_integer(raw: &str) -> bool {
    raw.len() <= 15 && raw.bytes().all(|b| b.is_ascii_digit())
}

/// Digits behind the point in decimal mode.
const SCALE: i64 = 19;

/// See [`float::short`].
fn short_units(integer: u64, behind: usize) -> i128 {
    i128::from(integer) * i128::from(10_u64.pow((SCALE as u32).saturating_sub(behind as u32)))
}

/// A number in units of 10⁻¹⁹, what is smaller cut off. `None` from 10¹⁹ on.
fn units(text: &str) -> Option<i128> {
    if let Some((integer, behind)) = float::short(text.as_bytes()) {
        return Some(short_units(integer, behind));
    }
    let number = scan(text)?;
    let length = number.exponent.saturating_add(number.digits.len() as i64 + SCALE);
    if number.digits.is_empty() {
        return Some(0);
    }
    if length > 2 * SCALE {
        return None;
    }
    let mut units: i128 = 0;
    for at in 0..length.max(0) {
        let digit = number.digits.get(at as usize).copied().unwrap_or(0);
        // 38 digits at most, so it never wraps.
        units = units.wrapping_mul(10).wrapping_add(digit.into());
    }
    Some(if number.negative { -units } else { units })
}

/// A number, or a sum of numbers, in either mode: the half that the mode does not use stays zero.
#[derive(Clone, Copy, Default)]
pub struct Amount {
    float: f64,
    units: i128,
    /// How often the sum went over the upper end of i128, less how often over the lower: an overflow that is gone
    /// again has not been one, in whatever order the numbers came.
    wraps: i64,
}

impl Amount {
    /// A float64.
    pub fn of(float: f64) -> Self {
        Self { float, ..Self::default() }
    }

    /// The amount of a number or numeric string that is short, without a sign or an exponent.
    pub fn short(text: &[u8], numeric: Numeric) -> Option<Self> {
        let (integer, behind) = float::short(text)?;
        let mut amount = Self::default();
        match numeric {
            Numeric::Float => amount.float = float::quotient(integer, behind),
            Numeric::Decimal => amount.units = short_units(integer, behind),
        }
        Some(amount)
    }

    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        let (units, wrapped) = self.units.overflowing_add(other.units);
        let wraps = if !wrapped {
            0
        } else if other.units > 0 {
            1
        } else {
            -1
        };
        self.wraps = self.wraps.saturating_add(other.wraps).saturating_add(wraps);
        self.units = units;
        self.float += other.float;
    }

    /// Compares two amounts that are no sums.
    pub fn is_less(&self, other: &Self) -> bool {
        self.units < other.units || self.float < other.float
    }

    /// The amount as float64. `None` for a sum beyond what the mode can hold.
    pub fn to_f64(&self, numeric: Numeric) -> Option<f64> {
        match numeric {
            Numeric::Float => Some(self.float).filter(|x| x.is_finite()),
            Numeric::Decimal => self.decimal().map(Decimal::to_f64),
        }
    }

    /// The amount that a mean is taken of: in decimal mode the server rounds twice, the units and then their quotient.
    pub fn dividend(&self, numeric: Numeric) -> f64 {
        if numeric == Numeric::Float { self.float } else { Decimal::new(self.units, 0).to_f64() / 1e19 }
    }

    /// The exact amount of decimal mode. `None` for a sum beyond i128.
    pub fn decimal(&self) -> Option<Decimal> {
        if self.wraps == 0 { Some(Decimal::new(self.units, SCALE as u32)) } else { None }
    }
}
