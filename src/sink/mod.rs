//! Ingest endpoints: a declaration each, and pure functions that read it, one file a vendor.
//!
//! A sink turns an event into the vendor's text ([`Sink::map`]), says how such texts are joined into a request
//! ([`Sink::request_json`]) and judges the answer ([`Sink::verdict`]). The secret never comes here: the host adds it.

mod answer;
mod autumn;
mod cloudevents;
mod creem;
mod data;
mod dodo;
mod flexprice;
mod form;
mod lago;
mod metronome;
mod openmeter;
mod orb;
mod polar;
mod schematic;
mod stripe;
mod url;
mod vendor;

pub use answer::DUPLICATE_ID;
pub use dodo::{EVENTS_MAX as DODO_EVENTS_MAX, check as check_metadata};

use std::collections::VecDeque;

use self::form::Form;
use self::vendor::Declared;
use crate::buffer::Entry;
use crate::delivery::{Action, Outcome, Verdict, verdict};
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, LINGER_MAX_MS};

static VENDORS: [&Declared; 17] = [
    &openmeter::V1,
    &openmeter::V3,
    &dodo::DECLARED,
    &polar::DECLARED,
    &lago::DECLARED,
    &stripe::V1,
    &stripe::V2,
    &stripe::STREAM,
    &orb::DECLARED,
    &metronome::DECLARED,
    &flexprice::DECLARED,
    &autumn::DECLARED,
    &schematic::DECLARED,
    &creem::DECLARED,
    &cloudevents::BATCH,
    &cloudevents::SINGLE,
    &cloudevents::FUNCTION,
];

/// How a vendor's events are written from packed words: the same bytes as by [`Sink::map`]. What is not within these
/// bounds is not packed, so that [`Sink::map`] sees it.
#[derive(Clone, Copy)]
pub struct Packed {
    /// Whether any event may be packed.
    pub takes_any: bool,
    /// What stands around id, time and data.
    pub form: hot::Form,
    /// What stands before the source, where the vendor takes one.
    pub source: &'static str,
    /// What stands before the type.
    pub kind: &'static str,
    /// What stands before the subject.
    pub subject: &'static str,
    /// Members of the data.
    pub members_max: usize,
    /// UTF-16 units of a member's name, and of its string.
    pub units_max: (usize, usize),
    /// Whether a member may be `null`.
    pub takes_null: bool,
}

/// How long the vendor remembers ids, so that an event sent twice counts once.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Dedup {
    /// It does not: an event whose answer was lost may be counted twice.
    Off,
    /// It does, and does not say how long.
    Unknown,
    /// For ever.
    Unlimited,
    /// So many milliseconds.
    Window(u64),
}

/// How many events and bytes one request carries, and how long the first event may wait for company.
#[derive(Clone, Copy)]
pub struct Batching {
    /// Events of one request.
    pub events_max: usize,
    /// Bytes of one request's body.
    pub bytes_max: usize,
    /// Milliseconds for which the first event waits for company.
    pub linger_ms: u64,
}

/// A configured endpoint.
pub struct Sink {
    declared: &'static Declared,
    base: String,
    form: Form,
    /// What the vendor calls the customer, if that is a setting.
    customer: String,
    /// What the vendor calls the quantity, if that is a setting.
    name: String,
    /// The member of the data that is the quantity, if one is.
    quantity: String,
    dedup: Dedup,
    batching: Batching,
}

impl Sink {
    /// Reads settings: `{"kind", "url"?, "batch"?}` and what the vendor has beside, see the table of vendors in `VENDORS`.
    ///
    /// `batch` is `{"events"?,"bytes"?,"lingerMs"?}`, `environment` is `test` or `live`, `dedup` is `off`, `unlimited` or
    /// milliseconds, `customer` is `id` or `external` where the vendor has both, else the name of the customer's member,
    /// `quantity` is a member of the data. Errors: `invalid_sink`, `insecure_url`, `unknown_option`, with the member as path.
    pub fn parse(settings: &Value) -> Result<Self> {
        let kind = settings.get("kind").and_then(Value::as_str).unwrap_or_default();
        let Some(declared) = VENDORS.iter().find(|declared| declared.kind == kind) else {
            return Err(invalid("there is no such sink").at("kind"));
        };
        settings.only(declared.options)?;
        let dedup = settings.present("dedup").map_or(Ok(declared.dedup), dedup)?;
        let text = |name: &'static str, default: &str| match settings.present(name) {
            None => Ok(default.to_owned()),
            Some(Value::String(text)) if !text.is_empty() => Ok(text.as_ref().to_owned()),
            Some(_) => Err(invalid("not a name").at(name)),
        };
        let customer = text("customer", declared.customer)?;
        let own_ids = declared.customer == "external" && customer != "external";
        if own_ids && customer != "id" {
            return Err(invalid("not a kind of customer").at("customer").help("write 'id' or 'external'"));
        }
        let name = text("name", declared.data.quantity)?;
        Ok(Self {
            declared,
            base: base(settings, declared.hosts)?,
            form: Form::new(declared.event, own_ids),
            quantity: text("quantity", &name)?,
            customer,
            name,
            dedup,
            batching: batching(settings.present("batch"), declared).map_err(|e| e.at("batch"))?,
        })
    }

    /// Whether the vendor takes any event as it is, as CloudEvents in JSON.
    pub fn takes_all(&self) -> bool {
        self.declared.event == cloudevents::EVENT
    }

    /// Whether the vendor knows events by source and id; else by the id alone.
    pub fn takes_source(&self) -> bool {
        self.form.pieces.iter().any(|(_, word)| *word == "source")
    }

    /// How packed events are written.
    pub fn packed(&self) -> Packed {
        let rules = &self.declared.data;
        let plain = self.takes_data_as_it_is() && rules.takes_empty && !rules.is_required;
        let [head, source, kind, subject, time, data] = self.form.usual().unwrap_or_default();
        Packed {
            takes_any: plain && !head.is_empty() && self.framing().1 == 1 && self.declared.chars_max == [usize::MAX; 3],
            form: hot::Form { head: head.as_bytes(), time: time.as_bytes(), data: data.as_bytes() },
            source,
            kind,
            subject,
            members_max: rules.members_max,
            units_max: (rules.key_chars_max, rules.value_chars_max),
            takes_null: rules.takes_all,
        }
    }

    /// Takes what a vendor says in its own header for what others say in `Retry-After`.
    pub fn heed(&self, outcome: &mut Outcome) {
        if let Outcome::Answer(answer) = outcome
            && self.declared.hint_is_wait
            && answer.status == 429
            && answer.retry_after.is_none()
        {
            answer.retry_after = answer.hint.take();
        }
    }

    /// How the vendor's answer, or its absence, is to be taken, for a batch of events with these times.
    pub fn verdict(&self, outcome: &Outcome, times: &[i64]) -> Verdict {
        let said = match outcome {
            Outcome::Answer(answer) => answer::judge(self.declared, answer, times),
            Outcome::Failed { .. } => None,
        };
        said.unwrap_or_else(|| verdict(outcome, self.declared.accepted, self.declared.takes_text))
    }

    /// Tells what a vendor's success still says of a batch with these events.
    pub fn remark(&self, outcome: &Outcome, entries: &VecDeque<Entry>, out: &mut Vec<Action>) {
        if let Outcome::Answer(answer) = outcome {
            answer::remark(self.declared, answer, entries, out);
        }
    }

    /// How requests look: `{url, contentType, authName, authPrefix, headerName, headerValue, prefix, separator, suffix,
    /// sessionUrl, hintName, accepted, isRead, gzip, namesIds}`, `accepted` being the statuses with which the body is not waited for,
    /// unless it is read.
    ///
    /// A body is `prefix`, the events' texts joined by `separator`, `suffix`; the secret goes behind `authPrefix` into
    /// the header `authName`. Where there is a `sessionUrl`, it is not the secret that goes there, but a token that is
    /// got with it.
    pub fn request_json(&self) -> String {
        let declared = self.declared;
        let mut accepted = Writer::array();
        for status in declared.accepted {
            accepted.item(&status.to_string());
        }
        let [auth_name, auth_prefix] = declared.auth;
        let [header_name, header_value] = declared.header;
        let [prefix, separator, suffix] = declared.frame;
        let [session_base, session_path] = declared.session;
        // Another host than the vendor's has it all.
        let is_elsewhere = declared.hosts.iter().all(|(_, host)| *host != self.base);
        let session_base = if is_elsewhere && !session_path.is_empty() { &self.base } else { session_base };
        let mut w = Writer::object();
        for (name, text) in [
            ("url", [&self.base, declared.path].concat().as_str()),
            ("contentType", declared.content_type),
            ("authName", auth_name),
            ("authPrefix", auth_prefix),
            ("headerName", header_name),
            ("headerValue", header_value),
            ("prefix", prefix),
            ("separator", separator),
            ("suffix", suffix),
            ("sessionUrl", &[session_base, session_path].concat()),
            ("hintName", declared.hint),
        ] {
            w.string(name, text);
        }
        w.raw("accepted", &accepted.end());
        for (name, is_so) in
            [("isRead", declared.is_read), ("gzip", declared.gzip), ("namesIds", declared.named.by_ids)]
        {
            w.raw(name, if is_so { "true" } else { "false" });
        }
        w.end()
    }

    /// Bytes of a body beside its events: those of its frame, and those between two events.
    pub fn framing(&self) -> (usize, usize) {
        let [prefix, separator, suffix] = self.declared.frame;
        (prefix.len() + suffix.len(), separator.len())
    }

    /// How requests are filled.
    pub fn batching(&self) -> Batching {
        self.batching
    }

    /// How long the vendor remembers ids.
    pub fn dedup(&self) -> Dedup {
        self.dedup
    }

    /// How many milliseconds an event's time may lie behind the present.
    pub fn oldest_ms(&self) -> Option<u64> {
        self.declared.oldest_ms
    }

    /// How many milliseconds an event's time may lie ahead of the present.
    pub fn newest_ms(&self) -> Option<u64> {
        self.declared.newest_ms
    }
}

/// The base URL: one's own, or that of an environment.
fn base(settings: &Value, hosts: &[(&str, &str)]) -> Result<String> {
    let environment = settings.present("environment");
    match settings.present("url") {
        url if environment.is_none() && (url.is_some() || hosts.is_empty()) => url::base(url).map_err(|e| e.at("url")),
        url => {
            let name = environment.map_or(Some(""), Value::as_str);
            let known = hosts.iter().find(|(known, _)| Some(*known) == name && url.is_none());
            known.map(|(_, host)| (*host).to_owned()).ok_or_else(|| {
                invalid("either an environment or a url is needed")
                    .at("environment")
                    .help("write 'test' or 'live'; there is no default, for test events in the live system are bills")
            })
        }
    }
}

fn dedup(value: &Value) -> Result<Dedup> {
    match (value.as_str(), value.as_u64()) {
        (Some("off"), _) => Ok(Dedup::Off),
        (Some("unlimited"), _) => Ok(Dedup::Unlimited),
        (_, Some(ms @ 1..)) => Ok(Dedup::Window(ms)),
        _ => Err(invalid("not a time for which the server remembers ids")
            .at("dedup")
            .help("write 'off', 'unlimited' or milliseconds")),
    }
}

fn batching(batch: Option<&Value>, declared: &Declared) -> Result<Batching> {
    let batch = batch.unwrap_or(&Value::Null);
    if !matches!(batch, Value::Null | Value::Object(_)) {
        return Err(invalid("not an object"));
    }
    batch.only(&["events", "bytes", "lingerMs"])?;
    let number = |name: &str, default: usize, min: usize, max: usize| match batch.present(name) {
        None => Ok(default),
        Some(value) => match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
            Some(n) if (min..=max).contains(&n) => Ok(n),
            _ => Err(invalid("not a whole number of the range that is allowed")
                .at(name)
                .help([&min.to_string(), " to ", &max.to_string()].concat())),
        },
    };
    let events_max = declared.events_max.min(BATCH_EVENTS_MAX);
    Ok(Batching {
        events_max: number("events", events_max, 1, events_max)?,
        bytes_max: number("bytes", BATCH_BYTES_MAX, 1, BATCH_BYTES_MAX)?,
        linger_ms: number("lingerMs", 0, 0, LINGER_MAX_MS as usize)? as u64,
    })
}

#[cold]
fn invalid(message: &'static str) -> Error {
    Error::new("invalid_sink", message)
}

#[cfg(test)]
mod tests;
