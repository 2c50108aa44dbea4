//! What a vendor's answer says of single events.

use crate::delivery::{Answer, EventVerdict, Verdict};
use crate::json::Value;

/// The verdict for a batch of which the answer names some events by their places: the others are stored if it takes them,
/// else none is. `None` if it names none.
pub(super) fn partial(answer: &Answer, count: usize, named: Vec<(usize, EventVerdict)>) -> Option<Verdict> {
    let other = || if answer.status < 300 { EventVerdict::Accepted } else { EventVerdict::Resend };
    let mut verdicts: Vec<EventVerdict> = (0..count).map(|_| other()).collect();
    let mut names_one = false;
    for (index, verdict) in named {
        if let Some(place) = verdicts.get_mut(index)
            // Of several words about one event a refusal is the last.
            && !matches!(place, EventVerdict::Refused(_))
        {
            *place = verdict;
            names_one = true;
        }
    }
    names_one.then_some(Verdict::Partial(verdicts))
}

/// A refusal, with what the answer says of it.
pub(super) fn refused(why: &Value) -> EventVerdict {
    EventVerdict::Refused(why.as_str().map_or_else(|| why.to_json(), str::to_owned))
}

/// The place that digits name.
pub(super) fn index(digits: &str) -> Option<usize> {
    digits.parse().ok()
}
