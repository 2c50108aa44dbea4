//! Names that may have been meant: "did you mean".

/// Longer names are not compared by edits: that costs their product.
const COMPARED_BYTES_MAX: usize = 100;

/// Whether one name may be meant by the other: they are equal but for case and `_`, `-`, `.`, or one has the other in it (3
/// characters at least), or two edits make them equal (5 at least).
pub fn alike(a: &str, b: &str) -> bool {
    let (a, b) = (fold(a), fold(b));
    let (short, long) = if a.len() < b.len() { (&a, &b) } else { (&b, &a) };
    short == long
        || (short.len() >= 3 && long.windows(short.len()).any(|part| part == short))
        || (short.len() >= 5 && edits(short, long) <= 2)
}

fn fold(name: &str) -> Vec<u8> {
    let mut folded = name.as_bytes().to_ascii_lowercase();
    folded.retain(|byte| !matches!(byte, b'_' | b'-' | b'.'));
    folded
}

/// How many bytes have to be put in, taken out or replaced to make one text of the other.
pub fn edits(a: &[u8], b: &[u8]) -> usize {
    if a.len().max(b.len()) > COMPARED_BYTES_MAX {
        return COMPARED_BYTES_MAX;
    }
    // From the part of `a` that was read so far to each part of `b`, beginning with one byte.
    let mut row: Vec<usize> = (1..=b.len()).collect();
    for (read, byte) in a.iter().enumerate() {
        let (mut diagonal, mut left) = (read, read + 1);
        for (above, other) in row.iter_mut().zip(b) {
            left = (left + 1).min(*above + 1).min(diagonal + usize::from(byte != other));
            diagonal = std::mem::replace(above, left);
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (a, b, want) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("request", "requets", 2),
            ("request", "requst", 1),
            ("abc", "abc", 0),
        ] {
            assert_eq!(edits(a.as_bytes(), b.as_bytes()), want, "{a} {b}");
        }
        assert_eq!(edits(&[b'a'; 101], &[b'a'; 101]), 100);
    }

    #[test]
    fn names_are_alike() {
        for (a, b, want) in [
            ("task_type", "type", true),
            ("task_type", "taskType", true),
            ("sessionId", "session-id", true),
            ("tokens", "token", true),
            ("tokens", "tokns", true),
            ("duration", "duartion", true),
            ("duration", "length", false),
            ("id", "uid", false),
            ("abcd", "abce", false),
            ("", "x", false),
        ] {
            assert_eq!((alike(a, b), alike(b, a)), (want, want), "{a} {b}");
        }
    }
}
