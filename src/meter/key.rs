//! Keys of cells and rows: a time, then texts, such that bytewise order is the order of rows.

/// Bytes of the time at the front.
pub const TIME: usize = 8;

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

/// The texts of a key.
pub fn texts(key: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut text = Vec::new();
    for byte in key.iter().skip(TIME) {
        if *byte == 0 {
            texts.push(String::from_utf8(std::mem::take(&mut text)).unwrap_or_default());
        } else {
            text.push(byte - 1);
        }
    }
    texts
}
