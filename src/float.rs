//! Text to float64 and back, correctly rounded both ways.
//!
//! `core` does the same faster, with tables that would be a third of the WebAssembly module. Here the common numbers
//! take a short way, and the rest goes through big integers.

mod big;

use std::cmp::Ordering;

use big::Big;

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
    let (number, exponent) = exponent_split(body);
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

/// A number's digits, and its exponent with the `e`.
pub(crate) fn exponent_split(number: &[u8]) -> (&[u8], &[u8]) {
    let at = number.iter().position(|b| matches!(b, b'e' | b'E'));
    at.and_then(|at| number.split_at_checked(at)).unwrap_or((number, &[]))
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
    let mut up = down.clone();
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

#[cfg(test)]
mod tests;
