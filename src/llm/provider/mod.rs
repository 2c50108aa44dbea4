//! The shapes in which providers answer: what to keep of a body, how to fold it, what records it makes.
//!
//! The provider's name never decides, only the members that are present, and the shape where the same member means
//! something else.

mod counts;
mod fold;
mod records;

pub(super) use fold::{KEPT, fold};
pub(super) use records::write;
