//! What providers count: one unit for each usage key and its price key.
//!
//! All counts are inclusive of their parts: `input_tokens` has the cached ones in it. How units lie inside each other
//! follows from their dimensions, after the model of genai-prices (Pydantic).

/// A unit of usage, by its dimensions; 0 is "not narrowed down".
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Unit {
    family: u8,
    direction: u8,
    modality: u8,
    /// Tokens: how they were spent. Pages: annotated. Tool calls: which tool.
    kind: u8,
    ttl: u8,
}

const TOKENS: u8 = 0;
const DURATIONS: u8 = 1;
const PAGES: u8 = 2;
const INPUT: u8 = 1;
const OUTPUT: u8 = 2;
const AUDIO: u8 = 2;
const READ: u8 = 1;
const WRITE: u8 = 2;
const TOOL: u8 = 3;

const MODALITIES: [&str; 4] = ["text", "audio", "image", "video"];
const INPUT_KINDS: [&str; 3] = ["read", "write", "tool"];
const OUTPUT_KINDS: [&str; 2] = ["reasoning", "citation"];
const TTLS: [&str; 4] = ["5m", "30m", "1h", "12h"];

/// Everything that is not tokens: usage key, price key, what the price is for, dimensions.
const OTHERS: [(&str, &str, u64, Unit); 14] = [
    ("audio_seconds", "audio_hours", 3600, other(DURATIONS, 0, AUDIO, 0)),
    ("input_audio_seconds", "input_audio_hours", 3600, other(DURATIONS, INPUT, AUDIO, 0)),
    ("output_audio_seconds", "output_audio_hours", 3600, other(DURATIONS, OUTPUT, AUDIO, 0)),
    ("input_document_pages", "input_document_kpages", 1000, other(PAGES, INPUT, 0, 0)),
    ("input_annotated_document_pages", "input_annotated_document_kpages", 1000, other(PAGES, INPUT, 0, 1)),
    ("input_characters", "input_mchars", 1_000_000, other(3, INPUT, 0, 0)),
    ("input_text_messages", "input_text_messages_kcount", 1000, other(4, INPUT, 0, 0)),
    ("input_pixels", "input_gpixels", 1_000_000_000, other(5, INPUT, 0, 0)),
    ("web_searches", "web_searches_kcount", 1000, other(6, 0, 0, 0)),
    ("social_searches", "social_searches_kcount", 1000, other(7, 0, 0, 0)),
    ("storage_searches", "storage_searches_kcount", 1000, other(8, 0, 0, 0)),
    ("code_executions", "code_executions_kcount", 1000, other(9, 0, 0, 0)),
    ("rerank_searches", "rerank_searches_kcount", 1000, other(10, 0, 0, 0)),
    ("requests", "requests_kcount", 1000, other(11, 0, 0, 0)),
];
const TOKENS_PER: u64 = 1_000_000;

const fn other(family: u8, direction: u8, modality: u8, kind: u8) -> Unit {
    Unit { family, direction, modality, kind, ttl: 0 }
}

impl Unit {
    pub(super) const INPUT_TOKENS: Self = other(TOKENS, INPUT, 0, 0);
    pub(super) const OUTPUT_TOKENS: Self = other(TOKENS, OUTPUT, 0, 0);
    pub(super) const AUDIO_SECONDS: Self = other(DURATIONS, 0, AUDIO, 0);
    pub(super) const INPUT_AUDIO_SECONDS: Self = other(DURATIONS, INPUT, AUDIO, 0);
    pub(super) const REQUESTS: Self = other(11, 0, 0, 0);

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
        let cache = self.direction == INPUT && matches!(self.kind, READ | WRITE);
        let kinds = if self.direction == INPUT { &INPUT_KINDS[..] } else { &OUTPUT_KINDS };
        let parts = [
            match self.direction {
                INPUT if cache => "cache",
                INPUT => "input",
                _ => "output",
            },
            named(&MODALITIES, self.modality),
            named(kinds, self.kind),
            named(&TTLS, self.ttl),
            "tokens",
        ];
        let mut key = String::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            if !key.is_empty() {
                key.push('_');
            }
            key.push_str(part);
        }
        key
    }

    /// How many of it the price is for.
    pub(super) fn per(self) -> u64 {
        OTHERS.iter().find(|other| other.3 == self).map_or(TOKENS_PER, |other| other.2)
    }

    pub(super) fn is_input(self) -> bool {
        self.direction == INPUT
    }

    pub(super) fn is_output(self) -> bool {
        self.direction == OUTPUT
    }

    /// The dimensions there are.
    pub(super) const DEPTH_MAX: usize = 4;

    /// How many dimensions narrow it down.
    pub(super) fn depth(self) -> usize {
        [self.direction, self.modality, self.kind, self.ttl].iter().filter(|n| **n != 0).count()
    }

    /// The unit that is both, if no dimension contradicts.
    pub(super) fn join(self, other: Self) -> Option<Self> {
        let one = |a: u8, b: u8| if a == 0 || b == 0 || a == b { Some(a.max(b)) } else { None };
        (self.family == other.family).then_some(())?;
        Some(Self {
            family: self.family,
            direction: one(self.direction, other.direction)?,
            modality: one(self.modality, other.modality)?,
            kind: one(self.kind, other.kind)?,
            ttl: one(self.ttl, other.ttl)?,
        })
    }

    /// Whether `part` lies inside of it.
    pub(super) fn contains(self, part: Self) -> bool {
        self != part && self.join(part) == Some(part)
    }

    /// The units it lies inside of; some of them repeatedly.
    pub(super) fn ancestors(self) -> impl Iterator<Item = Self> {
        (1_u8..16).filter_map(move |cleared| {
            let keep = |bit: u8, n: u8| if cleared & bit == 0 { n } else { 0 };
            let unit = Self {
                family: self.family,
                direction: keep(1, self.direction),
                modality: keep(2, self.modality),
                kind: keep(4, self.kind),
                ttl: keep(8, self.ttl),
            };
            let exists = match unit.family {
                TOKENS => unit.direction != 0 && (unit.ttl == 0 || unit.kind == WRITE),
                _ => OTHERS.iter().any(|other| other.3 == unit),
            };
            (exists && unit != self).then_some(unit)
        })
    }
}

/// The unit of a token key without its last word: `cache_audio_read`, `output_reasoning`, `input`.
fn tokens(stem: &str) -> Option<Unit> {
    let mut words = stem.split('_').peekable();
    let first = words.next()?;
    let mut take = |names: &[&str]| {
        let place = words.peek().and_then(|word| names.iter().position(|name| name == word));
        if place.is_some() {
            words.next();
        }
        place.map_or(0, |place| place as u8 + 1)
    };
    let modality = take(&MODALITIES);
    let (direction, kind) = match first {
        "input" => (INPUT, if take(&["tool"]) == 0 { 0 } else { TOOL }),
        "cache" => (INPUT, Some(take(&["read", "write"])).filter(|kind| *kind != 0)?),
        "output" => (OUTPUT, take(&OUTPUT_KINDS)),
        _ => return None,
    };
    let ttl = if direction == INPUT && kind == WRITE { take(&TTLS) } else { 0 };
    words.next().is_none().then_some(Unit { family: TOKENS, direction, modality, kind, ttl })
}

fn named(names: &[&'static str], n: u8) -> &'static str {
    usize::from(n).checked_sub(1).and_then(|i| names.get(i)).copied().unwrap_or("")
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
                assert_eq!(Unit::of_price(&format!("{stem}_mtok")), Some(unit(&key)));
            }
        }
        for (usage, price, per, _) in OTHERS {
            assert_eq!((Unit::of_price(price), unit(usage).per()), (Unit::of_usage(usage), per));
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
        let mut ancestors: Vec<String> = unit("cache_audio_write_1h_tokens").ancestors().map(Unit::key).collect();
        ancestors.sort();
        ancestors.dedup();
        assert_eq!(
            ancestors,
            [
                "cache_audio_write_tokens",
                "cache_write_1h_tokens",
                "cache_write_tokens",
                "input_audio_tokens",
                "input_tokens"
            ]
        );
        assert_eq!(unit("requests").ancestors().count() + unit("input_tokens").ancestors().count(), 0);
    }
}
