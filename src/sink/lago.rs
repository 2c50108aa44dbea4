//! Lago, cloud or self-hosted. (Server and OpenAPI description of 2026-08-21, client 1.53.0.)
//!
//! Its store on ClickHouse knows an event by its id and its time: both are fixed once, so a resend is the same event.

use super::Dedup;
use super::answer::{Means, Named};
use super::data::Rules;
use super::vendor::{Declared, USUAL};

/// `POST /api/v1/events/batch`; a subject is the external id of a subscription.
pub(super) const DECLARED: Declared = Declared {
    kind: "lago",
    hosts: &[("", "https://api.getlago.com")],
    path: "/api/v1/events/batch",
    event: r#"{"transaction_id":$id,"code":$type,"external_subscription_id":$subject,"timestamp":$decimal,"properties":$data}"#,
    // It takes numbers as strings, and so no float comes between.
    data: Rules { as_strings: true, ..Rules::FLAT },
    // Seconds until its window ends.
    hint: "x-ratelimit-reset",
    hint_is_wait: true,
    dedup: Dedup::Unlimited,
    // By places, or `{"events":["too_many_events"]}`. One event that is known already undoes the whole request.
    named: Named { at: "error_details", known: r#"{"transaction_id":["value_already_exist"]}"#, ..Named::NONE },
    says: (422, "\"too_many_events\"", Means::TooMany),
    ..USUAL
};
