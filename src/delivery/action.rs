//! What the host is to do.

use crate::json::Writer;

/// Something the host is to do. Sequence numbers are those that [`super::Delivery::offer`] gave.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub enum Action {
    /// Send these events in one request, in this order, and tell the outcome of `batch`.
    Send {
        /// The number of the request.
        batch: u32,
        /// Its events.
        seqs: Vec<u64>,
        /// After so long without an answer the request has failed (`deadline`).
        deadline_ms: u64,
    },
    /// The vendor has these events: forget them.
    Acked {
        /// The events.
        seqs: Vec<u64>,
    },
    /// The event will not be sent: keep it apart, with the reason.
    Quarantine {
        /// The event.
        seq: u64,
        /// `rejected`, `too_large`, `expired` or `dedup_window_expired`.
        code: &'static str,
        /// The answer's status, if it was an answer.
        status: Option<u16>,
        /// The answer's words.
        text: String,
    },
    /// These events are given up, and counted.
    Dropped {
        /// The events.
        seqs: Vec<u64>,
    },
    /// These events may have arrived: keep the time with them over a restart.
    Ambiguous {
        /// The events.
        seqs: Vec<u64>,
        /// When they were sent; milliseconds since 1970.
        at: i64,
    },
    /// Poll at this time of the monotonic clock. It replaces an earlier one.
    Wake {
        /// Milliseconds.
        at: u64,
    },
    /// Something the user should hear of.
    Notice {
        /// `hold_started`, `hold_ended`, `clock_skew`, `quarantine_full`, `duplicate_id`, `unverified` or `vendor_warning`.
        code: &'static str,
        /// What it is about.
        text: String,
        /// The events that it is about, if it is about events; the host is told before they are settled.
        seqs: Vec<u64>,
    },
}

/// The actions as the host reads them: numbers, and a JSON array of the few texts among them.
///
/// The first number is how many texts there are. Then each action is its kind, how many numbers follow, and these; `…` stands for the first and the last number of each run
/// of events, so that `1, 3, 7, 7` is 1, 2, 3 and 7:
///
/// | kind | | numbers | texts |
/// |---|---|---|---|
/// | 0 | send | batch, deadline, … | |
/// | 1 | acked | … | |
/// | 2 | dropped | … | |
/// | 3 | ambiguous | at, … | |
/// | 4 | wake | at | |
/// | 5 | quarantine | event, status or 0 | code, the vendor's |
/// | 6 | notice | … | code, text |
pub fn packed(actions: &[Action]) -> (Vec<f64>, String) {
    // Numbers of events are below 2⁵³, and times far below it: as floats they are exact.
    let mut numbers = vec![0.0];
    let mut texts = Writer::array();
    let mut texts_count = 0.0;
    for action in actions {
        let mut seqs: &[u64] = &[];
        let mut told = None;
        let kind_at = numbers.len();
        numbers.extend_from_slice(&[0.0; 2]);
        let kind = match action {
            Action::Send { batch, seqs: sent, deadline_ms } => {
                numbers.extend_from_slice(&[f64::from(*batch), *deadline_ms as f64]);
                seqs = sent;
                0.0
            }
            Action::Acked { seqs: acked } => {
                seqs = acked;
                1.0
            }
            Action::Dropped { seqs: dropped } => {
                seqs = dropped;
                2.0
            }
            Action::Ambiguous { seqs: ambiguous, at } => {
                numbers.push(*at as f64);
                seqs = ambiguous;
                3.0
            }
            Action::Wake { at } => {
                numbers.push(*at as f64);
                4.0
            }
            Action::Quarantine { seq, code, status, text } => {
                numbers.extend_from_slice(&[*seq as f64, f64::from(status.unwrap_or(0))]);
                told = Some((code, text));
                5.0
            }
            Action::Notice { code, text, seqs: about } => {
                seqs = about;
                told = Some((code, text));
                6.0
            }
        };
        if let Some((code, text)) = told {
            texts.item_string(code).item_string(text);
            texts_count += 2.0;
        }
        push_runs(seqs, &mut numbers);
        let length = numbers.len().saturating_sub(kind_at).saturating_sub(2) as f64;
        if let Some([at_kind, at_length, ..]) = numbers.get_mut(kind_at..) {
            (*at_kind, *at_length) = (kind, length);
        }
    }
    if let Some(first) = numbers.first_mut() {
        *first = texts_count;
    }
    (numbers, texts.end())
}

/// First and last of each run: a batch is mostly one.
fn push_runs(seqs: &[u64], numbers: &mut Vec<f64>) {
    let mut next = None;
    for seq in seqs {
        match numbers.last_mut() {
            Some(last) if next == Some(*seq) => *last = *seq as f64,
            _ => numbers.extend_from_slice(&[*seq as f64; 2]),
        }
        next = seq.checked_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_numbers() {
        let quarantine =
            |status, text: &str| Action::Quarantine { seq: 3, code: "rejected", status, text: text.into() };
        let actions = [
            Action::Send { batch: 7, seqs: vec![1, 2, 3, 7], deadline_ms: 10_000 },
            Action::Acked { seqs: vec![1] },
            quarantine(Some(400), "a\"b"),
            quarantine(None, ""),
            Action::Dropped { seqs: vec![] },
            Action::Ambiguous { seqs: vec![4, 1 << 40], at: -5 },
            Action::Wake { at: 9 },
            Action::Notice { code: "hold_started", text: "401".into(), seqs: vec![] },
            Action::Notice { code: "duplicate_id", text: "x".into(), seqs: vec![2, 3] },
        ];
        let (numbers, texts) = packed(&actions);
        let max = 2_f64.powi(40);
        let want: [&[f64]; 10] = [
            &[8.0],
            &[0.0, 6.0, 7.0, 10_000.0, 1.0, 3.0, 7.0, 7.0],
            &[1.0, 2.0, 1.0, 1.0],
            &[5.0, 2.0, 3.0, 400.0],
            &[5.0, 2.0, 3.0, 0.0],
            &[2.0, 0.0],
            &[3.0, 5.0, -5.0, 4.0, 4.0, max, max],
            &[4.0, 1.0, 9.0],
            &[6.0, 0.0],
            &[6.0, 2.0, 2.0, 3.0],
        ];
        assert_eq!(numbers, want.concat());
        assert_eq!(texts, r#"["rejected","a\"b","rejected","","hold_started","401","duplicate_id","x"]"#);
        assert_eq!(packed(&[]), (vec![0.0], String::from("[]")));
    }
}
