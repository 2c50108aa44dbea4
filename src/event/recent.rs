//! Ids that users gave, remembered for a while, so that one id is not billed under two contents.

use std::collections::{BTreeMap, VecDeque};

use super::Event;
use crate::error::{Error, Result};
use crate::limits::RECENT_IDS_MAX;

/// The last ids that were given from outside. Ids that the core makes never repeat and are not kept.
#[derive(Default)]
pub struct Recent {
    contents: BTreeMap<String, u64>,
    order: VecDeque<String>,
}

impl Recent {
    /// Whether this very event (type, subject and data) was seen under its source and id. Its time is not compared:
    /// a retry of the caller's code stamps a new one.
    ///
    /// Error: `id_reused` for the same source and id with other content.
    pub fn seen(&self, event: &Event) -> Result<bool> {
        match self.contents.get(&key(event)) {
            None => Ok(false),
            Some(known) if *known == content(event) => Ok(true),
            Some(_) => Err(Error::new("id_reused", "another event has this source and id")
                .at("id")
                .help("give each event an id of its own, or leave it out")),
        }
    }

    /// Remembers an event that was taken.
    pub fn remember(&mut self, event: &Event) {
        let key = key(event);
        self.order.push_back(key.clone());
        self.contents.insert(key, content(event));
        if self.order.len() > RECENT_IDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.contents.remove(&oldest);
        }
    }
}

/// A NUL cannot be in an id or a source, so two pairs never give one key.
fn key(event: &Event) -> String {
    [event.source.as_str(), "\0", &event.id].concat()
}

/// FNV-1a: tells contents apart; nobody gains anything by a collision with an event of his own.
fn content(event: &Event) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in [event.kind.as_str(), &event.subject, event.data.as_deref().unwrap_or_default()] {
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
    fn only_so_many_are_kept() {
        let mut recent = Recent::default();
        for i in 0..=RECENT_IDS_MAX {
            recent.remember(&event(&i.to_string(), "{}"));
        }
        assert_eq!(recent.contents.len(), RECENT_IDS_MAX);
        assert_eq!(recent.seen(&event("0", "{}")), Ok(false));
        assert_eq!(recent.seen(&event("1", "{}")), Ok(true));
    }
}
