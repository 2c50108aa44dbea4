//! Text to float64 and back, correctly rounded both ways.
//!
//! `core` does the same faster, with tables that would be a third of the WebAssembly module. Here the common numbers
//! are read in a short way, and the rest goes through big integers.

use std::cmp::Ordering;

use crate::big::{self, Big, scan};

/// Integers up to here are exact.
const EXACT_MAX: u64 = 1 << 53;
/// The powers of ten up to here are exact.
const POWER_MAX: u64 = 22;
/// Binary exponent of the smallest float64.
const EXPONENT_MIN: i64 = -1074;
/// More digits than the longest halfway point between two float64 has (768): what follows only says "and more".
const DIGITS_MAX: usize = 770;

/// The float64 nearest to a decimal text (halves to even), ±infinity where it is too large.
///
/// Grammar: `[+-]? ( digits [ "." digits? ] | "." digits ) ( [eE] [+-]? digits )?`, nothing before or after. `None` for
/// any other text.
#[inline(never)]
pub fn parse(text: &str) -> Option<f64> {
    if let Some((integer, behind)) = short(text.as_bytes()) {
        return Some(quotient(integer, behind));
    }
    let mut number = scan(text)?;
    let more = number.digits.len().saturating_sub(DIGITS_MAX);
    if more > 0 {
        number.digits.truncate(DIGITS_MAX);
        number.digits.push(1);
        number.exponent = number.exponent.saturating_add(more as i64 - 1);
    }
    let magnitude = magnitude(&number.digits, number.exponent);
    Some(if number.negative { -magnitude } else { magnitude })
}

const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// What [`short`] reads: both are exact, so their quotient is the nearest float64.
pub fn quotient(integer: u64, behind: usize) -> f64 {
    integer as f64 / POWERS.get(behind).copied().unwrap_or(1.0)
}

/// A number of at most 15 digits without sign and exponent: as an integer, and how many of the digits are behind the point.
pub fn short(text: &[u8]) -> Option<(u64, usize)> {
    let (mut integer, mut digits, mut point) = (0, 0, None);
    for byte in text {
        match byte {
            b'0'..=b'9' if digits < 15 => integer = integer * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => {
                point = Some(digits);
                continue;
            }
            _ => return None,
        }
        digits += 1;
    }
    if digits == 0 { None } else { Some((integer, digits - point.unwrap_or(digits))) }
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
        if integer <= EXACT_MAX && exponent.unsigned_abs() <= POWER_MAX {
            let power = (0..exponent.unsigned_abs()).fold(1.0, |power, _| power * 10.0);
            return if exponent < 0 { integer as f64 / power } else { integer as f64 * power };
        }
    }
    // digits × 5^exponent as over / under, times 2^exponent.
    let (mut over, mut under) = (Big::new(0), Big::new(1));
    for digit in digits {
        over.multiply(10, (*digit).into());
    }
    let fives = if exponent < 0 { &mut under } else { &mut over };
    fives.raise(5, exponent.unsigned_abs());
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
    let bits = x.to_bits();
    let (fraction, raised) = (bits & ((1 << 52) - 1), (bits >> 52) as i64);
    let mantissa = if raised == 0 { fraction } else { fraction | 1 << 52 };
    let power = EXPONENT_MIN + (raised - 1).max(0);
    let even = mantissa & 1 == 0;
    // A power of two is nearer to its lower neighbour than to its upper one.
    let narrow = fraction == 0 && raised > 1;
    // x = over / under; up and down are half the distance to the neighbours, in the same measure.
    let (mut over, mut under, mut down) = (Big::new(mantissa.into()), Big::new(1), Big::new(1));
    over.shift(power.max(0) + 1 + i64::from(narrow));
    under.shift((-power).max(0) + 1 + i64::from(narrow));
    down.shift(power.max(0));
    let mut up = down.clone();
    up.shift(i64::from(narrow));
    // An estimate of the point that is right or one too low.
    let mut point = ((power + (64 - i64::from(mantissa.leading_zeros())) - 1) * 1233) >> 12;
    under.raise(10, point.max(0).unsigned_abs());
    for big in [&mut over, &mut up, &mut down] {
        big.raise(10, point.min(0).unsigned_abs());
    }
    let sum = |a: &Big, b: &Big| {
        let mut sum = a.clone();
        sum.add(b);
        sum
    };
    let reaches = |over: &Big, up: &Big, under: &Big| {
        let order = sum(over, up).cmp(under);
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
            let above = sum(&over, &over).cmp(&under);
            let up = high && (!low || above == Ordering::Greater || (above == Ordering::Equal && digit & 1 == 1));
            digits.push(char::from(b'0' + digit + u8::from(up)));
            return (digits, point);
        }
        digits.push(char::from(b'0' + digit));
    }
}

/// A whole number that is exact.
pub fn whole(x: f64) -> Option<i64> {
    let n = x as i64;
    (n as f64 == x && n.unsigned_abs() <= EXACT_MAX).then_some(n)
}

/// As JavaScript's `String(x)`, but `-0` for −0.
pub fn js_text(x: f64) -> String {
    if x.is_nan() {
        return "NaN".to_owned();
    }
    let text = if x.is_infinite() {
        "Infinity".to_owned()
    } else if let Some(n) = whole(x) {
        big::digits(n.unsigned_abs().into())
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

fn signed(x: f64, mut text: String) -> String {
    if x.is_sign_negative() {
        text.insert(0, '-');
    }
    text
}

fn fixed(digits: &str, point: i64) -> String {
    let mut text = String::new();
    for at in point.min(1) - 1..point.max(digits.len() as i64) {
        if at == point {
            text.push('.');
        }
        let digit = usize::try_from(at).ok().and_then(|at| digits.as_bytes().get(at));
        text.push(char::from(*digit.unwrap_or(&b'0')));
    }
    text
}

fn scientific(digits: &str, point: i64, exponent_digits_min: usize) -> String {
    let mut text = fixed(digits, 1);
    text.push_str(if point > 0 { "e+" } else { "e-" });
    let exponent = big::digits((point - 1).unsigned_abs().into());
    if exponent.len() < exponent_digits_min {
        text.push('0');
    }
    text.push_str(&exponent);
    text
}

#[cfg(test)]
mod tests;
