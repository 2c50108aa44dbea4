//! Endpoints of one's own, which take events as CloudEvents 1.0 in JSON: a webhook, or a function.

use super::Dedup;
use super::answer::Named;
use super::data::Rules;
use super::vendor::{Declared, USUAL};

/// An event as a CloudEvent.
pub(super) const EVENT: &str = r#"{"specversion":"1.0","id":$id,"source":$source,"type":$type,"subject":$subject,"time":$time,"datacontenttype":"application/json","data":$data}"#;

/// Any HTTP endpoint, with batches.
pub(super) const BATCH: Declared = Declared {
    kind: "webhook",
    options: &["kind", "url", "dedup", "batch"],
    content_type: "application/cloudevents-batch+json",
    frame: ["[", ",", "]"],
    event: EVENT,
    data: Rules::ANY,
    accepted: &[200, 201, 202, 204],
    events_max: usize::MAX,
    dedup: Dedup::Off,
    // It says "ok" in any form; a page of HTML is somebody else's.
    takes_text: true,
    ..USUAL
};

/// Any HTTP endpoint, with one event a request.
pub(super) const SINGLE: Declared = Declared {
    kind: "webhook-single",
    content_type: "application/cloudevents+json",
    // One byte between events, of which there are never two: packed events have it before them.
    frame: ["", ",", ""],
    events_max: 1,
    ..BATCH
};

/// A function of the host, which answers with 200 and what it refused: `{"refused":[{"id","reason"}]}`.
pub(super) const FUNCTION: Declared = Declared {
    kind: "custom",
    options: &["kind", "dedup", "batch"],
    hosts: &[("", "custom:")],
    accepted: &[200],
    is_read: true,
    named: Named { at: "refused", who: "id", why: "reason", by_ids: true, ..Named::NONE },
    ..BATCH
};
