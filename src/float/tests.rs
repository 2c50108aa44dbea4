use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Signed;
use proptest::prelude::*;

use super::*;

/// The layout of JavaScript over the digits of core's formatter.
fn reference(x: f64) -> String {
    let text = format!("{x:e}");
    let (number, exponent) = text.split_once('e').unwrap();
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |n| ("-", n));
    let (digits, point) = (number.replace('.', ""), exponent.parse::<i64>().unwrap() + 1);
    let plain = (-5..=21).contains(&point);
    [sign, &if plain { fixed(&digits, point) } else { scientific(&digits, point, 1) }].concat()
}

fn check_text(x: f64) {
    let text = js_text(x);
    assert_eq!(parse(&text).map(f64::to_bits), Some(x.to_bits()), "{text}");
    if x != 0.0 {
        let reference = reference(x);
        // Two that are equally near: JavaScript takes the even one, core the larger.
        assert!(text == reference || tied(x, &text, &reference), "{text} {reference}");
        assert_eq!(parse(&server_text(x)), Some(x));
    }
}

fn tied(x: f64, text: &str, reference: &str) -> bool {
    let distance = |text: &str| {
        let (number, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let places = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let value = BigRational::from(number.replace('.', "").parse::<BigInt>().unwrap());
        let ten = BigRational::from(BigInt::from(10));
        let value = value * ten.pow(exponent.parse::<i32>().unwrap() - i32::try_from(places).unwrap());
        (value - BigRational::from_float(x).unwrap()).abs()
    };
    text.len() == reference.len() && distance(text) == distance(reference)
}

fn check_parse(text: &str) {
    assert_eq!(parse(text).map(f64::to_bits), Some(text.parse::<f64>().unwrap().to_bits()), "{text}");
}

/// The exact decimal text of the middle between `x` and its upper neighbour.
fn middle(x: f64) -> String {
    let bits = x.to_bits();
    let (fraction, raised) = (bits & ((1 << 52) - 1), (bits >> 52) as i64);
    let mantissa: BigInt = BigInt::from(if raised == 0 { fraction } else { fraction | 1 << 52 }) * 2 + 1;
    let power = raised.max(1) - 1075 - 1;
    let shift = u32::try_from(power.abs()).unwrap();
    if power >= 0 {
        return (mantissa * BigInt::from(2).pow(shift)).to_string();
    }
    (mantissa * BigInt::from(5).pow(shift)).to_string() + "e-" + &shift.to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_float_comes_back(bits in any::<u64>(), small in 0_u64..5000, exponent in 0_u64..2047) {
        for bits in [bits, small, exponent << 52, (exponent << 52) + small, (exponent << 52).saturating_sub(small)] {
            let x = f64::from_bits(bits);
            if x.is_finite() {
                check_text(x);
            }
        }
    }

    #[test]
    fn common_numbers(integer in any::<i64>(), cents in -10_000_000_i64..10_000_000, places in 0..12) {
        check_text(integer as f64);
        check_text(cents as f64 / 10_f64.powi(places));
        check_text(cents as f64 * 10_f64.powi(places));
    }

    #[test]
    fn texts_are_read_as_core_reads_them(text in r"[-+]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][-+]?[0-9]{1,3})?") {
        check_parse(&text);
    }

    #[test]
    fn halves_and_their_neighbours(bits in any::<u64>(), denormal in 0_u64..1 << 52, tail in "0{0,90}1?") {
        for bits in [bits >> 1, denormal, denormal >> 40] {
            let x = f64::from_bits(bits);
            if x.is_finite() {
                let middle = middle(x);
                check_parse(&middle);
                let (number, exponent) = middle.split_once('e').unwrap_or((&middle, "0"));
                check_parse(&[number, ".", &tail, "e", exponent].concat());
            }
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,40}") {
        prop_assert!(parse(&text).is_none_or(|x| !x.is_nan()));
    }
}

#[test]
fn edges() {
    for text in [
        "0",
        "-0",
        "0e999999999999999999999",
        "1e400",
        "-1e400",
        "1e-400",
        "5e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "9007199254740993",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "1e22",
        "1e23",
        "007",
        ".5",
        "5.",
    ] {
        check_parse(text);
    }
    check_parse(&["0.", &"0".repeat(5000), "1e5000"].concat());
    check_parse(&[&"9".repeat(5000), "e-5000"].concat());
    check_parse(&["1", &"0".repeat(5000), "e-5000"].concat());
    for text in ["", "-", ".", "e5", "1e", "1e+", " 1", "1 ", "1_000", "0x1", "NaN", "inf", "１", "1.2.3", "--1"] {
        assert_eq!(parse(text), None, "{text}");
    }
    for (x, js, server) in [
        (1.0, "1", "1"),
        (-0.0, "-0", "0"),
        (0.001, "0.001", "0.001"),
        (0.0001, "0.0001", "1e-04"),
        (0.00012, "0.00012", "0.00012"),
        (1e-7, "1e-7", "1e-07"),
        (1.5e-7, "1.5e-7", "1.5e-07"),
        (1e20, "100000000000000000000", "100000000000000000000"),
        (1e21, "1e+21", "1e+21"),
        (-1.5e300, "-1.5e+300", "-1.5e+300"),
        (123.456, "123.456", "123.456"),
        (0.000001, "0.000001", "1e-06"),
        (5e-324, "5e-324", "5e-324"),
        (f64::NEG_INFINITY, "-Infinity", "-Infinity"),
        (f64::NAN, "NaN", "NaN"),
    ] {
        assert_eq!((js_text(x).as_str(), server_text(x).as_str()), (js, server));
    }
}
