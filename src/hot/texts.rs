//! Texts by number.

/// Texts are copied in pieces of so many bytes, so each has room for one behind it.
pub const PIECE: usize = 16;

/// Texts by number, in one piece.
#[derive(Default)]
pub struct Texts {
    bytes: Vec<u8>,
    /// Where each begins, and its length
    spans: Vec<(u32, u32)>,
}

impl Texts {
    /// Adds a text; gives its number.
    pub fn add(&mut self, text: &[u8]) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.bytes.resize((self.bytes.len() + 2 * PIECE - 1) / PIECE * PIECE, b' ');
        self.spans.push((start as u32, text.len() as u32));
        self.spans.len() - 1
    }

    /// The text of a number.
    pub fn get(&self, number: usize) -> Option<&[u8]> {
        let (start, length) = *self.spans.get(number)?;
        self.bytes.get(start as usize..)?.get(..length as usize)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    /// Copies a text; gives where it ends.
    #[inline(always)]
    pub(crate) fn put(&self, number: usize, out: &mut [u8], at: usize) -> Option<usize> {
        let (start, length) = *self.spans.get(number)?;
        put(self.bytes.get(start as usize..)?, length as usize, out, at)
    }
}

/// Copies in whole pieces, over the end into what is written next: for lengths like these a copy of any length is slow.
#[inline(always)]
pub(crate) fn put(from: &[u8], length: usize, out: &mut [u8], at: usize) -> Option<usize> {
    let to = out.get_mut(at..)?;
    let mut done = 0;
    loop {
        *to.get_mut(done..)?.first_chunk_mut::<PIECE>()? = *from.get(done..)?.first_chunk()?;
        done += PIECE;
        if done >= length {
            return Some(at + length);
        }
    }
}
