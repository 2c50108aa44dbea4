//! What stands in for the lint in a core without it: there is none to be had.

use super::definition::Meter;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::sink::Sink;
use crate::time::Instant;

/// No value is of this type.
pub enum Lint {}

impl Lint {
    /// Error: `lint_unavailable`.
    pub fn new(_: Instant) -> Result<Self> {
        Err(Self::off())
    }

    /// Why there is none.
    pub fn off() -> Error {
        Error::needs_full("lint_unavailable")
    }

    /// Never called, as those below.
    pub fn add_all(&mut self, _: &[Meter], _: &Sink, _: &str) -> Result<()> {
        match *self {}
    }

    /// As above.
    pub fn add_recorded(&mut self, _: &[Meter], _: &Sink, _: &Event, _: Instant) {
        match *self {}
    }

    /// As above.
    pub fn findings(&mut self, _: &[Meter], _: &Sink) -> String {
        match *self {}
    }
}
