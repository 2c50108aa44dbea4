//! Ids and times of packed events, as text that is changed only where it differs from the event before.

/// How an event is written around what it is made of.
#[derive(Clone, Copy)]
pub struct Form {
    /// What stands between the comma between two events and the id, a string: 26 bytes at most.
    pub head: &'static [u8],
    /// What stands before the time, a string: 24 bytes at most.
    pub time: &'static [u8],
    /// What stands between the time and the data: 46 bytes at most.
    pub data: &'static [u8],
}

/// How an event begins, up to its id's end. The id is a UUIDv7: 48 bits of milliseconds, a counter of 42 bits, and a node
/// of 32 bits (see the core's `id`).
pub struct HeadText {
    /// The first [`Self::length`] bytes count.
    pub text: [u8; 64],
    /// Bytes up to the id's end.
    pub length: usize,
    known: Option<(u64, u64, u32)>,
}

impl HeadText {
    /// No id yet.
    pub fn new(form: &Form) -> Self {
        let mut text = [b' '; 64];
        let start = b",".iter().chain(form.head).chain(b"\"00000000-0000-7000-8000-000000000000");
        for (byte, with) in text.iter_mut().zip(start) {
            *byte = *with;
        }
        Self { text, length: form.head.len() + 38, known: None }
    }

    /// Becomes the id of an event; what does not fit its bits is cut off.
    #[inline(always)]
    pub fn set(&mut self, millis: u64, counter: u64, node: u32) {
        let known = self.known.replace((millis, counter, node));
        let same = |of: fn((u64, u64, u32)) -> u64| known.is_some_and(|known| of(known) == of((millis, counter, node)));
        self.digits(24, counter as u16);
        if !same(|(millis, _, _)| millis) {
            self.digits(9, millis as u16);
        }
        if !same(|(millis, counter, _)| millis >> 16 ^ counter >> 16 << 32) || !same(|(_, _, node)| node.into()) {
            self.digits(0, (millis >> 32) as u16);
            self.digits(4, (millis >> 16) as u16);
            self.digits(14, 0x7000 | (counter >> 30) as u16 & 0xfff);
            self.digits(19, 0x8000 | (counter >> 16) as u16 & 0x3fff);
            self.digits(28, (node >> 16) as u16);
            self.digits(32, node as u16);
        }
    }

    #[inline(always)]
    fn digits(&mut self, at: usize, n: u16) {
        if let Some(digits) = self.text.get_mut(self.length - 36 + at..).and_then(<[u8]>::first_chunk_mut) {
            *digits = hex(n);
        }
    }
}

/// Four hexadecimal digits, all at once.
fn hex(n: u16) -> [u8; 4] {
    let n = u32::from(n);
    // Each digit in a byte of its own, the first one lowest.
    let nibbles = n >> 12 | (n & 0x0f00) | (n & 0x00f0) << 12 | (n & 0x000f) << 24;
    let letters = (nibbles + 0x0606_0606) >> 4 & 0x0101_0101;
    (nibbles + 0x3030_3030 + letters * 39).to_le_bytes()
}

/// A time and what stands around it, of the last second, padded.
pub struct TimeText {
    /// Up to the second's end; then four places for its fraction, and what follows.
    pub text: [u8; 96],
    /// Bytes up to the second's end.
    pub second_end: usize,
    /// Bytes behind the fraction.
    pub rest: usize,
    second: Option<i64>,
    base: (i64, u32),
    /// Milliseconds since the base of the last event.
    pub delta: u32,
}

impl TimeText {
    /// No time yet; times count from `base_ms`.
    pub fn new(form: &Form, base_ms: i64) -> Self {
        let mut text = [b' '; 96];
        let places = form.time.iter().chain(b"\"").chain(&[b'.'; 23]).chain(b"Z\"").chain(form.data);
        for (byte, with) in text.iter_mut().zip(places) {
            *byte = *with;
        }
        let base = (base_ms.div_euclid(1000), base_ms.rem_euclid(1000) as u32);
        Self { text, second_end: form.time.len() + 20, rest: form.data.len() + 2, second: None, base, delta: 0 }
    }

    /// Becomes the second of an event, so many milliseconds after the base; gives the milliseconds that are left.
    #[inline(always)]
    pub fn set(&mut self, delta: u32, text: fn(i64) -> [u8; 19]) -> u32 {
        self.delta = delta;
        let (second, base) = self.base;
        // In 32 bits, and the last thousand by itself.
        let ms = base + delta % 1000;
        let second = second.saturating_add((delta / 1000 + ms / 1000).into());
        if self.second != Some(second) {
            self.write(second, text);
        }
        ms % 1000
    }

    #[inline(never)]
    fn write(&mut self, second: i64, text: fn(i64) -> [u8; 19]) {
        self.second = Some(second);
        for (byte, with) in self.text.iter_mut().skip(self.second_end - 19).zip(text(second)) {
            *byte = with;
        }
    }
}

/// The fraction of a second as events write it, without zeros at its end, and its length; nothing for a whole second.
#[inline(always)]
pub fn fraction(ms: u32) -> ([u8; 4], usize) {
    let (tens, ones) = (ms / 10, (ms % 10) as u8);
    let (hundreds, tens) = ((tens / 10) as u8, (tens % 10) as u8);
    let length = match (hundreds, tens, ones) {
        (_, _, 1..) => 4,
        (0, 0, 0) => 0,
        (_, 0, 0) => 2,
        _ => 3,
    };
    ([b'.', b'0' + hundreds, b'0' + tens, b'0' + ones], length)
}

/// A whole number's digits and how many they are.
#[inline(always)]
pub fn digits(n: u32) -> ([u8; 16], usize) {
    let (mut rest, mut text, mut length) = (n, 0_u128, 0);
    loop {
        text = text << 8 | u128::from(b'0' + (rest % 10) as u8);
        rest /= 10;
        length += 1;
        if rest == 0 {
            return (text.to_le_bytes(), length);
        }
    }
}
