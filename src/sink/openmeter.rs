//! OpenMeter, cloud or self-hosted: its v1 and v3 endpoints. (Server of 2026-08-18.)

use super::Dedup;
use super::cloudevents::EVENT;
use super::data::Rules;
use super::vendor::{Declared, USUAL};

/// `POST /api/v1/events`
pub(super) const V1: Declared = Declared {
    kind: "openmeter",
    options: &["kind", "url", "dedup", "batch"],
    path: "/api/v1/events",
    // The server compares it as a string: with any parameter behind it, it answers 400.
    content_type: "application/cloudevents-batch+json",
    frame: ["[", ",", "]"],
    event: EVENT,
    data: Rules::ANY,
    accepted: &[204],
    // The server has no limit; what is in front of it may.
    events_max: usize::MAX,
    // The server's `dedupe.enabled` is false unless its owner has set it.
    dedup: Dedup::Off,
    ..USUAL
};

/// `POST /openmeter/events`, behind `…/api/v3` or Konnect's `…/v3`
pub(super) const V3: Declared = Declared { kind: "openmeter-v3", path: "/openmeter/events", accepted: &[202], ..V1 };
