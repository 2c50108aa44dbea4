//! What providers count: one unit for each usage key and its price key.
//!
//! All counts are inclusive of their parts: `input_tokens` has the cached ones in it. How units lie inside each other
//! follows from their dimensions, after the model of genai-prices (Pydantic).

/// A unit of usage, by its dimensions: a hex digit each, where 0 is "not narrowed down".
///
/// From the last digit: direction; modality; kind (tokens: how they were spent; pages: annotated); time to live; family.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Unit(u32);

const INPUT: u32 = 1;
const OUTPUT: u32 = 2;
const DIRECTION: u32 = 0xf;
const KIND: u32 = 0xf00;
const TTL: u32 = 0xf000;
const READ: u32 = 0x100;
const WRITE: u32 = 0x200;
const TOKENS: u32 = 0x1_0000;

/// The words of a token key after its first one, in their order.
static WORDS: [(&str, u32); 13] = [
    ("text", 0x10),
    ("audio", 0x20),
    ("image", 0x30),
    ("video", 0x40),
    ("read", READ),
    ("write", WRITE),
    ("tool", 0x300),
    ("reasoning", 0x400),
    ("citation", 0x500),
    ("5m", 0x1000),
    ("30m", 0x2000),
    ("1h", 0x3000),
    ("12h", 0x4000),
];

/// Everything that is not tokens: usage key, price key, what the price is for, dimensions.
static OTHERS: [(&str, &str, u32, Unit); 14] = [
    ("audio_seconds", "audio_hours", 3600, Unit::AUDIO_SECONDS),
    ("input_audio_seconds", "input_audio_hours", 3600, Unit::INPUT_AUDIO_SECONDS),
    ("output_audio_seconds", "output_audio_hours", 3600, Unit(0x2_0022)),
    ("input_document_pages", "input_document_kpages", 1000, Unit(0x3_0001)),
    ("input_annotated_document_pages", "input_annotated_document_kpages", 1000, Unit(0x3_0101)),
    ("input_characters", "input_mchars", 1_000_000, Unit(0x4_0001)),
    ("input_text_messages", "input_text_messages_kcount", 1000, Unit(0x5_0001)),
    ("input_pixels", "input_gpixels", 1_000_000_000, Unit(0x6_0001)),
    ("web_searches", "web_searches_kcount", 1000, Unit(0x7_0000)),
    ("social_searches", "social_searches_kcount", 1000, Unit(0x8_0000)),
    ("storage_searches", "storage_searches_kcount", 1000, Unit(0x9_0000)),
    ("code_executions", "code_executions_kcount", 1000, Unit(0xa_0000)),
    ("rerank_searches", "rerank_searches_kcount", 1000, Unit(0xb_0000)),
    ("requests", "requests_kcount", 1000, Unit::REQUESTS),
];
pub(super) const TOKENS_PER: u32 = 1_000_000;

impl Unit {
    pub(super) const INPUT_TOKENS: Self = Self(TOKENS | INPUT);
    pub(super) const OUTPUT_TOKENS: Self = Self(TOKENS | OUTPUT);
    pub(super) const AUDIO_SECONDS: Self = Self(0x2_0020);
    pub(super) const INPUT_AUDIO_SECONDS: Self = Self(0x2_0021);
    pub(super) const REQUESTS: Self = Self(0xc_0000);

    /// The unit of a usage key, if it is one that can be priced.
    pub(super) fn of_usage(key: &str) -> Option<Self> {
        match key.strip_suffix("_tokens") {
            Some(stem) => tokens(stem),
            None => OTHERS.iter().find(|other| other.0 == key).map(|other| other.3),
        }
    }

    /// The unit of a price key.
    pub(super) fn of_price(key: &str) -> Option<Self> {
        match key.strip_suffix("_mtok") {
            Some(stem) => tokens(stem),
            None => OTHERS.iter().find(|other| other.1 == key).map(|other| other.3),
        }
    }

    /// Its usage key.
    pub(super) fn key(self) -> String {
        if let Some(other) = OTHERS.iter().find(|other| other.3 == self) {
            return other.0.to_owned();
        }
        let mut key = String::from(match (self.0 & DIRECTION, self.0 & KIND) {
            (INPUT, READ | WRITE) => "cache",
            (INPUT, _) => "input",
            _ => "output",
        });
        for (word, bits) in WORDS {
            if self.0 & dimension(bits) == bits {
                key.push('_');
                key.push_str(word);
            }
        }
        key.push_str("_tokens");
        key
    }

    /// Its price key.
    pub(super) fn price_key(self) -> String {
        match OTHERS.iter().find(|other| other.3 == self) {
            Some(other) => other.1.to_owned(),
            None => [self.key().strip_suffix("_tokens").unwrap_or_default(), "_mtok"].concat(),
        }
    }

    /// How many of it the price is for.
    pub(super) fn per(self) -> u32 {
        OTHERS.iter().find(|other| other.3 == self).map_or(TOKENS_PER, |other| other.2)
    }

    pub(super) fn is_input(self) -> bool {
        self.0 & DIRECTION == INPUT
    }

    pub(super) fn is_output(self) -> bool {
        self.0 & DIRECTION == OUTPUT
    }

    /// The dimensions there are, beside the family.
    pub(super) const DEPTH_MAX: u32 = 4;

    /// How many dimensions narrow it down.
    pub(super) fn depth(self) -> u32 {
        (0..Self::DEPTH_MAX).filter(|at| self.0 >> (at * 4) & 0xf != 0).count() as u32
    }

    /// The unit that is both, if no dimension contradicts.
    #[inline(never)]
    pub(super) fn join(self, other: Self) -> Option<Self> {
        for at in 0..=Self::DEPTH_MAX {
            let (a, b) = (self.0 >> (at * 4) & 0xf, other.0 >> (at * 4) & 0xf);
            if a != b && a != 0 && b != 0 {
                return None;
            }
        }
        Some(Self(self.0 | other.0))
    }

    /// Whether `part` lies inside of it.
    pub(super) fn contains(self, part: Self) -> bool {
        self != part && self.join(part) == Some(part)
    }

    /// A unit it lies inside of and that is not among `known`.
    pub(super) fn ancestor(self, known: &dyn Fn(Self) -> bool) -> Option<Self> {
        for cleared in 1_u32..16 {
            // A hex digit for each bit.
            let digits = (cleared & 1) | (cleared & 2) << 3 | (cleared & 4) << 6 | (cleared & 8) << 9;
            let unit = Self(self.0 & !(digits * 0xf));
            let exists = if unit.0 & !0xffff == TOKENS {
                unit.0 & DIRECTION != 0 && (unit.0 & TTL == 0 || unit.0 & KIND == WRITE)
            } else {
                OTHERS.iter().any(|other| other.3 == unit)
            };
            if exists && unit != self && !known(unit) {
                return Some(unit);
            }
        }
        None
    }
}

/// All bits of the one dimension that these are of.
fn dimension(bits: u32) -> u32 {
    0xf << (bits.trailing_zeros() & !3)
}

/// The unit of a token key without its last word: `cache_audio_read`, `output_reasoning`, `input`.
#[inline(never)]
fn tokens(stem: &str) -> Option<Unit> {
    let mut words = stem.as_bytes().split(|byte| *byte == b'_');
    let first = words.next()?;
    let mut unit = if first == b"output" { OUTPUT } else { INPUT };
    for word in words {
        let bits = WORDS.iter().find(|(name, _)| name.as_bytes() == word)?.1;
        // Every dimension once, and in their order.
        if unit >> (bits.trailing_zeros() & !3) != 0 {
            return None;
        }
        unit |= bits;
    }
    let kind = unit & KIND;
    let exists = match first {
        b"input" => kind == 0 || kind == 0x300,
        b"cache" => kind == READ || kind == WRITE,
        b"output" => kind == 0 || kind > 0x300,
        _ => false,
    };
    (exists && (unit & TTL == 0 || kind == WRITE)).then_some(Unit(unit | TOKENS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(key: &str) -> Unit {
        Unit::of_usage(key).unwrap()
    }

    #[test]
    fn keys_come_back() {
        let mut keys: Vec<String> = OTHERS.iter().map(|other| other.0.to_owned()).collect();
        for modality in ["", "_text", "_audio", "_image", "_video"] {
            for (first, last) in [
                ("input", ""),
                ("input", "_tool"),
                ("cache", "_read"),
                ("cache", "_write"),
                ("cache", "_write_5m"),
                ("cache", "_write_30m"),
                ("cache", "_write_1h"),
                ("cache", "_write_12h"),
                ("output", ""),
                ("output", "_reasoning"),
                ("output", "_citation"),
            ] {
                keys.push(format!("{first}{modality}{last}_tokens"));
            }
        }
        assert_eq!(keys.len(), 14 + 55);
        for key in keys {
            assert_eq!(unit(&key).key(), key);
            if let Some(stem) = key.strip_suffix("_tokens") {
                assert_eq!(unit(&key).price_key(), format!("{stem}_mtok"));
                assert_eq!(Unit::of_price(&format!("{stem}_mtok")), Some(unit(&key)));
            }
        }
        for (usage, price, per, _) in OTHERS {
            assert_eq!((Unit::of_price(price), unit(usage).per()), (Unit::of_usage(usage), per));
            assert_eq!(unit(usage).price_key(), price);
        }
        for key in [
            "",
            "tokens",
            "_tokens",
            "cache_tokens",
            "cache_read",
            "input_read_tokens",
            "cache_read_audio_tokens",
            "cache_read_5m_tokens",
            "output_tool_tokens",
            "accepted_prediction_tokens",
            "input_tokens_tokens",
            "total_tokens",
        ] {
            assert_eq!(Unit::of_usage(key), None, "{key}");
        }
    }

    #[test]
    fn units_lie_inside_each_other() {
        let joined = unit("cache_read_tokens").join(unit("input_audio_tokens"));
        assert_eq!(joined, Some(unit("cache_audio_read_tokens")));
        assert_eq!(unit("cache_read_tokens").join(unit("cache_write_tokens")), None);
        assert_eq!(unit("input_tokens").join(unit("output_tokens")), None);
        assert!(unit("audio_seconds").contains(unit("input_audio_seconds")));
        assert!(unit("input_document_pages").contains(unit("input_annotated_document_pages")));
        assert!(!unit("web_searches").contains(unit("storage_searches")));
        let ancestors = |key: &str| {
            let seen = std::cell::RefCell::new(std::collections::BTreeSet::new());
            let all = unit(key).ancestor(&|unit| {
                seen.borrow_mut().insert(unit.key());
                true
            });
            assert_eq!(all, None);
            seen.into_inner().into_iter().collect::<Vec<_>>()
        };
        let ancestors_of_cache = ancestors("cache_audio_write_1h_tokens");
        assert_eq!(
            ancestors_of_cache,
            [
                "cache_audio_write_tokens",
                "cache_write_1h_tokens",
                "cache_write_tokens",
                "input_audio_tokens",
                "input_tokens"
            ]
        );
        assert_eq!(ancestors("requests").len() + ancestors("input_tokens").len(), 0);
    }
}
