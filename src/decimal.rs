//! Exact decimals: the only number type for money and quantities.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

use std::cmp::Ordering;
use std::fmt;

pub(crate) use crate::big::digits;
use crate::big::{self, Big};
use crate::error::{Error, Result};
use crate::float;
use crate::limits::DECIMAL_SCALE_MAX;

/// `mantissa × 10^-scale`, exact.
///
/// Equality and order go by value: 1.0 is 1. Every operation is exact or fails with the code `overflow`, and it fails
/// only if its exact result needs a mantissa beyond i128 or a scale beyond [`DECIMAL_SCALE_MAX`].
#[derive(Clone, Copy)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// Digits of the largest mantissa.
const MANTISSA_DIGITS_MAX: usize = 39;
/// Powers of ten by which a dividend or divisor is raised: beyond all that two decimals can differ by.
const SHIFT_MAX: i64 = 300;

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
#[inline(never)]
fn overflow() -> Error {
    Error::new("overflow", "the number does not fit an exact decimal").help("numbers have up to 38 digits")
}

#[cold]
#[inline(never)]
fn invalid() -> Error {
    Error::new("decimal_invalid", "not a decimal number").help("write it like \"12\", \"0.000003\" or \"3e-6\"")
}

// The operations of the standard traits cannot fail, these can. Those that change the number in place are the ones that
// work; the others are for where a new number reads better.
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
    #[inline(never)]
    pub fn parse(text: &str) -> Result<Self> {
        if let Some((mut integer, mut behind)) = float::short(text.as_bytes()) {
            while behind > 0 && integer.is_multiple_of(10) {
                (integer, behind) = (integer / 10, behind.saturating_sub(1));
            }
            return Ok(Self::new(integer.into(), behind as u32));
        }
        let Some(number) = big::scan(text) else { return Err(invalid()) };
        let mut magnitude = Big::new(0);
        if number.digits.is_empty() {
            return Ok(Self::ZERO);
        }
        if number.digits.len() > MANTISSA_DIGITS_MAX || number.exponent > MANTISSA_DIGITS_MAX as i64 {
            return Err(overflow());
        }
        for digit in number.digits {
            magnitude.multiply(10, digit.into());
        }
        magnitude.raise(10, number.exponent.max(0).unsigned_abs());
        fit(number.negative, magnitude, number.exponent.min(0).saturating_neg())
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
    pub fn add(mut self, other: Self) -> Result<Self> {
        self.plus(&other, false)?;
        Ok(self)
    }

    /// Difference. Error: `overflow`.
    pub fn sub(mut self, other: Self) -> Result<Self> {
        self.plus(&other, true)?;
        Ok(self)
    }

    /// Adds a number, or takes it away. Error: `overflow`.
    #[inline(never)]
    pub fn plus(&mut self, other: &Self, minus: bool) -> Result<()> {
        let scale = self.scale.max(other.scale);
        if let (Some(a), Some(b)) = (self.short(scale), other.short(scale))
            && let Some(mantissa) = if minus { a.checked_sub(b) } else { a.checked_add(b) }
        {
            *self = Self { mantissa, scale };
            return Ok(());
        }
        let (mut sum, mut part) = (self.raised(scale), other.raised(scale));
        let mut negative = self.is_negative();
        if negative == (other.is_negative() != minus) {
            sum.add(&part);
        } else {
            if sum.cmp(&part) == Ordering::Less {
                std::mem::swap(&mut sum, &mut part);
                negative = !negative;
            }
            sum.subtract(&part);
        }
        *self = fit(negative, sum, scale.into())?;
        Ok(())
    }

    /// Product. Error: `overflow`.
    pub fn mul(mut self, other: Self) -> Result<Self> {
        self.times(&other)?;
        Ok(self)
    }

    /// Multiplies. Error: `overflow`.
    #[inline(never)]
    pub fn times(&mut self, by: &Self) -> Result<()> {
        let scale = self.scale.saturating_add(by.scale);
        if let (Ok(a), Ok(b)) = (i64::try_from(self.mantissa), i64::try_from(by.mantissa))
            && scale <= DECIMAL_SCALE_MAX
        {
            *self = Self { mantissa: i128::from(a).wrapping_mul(b.into()), scale };
            return Ok(());
        }
        let product = self.raised(self.scale).times(&by.raised(by.scale));
        *self = fit(self.is_negative() != by.is_negative(), product, scale.into())?;
        Ok(())
    }

    /// Multiplies by `10^places`. Error: `overflow`.
    #[inline(never)]
    pub fn move_point(&mut self, places: u32) -> Result<()> {
        if let Some(scale) = self.scale.checked_sub(places) {
            self.scale = scale;
            return Ok(());
        }
        *self = fit(self.is_negative(), self.raised(places), 0)?;
        Ok(())
    }

    /// Opposite. Error: `overflow`, for the one mantissa that has no opposite.
    pub fn neg(self) -> Result<Self> {
        Self::ZERO.sub(self)
    }

    /// Quotient, rounded to `digits` behind the point. Errors: `division_by_zero`, `overflow`.
    #[inline(never)]
    pub fn div_round(self, by: Self, digits: u32, rounding: Rounding) -> Result<Self> {
        if by.is_zero() {
            return Err(Error::new("division_by_zero", "division by zero"));
        }
        let up = i64::from(digits).saturating_add(by.scale.into()).saturating_sub(self.scale.into());
        if up > SHIFT_MAX {
            return Err(overflow());
        }
        let (mut over, mut under) = (self.raised(self.scale), by.raised(by.scale));
        // What is divided by 10^SHIFT_MAX is next to nothing, and only its direction counts.
        (if up < 0 { &mut under } else { &mut over }).raise(10, up.unsigned_abs().min(SHIFT_MAX.unsigned_abs()));
        let (mut quotient, rest) = over.divided(&under);
        let mut twice = rest.clone();
        twice.add(&rest);
        let ups = rounding.ups(twice.cmp(&under), rest.is_zero(), quotient.is_odd());
        quotient.multiply(1, ups.into());
        fit(self.is_negative() != by.is_negative(), quotient, digits.into())
    }

    /// Rounded to `digits` behind the point. Error: `overflow`.
    pub fn round(self, digits: u32, rounding: Rounding) -> Result<Self> {
        if self.scale <= digits {
            return Ok(self);
        }
        let (Ok(n), Some(power)) =
            (u64::try_from(self.mantissa.unsigned_abs()), 10_u64.checked_pow(self.scale.saturating_sub(digits)))
        else {
            return self.div_round(Self::ONE, digits, rounding);
        };
        let (quotient, rest) = (n.checked_div(power).unwrap_or(0), n.checked_rem(power).unwrap_or(0));
        let ups = rounding.ups(rest.cmp(&power.saturating_sub(rest)), rest == 0, quotient & 1 == 1);
        let mantissa = i128::from(quotient).saturating_add(ups.into());
        Ok(Self::new(if self.is_negative() { mantissa.saturating_neg() } else { mantissa }, digits))
    }

    /// The nearest float64; halves to even.
    pub fn to_f64(self) -> f64 {
        crate::float::parse(&self.text()).unwrap_or(f64::NAN)
    }

    /// Canonical text: no exponent, no trailing zeros, no `-0`.
    pub fn text(self) -> String {
        big::text(self.is_negative(), self.mantissa.unsigned_abs(), self.scale)
    }

    /// The mantissa that it has at a scale which is not smaller than its own, if that is found without long numbers: they
    /// make everything right, and this makes most of it fast.
    #[inline(never)]
    fn short(&self, scale: u32) -> Option<i128> {
        if scale == self.scale {
            return Some(self.mantissa);
        }
        let power = 10_i64.checked_pow(scale.saturating_sub(self.scale))?;
        Some(i128::from(i64::try_from(self.mantissa).ok()?).wrapping_mul(power.into()))
    }

    /// The magnitude of the mantissa that it has at a scale which is not smaller than its own.
    #[inline(never)]
    fn raised(&self, scale: u32) -> Big {
        let mut magnitude = Big::new(self.mantissa.unsigned_abs());
        magnitude.raise(10, scale.saturating_sub(self.scale).into());
        magnitude
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
    #[inline(never)]
    fn cmp(&self, other: &Self) -> Ordering {
        let negative = self.is_negative();
        if negative != other.is_negative() {
            return other.is_negative().cmp(&negative);
        }
        let scale = self.scale.max(other.scale);
        if let (Some(a), Some(b)) = (self.short(scale), other.short(scale)) {
            return a.cmp(&b);
        }
        let order = self.raised(scale).cmp(&other.raised(scale));
        if negative { order.reverse() } else { order }
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

/// The number with this sign, magnitude and scale, shortened as far as it needs to be to fit.
#[inline(never)]
fn fit(negative: bool, mut magnitude: Big, mut scale: i64) -> Result<Decimal> {
    loop {
        if let (Some(n), true) = (magnitude.narrow(), scale <= DECIMAL_SCALE_MAX.into()) {
            let mantissa = if negative { (n as i128).wrapping_neg() } else { n as i128 };
            // A sign that changed on the way: one bit too many.
            if n == 0 || (mantissa < 0) == negative {
                return Ok(Decimal { mantissa, scale: scale as u32 });
            }
        }
        if magnitude.is_zero() {
            return Ok(Decimal::ZERO);
        }
        if scale == 0 || magnitude.divide(10) != 0 {
            return Err(overflow());
        }
        scale = scale.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests;
