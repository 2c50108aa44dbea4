//! The counts of a usage record.

use super::members::{Folded, Members, count, cut};

/// Wholes and their parts, of one kind a line. Those of one line are at most the whole.
const KINDS: &str = "\
    input_tokens cache_read_tokens cache_write_tokens input_tool_tokens\n\
    input_tokens input_text_tokens input_audio_tokens input_image_tokens input_video_tokens\n\
    cache_read_tokens cache_text_read_tokens cache_audio_read_tokens cache_image_read_tokens cache_video_read_tokens\n\
    cache_write_tokens cache_write_5m_tokens cache_write_30m_tokens cache_write_1h_tokens cache_write_12h_tokens\n\
    output_tokens output_reasoning_tokens\n\
    output_tokens output_text_tokens output_audio_tokens output_image_tokens output_video_tokens\n\
    output_tokens accepted_prediction_tokens\n\
    output_tokens rejected_prediction_tokens";

/// Counts by key, and `audio_seconds`, the one amount that may be fractional. Absent is "not reported", which is not 0.
#[derive(Default)]
pub(super) struct Usage(pub Folded);

impl Usage {
    /// Adds to a count what was reported.
    #[inline(never)]
    pub fn add(&mut self, key: &str, n: u64) {
        self.0.set(key, &number(self.get(key).saturating_add(n)));
    }

    /// Adds the counts that are reported, see [`Members::each`].
    pub fn add_all(&mut self, told: &Members<'_>, rules: &'static str) {
        told.each(rules, &mut |ours, text| {
            if let Some(n) = count(text) {
                self.add(ours, n);
            }
        });
    }

    /// A count; 0 if it was not reported.
    pub fn get(&self, key: &str) -> u64 {
        self.0.get(key).parse().unwrap_or(0)
    }

    /// Cuts parts that are larger than their whole, those of one kind in their order until the whole is used up.
    /// Says whether anything was cut.
    pub fn clamp(&mut self) -> bool {
        let mut clamped = false;
        let mut kinds = KINDS;
        while !kinds.is_empty() {
            let mut parts = cut(&mut kinds, b'\n');
            let whole = cut(&mut parts, b' ');
            let mut left = self.get(whole);
            if self.0.get(whole).is_empty() {
                continue;
            }
            while !parts.is_empty() {
                let part = cut(&mut parts, b' ');
                let n = self.get(part);
                if n > left {
                    clamped = true;
                    self.0.set(part, &number(left));
                }
                left = left.saturating_sub(n);
            }
        }
        clamped
    }
}

/// A number as text.
#[inline(never)]
pub(in crate::llm) fn number(n: u64) -> String {
    n.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(counts: &[(&str, u64)]) -> Usage {
        let mut usage = Usage::default();
        counts.iter().for_each(|(key, n)| usage.add(key, *n));
        usage
    }

    #[test]
    fn parts_fill_their_whole_in_order() {
        let mut u = usage(&[("input_tokens", 100), ("cache_write_tokens", 50), ("cache_read_tokens", 70)]);
        assert!(u.clamp());
        assert_eq!(u.0.to_json(), r#"{"input_tokens":100,"cache_write_tokens":30,"cache_read_tokens":70}"#);
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
