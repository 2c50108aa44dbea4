//! What became of the lines.

use crate::decimal::digits;
use crate::error::Error;
use crate::json::Writer;
use crate::limits::REPLAY_BAD_LINES_MAX;
use crate::meter::Meter;
use crate::meter::value::Code;

/// Counts of lines, events and faults.
#[derive(Default)]
pub struct Tally {
    /// Lines so far, empty ones included
    pub lines: u64,
    /// Events that are counted
    pub stored: u64,
    /// Events that came before
    pub duplicate: u64,
    /// Events that the server would drop: of 1970 or before
    pub dropped: u64,
    /// The first lines that are no event
    bad: Vec<(u64, Error)>,
    /// How many are not, by code
    codes: Vec<(&'static str, u64)>,
    diagnostics: Vec<Diagnostic>,
}

/// Why a meter, or all of them, does not count events.
struct Diagnostic {
    meter: Option<usize>,
    code: Code,
    count: u64,
    line: u64,
}

impl Tally {
    /// Counts a line that is no event.
    #[cold]
    pub fn reject(&mut self, error: Error) {
        match self.codes.iter_mut().find(|(code, _)| *code == error.code) {
            Some((_, count)) => *count += 1,
            None => self.codes.push((error.code, 1)),
        }
        if self.bad.len() < REPLAY_BAD_LINES_MAX {
            self.bad.push((self.lines, error));
        }
    }

    /// Counts an event of the present line that a meter does not count; without a meter, none knows its type.
    pub fn diagnose(&mut self, meter: Option<usize>, code: Code) {
        match self.diagnostics.iter_mut().find(|known| known.meter == meter && known.code == code) {
            Some(known) => known.count += 1,
            None => self.diagnostics.push(Diagnostic { meter, code, count: 1, line: self.lines }),
        }
    }

    /// See [`super::Replay::finish`].
    pub fn answer(&self, results: &str, meters: &[Meter]) -> String {
        let (mut events, mut codes) = (Writer::object(), Writer::object());
        let (mut bad, mut diagnostics) = (Writer::array(), Writer::array());
        let mut rejected = 0;
        for (code, count) in &self.codes {
            rejected += count;
            codes.raw(code, &digits((*count).into()));
        }
        let counts =
            [("stored", self.stored), ("duplicate", self.duplicate), ("dropped", self.dropped), ("rejected", rejected)];
        for (name, count) in counts {
            events.raw(name, &digits(count.into()));
        }
        for (line, error) in &self.bad {
            let mut w = Writer::object();
            w.raw("line", &digits((*line).into())).raw("error", &error.to_json());
            bad.item(&w.end());
        }
        for Diagnostic { meter, code, count, line } in &self.diagnostics {
            let mut w = Writer::object();
            if let Some(meter) = meter.and_then(|at| meters.get(at)) {
                w.string("meter", &meter.slug);
            }
            w.string("code", code).raw("count", &digits((*count).into())).raw("line", &digits((*line).into()));
            diagnostics.item(&w.end());
        }
        let mut w = Writer::object();
        w.raw("results", results).raw("lines", &digits(self.lines.into())).raw("events", &events.end());
        w.raw("badLines", &bad.end()).raw("codes", &codes.end()).raw("diagnostics", &diagnostics.end());
        w.end()
    }
}
