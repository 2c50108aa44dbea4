//! Amazon's binary event stream (`application/vnd.amazon.eventstream`), in which Bedrock streams.
//!
//! A message is: its length, the length of its headers, and a checksum of both (4 bytes each, big endian); the headers;
//! the payload; a checksum of it all. Headers and checksums are not needed here: the payload's members tell what it is,
//! and who reads the stream checks them.

use super::frames::Piece;

const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;
/// What is before the bytes of a model's own event in the payload.
const BYTES: &[u8] = b"\"bytes\":\"";

/// Where in the stream we are.
#[derive(Default)]
pub(super) struct Eventstream {
    prelude: Vec<u8>,
    headers: usize,
    payload: usize,
    checksum: usize,
    /// Not a stream of this kind: nothing more is read.
    broken: bool,
}

impl Eventstream {
    /// How many bytes the next piece has, and what it is. `bytes` is not empty.
    pub fn next(&mut self, bytes: &[u8]) -> (usize, Piece) {
        let mut piece = Piece::Other;
        let part = if self.broken {
            return (bytes.len(), piece);
        } else if self.prelude.len() < PRELUDE {
            let used = bytes.len().min(PRELUDE - self.prelude.len());
            self.prelude.extend_from_slice(bytes.get(..used).unwrap_or_default());
            if self.prelude.len() == PRELUDE {
                self.open();
            }
            return (used, piece);
        } else if self.headers > 0 {
            &mut self.headers
        } else if self.payload > 0 {
            piece = Piece::Data(0);
            &mut self.payload
        } else {
            &mut self.checksum
        };
        let used = bytes.len().min(*part);
        *part -= used;
        if self.checksum == 0 {
            self.prelude.clear();
            piece = Piece::End;
        }
        (used, piece)
    }

    fn open(&mut self) {
        let length = |at: usize| {
            self.prelude
                .get(at..at + 4)
                .unwrap_or_default()
                .iter()
                .fold(0_usize, |n, byte| n.saturating_mul(256).saturating_add((*byte).into()))
        };
        let (whole, headers) = (length(0), length(4));
        let payload = whole.checked_sub(PRELUDE + CHECKSUM).and_then(|rest| rest.checked_sub(headers));
        self.broken = payload.is_none();
        (self.headers, self.payload, self.checksum) = (headers, payload.unwrap_or(0), CHECKSUM);
    }
}

/// Takes the event of a model's vendor out of a payload of Bedrock's `invoke`: `{"bytes":"<base64>","p":…}`.
#[derive(Default)]
pub(super) struct Unwrapped {
    /// How much of [`BYTES`] was seen; all of it while the value is read.
    seen: usize,
    bits: u32,
    count: u32,
}

impl Unwrapped {
    /// The decoded bytes of the next ones.
    pub fn decode(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for &byte in payload {
            let Some(expected) = BYTES.get(self.seen) else {
                self.digit(byte, &mut out);
                continue;
            };
            match byte {
                _ if byte == *expected => self.seen += 1,
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ => self.seen = usize::from(byte == b'"'),
            }
        }
        out
    }

    fn digit(&mut self, byte: u8, out: &mut Vec<u8>) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'"' => {
                *self = Self::default();
                return;
            }
            _ => return,
        };
        self.bits = (self.bits << 6) | u32::from(digit);
        self.count += 6;
        if self.count >= 8 {
            self.count -= 8;
            out.push((self.bits >> self.count) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_and_decoded_in_any_cut() {
        let payload = br#"{"p":"ab\"c","bytes" : "eyJhIjoi4oKsIn0=","q":""}"#;
        for size in 1..payload.len() {
            let mut unwrapped = Unwrapped::default();
            let out: Vec<u8> = payload.chunks(size).flat_map(|chunk| unwrapped.decode(chunk)).collect();
            assert_eq!(String::from_utf8(out).unwrap(), r#"{"a":"€"}"#, "{size}");
        }
    }

    #[test]
    fn what_is_no_such_stream_is_passed_over() {
        let mut stream = Eventstream::default();
        let bytes = b"data: {\"usage\":{}}\n\n";
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (used, piece) = stream.next(rest);
            assert!(matches!(piece, Piece::Other | Piece::Data(_)));
            rest = &rest[used..];
        }
    }
}
