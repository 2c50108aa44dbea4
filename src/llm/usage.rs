//! The counts of a usage record.

use super::members::Members;
use super::record::{join, number};
use crate::json::Writer;

/// What a token can stand for.
pub(super) const MODALITIES: [&str; 4] = ["text", "audio", "image", "video"];

/// Wholes and their parts, as `prefix`, `parts` and `suffix` of a key. The parts of one row are at most the whole.
static KINDS: [(&str, &str, &[&str], &str); 8] = [
    ("input_tokens", "", &["cache_read", "cache_write", "input_tool"], "_tokens"),
    ("input_tokens", "input_", &MODALITIES, "_tokens"),
    ("cache_read_tokens", "cache_", &MODALITIES, "_read_tokens"),
    ("cache_write_tokens", "cache_write_", &["5m", "30m", "1h", "12h"], "_tokens"),
    ("output_tokens", "output_", &["reasoning"], "_tokens"),
    ("output_tokens", "output_", &MODALITIES, "_tokens"),
    ("output_tokens", "accepted_", &["prediction"], "_tokens"),
    ("output_tokens", "rejected_", &["prediction"], "_tokens"),
];

/// Counts by key. Absent is "not reported", which is not 0.
#[derive(Default)]
pub(super) struct Usage {
    counts: Vec<(String, u64)>,
    /// `audio_seconds`, the one amount that may be fractional.
    pub audio_seconds: Option<String>,
}

impl Usage {
    /// Adds to a count what was reported; nothing reported leaves it as it is.
    pub fn add(&mut self, key: &str, n: Option<u64>) {
        let Some(n) = n else { return };
        match self.find(key) {
            Some(count) => *count = count.saturating_add(n),
            None => self.counts.push((key.to_owned(), n)),
        }
    }

    /// Adds the members of `from` under our keys: pairs of (theirs, ours).
    pub fn add_all(&mut self, from: &Members<'_>, keys: &[(&str, &str)]) {
        for (theirs, ours) in keys {
            self.add(ours, from.count(theirs));
        }
    }

    /// Adds the `text_tokens`, `audio_tokens`, … of `from`, under keys with this prefix and suffix.
    pub fn add_modalities(&mut self, from: &Members<'_>, prefix: &str, suffix: &str) {
        for modality in MODALITIES {
            self.add(&join(&[prefix, modality, suffix]), from.count(&join(&[modality, "_tokens"])));
        }
    }

    fn find(&mut self, key: &str) -> Option<&mut u64> {
        self.counts.iter_mut().find(|(k, _)| k == key).map(|(_, n)| n)
    }

    /// A count; 0 if it was not reported.
    pub fn get(&self, key: &str) -> u64 {
        self.counts.iter().find(|(k, _)| k == key).map_or(0, |(_, n)| *n)
    }

    /// Cuts parts that are larger than their whole, those of one kind in their order until the whole is used up.
    /// Says whether anything was cut.
    pub fn clamp(&mut self) -> bool {
        let mut clamped = false;
        for (whole, prefix, parts, suffix) in KINDS {
            let Some(mut left) = self.find(whole).map(|n| *n) else { continue };
            for part in parts {
                if let Some(n) = self.find(&join(&[prefix, part, suffix])) {
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
            w.raw(key, &number(*n));
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

    fn usage(counts: &[(&str, u64)]) -> Usage {
        Usage { counts: counts.iter().map(|(key, n)| ((*key).to_owned(), *n)).collect(), audio_seconds: None }
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
        assert_eq!((u.get("cache_write_tokens"), u.get("cache_write_1h_tokens")), (10, 10));
    }

    #[test]
    fn what_has_no_whole_stays() {
        let mut u = usage(&[("cache_read_tokens", 70), ("output_tokens", 5), ("web_searches", 9)]);
        assert!(!u.clamp());
    }
}
