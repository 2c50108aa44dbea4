//! What a vendor's endpoint is: a declaration that the rest of this module reads.

use super::Dedup;
use super::answer::{Means, Named};
use super::data::Rules;

/// What a vendor's endpoint asks for and answers.
pub(super) struct Declared {
    /// What settings call it.
    pub kind: &'static str,
    /// The settings that it has.
    pub options: &'static [&'static str],
    /// Environments and their base URLs; the one without a name needs none to be named.
    pub hosts: &'static [(&'static str, &'static str)],
    /// Added to the base URL.
    pub path: &'static str,
    /// Where a token is got that takes the key's place, as a base URL and a path; none if empty.
    pub session: [&'static str; 2],
    /// Sent as it stands, without parameters.
    pub content_type: &'static str,
    /// The header of the key, and what stands before the key.
    pub auth: [&'static str; 2],
    /// One more header, and its value; none if empty.
    pub header: [&'static str; 2],
    /// What stands before, between and after the events of a body.
    pub frame: [&'static str; 3],
    /// An event as the vendor takes it, with words in the place of what it is made of: see [`super::form`].
    pub event: &'static str,
    /// How such an event is written, if not as JSON.
    pub encode: fn(String) -> String,
    /// What it calls the customer, if that is a setting; `external` if a subject is an id of the vendor's or of one's own.
    pub customer: &'static str,
    /// What it takes as data.
    pub data: Rules,
    /// Characters of an id, a type and a subject.
    pub chars_max: [usize; 3],
    /// The statuses with which the vendor takes a batch.
    pub accepted: &'static [u16],
    /// Whether it may say so in plain text.
    pub takes_text: bool,
    /// Whether what it says with these matters too.
    pub is_read: bool,
    /// Whether a body may be sent as gzip.
    pub gzip: bool,
    /// A header that matters too; none if empty.
    pub hint: &'static str,
    /// Whether that header says, of a 429, how many seconds to wait.
    pub hint_is_wait: bool,
    /// Events of one request that the vendor takes.
    pub events_max: usize,
    /// How far an event's time may lie behind and ahead.
    pub oldest_ms: Option<u64>,
    pub newest_ms: Option<u64>,
    /// How long it remembers ids.
    pub dedup: Dedup,
    /// Where an answer names events.
    pub named: Named,
    /// Members of what it says with these: how many events it knew already, and warnings, `{"index","code","message"}`;
    /// empty if it has none.
    pub remarks: [&'static str; 2],
    /// A status, words with it, and what they mean for a batch.
    pub says: (u16, &'static str, Means),
}

/// Settings of every sink, and of one whose customers may be named in two ways.
pub(super) const OPTIONS: &[&str] = &["kind", "url", "batch"];
pub(super) const WITH_ENVIRONMENT: &[&str] = &["kind", "url", "batch", "environment"];
pub(super) const WITH_CUSTOMER: &[&str] = &["kind", "url", "batch", "environment", "customer"];

pub(super) const MINUTE: u64 = 60_000;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// What most have in common: JSON, a bearer key, batches of a hundred.
pub(super) const USUAL: Declared = Declared {
    kind: "",
    options: OPTIONS,
    hosts: &[],
    path: "",
    session: [""; 2],
    content_type: "application/json",
    auth: ["authorization", "Bearer "],
    header: [""; 2],
    frame: ["{\"events\":[", ",", "]}"],
    event: "",
    encode: |text| text,
    customer: "",
    data: Rules::FLAT,
    chars_max: [usize::MAX; 3],
    accepted: &[200],
    takes_text: false,
    is_read: false,
    gzip: false,
    hint: "",
    hint_is_wait: false,
    events_max: 100,
    oldest_ms: None,
    newest_ms: None,
    dedup: Dedup::Unknown,
    named: Named::NONE,
    remarks: [""; 2],
    says: (0, "-", Means::Known),
};
