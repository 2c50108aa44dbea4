//! Exact fractions, for what is divided on the way: no rounding before the last step.

use std::cmp::Ordering;

use crate::decimal::{Decimal, Rounding};
use crate::error::{Error, Result};

/// Significant digits of a printed value whose digits do not end.
const PRINTED_DIGITS: i64 = 28;

/// A decimal over a whole number.
///
/// Always reduced, and what the divisor has of twos and fives is moved into the decimal: the divisor is 1 exactly if the
/// digits end. Every operation is exact or fails with `overflow`.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug))]
pub struct Ratio {
    over: Decimal,
    under: i128,
}

// The operations of the standard traits cannot fail, these can.
#[allow(clippy::should_implement_trait)]
impl Ratio {
    /// 0
    pub const ZERO: Self = Self { over: Decimal::ZERO, under: 1 };

    fn reduced(over: Decimal, under: i128) -> Self {
        let (mut mantissa, mut scale, mut under) = (over.mantissa(), over.scale(), under);
        if under == 1 {
            return Self { over, under };
        }
        let divisor = common_divisor(mantissa, under);
        (mantissa, under) = (mantissa / divisor, under / divisor);
        for (factor, by) in [(10, 1), (5, 2), (2, 5)] {
            while under % factor == 0
                && let Some(more) = mantissa.checked_mul(by)
            {
                (mantissa, scale, under) = (more, scale + 1, under / factor);
            }
        }
        Self { over: Decimal::new(mantissa, scale), under }
    }

    /// Sum. Error: `overflow`.
    pub fn add(self, other: Self) -> Result<Self> {
        if self.under == other.under {
            return Ok(Self::reduced(self.over.add(other.over)?, self.under));
        }
        let over = self.over.mul(whole(other.under))?.add(other.over.mul(whole(self.under))?)?;
        Ok(Self::reduced(over, product(self.under, other.under)?))
    }

    /// Difference. Error: `overflow`.
    pub fn sub(self, other: Self) -> Result<Self> {
        self.add(Self { over: other.over.neg()?, ..other })
    }

    /// Product. Error: `overflow`.
    pub fn mul(self, other: Self) -> Result<Self> {
        let (a, b) = (Self::reduced(self.over, other.under), Self::reduced(other.over, self.under));
        Ok(Self { over: a.over.mul(b.over)?, under: product(a.under, b.under)? })
    }

    /// Quotient. Errors: `division_by_zero`, `overflow`.
    pub fn div(self, by: Decimal) -> Result<Self> {
        if by.is_zero() {
            return Err(Error::new("division_by_zero", "division by zero"));
        }
        let (by, over) = if by.is_negative() { (by.neg()?, self.over.neg()?) } else { (by, self.over) };
        let first = Self::reduced(over, by.mantissa());
        let up = by.scale().saturating_sub(first.over.scale());
        let raised = Decimal::new(first.over.mantissa(), first.over.scale().saturating_sub(by.scale()));
        let ten = 10_i128.checked_pow(up).ok_or_else(too_large)?;
        Ok(Self::reduced(raised.mul(whole(ten))?, product(first.under, self.under)?))
    }

    /// Which is greater. Error: `overflow`.
    pub fn compare(self, other: Self) -> Result<Ordering> {
        Ok(self.over.mul(whole(other.under))?.cmp(&other.over.mul(whole(self.under))?))
    }

    /// The greater one. Error: `overflow`.
    pub fn max(self, other: Self) -> Result<Self> {
        Ok(if self.compare(other)? == Ordering::Less { other } else { self })
    }

    /// The smaller one. Error: `overflow`.
    pub fn min(self, other: Self) -> Result<Self> {
        Ok(if self.compare(other)? == Ordering::Greater { other } else { self })
    }

    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        self.over.is_zero()
    }

    /// Whether it is below 0.
    pub fn is_negative(self) -> bool {
        self.over.is_negative()
    }

    /// The value as a decimal, if its digits end.
    pub fn exact(self) -> Option<Decimal> {
        (self.under == 1).then_some(self.over)
    }

    /// Rounded to `digits` behind the point. Error: `overflow`.
    pub fn round(self, digits: u32, rounding: Rounding) -> Result<Decimal> {
        match self.exact() {
            Some(exact) => exact.round(digits, rounding),
            None => self.over.div_round(whole(self.under), digits, rounding),
        }
    }

    /// Canonical text; 28 significant digits, halves to even, if the digits do not end. Error: `overflow`.
    pub fn text(self) -> Result<String> {
        if let Some(exact) = self.exact() {
            return Ok(exact.text());
        }
        let size = |n: i128| i64::from(n.unsigned_abs().checked_ilog10().unwrap_or(0));
        // The value's decimal exponent is this or one lower.
        let mut exponent = size(self.over.mantissa()) - i64::from(self.over.scale()) - size(self.under);
        let (up, down) = (u32::try_from(exponent).unwrap_or(0), u32::try_from(-exponent).unwrap_or(0));
        let over = Decimal::new(self.over.mantissa().saturating_abs(), self.over.scale().saturating_add(up));
        if over < Decimal::new(self.under, down) {
            exponent -= 1;
        }
        let digits = u32::try_from(PRINTED_DIGITS - 1 - exponent).unwrap_or(0);
        Ok(self.round(digits, Rounding::HalfEven)?.text())
    }
}

impl From<Decimal> for Ratio {
    fn from(over: Decimal) -> Self {
        Self { over, under: 1 }
    }
}

fn whole(n: i128) -> Decimal {
    Decimal::new(n, 0)
}

fn product(a: i128, b: i128) -> Result<i128> {
    a.checked_mul(b).ok_or_else(too_large)
}

#[cold]
fn too_large() -> Error {
    Error::new("overflow", "a fraction grows too large on the way")
}

/// The greatest common divisor, positive; `b` is positive.
fn common_divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a % b, b);
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b.saturating_abs()
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use num_rational::BigRational;
    use proptest::prelude::*;

    use super::*;

    fn exact(r: Ratio) -> BigRational {
        BigRational::new(r.over.mantissa().into(), BigInt::from(10).pow(r.over.scale()) * BigInt::from(r.under))
    }

    fn any_ratio() -> impl Strategy<Value = Ratio> {
        (any::<i32>(), 0_u32..8, prop_oneof![Just(1_i128), 1_i128..5000]).prop_map(|(m, scale, under)| {
            Ratio::from(Decimal::new(m.into(), scale)).div(Decimal::new(under, 0)).unwrap()
        })
    }

    proptest! {
        #[test]
        fn arithmetic_is_that_of_rationals(a in any_ratio(), b in any_ratio(), by in -9999_i64..9999, scale in 0_u32..5) {
            let (x, y) = (exact(a), exact(b));
            prop_assert_eq!(exact(a.add(b).unwrap()), &x + &y);
            prop_assert_eq!(exact(a.sub(b).unwrap()), &x - &y);
            prop_assert_eq!(exact(a.mul(b).unwrap()), &x * &y);
            prop_assert_eq!(a.compare(b).unwrap(), x.cmp(&y));
            prop_assert_eq!(exact(a.max(b).unwrap()), (&x).max(&y).clone());
            if by != 0 {
                let quotient = a.div(Decimal::new(by.into(), scale)).unwrap();
                prop_assert_eq!(exact(quotient), &x * BigInt::from(10).pow(scale) / BigInt::from(by));
            }
        }

        #[test]
        fn the_divisor_is_one_exactly_if_the_digits_end(a in any_ratio(), b in any_ratio()) {
            for r in [a, b, a.mul(b).unwrap(), a.add(b).unwrap()] {
                let mut rest = exact(r).denom().clone();
                for factor in [2, 5] {
                    while &rest % factor == BigInt::ZERO {
                        rest /= factor;
                    }
                }
                prop_assert_eq!(r.exact().is_some(), rest == BigInt::from(1));
            }
        }

        #[test]
        fn texts_have_28_digits(a in any_ratio()) {
            let text = a.text().unwrap();
            if a.exact().is_none() {
                let digits = text.trim_start_matches(['-', '0', '.']).replace('.', "");
                // Zeros at the end are not printed.
                prop_assert!(digits.len() <= 28 && digits.len() >= 20, "{}", text);
                let distance = exact(a) - exact(Decimal::parse(&text).unwrap().into());
                let relative = distance / exact(a);
                let limit = BigRational::new(5.into(), BigInt::from(10).pow(28));
                prop_assert!(relative < limit && relative > -limit);
            }
        }
    }

    #[test]
    fn texts() {
        let ratio = |a: &str, b: &str| Ratio::from(Decimal::parse(a).unwrap()).div(Decimal::parse(b).unwrap());
        for (a, b, want) in [
            ("1", "3", "0.3333333333333333333333333333"),
            ("200", "-3", "-66.66666666666666666666666667"),
            ("0.111", "3600", "0.00003083333333333333333333333333"),
            ("5368709120", "1073741824", "5"),
            ("1", "1073741824", "0.000000000931322574615478515625"),
            ("0", "7", "0"),
            ("7", "0.07", "100"),
        ] {
            assert_eq!(ratio(a, b).unwrap().text().unwrap(), want);
        }
        assert_eq!(ratio("1", "0.00").err().unwrap().code, "division_by_zero");
    }
}
