//! Exact fractions, for what is divided on the way: no rounding before the last step.

use std::cmp::Ordering;

use crate::decimal::{Decimal, Rounding, digits};
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

// The operations of the standard traits cannot fail, these can. Those that change the number in place are the ones that
// work; the others are for where a new number reads better. After an error the number is of no use.
#[allow(clippy::should_implement_trait)]
impl Ratio {
    /// 0
    pub const ZERO: Self = Self { over: Decimal::ZERO, under: 1 };
    /// 1
    pub const ONE: Self = Self { over: Decimal::ONE, under: 1 };

    #[inline(never)]
    fn reduce(&mut self) {
        if self.under == 1 {
            return;
        }
        let common = common_divisor(self.over.mantissa().unsigned_abs(), self.under);
        let (mut mantissa, mut scale) = (divided(self.over.mantissa(), common), self.over.scale());
        self.under = divided(self.under, common);
        loop {
            let common = common_divisor(10, self.under);
            match product(mantissa, divided(10, common)) {
                Ok(more) if common > 1 => mantissa = more,
                _ => break,
            }
            (scale, self.under) = (scale + 1, divided(self.under, common));
        }
        self.over = Decimal::new(mantissa, scale);
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
        let mut part = other.over;
        if self.under != other.under {
            self.over.times(&whole(other.under))?;
            part.times(&whole(self.under))?;
            self.under = product(self.under, other.under)?;
        }
        self.over.plus(&part, minus)?;
        self.reduce();
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
        let mut by = *by;
        std::mem::swap(&mut self.under, &mut by.under);
        self.reduce();
        by.reduce();
        self.over.times(&by.over)?;
        self.under = product(self.under, by.under)?;
        Ok(())
    }

    /// Quotient. Errors: `division_by_zero`, `overflow`.
    pub fn div(mut self, by: Decimal) -> Result<Self> {
        self.divide(&by.into())?;
        Ok(self)
    }

    /// Divides. Errors: `division_by_zero`, `overflow`.
    #[inline(never)]
    pub fn divide(&mut self, by: &Self) -> Result<()> {
        if by.over.is_zero() {
            return Err(Error::new("division_by_zero", "division by zero"));
        }
        let mut under = by.over;
        if under.is_negative() {
            (under, self.over) = (under.neg()?, self.over.neg()?);
        }
        self.times(&Self { over: whole(by.under), under: under.mantissa() })?;
        self.over.move_point(under.scale())
    }

    /// Which is greater. Error: `overflow`.
    #[inline(never)]
    pub fn compare(&self, other: &Self) -> Result<Ordering> {
        let (mut a, mut b) = (self.over, other.over);
        a.times(&whole(other.under))?;
        b.times(&whole(self.under))?;
        Ok(a.cmp(&b))
    }

    /// Makes it the other number where that is greater. Error: `overflow`.
    #[inline(never)]
    pub fn at_least(&mut self, other: &Self) -> Result<()> {
        if self.compare(other)? == Ordering::Less {
            *self = *other;
        }
        Ok(())
    }

    /// Makes it the other number where that is smaller. Error: `overflow`.
    #[inline(never)]
    pub fn at_most(&mut self, other: &Self) -> Result<()> {
        if self.compare(other)? == Ordering::Greater {
            *self = *other;
        }
        Ok(())
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
    #[inline(never)]
    pub fn round(&self, digits: u32, rounding: Rounding) -> Result<Decimal> {
        if self.under == 1 {
            return self.over.round(digits, rounding);
        }
        self.over.div_round(whole(self.under), digits, rounding)
    }

    /// Canonical text; 28 significant digits, halves to even, if the digits do not end. Error: `overflow`.
    #[inline(never)]
    pub fn text(self) -> Result<String> {
        if self.under == 1 {
            return Ok(self.over.text());
        }
        let length = |n: i128| digits(n.unsigned_abs()).len() as i64;
        let (over, under) = (length(self.over.mantissa()) - i64::from(self.over.scale()), length(self.under));
        // These are the places, or one too few.
        let places = u32::try_from(PRINTED_DIGITS - 1 - over + under).unwrap_or(0);
        let mut rounded = self.round(places, Rounding::HalfEven)?;
        if length(rounded.mantissa()) < PRINTED_DIGITS {
            rounded = self.round(places + 1, Rounding::HalfEven)?;
        }
        Ok(rounded.text())
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

#[inline(never)]
fn product(a: i128, b: i128) -> Result<i128> {
    let mut product = whole(a);
    product.times(&whole(b))?;
    Ok(product.mantissa())
}

/// Quotient and rest; `by` is neither zero nor beyond i128. (The compiler's own division is eight times as large.)
#[inline(never)]
fn division(mut n: u128, by: u128) -> (u128, u128) {
    let mut rest = 0;
    for _ in 0..128 {
        rest = rest << 1 | n >> 127;
        n <<= 1;
        if rest >= by {
            rest -= by;
            n |= 1;
        }
    }
    (n, rest)
}

fn divided(n: i128, by: u128) -> i128 {
    let quotient = division(n.unsigned_abs(), by).0 as i128;
    if n < 0 { quotient.wrapping_neg() } else { quotient }
}

/// The greatest common divisor; `b` is positive.
fn common_divisor(mut a: u128, b: i128) -> u128 {
    let mut b = b.unsigned_abs();
    while a != 0 {
        (a, b) = (division(b, a).1, a);
    }
    b
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
            prop_assert_eq!(a.compare(&b).unwrap(), x.cmp(&y));
            let (mut least, mut most) = (a, a);
            least.at_least(&b).unwrap();
            most.at_most(&b).unwrap();
            prop_assert_eq!((exact(least), exact(most)), ((&x).max(&y).clone(), (&x).min(&y).clone()));
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
