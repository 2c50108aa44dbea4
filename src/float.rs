//! Text to float64 and back, correctly rounded both ways.
//!
//! `core` does the same faster, with tables that would be a third of the WebAssembly module. Here the common numbers
//! take a short way, and the rest goes through big integers.

use std::cmp::Ordering;

/// The powers of ten that float64 holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// Integers up to here are exact.
const EXACT_MAX: u64 = 1 << 53;
/// Binary exponent of the smallest float64.
const EXPONENT_MIN: i64 = -1074;
/// More digits than the longest halfway point between two float64 has (768): what follows only says "and more".
const DIGITS_MAX: usize = 770;

/// The float64 nearest to a decimal text (halves to even), ±infinity where it is too large.
///
/// Grammar: `[+-]? ( digits [ "." digits? ] | "." digits ) ( [eE] [+-]? digits )?`, nothing before or after. `None` for
/// any other text.
pub fn parse(text: &str) -> Option<f64> {
    let (negative, body) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let split = body.iter().position(|b| matches!(b, b'e' | b'E'));
    let (number, exponent) = body.split_at(split.unwrap_or(body.len()));
    let mut exponent = exponent_value(exponent)?;
    let mut digits = Vec::with_capacity(number.len().min(DIGITS_MAX + 1));
    let (mut seen, mut point, mut more) = (false, false, false);
    for byte in number {
        match byte {
            b'.' if !point => {
                point = true;
                continue;
            }
            b'0'..=b'9' => seen = true,
            _ => return None,
        }
        exponent -= i64::from(point);
        if digits.len() == DIGITS_MAX {
            more |= *byte != b'0';
            exponent += 1;
        } else if *byte != b'0' || !digits.is_empty() {
            digits.push(byte - b'0');
        }
    }
    if !seen {
        return None;
    }
    while digits.last() == Some(&0) && !more {
        digits.pop();
        exponent += 1;
    }
    if more {
        digits.push(1);
        exponent -= 1;
    }
    let magnitude = magnitude(&digits, exponent);
    Some(if negative { -magnitude } else { magnitude })
}

/// The value of an exponent (`e-7`, or nothing), held within what no text's length can undo.
pub(crate) fn exponent_value(exponent: &[u8]) -> Option<i64> {
    let (negative, digits) = match exponent {
        [] => return Some(0),
        [_, b'-', digits @ ..] => (true, digits),
        [_, b'+', digits @ ..] | [_, digits @ ..] => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0_i64, |n, d| n.saturating_mul(10).saturating_add((d - b'0').into()).min(1 << 60));
    Some(if negative { -value } else { value })
}

/// `digits × 10^exponent`
fn magnitude(digits: &[u8], exponent: i64) -> f64 {
    let size = exponent.saturating_add(digits.len() as i64);
    if digits.is_empty() || size < -330 {
        return 0.0;
    }
    if size > 310 {
        return f64::INFINITY;
    }
    if digits.len() <= 19 {
        let integer = digits.iter().fold(0_u64, |n, d| n * 10 + u64::from(*d));
        if let (0..=EXACT_MAX, Some(power)) = (integer, POWERS.get(exponent.unsigned_abs() as usize)) {
            return if exponent < 0 { integer as f64 / power } else { integer as f64 * power };
        }
    }
    // digits × 5^exponent as over / under, times 2^exponent.
    let (mut over, mut under) = (Big::new(0), Big::new(1));
    for digit in digits {
        over.multiply(10, (*digit).into());
    }
    let fives = if exponent < 0 { &mut under } else { &mut over };
    for _ in 0..exponent.unsigned_abs() {
        fives.multiply(5, 0);
    }
    // Shifted so that 1 ≤ over / under < 2; the value is that times 2^power.
    let mut power = exponent + over.bits() - under.bits();
    over.shift((under.bits() - over.bits()).max(0));
    under.shift((over.bits() - under.bits()).max(0));
    if over.cmp(&under) == Ordering::Less {
        over.shift(1);
        power -= 1;
    }
    let wanted = (power - EXPONENT_MIN + 1).min(53);
    if wanted < 0 {
        return 0.0;
    }
    let mut bits = 0_u64;
    let mut next = || {
        let one = over.cmp(&under) != Ordering::Less;
        if one {
            over.subtract(&under);
        }
        let rest = !over.is_zero();
        over.shift(1);
        (one, rest)
    };
    for _ in 0..wanted {
        bits = bits << 1 | u64::from(next().0);
    }
    let (half, rest) = next();
    bits += u64::from(half && (rest || bits & 1 == 1));
    if wanted < 53 {
        return f64::from_bits(bits);
    }
    if power > 1023 {
        return f64::INFINITY;
    }
    // The leading bit, and a carry out of the rounding, add themselves to the exponent.
    f64::from_bits((((power + 1022) as u64) << 52) + bits)
}

/// The shortest digits that read back as `x` (finite, above 0), the nearest among them; and where the point stands.
///
/// `x = 0.d₁d₂… × 10^point`. Steele and White's algorithm with big integers.
fn shortest(x: f64) -> (String, i64) {
    for (places, power) in POWERS.iter().enumerate().take(10) {
        // At most 15 digits that read back are the only ones, since float64 holds any 15 digits.
        let scaled = (x * power) as u64;
        if scaled >= 999_999_999_999_999 {
            break;
        }
        for integer in [scaled, scaled + 1] {
            if integer as f64 / power == x {
                let digits = crate::decimal::digits(integer.into());
                let point = digits.len() as i64 - places as i64;
                return (digits.trim_end_matches('0').to_owned(), point);
            }
        }
    }
    let bits = x.to_bits();
    let (fraction, raised) = (bits & ((1 << 52) - 1), (bits >> 52) as i64);
    let mantissa = if raised == 0 { fraction } else { fraction | 1 << 52 };
    let power = EXPONENT_MIN + (raised - 1).max(0);
    let even = mantissa & 1 == 0;
    // A power of two is nearer to its lower neighbour than to its upper one.
    let narrow = fraction == 0 && raised > 1;
    // x = over / under; up and down are half the distance to the neighbours, in the same measure.
    let (mut over, mut under, mut down) = (Big::new(mantissa), Big::new(1), Big::new(1));
    over.shift(power.max(0) + 1 + i64::from(narrow));
    under.shift((-power).max(0) + 1 + i64::from(narrow));
    down.shift(power.max(0));
    let mut up = Big(down.0.clone());
    up.shift(i64::from(narrow));
    // An estimate of the point that is right or one too low.
    let mut point = ((power + (64 - i64::from(mantissa.leading_zeros())) - 1) * 1233) >> 12;
    for _ in 0..point {
        under.multiply(10, 0);
    }
    for _ in point..0 {
        for big in [&mut over, &mut up, &mut down] {
            big.multiply(10, 0);
        }
    }
    let reaches = |over: &Big, up: &Big, under: &Big| {
        let order = over.plus(up).cmp(under);
        order == Ordering::Greater || (even && order == Ordering::Equal)
    };
    let mut digits = String::new();
    while reaches(&over, &up, &under) {
        under.multiply(10, 0);
        point += 1;
    }
    loop {
        for big in [&mut over, &mut up, &mut down] {
            big.multiply(10, 0);
        }
        let mut digit = 0;
        while over.cmp(&under) != Ordering::Less {
            over.subtract(&under);
            digit += 1;
        }
        let order = over.cmp(&down);
        let low = order == Ordering::Less || (even && order == Ordering::Equal);
        let high = reaches(&over, &up, &under);
        if low || high {
            let above = over.plus(&over).cmp(&under);
            let up = high && (!low || above == Ordering::Greater || (above == Ordering::Equal && digit & 1 == 1));
            digits.push(char::from(b'0' + digit + u8::from(up)));
            return (digits, point);
        }
        digits.push(char::from(b'0' + digit));
    }
}

/// As JavaScript's `String(x)`, but `-0` for −0.
pub fn js_text(x: f64) -> String {
    if x.is_nan() {
        return "NaN".to_owned();
    }
    let text = if x.is_infinite() {
        "Infinity".to_owned()
    } else if x == 0.0 {
        "0".to_owned()
    } else {
        let (digits, point) = shortest(x.abs());
        if (-5..=21).contains(&point) { fixed(&digits, point) } else { scientific(&digits, point, 1) }
    };
    signed(x, text)
}

/// As the meter server (ClickHouse) prints a number: an integer below 10²¹ plainly, else the shorter of fixed and
/// scientific, fixed if equal; the exponent has two digits at least, and −0 is `0`.
pub fn server_text(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    if !x.is_finite() {
        return js_text(x);
    }
    let (digits, point) = shortest(x.abs());
    let fixed = fixed(&digits, point);
    if digits.len() as i64 <= point && point <= 21 {
        return signed(x, fixed);
    }
    let scientific = scientific(&digits, point, 2);
    signed(x, if fixed.len() <= scientific.len() { fixed } else { scientific })
}

fn signed(x: f64, text: String) -> String {
    if x.is_sign_negative() { ["-", &text].concat() } else { text }
}

fn fixed(digits: &str, point: i64) -> String {
    let zeros = |n: i64| "0".repeat(usize::try_from(n).unwrap_or(0));
    match usize::try_from(point).ok().and_then(|at| digits.split_at_checked(at)) {
        Some(("", fraction)) => ["0.", fraction].concat(),
        Some((whole, "")) => whole.to_owned(),
        Some((whole, fraction)) => [whole, ".", fraction].concat(),
        None if point > 0 => [digits, &zeros(point - digits.len() as i64)].concat(),
        None => ["0.", &zeros(-point), digits].concat(),
    }
}

fn scientific(digits: &str, point: i64, exponent_digits_min: usize) -> String {
    let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
    let exponent = crate::decimal::digits((point - 1).unsigned_abs().into());
    let sign = if point > 0 { "e+" } else { "e-" };
    let padding = if exponent.len() < exponent_digits_min { "0" } else { "" };
    [first, if rest.is_empty() { "" } else { "." }, rest, sign, padding, &exponent].concat()
}

/// An unsigned integer of any size, least word first, without leading zero words.
struct Big(Vec<u32>);

impl Big {
    fn new(mut n: u64) -> Self {
        let mut words = Vec::new();
        while n != 0 {
            words.push(n as u32);
            n >>= 32;
        }
        Self(words)
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn bits(&self) -> i64 {
        self.0.len() as i64 * 32 - self.0.last().map_or(0, |w| w.leading_zeros()) as i64
    }

    /// `self × by + plus`
    fn multiply(&mut self, by: u32, plus: u32) {
        let mut carry = u64::from(plus);
        for word in &mut self.0 {
            carry += u64::from(*word) * u64::from(by);
            *word = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn shift(&mut self, bits: i64) {
        self.multiply(1 << (bits & 31), 0);
        if !self.is_zero() {
            self.0.splice(0..0, std::iter::repeat_n(0, (bits >> 5) as usize));
        }
    }

    /// `self − other`, which is not negative.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        let others = other.0.iter().copied().chain(std::iter::repeat(0));
        for (word, other) in self.0.iter_mut().zip(others) {
            let (less, first) = word.overflowing_sub(other);
            let (less, second) = less.overflowing_sub(borrow.into());
            (*word, borrow) = (less, first || second);
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn plus(&self, other: &Self) -> Self {
        let (long, short) = if self.0.len() >= other.0.len() { (self, other) } else { (other, self) };
        let mut carry = 0;
        let shorts = short.0.iter().copied().chain(std::iter::repeat(0));
        let mut sum: Vec<u32> = Vec::with_capacity(long.0.len() + 1);
        for (a, b) in long.0.iter().zip(shorts) {
            carry += u64::from(*a) + u64::from(b);
            sum.push(carry as u32);
            carry >>= 32;
        }
        if carry > 0 {
            sum.push(carry as u32);
        }
        Self(sum)
    }

    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

#[cfg(test)]
mod tests {
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
}
