//! Exact decimals against big rationals, over random cases: ten thousand, or as many as `DECIMAL_CASES` says.
//!
//! `DECIMAL_CASES=1000000 cargo test --profile fast --test decimals` takes some seconds. The cases are the same each time;
//! `DECIMAL_SEED` gives others.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test: its helpers fail it by panicking

use std::cmp::Ordering;
use std::{env, thread};

use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use taximeter::Result;
use taximeter::decimal::{Decimal, Rounding};
use taximeter::limits::DECIMAL_SCALE_MAX;
use taximeter::ratio::Ratio;

const ROUNDINGS: [Rounding; 4] = [Rounding::HalfUp, Rounding::HalfEven, Rounding::Up, Rounding::Down];

/// SplitMix64: the cases need no better.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Of any magnitude, half of them small, as money is; at times on the edge of what fits.
    fn decimal(&mut self) -> Decimal {
        let wide = i128::from(self.next()) << 64 | i128::from(self.next());
        let mantissa = match self.below(16) {
            0 => [0, 1, -1, i128::MAX, -i128::MAX, 5][self.below(6) as usize],
            1..=8 => wide >> (96 + self.below(31)),
            _ => wide >> self.below(127),
        };
        let scales = if self.below(8) == 0 { 37 } else { 13 };
        Decimal::new(mantissa, self.below(scales) as u32)
    }
}

/// A big rational: a numerator over a positive denominator, not reduced, for reducing takes longer than all the rest.
struct Fraction(BigInt, BigInt);

fn power(n: u32) -> BigInt {
    BigInt::from(10).pow(n)
}

fn exact(d: Decimal) -> Fraction {
    Fraction(d.mantissa().into(), power(d.scale()))
}

impl Fraction {
    fn plus(&self, other: &Self, sign: i32) -> Self {
        Self(&self.0 * &other.1 + &other.0 * &self.1 * sign, &self.1 * &other.1)
    }

    fn times(&self, other: &Self) -> Self {
        Self(&self.0 * &other.0, &self.1 * &other.1)
    }

    fn over(&self, other: &Self) -> Self {
        let sign = if other.0.is_negative() { -1 } else { 1 };
        Self(&self.0 * &other.1 * sign, &self.1 * other.0.abs())
    }

    fn order(&self, other: &Self) -> Ordering {
        (&self.0 * &other.1).cmp(&(&other.0 * &self.1))
    }

    fn rounded(&self, digits: u32, rounding: Rounding) -> Self {
        let scaled = self.0.abs() * power(digits);
        let (whole, rest) = (&scaled / &self.1, &scaled % &self.1);
        let half = (&rest + &rest).cmp(&self.1);
        let up = match rounding {
            Rounding::HalfUp => half != Ordering::Less,
            Rounding::HalfEven => half == Ordering::Greater || half == Ordering::Equal && whole.bit(0),
            Rounding::Up => !rest.is_zero(),
            Rounding::Down => false,
        };
        let magnitude = whole + i32::from(up);
        Self(if self.0.is_negative() { -magnitude } else { magnitude }, power(digits))
    }

    /// Whether it has a form within the bounds of a decimal.
    fn fits(&self) -> bool {
        (0..=DECIMAL_SCALE_MAX).any(|scale| {
            let scaled = &self.0 * power(scale);
            (&scaled % &self.1).is_zero() && i128::try_from(scaled / &self.1).is_ok()
        })
    }
}

/// The exact value, or `overflow` where it has no form that fits.
#[track_caller]
fn agrees(what: &str, got: Result<Decimal>, want: &Fraction) {
    match got {
        Ok(d) => assert!(exact(d).order(want) == Ordering::Equal, "{what}: {d}"),
        Err(e) => assert!(e.code == "overflow" && !want.fits(), "{what}: {}", e.code),
    }
}

fn check(random: &mut Random) {
    let (a, b) = (random.decimal(), random.decimal());
    let (x, y) = (exact(a), exact(b));
    let digits = random.below(20) as u32;
    let rounding = ROUNDINGS[random.below(4) as usize];
    let text = a.text();
    let what = text.as_str();
    agrees(what, a.add(b), &x.plus(&y, 1));
    agrees(what, a.sub(b), &x.plus(&y, -1));
    agrees(what, a.mul(b), &x.times(&y));
    agrees(what, a.round(digits, rounding), &x.rounded(digits, rounding));
    assert_eq!(a.cmp(&b), x.order(&y), "{what}");
    let read = Decimal::parse(&text).unwrap();
    assert!(read == a && read.text() == text, "{what}");
    if b.is_zero() {
        return;
    }
    let quotient = x.over(&y).rounded(digits, rounding);
    agrees(what, a.div_round(b, digits, rounding), &quotient);
    // The same as a fraction that is rounded at its end; it may be too long on the way.
    let mut fraction = Ratio::from(a);
    fraction.divide(&b.into());
    if let Ok(got) = fraction.round(digits, rounding) {
        agrees(what, Ok(got), &quotient);
    }
}

fn given(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn decimals_are_big_rationals() {
    let (cases, seed) = (given("DECIMAL_CASES", 10_000), given("DECIMAL_SEED", 1));
    let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    thread::scope(|scope| {
        for one in 0..threads {
            scope.spawn(move || {
                let mut random = Random(seed.wrapping_mul(0x1_0000).wrapping_add(one));
                for _ in 0..cases.div_ceil(threads) {
                    check(&mut random);
                }
            });
        }
    });
    println!("{} cases", cases.div_ceil(threads) * threads);
}
