//! Meters: definitions, and the preview of what the server will answer.
//!
//! `definition` and [`path`] say what a meter reads, [`value`] what a scalar counts as, [`query`] with [`filter`] and
//! [`window`] what is asked. [`totals`] keeps the counts of many events for any query; [`preview()`] answers one; [`Replay`] answers them over a stream.
//!
//! The rules are those of OpenMeter (commit 7e57a394a028) on ClickHouse 26.7, or 25.12 where [`value::Engine`] says so.

mod aggregate;
mod definition;
mod dodo;
pub mod filter;
mod key;
#[cfg(any(feature = "lint", not(target_arch = "wasm32")))]
pub mod lint;
#[cfg(all(not(feature = "lint"), target_arch = "wasm32"))]
#[path = "no_lint.rs"]
pub mod lint;
mod packed;
pub mod path;
mod preview;
pub mod query;
mod replay;
#[cfg(feature = "rfc9535")]
mod rfc9535;
pub mod rows;
mod similar;
#[cfg(test)]
mod tests;
pub mod totals;
pub mod value;
pub mod window;

pub use definition::{Aggregation, Meter, parse_meters};
pub use packed::Packed;
pub use preview::{preview, time_range};
pub use query::{Customer, Options, Query};
pub use replay::Replay;
pub use totals::Totals;
