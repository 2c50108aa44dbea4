//! Exact fractions, for what is divided on the way: no rounding before the last step.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

use crate::decimal::{Decimal, Rounding, digits};
use crate::error::{Error, Result};

/// Significant digits of a printed value whose digits do not end.
const PRINTED_DIGITS: i64 = 28;

/// A decimal over a whole number.
///
/// Always reduced, and what the divisor has of twos and fives is moved into the decimal: the divisor is 1 exactly if the
/// digits end.
///
/// Every operation is exact. A number whose exact value does not fit, or that was divided by zero, is lost: so is
/// everything made of it, and it says so when it is read ([`Self::text`], [`Self::round`], [`Self::check`]), with the
/// error `overflow`. A lost number is neither zero nor negative.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug))]
pub struct Ratio {
    over: Decimal,
    /// 0 if the number is lost
    under: i128,
}

impl Ratio {
    /// 0
    pub const ZERO: Self = Self { over: Decimal::ZERO, under: 1 };
    /// 1
    pub const ONE: Self = Self { over: Decimal::ONE, under: 1 };
    /// A number that is lost
    pub const LOST: Self = Self { over: Decimal::ZERO, under: 0 };
    /// 100
    pub const HUNDRED: Self = Self { over: Decimal::new(100, 0), under: 1 };

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
            (scale, self.under) = (scale.saturating_add(1), divided(self.under, common));
        }
        self.over = Decimal::new(mantissa, scale);
    }

    /// Does a step that may fail, and gives the number up if it does, or if the other one is lost.
    #[inline(never)]
    fn attempt(&mut self, by: &Self, step: fn(&mut Self, &Self) -> Result<()>) {
        if self.under == 0 || by.under == 0 || step(self, by).is_err() {
            self.under = 0;
        }
    }

    /// Adds a number.
    pub fn plus(&mut self, other: &Self) {
        self.attempt(other, |a, b| a.add(b, false));
    }

    /// Takes a number away.
    pub fn minus(&mut self, other: &Self) {
        self.attempt(other, |a, b| a.add(b, true));
    }

    #[inline(never)]
    fn add(&mut self, other: &Self, minus: bool) -> Result<()> {
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

    /// Multiplies.
    pub fn times(&mut self, by: &Self) {
        self.attempt(by, Self::multiply);
    }

    #[inline(never)]
    fn multiply(&mut self, by: &Self) -> Result<()> {
        let mut by = *by;
        std::mem::swap(&mut self.under, &mut by.under);
        self.reduce();
        by.reduce();
        self.over.times(&by.over)?;
        self.under = product(self.under, by.under)?;
        Ok(())
    }

    /// Divides.
    pub fn divide(&mut self, by: &Self) {
        self.attempt(by, |a, by| {
            let mut under = by.over;
            if under.is_zero() {
                return Err(lost());
            }
            if under.is_negative() {
                (under, a.over) = (under.neg()?, a.over.neg()?);
            }
            a.multiply(&Self { over: whole(by.under), under: under.mantissa() })?;
            a.over.move_point(under.scale())
        });
    }

    /// Takes a percentage of it.
    pub fn percent(&mut self, rate: &Self) {
        self.times(rate);
        self.times(&Self { over: Decimal::new(1, 2), under: 1 });
    }

    /// Makes it the other number where that is greater.
    pub fn at_least(&mut self, other: &Self) {
        self.bound(other, false);
    }

    /// Makes it the other number where that is smaller.
    pub fn at_most(&mut self, other: &Self) {
        self.bound(other, true);
    }

    #[inline(never)]
    fn bound(&mut self, other: &Self, above: bool) {
        let mut more = *self;
        more.minus(other);
        if more.under == 0 || if above { more.is_positive() } else { more.is_negative() } {
            *self = if more.under == 0 { more } else { *other };
        }
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.under != 0 && self.over.is_zero()
    }

    /// Whether it is below 0.
    pub fn is_negative(&self) -> bool {
        self.under != 0 && self.over.is_negative()
    }

    /// Whether it is above 0. A lost number is, so that what is done with it comes to light.
    #[inline(never)]
    pub fn is_positive(&self) -> bool {
        !self.is_zero() && !self.is_negative()
    }

    /// Whether it is greater than another.
    #[inline(never)]
    pub fn exceeds(&self, other: &Self) -> bool {
        let mut more = *self;
        more.minus(other);
        more.is_positive()
    }

    /// Error: `overflow`, if the number is lost.
    #[inline(never)]
    pub fn check(&self) -> Result<()> {
        if self.under == 0 { Err(lost()) } else { Ok(()) }
    }

    /// The value as a decimal, if its digits end.
    pub fn exact(&self) -> Option<Decimal> {
        (self.under == 1).then_some(self.over)
    }

    /// Rounded to `digits` behind the point. Error: `overflow`.
    #[inline(never)]
    pub fn round(&self, digits: u32, rounding: Rounding) -> Result<Decimal> {
        self.check()?;
        if self.under == 1 {
            return self.over.round(digits, rounding);
        }
        self.over.div_round(whole(self.under), digits, rounding)
    }

    /// Rounds it in place.
    #[inline(never)]
    pub fn cut(&mut self, digits: u32, rounding: Rounding) {
        match self.round(digits, rounding) {
            Ok(rounded) => *self = rounded.into(),
            Err(_) => self.under = 0,
        }
    }

    /// Canonical text; 28 significant digits, halves to even, if the digits do not end. Error: `overflow`.
    #[inline(never)]
    pub fn text(&self) -> Result<String> {
        self.check()?;
        if self.under == 1 {
            return Ok(self.over.text());
        }
        let length = |n: i128| digits(n.unsigned_abs()).len() as i64;
        let (over, under) = (length(self.over.mantissa()).saturating_sub(self.over.scale().into()), length(self.under));
        // These are the places, or one too few.
        let places =
            u32::try_from(PRINTED_DIGITS.saturating_sub(1).saturating_sub(over).saturating_add(under)).unwrap_or(0);
        let mut rounded = self.round(places, Rounding::HalfEven)?;
        if length(rounded.mantissa()) < PRINTED_DIGITS {
            rounded = self.round(places.saturating_add(1), Rounding::HalfEven)?;
        }
        Ok(rounded.text())
    }
}

#[cold]
#[inline(never)]
fn lost() -> Error {
    Error::new("overflow", "the number does not fit an exact decimal").help("numbers have up to 38 digits")
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
            rest = rest.wrapping_sub(by);
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

    fn quotient(a: Decimal, b: Decimal) -> Ratio {
        let mut quotient = Ratio::from(a);
        quotient.divide(&b.into());
        quotient
    }

    fn any_ratio() -> impl Strategy<Value = Ratio> {
        (any::<i32>(), 0_u32..8, prop_oneof![Just(1_i128), 1_i128..5000])
            .prop_map(|(m, scale, under)| quotient(Decimal::new(m.into(), scale), Decimal::new(under, 0)))
    }

    proptest! {
        #[test]
        fn arithmetic_is_that_of_rationals(a in any_ratio(), b in any_ratio(), by in -9999_i64..9999, scale in 0_u32..5) {
            let (x, y) = (exact(a), exact(b));
            let after = |step: fn(&mut Ratio, &Ratio)| {
                let mut result = a;
                step(&mut result, &b);
                exact(result)
            };
            prop_assert_eq!(after(Ratio::plus), &x + &y);
            prop_assert_eq!(after(Ratio::minus), &x - &y);
            prop_assert_eq!(after(Ratio::times), &x * &y);
            prop_assert_eq!(after(Ratio::at_least), (&x).max(&y).clone());
            prop_assert_eq!(after(Ratio::at_most), (&x).min(&y).clone());
            prop_assert_eq!((a.exceeds(&b), a.is_positive()), (x > y, x > BigRational::from(BigInt::ZERO)));
            if by != 0 {
                let mut quotient = a;
                quotient.divide(&Decimal::new(by.into(), scale).into());
                prop_assert_eq!(exact(quotient), &x * BigInt::from(10).pow(scale) / BigInt::from(by));
            }
        }

        #[test]
        fn the_divisor_is_one_exactly_if_the_digits_end(a in any_ratio(), b in any_ratio()) {
            let (mut product, mut sum) = (a, a);
            product.times(&b);
            sum.plus(&b);
            for r in [a, b, product, sum] {
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
        let ratio = |a: &str, b: &str| quotient(Decimal::parse(a).unwrap(), Decimal::parse(b).unwrap());
        for (a, b, want) in [
            ("1", "3", "0.3333333333333333333333333333"),
            ("200", "-3", "-66.66666666666666666666666667"),
            ("0.111", "3600", "0.00003083333333333333333333333333"),
            ("5368709120", "1073741824", "5"),
            ("1", "1073741824", "0.000000000931322574615478515625"),
            ("0", "7", "0"),
            ("7", "0.07", "100"),
        ] {
            assert_eq!(ratio(a, b).text().unwrap(), want);
        }
    }

    #[test]
    fn what_is_lost_stays_lost() {
        let largest = Ratio::from(Decimal::new(i128::MAX, 0));
        let mut lost = largest;
        lost.plus(&largest);
        for number in [lost, quotient(Decimal::ONE, Decimal::new(0, 2))] {
            for step in [Ratio::plus, Ratio::minus, Ratio::times, Ratio::divide, Ratio::at_least, Ratio::at_most] {
                let (mut one, mut other) = (Ratio::ONE, number);
                step(&mut one, &number);
                step(&mut other, &Ratio::ZERO);
                for result in [one, other] {
                    assert_eq!(result.text().err().unwrap().code, "overflow");
                    assert_eq!(result.round(2, Rounding::Up).err().unwrap().code, "overflow");
                    assert!(result.exact().is_none() && result.check().is_err());
                    assert!(result.is_positive() && !result.is_zero() && !result.is_negative());
                }
            }
        }
    }
}
