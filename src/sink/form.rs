//! How an event becomes the vendor's text: a form is the vendor's own event, with words in the place of what an event is
//! made of, each behind a `$`.
//!
//! | word | becomes |
//! |---|---|
//! | `id` `source` `type` `subject` | a string |
//! | `time` | a string, RFC 3339 in UTC |
//! | `seconds` `millis` | a whole number since 1970, rounded down |
//! | `decimal` | seconds since 1970 as a string, with three or nine digits behind the point |
//! | `data` | an object |
//! | `members` | the members of the data, a comma before each |
//! | `quantity` | the quantity as a plain decimal |
//! | `customer` `name` | the names that the settings give to the customer and the quantity, as strings |
//!
//! What there is none of (data, a quantity) takes along the text between it and the word before.

use super::Sink;
use super::data::{Data, limit, plain};
use crate::error::Result;
use crate::event::Event;
use crate::json::{find_byte, push_string};

/// Texts of a form and the words behind them, and what is left behind the last one.
#[derive(Default)]
pub(super) struct Form {
    pub pieces: Vec<(&'static str, &'static str)>,
    pub tail: &'static str,
}

/// The member that names a customer of one's own, and the one that names the vendor's.
const EXTERNAL: &str = ",\"external_customer_id\":";
const OWN: &str = ",\"customer_id\":";

impl Form {
    /// `own_ids`: the subject is the vendor's own id of a customer.
    pub fn new(text: &'static str, own_ids: bool) -> Self {
        let (mut form, mut from) = (Self::default(), 0);
        while let Some(at) = find_byte(text.as_bytes(), from, b'$') {
            let rest = text.get(at + 1..).unwrap_or_default();
            let length = rest.bytes().take_while(u8::is_ascii_lowercase).count();
            let piece = text.get(from..at).unwrap_or_default();
            let piece = if own_ids && piece == EXTERNAL { OWN } else { piece };
            form.pieces.push((piece, rest.get(..length).unwrap_or_default()));
            from = at + 1 + length;
        }
        form.tail = text.get(from..).unwrap_or_default();
        form
    }

    /// The texts before the words `id`, `source` (empty if there is none), `type`, `subject`, `time` and `data`, if the form
    /// has these words, and in this order.
    pub fn usual(&self) -> Option<[&'static str; 6]> {
        const WORDS: [&str; 6] = ["id", "source", "type", "subject", "time", "data"];
        let mut texts = [""; 6];
        let mut pieces = self.pieces.iter().peekable();
        for (text, word) in texts.iter_mut().zip(WORDS) {
            match pieces.next_if(|(_, found)| *found == word) {
                Some((piece, _)) => *text = piece,
                None if word == "source" => {}
                None => return None,
            }
        }
        (pieces.next().is_none() && self.tail == "}").then_some(texts)
    }
}

impl Sink {
    /// The event as the vendor takes it: the same bytes for the same event, its numbers digit by digit.
    ///
    /// What the vendor would not take is refused with `field_limit` and never changed; the path says where.
    pub fn map(&self, event: &Event) -> Result<String> {
        let declared = self.declared;
        let texts = [("id", &event.id), ("type", &event.kind), ("subject", &event.subject)];
        for ((name, text), max) in texts.into_iter().zip(declared.chars_max) {
            if text.len() > max && text.chars().count() > max {
                return Err(limit("the vendor takes fewer characters", max).at(name));
            }
        }
        let mut out = String::new();
        let data = self.data(event).map_err(|e| e.at("data"))?;
        for (piece, word) in &self.form.pieces {
            let before = out.len();
            out.push_str(piece);
            match *word {
                "id" => push_string(&mut out, &event.id),
                "source" => push_string(&mut out, &event.source),
                "type" => push_string(&mut out, &event.kind),
                "subject" => push_string(&mut out, &event.subject),
                "time" => push_string(&mut out, &event.time.text()),
                "seconds" | "millis" | "decimal" => out.push_str(&since_1970(event, word)?),
                "customer" => push_string(&mut out, &self.customer),
                "name" => push_string(&mut out, &self.name),
                "members" => out.push_str(&data.members),
                "quantity" if !data.quantity.is_empty() => out.push_str(&data.quantity),
                "data" if event.data.is_some() || declared.data.is_required => {
                    if let (Some(data), true) = (&event.data, self.takes_data_as_it_is()) {
                        out.push_str(data);
                    } else {
                        out.push('{');
                        out.push_str(data.members.get(1..).unwrap_or_default());
                        out.push('}');
                    }
                }
                _ => out.truncate(before),
            }
        }
        out.push_str(self.form.tail);
        Ok((declared.encode)(out))
    }

    /// Whether data, if the vendor takes it, is sent as it was written.
    pub(super) fn takes_data_as_it_is(&self) -> bool {
        !self.declared.data.as_strings && self.quantity.is_empty()
    }

    fn data(&self, event: &Event) -> Result<Data> {
        let rules = &self.declared.data;
        // Where members stand beside the customer and the quantity, they have other names.
        let names = [self.customer.as_str(), &self.name];
        let reserved = if self.name.is_empty() { &[][..] } else { &names[..] };
        let data = match &event.data {
            Some(data) if !(rules.is_any() && self.takes_data_as_it_is()) => {
                rules.read(data, &self.quantity, reserved)?
            }
            _ => Data::default(),
        };
        if data.quantity.is_empty() && !self.quantity.is_empty() {
            return Err(plain("the quantity is missing")
                .at(&self.quantity)
                .help("say by the sink's option quantity which member of the data it is"));
        }
        Ok(data)
    }
}

/// A time as a number.
fn since_1970(event: &Event, word: &str) -> Result<String> {
    let time = event.time;
    if time.seconds < 0 {
        return Err(plain("the vendor takes no time before 1970").at("time"));
    }
    let seconds = time.seconds.to_string();
    // With a digit before the nine, so that none in front is lost.
    let nanos = (1_000_000_000 + u64::from(time.nanos)).to_string();
    let digits = if time.nanos.is_multiple_of(1_000_000) { 4 } else { 10 };
    Ok(match word {
        "seconds" => seconds,
        "millis" => time.millis().to_string(),
        _ => ["\"", &seconds, ".", nanos.get(1..digits).unwrap_or_default(), "\""].concat(),
    })
}
