//! Integers of any size.

use std::cmp::Ordering;

/// An unsigned integer of any size, least word first, without leading zero words.
#[derive(Clone)]
pub(super) struct Big(Vec<u32>);

impl Big {
    pub(super) fn new(mut n: u64) -> Self {
        let mut words = Vec::new();
        while n != 0 {
            words.push(n as u32);
            n >>= 32;
        }
        Self(words)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bits(&self) -> i64 {
        self.0.len() as i64 * 32 - self.0.last().map_or(0, |w| w.leading_zeros()) as i64
    }

    /// `self × by + plus`
    pub(super) fn multiply(&mut self, by: u32, plus: u32) {
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

    pub(super) fn shift(&mut self, bits: i64) {
        self.multiply(1 << (bits & 31), 0);
        if !self.is_zero() {
            self.0.splice(0..0, std::iter::repeat_n(0, (bits >> 5) as usize));
        }
    }

    /// `self − other`, which is not negative.
    pub(super) fn subtract(&mut self, other: &Self) {
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

    pub(super) fn plus(&self, other: &Self) -> Self {
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

    pub(super) fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}
