use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use proptest::prelude::*;

use super::*;

fn dec(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn power(n: u32) -> BigInt {
    BigInt::from(10).pow(n)
}

fn exact(d: Decimal) -> BigRational {
    BigRational::new(d.mantissa().into(), power(d.scale()))
}

/// Whether a rational has a form within the bounds of [`Decimal`].
fn fits(value: &BigRational) -> bool {
    let mut scaled = value.clone();
    for _ in 0..=DECIMAL_SCALE_MAX {
        if scaled.is_integer() {
            return i128::try_from(scaled.to_integer()).is_ok();
        }
        scaled *= BigInt::from(10);
    }
    false
}

fn rounded(value: &BigRational, digits: u32, rounding: Rounding) -> BigRational {
    let scaled = value.abs() * power(digits);
    let whole = scaled.trunc();
    let half = (&scaled - &whole).cmp(&BigRational::new(1.into(), 2.into()));
    let odd = (whole.to_integer() % BigInt::from(2)) != BigInt::zero();
    let up = match rounding {
        Rounding::HalfUp => half != Ordering::Less,
        Rounding::HalfEven => half == Ordering::Greater || (half == Ordering::Equal && odd),
        Rounding::Up => scaled != whole,
        Rounding::Down => false,
    };
    let magnitude = (whole + BigInt::from(i32::from(up))) / power(digits);
    if value.is_negative() { -magnitude } else { magnitude }
}

#[track_caller]
fn agrees(got: Result<Decimal>, want: &BigRational) {
    match got {
        Ok(d) => assert_eq!(exact(d), *want),
        Err(e) => {
            assert_eq!(e.code, "overflow");
            assert!(!fits(want), "{want} fits");
        }
    }
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    let mantissa = prop_oneof![
        any::<i128>(),
        any::<i64>().prop_map(i128::from),
        -1000_i128..1000,
        (any::<i128>(), 0_u32..38).prop_map(|(m, n)| m / 10_i128.pow(n)),
        (-99_i128..99, 0_u32..36).prop_map(|(m, n)| m * 10_i128.pow(n)),
        Just(i128::MIN),
        Just(i128::MAX),
    ];
    (mantissa, prop_oneof![0_u32..4, 0..=DECIMAL_SCALE_MAX]).prop_map(|(m, s)| Decimal::new(m, s))
}

fn any_rounding() -> impl Strategy<Value = Rounding> {
    prop_oneof![Just(Rounding::HalfUp), Just(Rounding::HalfEven), Just(Rounding::Up), Just(Rounding::Down)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn sums_differences_and_products_are_exact(a in any_decimal(), b in any_decimal()) {
        agrees(a.add(b), &(exact(a) + exact(b)));
        agrees(a.sub(b), &(exact(a) - exact(b)));
        agrees(a.mul(b), &(exact(a) * exact(b)));
        agrees(a.neg(), &-exact(a));
    }

    #[test]
    fn order_is_by_value(a in any_decimal(), b in any_decimal(), up in 0_u32..40) {
        prop_assert_eq!(a.cmp(&b), exact(a).cmp(&exact(b)));
        if let Some(mantissa) = 10_i128.checked_pow(up).and_then(|p| p.checked_mul(a.mantissa())) {
            prop_assert_eq!(a, Decimal::new(mantissa, a.scale() + up));
        }
    }

    #[test]
    fn quotients_round_once(a in any_decimal(), b in any_decimal(), digits in 0_u32..40, rounding in any_rounding()) {
        prop_assume!(!b.is_zero());
        let want = rounded(&(exact(a) / exact(b)), digits, rounding);
        match a.div_round(b, digits, rounding) {
            Ok(got) => prop_assert_eq!(exact(got), want),
            Err(_) => prop_assert!(i128::try_from((want * power(digits)).to_integer()).is_err()),
        }
    }

    #[test]
    fn rounding_is_that_of_the_rational(a in any_decimal(), digits in 0_u32..40, rounding in any_rounding()) {
        agrees(a.round(digits, rounding), &rounded(&exact(a), digits, rounding));
    }

    #[test]
    fn texts_come_back(a in any_decimal()) {
        let text = a.text();
        prop_assert_eq!(dec(&text), a);
        prop_assert_eq!(a.to_string(), text.clone());
        prop_assert!(!text.contains('e') && !text.starts_with("-0.0.") && text != "-0");
        prop_assert!(!text.contains('.') || !text.ends_with(['0', '.']));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-+]?[0-9]{0,50}\\.?[0-9]{0,90}([eE][-+]?[0-9]{0,25})?") {
        let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        match (digits.is_empty(), exponent.parse::<i64>()) {
            (true, _) => prop_assert_eq!(Decimal::parse(&text).unwrap_err().code, "decimal_invalid"),
            (false, Ok(exponent @ -300..=300)) => {
                let fraction = number.split_once('.').map_or(0, |(_, f)| f.len() as i64);
                let value = BigRational::from(digits.parse::<BigInt>().unwrap());
                let shift = exponent - fraction;
                let shifted = power(u32::try_from(shift.abs()).unwrap());
                let value = if shift < 0 { value / shifted } else { value * shifted };
                agrees(Decimal::parse(&text), &if text.starts_with('-') { -value } else { value });
            }
            _ => drop(Decimal::parse(&text)),
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,60}") {
        drop(Decimal::parse(&text));
    }
}

#[test]
fn texts() {
    for (text, want) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("1.50", "1.5"),
        ("+5", "5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("3e-6", "0.000003"),
        ("1E+3", "1000"),
        ("-12.3400e1", "-123.4"),
        ("0e999999999999999999999999", "0"),
        ("100000000000000000000000000000000000000000000000000e-50", "1"),
        ("170141183460469231731687303715884105727", "170141183460469231731687303715884105727"),
        ("-170141183460469231731687303715884105728", "-170141183460469231731687303715884105728"),
        ("1e-76", &["0.", &"0".repeat(75), "1"].concat()),
        (&["1.", &"0".repeat(100_000)].concat(), "1"),
        (&[&"0".repeat(100_000), "7"].concat(), "7"),
    ] {
        assert_eq!(dec(text).text(), want);
    }
    for text in
        ["1e39", "170141183460469231731687303715884105728", "1e-77", "1e99999999999999999999", &"9".repeat(100_000)]
    {
        assert_eq!(Decimal::parse(text).unwrap_err().code, "overflow");
    }
    for text in
        ["", "-", ".", "e5", "1e", "1e+", "1.2.3", " 1", "1 ", "1_000", "0x1", "NaN", "inf", "１", "--1", "1e1.5"]
    {
        assert_eq!(Decimal::parse(text).unwrap_err().code, "decimal_invalid", "{text}");
    }
}

#[test]
fn halves() {
    use Rounding::{Down, HalfEven, HalfUp, Up};
    for (text, digits, rounding, want) in [
        ("0.5", 0, HalfUp, "1"),
        ("-0.5", 0, HalfUp, "-1"),
        ("0.5", 0, HalfEven, "0"),
        ("1.5", 0, HalfEven, "2"),
        ("-2.5", 0, HalfEven, "-2"),
        ("0.001", 2, Up, "0.01"),
        ("-0.001", 2, Up, "-0.01"),
        ("-0.009", 2, Down, "0"),
        ("1e-60", 0, Up, "1"),
    ] {
        assert_eq!(dec(text).round(digits, rounding).unwrap().text(), want);
    }
    assert_eq!(dec("1").div_round(dec("0.0"), 2, HalfUp).unwrap_err().code, "division_by_zero");
    assert_eq!(dec("5").div_round(dec("3600"), 28, HalfEven).unwrap().text(), "0.0013888888888888888888888889");
}

#[test]
fn order_where_no_difference_fits() {
    let (least, most) = (Decimal::new(i128::MIN, 1), Decimal::new(i128::MAX, 0));
    for (a, b, want) in [
        (Decimal::ZERO, least, Ordering::Greater),
        (least, Decimal::ZERO, Ordering::Less),
        (most, Decimal::new(1, 76), Ordering::Greater),
        (Decimal::new(1, 76), most, Ordering::Less),
        (Decimal::new(-1, 76), Decimal::new(i128::MIN, 0), Ordering::Greater),
        (most, Decimal::new(i128::MAX, 1), Ordering::Greater),
        (Decimal::new(i128::MIN, 0), least, Ordering::Less),
    ] {
        assert_eq!(a.cmp(&b), want, "{a} {b}");
    }
}

#[test]
fn floats() {
    assert_eq!(dec("0.1").to_f64(), 0.1);
    assert_eq!(dec("9007199254740993").to_f64(), 9_007_199_254_740_992.0);
    assert_eq!(dec("-123.456").to_f64(), -123.456);
}
