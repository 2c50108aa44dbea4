//! Delivery decides: a state machine without I/O, one for each sink.
//!
//! Time and randomness come in, [`Action`]s go out; the host sends, waits, keeps the bytes, and tells each request's
//! [`Outcome`]. Schedules follow the monotonic clock; the wall clock only tells how old an event is.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod action;
mod backoff;
mod http_date;
mod machine;
mod outcome;
mod retry_after;
mod settings;
mod stats;
mod verdict;

pub use action::{Action, packed};
pub(crate) use http_date::parse as http_date;
pub use machine::{Delivery, Now, Offered};
pub use outcome::{Answer, Outcome};
pub use settings::{Policy, Settings};
pub use stats::{Pending, Stats};
pub use verdict::{EventVerdict, Verdict, verdict};
