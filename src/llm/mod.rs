//! LLM answers: usage records and what the provider charges.
//!
//! ```text
//! request ─ route ─▶ who answers, in which shape ─ inspect ─▶ model, stream, the edit that asks for stream usage
//! answer bytes ─ call ─▶ sieve (drops content) ─▶ provider/<shape> folds ─▶ records
//! ```

mod answer;
mod book;
mod call;
mod charge;
mod cost;
mod dated;
mod eventstream;
mod frames;
mod matching;
mod members;
mod provider;
mod record;
mod request;
mod route;
mod sieve;
mod unit;
mod usage;

pub use book::{Book, Found};
pub use call::{Call, End, wipe};
pub use charge::Cost;
pub use cost::Counts;
pub use request::inspect;
pub use route::{Shape, route};

#[cfg(test)]
mod tests;
