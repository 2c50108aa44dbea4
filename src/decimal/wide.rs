//! 256-bit integers, for what is larger only on the way.

/// 256 bits without sign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    pub(super) const ZERO: Self = Self { high: 0, low: 0 };
    pub(super) const MAX: Self = Self { high: u128::MAX, low: u128::MAX };

    pub(super) fn from(low: u128) -> Self {
        Self { high: 0, low }
    }

    pub(super) fn narrow(self) -> Option<u128> {
        (self.high == 0).then_some(self.low)
    }

    pub(super) fn is_odd(self) -> bool {
        self.low & 1 == 1
    }

    pub(super) fn product(a: u128, b: u128) -> Self {
        const LOW: u128 = u64::MAX as u128;
        let ((a1, a0), (b1, b0)) = ((a >> 64, a & LOW), (b >> 64, b & LOW));
        let (bottom, cross) = (a0 * b0, a1 * b0);
        let other = a0 * b1;
        let middle = (bottom >> 64) + (cross & LOW) + (other & LOW);
        let high = a1 * b1 + (cross >> 64) + (other >> 64) + (middle >> 64);
        Self { high, low: (middle << 64) | (bottom & LOW) }
    }

    pub(super) fn checked_add(self, other: Self) -> Option<Self> {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high.checked_add(other.high)?.checked_add(carry.into())?;
        Some(Self { high, low })
    }

    pub(super) fn checked_sub(self, other: Self) -> Option<Self> {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        let high = self.high.checked_sub(other.high)?.checked_sub(borrow.into())?;
        Some(Self { high, low })
    }

    /// `self × 10^n`
    pub(super) fn shifted(mut self, n: u32) -> Option<Self> {
        if self == Self::ZERO {
            return Some(self);
        }
        for _ in 0..n {
            let twice = self.checked_add(self)?;
            let four = twice.checked_add(twice)?;
            self = four.checked_add(four)?.checked_add(twice)?;
        }
        Some(self)
    }

    /// Quotient and rest; `by` is not zero.
    pub(super) fn divided(self, by: Self) -> (Self, Self) {
        if let (Some(a), Some(b)) = (self.narrow(), by.narrow()) {
            return (Self::from(a / b), Self::from(a % b));
        }
        let (mut quotient, mut rest) = (Self::ZERO, Self::ZERO);
        for bit in (0..256).rev() {
            let next = (if bit >= 128 { self.high >> (bit - 128) } else { self.low >> bit }) & 1;
            let carried = rest.high >> 127 == 1;
            rest = Self { high: (rest.high << 1) | (rest.low >> 127), low: (rest.low << 1) | next };
            quotient = Self { high: (quotient.high << 1) | (quotient.low >> 127), low: quotient.low << 1 };
            if carried || rest >= by {
                let (low, borrow) = rest.low.overflowing_sub(by.low);
                rest = Self { high: rest.high.wrapping_sub(by.high).wrapping_sub(borrow.into()), low };
                quotient.low |= 1;
            }
        }
        (quotient, rest)
    }
}
