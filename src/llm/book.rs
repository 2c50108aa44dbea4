//! The price book: which model is meant, and what it cost at a time.
//!
//! Its text is data from outside the core, in the compact form described at [`Book::parse`]. It is kept as it was read;
//! what of it a request asks for is looked up when it is asked for.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

use super::charge::context;
use super::cost::{Prices, unpriced};
use super::dated::prices;
use super::matching::{Matched, begins, find};
use super::record::join;
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::price::positive;
use crate::time::Instant;

pub(super) const DAY_SECONDS: i64 = 86_400;
/// Days after which a book is too old, unless it is said: prices change about every month.
const STALE_DAYS: i64 = 45;

/// A price book.
pub struct Book {
    book: Value<'static>,
    /// `(name, model)`
    aliases: Vec<(String, String)>,
    /// A name that is not one of the book's is not priced.
    strict: bool,
    /// The second from which on it is too old.
    stale_from: i64,
}

/// A model that was found.
pub struct Found<'b> {
    provider: &'b Value<'b>,
    model: &'b Value<'b>,
    matched: Matched,
    /// Found in the models of another provider.
    pub via_fallback: bool,
    /// Found only after a date in the name was written with dashes.
    pub via_date_rewrite: bool,
}

#[cold]
#[inline(never)]
pub(super) fn invalid(message: &'static str) -> Error {
    Error::new("invalid_price_book", message)
}

/// A member that is a text; empty if there is none.
#[inline(never)]
pub(super) fn text<'v>(object: &'v Value, key: &str) -> &'v str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A member that is a list; empty if there is none.
#[inline(never)]
fn list<'v>(object: &'v Value<'v>, key: &str) -> &'v [Value<'v>] {
    object.get(key).and_then(Value::as_array).unwrap_or_default()
}

/// Reads each element of a list that may be left out; errors say which.
#[inline(never)]
pub(super) fn each<'v>(
    object: &'v Value<'v>,
    key: &'static str,
    read: &mut dyn FnMut(&'v Value<'v>) -> Result<()>,
) -> Result<()> {
    if object.present(key).is_some_and(|list| list.as_array().is_none()) {
        return Err(invalid("this is not a list").at(key));
    }
    for (at, item) in list(object, key).iter().enumerate() {
        read(item).map_err(|e| e.at_index(at).at(key))?;
    }
    Ok(())
}

/// How a match that may be left out takes a name.
fn matched(object: &Value, key: &'static str, name: &str) -> Result<Option<Matched>> {
    match object.present(key) {
        Some(matcher) => find(matcher, name).map_err(|e| e.at(key)),
        None => Ok(None),
    }
}

/// The same in a book that has been checked.
fn takes(object: &Value, key: &'static str, name: &str) -> Option<Matched> {
    matched(object, key, name).unwrap_or(None)
}

impl Book {
    /// Reads a book. Error: `invalid_price_book` with a path (or `json_invalid`, `decimal_invalid`).
    ///
    /// ```text
    /// { schema?: 1, source, license, version?, providers: [{ id, pm?: Match, mm?: Match, fb?: [id], models: [Model] }] }
    /// Model      { id, m: Match, p: Prices | [{ p: Prices, c?: Constraint }], v?: [{ w: { key: value }, p: Prices, c? }],
    ///              x?: [{ by, tokens?: true, w?, c? }], min?: { audio_seconds } }
    /// Prices     { price key: "3" | ["3", [200000, "6"], …] }      USD; base, then [above, price] ascending
    /// Constraint { start_date?, start_time?, end_time?,            day 00:00 UTC; times with offset, every day
    ///              tz?, weekdays?: [1…7], not_on?: [date] }        or on these days only, Monday being 1, at this offset
    /// Match      see `matching.rs`
    /// ```
    ///
    /// `pm` matches other spellings of the provider, `mm` models that come without one; `fb` names the providers to look
    /// in when no model of its own matches. Of `p` the first entry is the default and the last active one holds; `x`
    /// multiplies all prices, or those of tokens. In `w` the value `*` is any but `global`.
    pub fn parse(text: &str) -> Result<Self> {
        Self::from_value(&Value::parse(text)?)
    }

    /// As [`Self::parse`], from a value that has been read already.
    pub fn from_value(book: &Value) -> Result<Self> {
        // A book without a number is of the first form there was.
        if book.present("schema").is_some_and(|schema| positive(schema).ok() != Some(Decimal::ONE)) {
            return Err(invalid("the book has a form that is not known here").at("schema").help("update taximeter"));
        }
        each(book, "providers", &mut check_provider)?;
        if list(book, "providers").is_empty() {
            return Err(invalid("a price book has providers").at("providers"));
        }
        let mut made = Self { book: book.owned(), aliases: Vec::new(), strict: false, stale_from: i64::MAX };
        made.stale_after(STALE_DAYS);
        Ok(made)
    }

    /// Says how many days old it may be, if it has a date.
    fn stale_after(&mut self, days: i64) {
        if let Ok(date) = Instant::parse(&join(&[text(&self.book, "date"), "T00:00:00Z"])) {
            self.stale_from = date.seconds.saturating_add(days.saturating_mul(DAY_SECONDS));
        }
    }

    /// Whether it is too old for prices of that time.
    pub(super) fn is_stale(&self, at: Instant) -> bool {
        at.seconds >= self.stale_from
    }

    /// A book with what the user adds: `{book, aliases?: {name: model}, strict?, staleDays?}`. Errors: as [`Self::parse`],
    /// `invalid_option`.
    pub fn open(settings: &Value) -> Result<Self> {
        let mut book = Self::from_value(settings.get("book").unwrap_or(&Value::Null)).map_err(|e| e.at("book"))?;
        book.strict = settings.get("strict") == Some(&Value::Bool(true));
        if let Some(days) = settings.present("staleDays") {
            let days = days.as_u64().and_then(|days| i64::try_from(days).ok());
            book.stale_after(days.ok_or_else(|| Error::new("invalid_option", "a number of days").at("staleDays"))?);
        }
        for (name, model) in settings.members("aliases")? {
            let model =
                model.as_str().ok_or_else(|| invalid("an alias is the name of a model").at(name).at("aliases"))?;
            book.alias(name, model);
        }
        Ok(book)
    }

    /// As [`Self::open`], from JSON text; other settings are refused.
    pub fn open_text(settings: &str) -> Result<Self> {
        let settings = Value::parse(settings)?;
        settings.only(&["book", "aliases", "strict", "staleDays"])?;
        Self::open(&settings)
    }

    /// Answers `cost` with [`super::Cost::to_json`] for a record, and `find` with what holds for
    /// `{provider?, model, at?, context?}`: `{provider, model, matchedBy, viaFallback?, viaDateRewrite?, prices, times?}`,
    /// where prices are as in the book, and `times` what those of tokens are multiplied by.
    pub fn ask(&self, name: &str, request: &str) -> Result<String> {
        let request = Value::parse(request)?;
        if name == "cost" {
            return self.cost(&request)?.to_json();
        }
        request.only(&["provider", "model", "at", "context"])?;
        let found = self.find(Some(text(&request, "provider")), text(&request, "model"))?;
        let at = Instant::parse(text(&request, "at")).map_err(|e| e.at("at"))?;
        let mut w = Writer::object();
        w.string("provider", found.provider()).string("model", found.model()).string("matchedBy", found.matched_by());
        for (flag, set) in [("viaFallback", found.via_fallback), ("viaDateRewrite", found.via_date_rewrite)] {
            if set {
                w.raw(flag, "true");
            }
        }
        found.prices(at, &context(&request)?)?.0.write(&mut w)?;
        Ok(w.end())
    }

    /// Its version.
    pub fn version(&self) -> &str {
        let version = text(&self.book, "version");
        if version.is_empty() { text(&self.book, "source") } else { version }
    }

    /// Gives a model another name, for example that of a deployment. Exact, in any case of letters, one step.
    pub fn alias(&mut self, name: &str, model: &str) {
        self.aliases.push((name.trim_ascii().to_owned(), model.trim_ascii().to_owned()));
    }

    fn providers(&self) -> &[Value<'_>] {
        list(&self.book, "providers")
    }

    fn named(&self, id: &str) -> Option<&Value<'_>> {
        self.providers().iter().find(|provider| text(provider, "id").eq_ignore_ascii_case(id))
    }

    fn provider(&self, id: &str) -> Option<&Value<'_>> {
        self.named(id).or_else(|| self.providers().iter().find(|provider| takes(provider, "pm", id).is_some()))
    }

    /// Finds a model. Names are compared without regard to case. Errors: `unknown_provider`, `unknown_model`,
    /// `matched_loosely` for one that only resembles it, if the book is strict.
    pub fn find(&self, provider: Option<&str>, model: &str) -> Result<Found<'_>> {
        let found = self.find_any(provider, model)?;
        if self.strict && found.is_loose() {
            return Err(unpriced("matched_loosely", "there is only a price for names like it", model));
        }
        Ok(found)
    }

    fn find_any(&self, provider: Option<&str>, model: &str) -> Result<Found<'_>> {
        let mut name = model.trim_ascii();
        if let Some((_, meant)) = self.aliases.iter().rev().find(|(alias, _)| alias.eq_ignore_ascii_case(name)) {
            name = meant;
        }
        let mut wanted = provider.unwrap_or_default().trim_ascii();
        if wanted.eq_ignore_ascii_case("litellm") {
            wanted = "";
            let slash = name.bytes().position(|b| b == b'/').unwrap_or(0);
            if let (Some(first), Some(rest)) = (name.get(..slash), name.get(slash.saturating_add(1)..))
                && slash > 0
                && self.provider(first).is_some()
            {
                (wanted, name) = (first, rest);
            }
        }
        let found = if wanted.is_empty() {
            self.providers().iter().find(|provider| takes(provider, "mm", name).is_some())
        } else {
            self.provider(wanted)
        };
        let Some(provider) = found else {
            return Err(unpriced(
                "unknown_provider",
                "there is no such provider",
                if wanted.is_empty() { model } else { wanted },
            ));
        };
        if let Some(found) = self.find_model(provider, name, false) {
            return Ok(found);
        }
        let dashed = dashed_dates(name);
        self.find_model(provider, &dashed, true)
            .ok_or_else(|| unpriced("unknown_model", "there is no price for it", model))
    }

    fn find_model<'b>(&'b self, provider: &'b Value<'b>, name: &str, via_date_rewrite: bool) -> Option<Found<'b>> {
        let mut fallback = list(provider, "fb").iter();
        let (mut place, mut via_fallback) = (Some(provider), false);
        loop {
            for model in place.map(|place| list(place, "models")).unwrap_or_default() {
                if let Some(matched) = takes(model, "m", name) {
                    return Some(Found { provider, model, matched, via_fallback, via_date_rewrite });
                }
            }
            via_fallback = true;
            place = self.named(fallback.next()?.as_str().unwrap_or_default());
        }
    }
}

fn check_provider(provider: &Value) -> Result<()> {
    check_id(provider)?;
    matched(provider, "pm", "")?;
    matched(provider, "mm", "")?;
    each(provider, "fb", &mut |id| match id.as_str() {
        Some(_) => Ok(()),
        None => Err(invalid("a provider's id is a text")),
    })?;
    each(provider, "models", &mut |model| {
        check_id(model)?;
        prices(model, Instant { seconds: 0, nanos: 0 }, &[], true)?;
        find(model.get("m").unwrap_or(&Value::Null), "").map_err(|e| e.at("m"))?;
        Ok(())
    })
}

fn check_id(object: &Value) -> Result<()> {
    if object.get("id").and_then(Value::as_str).is_none() {
        return Err(invalid("the id is missing").at("id"));
    }
    Ok(())
}

impl<'b> Found<'b> {
    /// The provider's id in the book.
    pub fn provider(&self) -> &'b str {
        text(self.provider, "id")
    }

    /// The model's id in the book.
    pub fn model(&self) -> &'b str {
        text(self.model, "id")
    }

    /// `exact`, `prefix` or `loose`.
    pub fn matched_by(&self) -> &'static str {
        match self.matched {
            Matched::Exact => "exact",
            Matched::Prefix => "prefix",
            Matched::Loose => "loose",
        }
    }

    /// Whether a new model may be priced as an older one here.
    pub(super) fn is_loose(&self) -> bool {
        self.matched != Matched::Exact
    }

    /// The prices at a time, and whether the context had a part in them.
    pub(super) fn prices(&self, at: Instant, context: &[(&str, &str)]) -> Result<(Prices<'b>, bool)> {
        prices(self.model, at, context, !self.via_fallback)
    }
}

/// Writes compact dates (`-20250514`, then the end or `:`, `-`) as dashed ones.
fn dashed_dates(name: &str) -> String {
    let date_at = |at: Option<usize>| {
        let rest = at.and_then(|at| name.as_bytes().get(at..)).unwrap_or_default();
        begins(rest, "-20######", true) && matches!(rest.get(9), None | Some(b':' | b'-'))
    };
    let mut dashed = String::new();
    for (at, letter) in name.char_indices() {
        if date_at(at.checked_sub(5)) || date_at(at.checked_sub(7)) {
            dashed.push('-');
        }
        dashed.push(letter);
    }
    dashed
}
