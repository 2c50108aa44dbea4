//! Hashing, eight bytes at a time.

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Takes a word into a hash.
pub fn mix(hash: u64, word: u64) -> u64 {
    let product = (hash ^ word).wrapping_mul(FACTOR);
    product ^ product >> 32
}

/// Gives `take` the bytes of a text as words; the last one holds bytes of the one before if there is one, else zeros.
pub fn words(text: &[u8], mut take: impl FnMut(u64)) {
    let (chunks, rest) = text.as_chunks::<8>();
    for chunk in chunks {
        take(u64::from_le_bytes(*chunk));
    }
    if let Some(last) = text.last_chunk::<8>() {
        if !rest.is_empty() {
            take(u64::from_le_bytes(*last));
        }
    } else {
        take(rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
}
