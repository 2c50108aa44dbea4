//! Integers of any size and the digits of numbers: what exact decimals and correctly rounded floats both stand on.

use std::cmp::Ordering;

/// An unsigned integer of any size, least word first, without leading zero words.
#[derive(Clone)]
pub(crate) struct Big(Vec<u32>);

impl Big {
    #[inline(never)]
    pub(crate) fn new(mut n: u128) -> Self {
        let mut words = Vec::new();
        while n != 0 {
            words.push(n as u32);
            n >>= 32;
        }
        Self(words)
    }

    /// The number, if 128 bits are enough.
    pub(crate) fn narrow(&self) -> Option<u128> {
        let mut n = 0;
        for word in self.0.iter().rev() {
            n = n << 32 | u128::from(*word);
        }
        (self.0.len() <= 4).then_some(n)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn is_odd(&self) -> bool {
        self.0.first().is_some_and(|word| word & 1 == 1)
    }

    pub(crate) fn bits(&self) -> i64 {
        self.0.len() as i64 * 32 - self.0.last().map_or(0, |w| w.leading_zeros()) as i64
    }

    /// `self × by + plus`
    #[inline(never)]
    pub(crate) fn multiply(&mut self, by: u32, plus: u32) {
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

    /// `self × by^n`
    #[inline(never)]
    pub(crate) fn raise(&mut self, by: u32, n: u64) {
        for _ in 0..n {
            self.multiply(by, 0);
        }
    }

    /// `self × 2^bits`
    #[inline(never)]
    pub(crate) fn shift(&mut self, bits: i64) {
        self.multiply(1 << (bits & 31), 0);
        for _ in 0..bits >> 5 {
            if !self.is_zero() {
                self.0.insert(0, 0);
            }
        }
    }

    /// `self × other`
    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut product = Self::new(0);
        for word in other.0.iter().rev() {
            product.shift(32);
            let mut part = self.clone();
            part.multiply(*word, 0);
            part.trim();
            product.add(&part);
        }
        product
    }

    /// `self + other`
    #[inline(never)]
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        let mut carry = 0;
        for (at, word) in self.0.iter_mut().enumerate() {
            carry += u64::from(*word) + other.word(at);
            *word = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// `self − other`, which is not negative.
    #[inline(never)]
    pub(crate) fn subtract(&mut self, other: &Self) {
        let mut borrow = 0;
        for (at, word) in self.0.iter_mut().enumerate() {
            let rest = u64::from(*word).wrapping_sub(other.word(at)).wrapping_sub(borrow);
            *word = rest as u32;
            borrow = rest >> 63;
        }
        self.trim();
    }

    fn word(&self, at: usize) -> u64 {
        self.0.get(at).copied().unwrap_or(0).into()
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// Divides by a small number and gives the rest.
    #[inline(never)]
    pub(crate) fn divide(&mut self, by: u32) -> u32 {
        let mut rest = 0;
        for word in self.0.iter_mut().rev() {
            let over = u64::from(rest) << 32 | u64::from(*word);
            *word = (over / u64::from(by)) as u32;
            rest = (over % u64::from(by)) as u32;
        }
        self.trim();
        rest
    }

    /// Quotient and rest; `by` is not zero.
    #[inline(never)]
    pub(crate) fn divided(&self, by: &Self) -> (Self, Self) {
        let (mut quotient, mut rest) = (Self::new(0), Self::new(0));
        for word in self.0.iter().rev() {
            for bit in (0..32).rev() {
                rest.multiply(2, word >> bit & 1);
                let fits = rest.cmp(by) != Ordering::Less;
                if fits {
                    rest.subtract(by);
                }
                quotient.multiply(2, fits.into());
            }
        }
        (quotient, rest)
    }

    #[inline(never)]
    pub(crate) fn cmp(&self, other: &Self) -> Ordering {
        for at in (0..self.0.len().max(other.0.len())).rev() {
            let order = self.word(at).cmp(&other.word(at));
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

/// A decimal number as it was written: `digits × 10^exponent`, no zeros at either end of the digits; 0 has none.
pub(crate) struct Scanned {
    pub(crate) negative: bool,
    pub(crate) digits: Vec<u8>,
    pub(crate) exponent: i64,
}

/// Reads `[+-]? ( digits [ "." digits? ] | "." digits ) ( [eE] [+-]? digits )?`, nothing before or after.
#[inline(never)]
pub(crate) fn scan(text: &str) -> Option<Scanned> {
    let mut bytes = text.as_bytes();
    let negative = sign(&mut bytes);
    let (mut digits, mut exponent, mut seen, mut point) = (Vec::new(), 0_i64, false, false);
    while let [byte, rest @ ..] = bytes {
        match byte {
            b'.' if !point => point = true,
            b'0'..=b'9' => {
                seen = true;
                exponent -= i64::from(point);
                if *byte != b'0' || !digits.is_empty() {
                    digits.push(byte - b'0');
                }
            }
            b'e' | b'E' if seen => break,
            _ => return None,
        }
        bytes = rest;
    }
    if let [_, rest @ ..] = bytes {
        bytes = rest;
        let down = sign(&mut bytes);
        seen = !bytes.is_empty();
        let mut power = 0_i64;
        for byte in bytes {
            if !byte.is_ascii_digit() {
                return None;
            }
            // Held within what no text's length can undo.
            power = (power * 10 + i64::from(byte - b'0')).min(1 << 50);
        }
        exponent += if down { -power } else { power };
    }
    while digits.last() == Some(&0) {
        digits.pop();
        exponent += 1;
    }
    seen.then_some(Scanned { negative, digits, exponent })
}

fn sign(bytes: &mut &[u8]) -> bool {
    let Some((first @ (b'-' | b'+'), rest)) = bytes.split_first() else { return false };
    *bytes = rest;
    *first == b'-'
}

/// `± n × 10^-scale` in canonical digits, without the formatting machinery, which would weigh more than all of this.
#[inline(never)]
pub(crate) fn text(negative: bool, n: u128, scale: u32) -> String {
    // Most are short, and divided faster.
    let (mut rest, mut long) = u64::try_from(n).map_or((0, Big::new(n)), |n| (n, Big::new(0)));
    let mut reversed: Vec<u8> = Vec::new();
    let mut place = 0;
    while place <= scale || rest > 0 || !long.is_zero() {
        let digit = (rest % 10) as u8 + long.divide(10) as u8;
        rest /= 10;
        if place == scale && !reversed.is_empty() {
            reversed.push(b'.');
        }
        if place >= scale || digit > 0 || !reversed.is_empty() {
            reversed.push(b'0' + digit);
        }
        place += 1;
    }
    if negative {
        reversed.push(b'-');
    }
    let mut text = String::with_capacity(reversed.len());
    while let Some(byte) = reversed.pop() {
        text.push(char::from(byte));
    }
    text
}

/// The digits of an integer.
pub(crate) fn digits(n: u128) -> String {
    text(false, n, 0)
}
