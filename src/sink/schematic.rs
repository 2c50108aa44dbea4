//! Schematic's events. (SDK 1.6.2, source of 2026-08-19.)
//!
//! Each event carries the key. The core writes a NUL in its place, which no JSON text has, and the host puts the key there
//! as it sends: what is kept, spooled and shown never has it.

use super::Dedup;
use super::answer::Means;
use super::data::Rules;
use super::vendor::{DAY, Declared, USUAL};

/// `POST /batch`
pub(super) const DECLARED: Declared = Declared {
    kind: "schematic",
    options: &["kind", "url", "batch", "customer", "quantity"],
    hosts: &[("", "https://c.schematichq.com")],
    path: "/batch",
    auth: ["x-schematic-api-key", ""],
    // The last one makes the event's time count.
    event: "{\"api_key\":\"\0\",\"type\":\"track\",\"idempotency_key\":$id,\"sent_at\":$time,\"trusted_client_clock\":true,\"body\":{\"company\":{$customer:$subject},\"event\":$type,\"quantity\":$quantity,\"traits\":$data}}",
    customer: "id",
    data: Rules::ANY,
    accepted: &[200, 201, 202],
    dedup: Dedup::Window(DAY),
    // `{"error":"batch too large","max_size":100}`
    says: (400, "\"max_size\"", Means::TooMany),
    ..USUAL
};
