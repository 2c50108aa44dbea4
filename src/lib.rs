//! Taximeter's core: exact usage metering as pure functions and state machines.
//!
//! No clock, no randomness, no I/O and no JavaScript types: time and entropy are handed in, and what has to be done
//! is handed out as actions. `ARCHITECTURE.md` has the drawing.

mod big;
pub mod bill;
pub mod blueprint;
pub mod buffer;
pub mod client;
pub mod decimal;
pub mod delivery;
pub mod error;
pub mod event;
pub mod float;
pub mod id;
pub mod json;
pub mod limits;
pub mod llm;
pub mod meter;
pub mod price;
pub mod ratio;
pub mod sink;
pub mod time;

#[cfg(all(target_arch = "wasm32", not(feature = "replay")))]
mod wasm;

#[cfg(all(target_arch = "wasm32", feature = "replay"))]
#[path = "wasm/replay.rs"]
mod wasm;

pub use error::{Error, Result};
