//! What runs for every event, or for every row of an answer, and nothing else: this crate is compiled for speed, where
//! the core is compiled for size.
//!
//! No generic function is public: it would be compiled by the core, with the core's settings. [`write()`] writes packed events out as JSON; what the words mean is said at [`write::Words`].

mod entry;
mod index;
mod recall;
mod stamp;
mod texts;
mod write;

pub use entry::{Entry, Mark, admit};
pub use index::Index;
pub use recall::{Recall, Slots};
pub use stamp::Form;
pub use texts::{PIECE, Texts};
pub use write::{Outside, RAW_SUBJECT, Segment, Words, raw_subject, write};
