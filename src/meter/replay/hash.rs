//! Hashing, eight bytes at a time.

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Takes a word into a hash.
pub fn mix(hash: u64, word: u64) -> u64 {
    let product = (hash ^ word).wrapping_mul(FACTOR);
    product ^ product >> 32
}

/// Gives `take` the bytes of a text as words. With its length, they tell it from any other.
pub fn words(text: &[u8], mut take: impl FnMut(u64)) {
    let (chunks, rest) = text.as_chunks::<8>();
    for chunk in chunks {
        take(u64::from_le_bytes(*chunk));
    }
    // The last bytes, and some before them.
    if let (false, Some(last)) = (rest.is_empty(), text.last_chunk()) {
        take(u64::from_le_bytes(*last));
    } else if let (Some(first), Some(last)) = (rest.first_chunk(), rest.last_chunk()) {
        take(u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32);
    } else if let (Some(first), Some(middle), Some(last)) = (rest.first(), rest.get(rest.len() / 2), rest.last()) {
        take(u64::from(*first) | u64::from(*middle) << 8 | u64::from(*last) << 16);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_and_length_tell_texts_apart(a in "[ab]{0,20}", b in "[ab]{0,20}") {
            let of = |text: &str| {
                let mut list = Vec::new();
                words(text.as_bytes(), |word| list.push(word));
                (text.len(), list)
            };
            prop_assert_eq!(a == b, of(&a) == of(&b));
        }
    }
}
