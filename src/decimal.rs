//! Exact decimals: the only number type for money and quantities.

mod wide;

use std::cmp::Ordering;
use std::fmt;

use crate::error::{Error, Result};
use crate::float::{exponent_split, exponent_value};
use crate::limits::DECIMAL_SCALE_MAX;
use wide::Wide;

/// `mantissa × 10^-scale`, exact.
///
/// Equality and order go by value: 1.0 is 1. Every operation is exact or fails with the code `overflow`, and it fails
/// only if its exact result needs a mantissa beyond i128 or a scale beyond [`DECIMAL_SCALE_MAX`].
#[derive(Clone, Copy)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// What becomes of digits that are cut off.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Rounding {
    /// Nearest; halves away from zero
    HalfUp,
    /// Nearest; halves to the even neighbour
    HalfEven,
    /// Away from zero
    Up,
    /// Towards zero
    Down,
}

impl Rounding {
    /// Whether the magnitude goes one up, given how twice the rest compares with the divisor.
    fn ups(self, half: Ordering, exact: bool, odd: bool) -> bool {
        match self {
            Self::HalfUp => half != Ordering::Less,
            Self::HalfEven => half == Ordering::Greater || (half == Ordering::Equal && odd),
            Self::Up => !exact,
            Self::Down => false,
        }
    }
}

#[cold]
fn overflow<T>() -> Result<T> {
    Err(Error::new("overflow", "the number does not fit an exact decimal").help("numbers have up to 38 digits"))
}

#[cold]
fn invalid<T>(text: &str) -> Result<T> {
    let shown = if text.len() <= 40 { text } else { "…" };
    Err(Error::new("decimal_invalid", ["not a decimal number: \"", shown, "\""].concat())
        .help("write it like \"12\", \"0.000003\" or \"3e-6\""))
}

// The operations of the standard traits cannot fail, these can.
#[allow(clippy::should_implement_trait)]
impl Decimal {
    /// 0
    pub const ZERO: Self = Self::new(0, 0);
    /// 1
    pub const ONE: Self = Self::new(1, 0);

    /// `mantissa × 10^-scale`
    pub const fn new(mantissa: i128, scale: u32) -> Self {
        Self { mantissa, scale }
    }

    /// Reads a JSON number; a leading `+`, a missing whole part (`.5`) and a missing fraction (`5.`) are taken too.
    ///
    /// Any length is taken: it is the value that has to fit. Errors: `decimal_invalid`, `overflow`.
    pub fn parse(text: &str) -> Result<Self> {
        let (negative, body) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            all => (false, all),
        };
        let (number, exponent) = exponent_split(body);
        let mut magnitude = Some(0_u128);
        // Digits after the point, the zeros not yet multiplied in, and whether a digit was seen at all.
        let (mut scale, mut zeros, mut digits, mut point) = (0_i64, 0_u32, false, false);
        for byte in number {
            match byte {
                b'.' if !point => point = true,
                b'0'..=b'9' => {
                    digits = true;
                    scale += i64::from(point);
                    if *byte == b'0' {
                        zeros = zeros.saturating_add(u32::from(magnitude != Some(0)));
                        continue;
                    }
                    magnitude = magnitude
                        .and_then(|m| shifted(m, zeros.saturating_add(1)))
                        .and_then(|m| m.checked_add((byte - b'0').into()));
                    zeros = 0;
                }
                _ => return invalid(text),
            }
        }
        let Some(exponent) = exponent_value(exponent).filter(|_| digits) else { return invalid(text) };
        if magnitude == Some(0) {
            return Ok(Self::ZERO);
        }
        let scale = scale - i64::from(zeros) - exponent;
        let up = u32::try_from(-scale.min(0)).unwrap_or(u32::MAX);
        match magnitude.and_then(|m| shifted(m, up)) {
            Some(magnitude) => fit(negative, Wide::from(magnitude), scale.max(0)),
            None => overflow(),
        }
    }

    /// The digits as an integer; trailing zeros may be among them.
    pub fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// How many of the digits are behind the point.
    pub fn scale(self) -> u32 {
        self.scale
    }

    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Whether it is below 0.
    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// Sum. Error: `overflow`.
    pub fn add(self, other: Self) -> Result<Self> {
        self.sum(other, false)
    }

    /// Difference. Error: `overflow`.
    pub fn sub(self, other: Self) -> Result<Self> {
        self.sum(other, true)
    }

    fn sum(self, other: Self, minus: bool) -> Result<Self> {
        let scale = self.scale.max(other.scale);
        let aligned = |d: Self| if d.scale == scale { Some(d.mantissa) } else { d.raised(scale - d.scale) };
        if let (Some(a), Some(b)) = (aligned(self), aligned(other))
            && let Some(mantissa) = if minus { a.checked_sub(b) } else { a.checked_add(b) }
        {
            return Ok(Self { mantissa, scale });
        }
        // Without trailing zeros nothing that fits can have an intermediate beyond 256 bits.
        let (a, b) = (self.shortened(), other.shortened());
        let scale = a.scale.max(b.scale);
        let aligned = |d: Self| Wide::from(d.mantissa.unsigned_abs()).shifted(scale - d.scale);
        let (Some(x), Some(y)) = (aligned(a), aligned(b)) else { return overflow() };
        let (a_negative, b_negative) = (a.is_negative(), b.is_negative() != minus);
        let (negative, sum) = if a_negative == b_negative {
            (a_negative, x.checked_add(y))
        } else if x >= y {
            (a_negative, x.checked_sub(y))
        } else {
            (b_negative, y.checked_sub(x))
        };
        sum.map_or_else(overflow, |sum| fit(negative, sum, scale.into()))
    }

    /// Product. Error: `overflow`.
    pub fn mul(self, other: Self) -> Result<Self> {
        let scale = self.scale.saturating_add(other.scale);
        match self.mantissa.checked_mul(other.mantissa) {
            Some(mantissa) if scale <= DECIMAL_SCALE_MAX => Ok(Self { mantissa, scale }),
            _ => {
                let product = Wide::product(self.mantissa.unsigned_abs(), other.mantissa.unsigned_abs());
                fit(self.is_negative() != other.is_negative(), product, scale.into())
            }
        }
    }

    /// Opposite. Error: `overflow`, for the one mantissa that has no opposite.
    pub fn neg(self) -> Result<Self> {
        Self::ZERO.sub(self)
    }

    /// Quotient, rounded to `digits` behind the point.
    ///
    /// Errors: `division_by_zero`; `overflow`, also where the dividend with so many digits needs more than 256 bits.
    pub fn div_round(self, by: Self, digits: u32, rounding: Rounding) -> Result<Self> {
        if by.is_zero() {
            return Err(Error::new("division_by_zero", "division by zero"));
        }
        let up = i64::from(digits) + i64::from(by.scale) - i64::from(self.scale);
        let shift = u32::try_from(up.unsigned_abs()).unwrap_or(u32::MAX);
        let (mut over, mut under) = (Wide::from(self.mantissa.unsigned_abs()), Wide::from(by.mantissa.unsigned_abs()));
        if up >= 0 {
            let Some(wide) = over.shifted(shift) else { return overflow() };
            over = wide;
        } else {
            // Beyond 256 bits under less than 128 bits: next to nothing, and only its direction counts.
            under = under.shifted(shift).unwrap_or(Wide::MAX);
        }
        let (quotient, rest) = over.divided(under);
        let half = rest.cmp(&under.checked_sub(rest).unwrap_or(Wide::ZERO));
        let up = rounding.ups(half, rest == Wide::ZERO, quotient.is_odd());
        let quotient = if up { quotient.checked_add(Wide::from(1)) } else { Some(quotient) };
        quotient.map_or_else(overflow, |q| fit(self.is_negative() != by.is_negative(), q, digits.into()))
    }

    /// Rounded to `digits` behind the point. Error: `overflow`.
    pub fn round(self, digits: u32, rounding: Rounding) -> Result<Self> {
        if self.scale <= digits { Ok(self) } else { self.div_round(Self::ONE, digits, rounding) }
    }

    /// The nearest float64; halves to even.
    pub fn to_f64(self) -> f64 {
        crate::float::parse(&self.text()).unwrap_or(f64::NAN)
    }

    /// Canonical text: no exponent, no trailing zeros, no `-0`.
    pub fn text(self) -> String {
        let short = self.shortened();
        let digits = digits(short.mantissa.unsigned_abs());
        let scale = short.scale as usize;
        let mut text = String::with_capacity(digits.len().max(scale) + 3);
        if short.is_negative() {
            text.push('-');
        }
        let point = digits.len().saturating_sub(scale);
        let (whole, fraction) = digits.split_at_checked(point).unwrap_or_default();
        text.push_str(if whole.is_empty() { "0" } else { whole });
        if scale > 0 {
            text.push('.');
            text.extend(std::iter::repeat_n('0', scale - fraction.len()));
            text.push_str(fraction);
        }
        text
    }

    /// The same value without trailing zeros.
    fn shortened(self) -> Self {
        let Self { mut mantissa, mut scale } = self;
        while scale > 0 && mantissa % 10 == 0 && mantissa != 0 {
            mantissa /= 10;
            scale -= 1;
        }
        if mantissa == 0 { Self::ZERO } else { Self { mantissa, scale } }
    }

    /// The mantissa with `up` more digits behind the point.
    fn raised(self, up: u32) -> Option<i128> {
        10_i128.checked_pow(up).and_then(|p| p.checked_mul(self.mantissa))
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self::new(value.into(), 0)
    }
}

impl From<u64> for Decimal {
    fn from(value: u64) -> Self {
        Self::new(value.into(), 0)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale || self.mantissa.signum() != other.mantissa.signum() {
            return self.mantissa.cmp(&other.mantissa);
        }
        if let Ok(difference) = self.sub(*other) {
            return difference.mantissa.cmp(&0);
        }
        // A difference too large for the finer scale: the one with that scale is smaller than it, so the other decides.
        let (a, b) = (self.shortened(), other.shortened());
        match a.scale.cmp(&b.scale) {
            Ordering::Less => a.mantissa.cmp(&0),
            Ordering::Equal => a.mantissa.cmp(&b.mantissa),
            Ordering::Greater => 0.cmp(&b.mantissa),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// `magnitude × 10^n`
fn shifted(magnitude: u128, n: u32) -> Option<u128> {
    10_u128.checked_pow(n).and_then(|p| p.checked_mul(magnitude))
}

/// The number with this sign, magnitude and scale, shortened as far as it needs to be to fit.
fn fit(negative: bool, mut magnitude: Wide, mut scale: i64) -> Result<Decimal> {
    loop {
        let mantissa = magnitude
            .narrow()
            .and_then(|m| if negative { 0_i128.checked_sub_unsigned(m) } else { 0_i128.checked_add_unsigned(m) });
        if let (Some(mantissa), true) = (mantissa, scale <= DECIMAL_SCALE_MAX.into()) {
            return Ok(Decimal { mantissa, scale: scale as u32 });
        }
        let (tenth, rest) = magnitude.divided(Wide::from(10));
        if magnitude == Wide::ZERO {
            return Ok(Decimal::ZERO);
        }
        if scale == 0 || rest != Wide::ZERO {
            return overflow();
        }
        (magnitude, scale) = (tenth, scale - 1);
    }
}

/// The digits of an integer, without the formatting machinery, which would weigh more than all of this file.
pub(crate) fn digits(mut n: u128) -> String {
    const CHUNK: u128 = 10_u128.pow(19);
    let mut reversed = Vec::with_capacity(39);
    loop {
        // 64-bit divisions are far cheaper than 128-bit ones.
        let (mut low, last) = if n < CHUNK { (n as u64, true) } else { ((n % CHUNK) as u64, false) };
        n /= CHUNK;
        let until = reversed.len() + 19;
        while (last && low > 0) || (!last && reversed.len() < until) {
            reversed.push(b'0' + (low % 10) as u8);
            low /= 10;
        }
        if last {
            break;
        }
    }
    if reversed.is_empty() {
        reversed.push(b'0');
    }
    reversed.iter().rev().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests;
