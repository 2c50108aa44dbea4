//! Endpoints of one's own, which take events as CloudEvents 1.0 in JSON: a webhook, or a function.

use super::Dedup;
use super::answer::{index, partial, refused};
use super::data::Rules;
use super::vendor::{Declared, USUAL};
use crate::delivery::{Answer, Verdict};
use crate::json::Value;

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
    judge: any_words,
    ..USUAL
};

/// Any HTTP endpoint, with one event a request.
pub(super) const SINGLE: Declared = Declared {
    kind: "webhook-single",
    content_type: "application/cloudevents+json",
    frame: ["", "", ""],
    events_max: 1,
    ..BATCH
};

/// A function of the host, which answers with 200 and what it refused: `{"refused":{"3":"why"}}`, by places.
pub(super) const FUNCTION: Declared = Declared {
    kind: "custom",
    options: &["kind", "dedup", "batch"],
    hosts: &[("", "custom:")],
    accepted: &[200],
    is_read: true,
    judge: named,
    ..BATCH
};

/// An endpoint of one's own says "ok" in any form; a page of HTML is somebody else's.
fn any_words(answer: &Answer, _: &[i64]) -> Option<Verdict> {
    let is_text = answer.content_type.as_deref().is_some_and(|text| text.starts_with("text/plain"));
    (is_text && BATCH.accepted.contains(&answer.status)).then_some(Verdict::Accepted)
}

fn named(answer: &Answer, times: &[i64]) -> Option<Verdict> {
    let body = Value::parse(&answer.body).ok()?;
    let named = body.get("refused")?.as_object()?.iter().filter_map(|(at, why)| Some((index(at)?, refused(why))));
    partial(answer, times.len(), named.collect())
}
