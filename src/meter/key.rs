//! Keys of cells and rows: a time, then texts, such that bytewise order is the order of rows.

/// Bytes of the time at the front.
pub const TIME: usize = 8;
/// An empty text.
pub const EMPTY: &[u8] = &[0];

/// A key of a time and no texts yet.
pub fn new(time: i64) -> Vec<u8> {
    let mut key = vec![0; TIME];
    set_time(&mut key, time);
    key
}

/// Replaces the time.
pub fn set_time(key: &mut [u8], time: i64) {
    // The flipped sign puts times before 1970 first.
    for (byte, new) in key.iter_mut().zip((time ^ i64::MIN).to_be_bytes()) {
        *byte = new;
    }
}

/// Appends a text. UTF-8 has no byte above 0xf4, so all can move up by one and leave 0 for the end: `a` is before `ab`.
pub fn push(key: &mut Vec<u8>, text: &str) {
    key.extend(text.bytes().map(|byte| byte.wrapping_add(1)));
    key.push(0);
}

/// A text of a key, as [`push`] wrote it; nothing if there are not so many.
pub fn part(key: &[u8], at: usize) -> &[u8] {
    let (mut start, mut left) = (TIME, at);
    for (end, byte) in (1..).zip(key).skip(TIME) {
        if *byte != 0 {
            continue;
        }
        if left == 0 {
            return key.get(start..end).unwrap_or_default();
        }
        (start, left) = (end, left - 1);
    }
    &[]
}

/// The text of a part.
pub fn text(part: &[u8]) -> String {
    let mut text = part.to_vec();
    text.pop();
    for byte in &mut text {
        *byte = byte.wrapping_sub(1);
    }
    String::from_utf8(text).unwrap_or_default()
}

/// The texts of a key.
pub fn texts(key: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let part = part(key, texts.len());
        if part.is_empty() {
            return texts;
        }
        texts.push(text(part));
    }
}
