//! The counts of a usage record.

use super::members::Members;
use crate::json::Writer;

/// Parts and their whole: `(whole, parts of one kind, which together are at most the whole)`.
const KINDS: [(&str, &[&str]); 8] = [
    ("input_tokens", &["cache_read_tokens", "cache_write_tokens", "input_tool_tokens"]),
    ("input_tokens", &["input_text_tokens", "input_audio_tokens", "input_image_tokens", "input_video_tokens"]),
    (
        "cache_read_tokens",
        &["cache_text_read_tokens", "cache_audio_read_tokens", "cache_image_read_tokens", "cache_video_read_tokens"],
    ),
    (
        "cache_write_tokens",
        &["cache_write_5m_tokens", "cache_write_30m_tokens", "cache_write_1h_tokens", "cache_write_12h_tokens"],
    ),
    ("output_tokens", &["output_reasoning_tokens"]),
    ("output_tokens", &["output_text_tokens", "output_audio_tokens", "output_image_tokens", "output_video_tokens"]),
    ("output_tokens", &["accepted_prediction_tokens"]),
    ("output_tokens", &["rejected_prediction_tokens"]),
];

/// Counts by key. Absent is "not reported", which is not 0.
#[derive(Default)]
pub(super) struct Usage {
    counts: Vec<(&'static str, u64)>,
    /// `audio_seconds`, the one amount that may be fractional.
    audio_seconds: Option<String>,
}

impl Usage {
    /// Adds to a count what was reported; nothing reported leaves it as it is.
    pub fn add(&mut self, key: &'static str, n: Option<u64>) {
        let Some(n) = n else { return };
        match self.counts.iter_mut().find(|(k, _)| *k == key) {
            Some((_, count)) => *count = count.saturating_add(n),
            None => self.counts.push((key, n)),
        }
    }

    /// Adds the members of `from` under our keys: pairs of (theirs, ours).
    pub fn add_all(&mut self, from: &Members<'_>, keys: &[(&str, &'static str)]) {
        for (theirs, ours) in keys {
            self.add(ours, from.count(theirs));
        }
    }

    /// Sets `audio_seconds`.
    pub fn set_audio_seconds(&mut self, seconds: Option<String>) {
        self.audio_seconds = seconds.or(self.audio_seconds.take());
    }

    /// A count, if reported.
    pub fn get(&self, key: &str) -> Option<u64> {
        self.counts.iter().find(|(k, _)| *k == key).map(|(_, n)| *n)
    }

    /// Cuts parts that are larger than their whole, those of one kind in their order until the whole is used up.
    /// Says whether anything was cut.
    pub fn clamp(&mut self) -> bool {
        let mut clamped = false;
        for (whole, parts) in KINDS {
            let Some(mut left) = self.get(whole) else { continue };
            for part in parts {
                if let Some((_, n)) = self.counts.iter_mut().find(|(k, _)| k == part) {
                    clamped |= *n > left;
                    *n = left.min(*n);
                    left -= *n;
                }
            }
        }
        clamped
    }

    /// `{"input_tokens":5,…}`
    pub fn to_json(&self) -> String {
        let mut w = Writer::object();
        for (key, n) in &self.counts {
            w.raw(key, &n.to_string());
        }
        if let Some(seconds) = &self.audio_seconds {
            w.raw("audio_seconds", seconds);
        }
        w.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(counts: &[(&'static str, u64)]) -> Usage {
        Usage { counts: counts.to_vec(), audio_seconds: None }
    }

    #[test]
    fn parts_fill_their_whole_in_order() {
        let mut u = usage(&[("input_tokens", 100), ("cache_write_tokens", 50), ("cache_read_tokens", 70)]);
        assert!(u.clamp());
        assert_eq!(u.to_json(), r#"{"input_tokens":100,"cache_write_tokens":30,"cache_read_tokens":70}"#);
        assert!(!u.clamp());
    }

    #[test]
    fn parts_of_a_part_are_cut_with_it() {
        let mut u = usage(&[("input_tokens", 10), ("cache_write_tokens", 50), ("cache_write_1h_tokens", 40)]);
        assert!(u.clamp());
        assert_eq!((u.get("cache_write_tokens"), u.get("cache_write_1h_tokens")), (Some(10), Some(10)));
    }

    #[test]
    fn what_has_no_whole_stays() {
        let mut u = usage(&[("cache_read_tokens", 70), ("output_tokens", 5), ("web_searches", 9)]);
        assert!(!u.clamp());
    }
}
