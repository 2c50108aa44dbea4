//! Taximeter's core: exact usage metering as pure functions and state machines.
//!
//! No clock, no randomness, no I/O and no JavaScript types: time and entropy are handed in, and what has to be done
//! is handed out as actions. `ARCHITECTURE.md` has the drawing.

pub mod error;
pub mod json;
pub mod limits;

pub use error::{Error, Result};
