//! JSON text, read and written without a document model of its own making numbers inexact.
//!
//! A number stays the text it was written as: money and quantities are never read through a float. That is also why
//! this is not `serde_json`, whose `Value` keeps numbers as floats and would be half of the WebAssembly core.

mod read;
mod scan;
mod value;
mod write;

pub use read::{Kind, Reader};
pub use scan::{find_byte, plain_end, text};
pub use value::Value;
pub use write::{Writer, push_string};
