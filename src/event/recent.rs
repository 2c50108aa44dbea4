//! Ids that users gave, remembered for a while, so that one id is not billed under two contents.

use super::Event;
use crate::error::{Error, Result};
use crate::limits::RECENT_IDS_MAX;
use hot::Index;

/// The last ids that were given from outside. Ids that the core makes never repeat and are not kept.
///
/// They are kept in two lists: when the newer one is full, the older one goes.
#[derive(Default)]
pub struct Recent {
    /// Whether the vendor knows events by their ids alone.
    ids_alone: bool,
    older: List,
    newer: List,
}

/// Content that is not known.
const UNKNOWN: u64 = 0;

#[derive(Default)]
struct List {
    ids: Index,
    /// By an id's number in the list.
    contents: Vec<u64>,
}

impl Recent {
    /// None yet; `ids_alone`: the vendor knows events by their ids, without their sources.
    pub fn new(ids_alone: bool) -> Self {
        Self { ids_alone, ..Self::default() }
    }

    /// Whether this very event (source, type, subject and data) was seen under its source and id. Its time is not compared:
    /// a retry of the caller's code stamps a new one.
    ///
    /// Error: `id_reused` for the same source and id with other content.
    pub fn seen(&self, event: &Event) -> Result<bool> {
        let key = self.key(&event.source, &event.id);
        let content_of = |list: &List, skip: usize| {
            let number = list.ids.find(key.as_bytes()).filter(|number| *number >= skip)?;
            list.contents.get(number).copied()
        };
        // As many of the older list count as the newer one has room for.
        match content_of(&self.newer, 0).or_else(|| content_of(&self.older, self.newer.ids.count())) {
            None => Ok(false),
            Some(known) if known == UNKNOWN || known == content(event) => Ok(true),
            Some(_) => Err(Error::new("id_reused", "another event has this source and id")
                .at("id")
                .help("give each event an id of its own, or leave it out")),
        }
    }

    /// Remembers an event that was taken, and not seen before.
    pub fn remember(&mut self, event: &Event) {
        self.place(&self.key(&event.source, &event.id), content(event));
    }

    /// Remembers an id of which no more is known: whatever comes under it is taken for the same event.
    pub fn remember_id(&mut self, source: &str, id: &str) {
        self.place(&self.key(source, id), UNKNOWN);
    }

    fn place(&mut self, key: &str, content: u64) {
        if self.newer.ids.count() == RECENT_IDS_MAX {
            self.older = std::mem::take(&mut self.newer);
        }
        // The last word is what counts.
        let number = self.newer.ids.place(key.as_bytes());
        match self.newer.contents.get_mut(number) {
            Some(known) => *known = content,
            None => self.newer.contents.push(content),
        }
    }

    /// A NUL cannot be in an id or a source, so two pairs never give one key.
    fn key(&self, source: &str, id: &str) -> String {
        [if self.ids_alone { "" } else { source }, "\0", id].concat()
    }
}

/// FNV-1a: tells contents apart; nobody gains anything by a collision with an event of his own.
fn content(event: &Event) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in [event.source.as_str(), &event.kind, &event.subject, event.data.as_deref().unwrap_or_default()] {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    fn event(id: &str, data: &str) -> Event {
        Event {
            id: id.into(),
            source: "s".into(),
            kind: "t".into(),
            subject: "u".into(),
            time: Instant::from_millis(0),
            data: Some(data.into()),
        }
    }

    #[test]
    fn same_content_is_seen_other_content_is_refused() {
        let mut recent = Recent::default();
        assert_eq!(recent.seen(&event("a", "{}")), Ok(false));
        recent.remember(&event("a", "{}"));
        assert_eq!(recent.seen(&event("a", "{}")), Ok(true));
        assert_eq!(recent.seen(&event("a", r#"{"n":1}"#)).unwrap_err().code, "id_reused");
        assert_eq!(recent.seen(&event("b", "{}")), Ok(false));
    }

    #[test]
    fn an_id_alone_stands_for_any_content() {
        let mut recent = Recent::default();
        recent.remember_id("s", "a");
        assert_eq!(recent.seen(&event("a", r#"{"n":1}"#)), Ok(true));
        assert_eq!(recent.seen(&Event { source: "other".into(), ..event("a", "{}") }), Ok(false));
        recent.remember(&event("a", "{}"));
        assert_eq!(recent.seen(&event("a", r#"{"n":1}"#)).unwrap_err().code, "id_reused");
    }

    #[test]
    fn where_the_id_is_all_two_sources_cannot_share_it() {
        let other = Event { source: "other".into(), ..event("a", "{}") };
        let mut recent = Recent::default();
        recent.remember(&event("a", "{}"));
        assert_eq!(recent.seen(&other), Ok(false));
        let mut recent = Recent::new(true);
        recent.remember(&event("a", "{}"));
        assert_eq!(recent.seen(&event("a", "{}")), Ok(true));
        assert_eq!(recent.seen(&other).unwrap_err().code, "id_reused");
    }

    #[test]
    fn the_window_moves_one_by_one_over_both_lists() {
        let mut recent = Recent::default();
        for i in 0..3 * RECENT_IDS_MAX {
            recent.remember(&event(&i.to_string(), "{}"));
            let oldest = (i + 1).saturating_sub(RECENT_IDS_MAX);
            assert_eq!(recent.seen(&event(&oldest.to_string(), "{}")), Ok(true));
            assert!(oldest == 0 || recent.seen(&event(&(oldest - 1).to_string(), "{}")) == Ok(false));
        }
        assert!(recent.older.contents.len() <= RECENT_IDS_MAX && recent.newer.contents.len() <= RECENT_IDS_MAX);
    }

    #[test]
    fn only_so_many_are_kept() {
        let mut recent = Recent::default();
        for i in 0..=RECENT_IDS_MAX {
            recent.remember(&event(&i.to_string(), "{}"));
        }
        assert_eq!(recent.seen(&event("0", "{}")), Ok(false));
        assert_eq!(recent.seen(&event("1", "{}")), Ok(true));
    }
}
