//! The price book: which model is meant, and what it cost at a time.
//!
//! Its text is data from outside the core, in the compact form described at [`Book::parse`].

use super::cost::{Prices, Unpriced};
use super::matching::{Matched, Matcher};
use crate::decimal::{Decimal, digits};
use crate::error::{Error, Result};
use crate::json::Value;
use crate::time::Instant;

const DAY_SECONDS: i64 = 86_400;

/// A price book.
pub struct Book {
    version: String,
    providers: Vec<Provider>,
    /// `(name, model)`
    aliases: Vec<(String, String)>,
}

struct Provider {
    id: String,
    spellings: Option<Matcher>,
    models_without_provider: Option<Matcher>,
    fallback: Vec<String>,
    models: Vec<Model>,
}

struct Model {
    id: String,
    matcher: Matcher,
    /// The first is the default, the last active one holds.
    prices: Vec<(Prices, Constraint)>,
    variants: Vec<Variant>,
    audio_seconds_min: Option<Decimal>,
}

/// Other prices where the request's context has all of `when`.
struct Variant {
    when: Vec<(String, String)>,
    prices: Prices,
    constraint: Constraint,
}

/// When a price holds.
#[derive(Default)]
struct Constraint {
    /// From this second since 1970 on.
    start: Option<i64>,
    /// Every day from the one second of the day (UTC) until before the other; may wrap midnight.
    daily: Option<(i64, i64)>,
}

/// A model that was found.
pub struct Found<'b> {
    provider: &'b Provider,
    model: &'b Model,
    matched: Matched,
    /// Found in the models of another provider.
    pub via_fallback: bool,
    /// Found only after a date in the name was written with dashes.
    pub via_date_rewrite: bool,
}

#[cold]
fn invalid(message: &'static str) -> Error {
    Error::new("invalid_price_book", message)
}

fn text<'v>(object: &'v Value, key: &'static str) -> Result<&'v str> {
    object.get(key).and_then(Value::as_str).ok_or_else(|| invalid("a text is missing").at(key))
}

fn array<'v, 'a>(object: &'v Value<'a>, key: &'static str) -> Result<&'v [Value<'a>]> {
    match object.present(key) {
        None => Ok(&[]),
        Some(value) => value.as_array().ok_or_else(|| invalid("this is not a list").at(key)),
    }
}

/// Reads each element of a list; errors say which.
fn each<T>(object: &Value, key: &'static str, read: fn(&Value) -> Result<T>) -> Result<Vec<T>> {
    let mut items = Vec::new();
    walk(object, key, &mut |item| read(item).map(|item| items.push(item)))?;
    Ok(items)
}

/// Apart from [`each`], so that there is only one of it.
fn walk(object: &Value, key: &'static str, read: &mut dyn FnMut(&Value) -> Result<()>) -> Result<()> {
    for (at, item) in array(object, key)?.iter().enumerate() {
        read(item).map_err(|e| e.at(&["[", &digits(at as u128), "]"].concat()).at(key))?;
    }
    Ok(())
}

fn matcher(object: &Value, key: &'static str) -> Result<Option<Matcher>> {
    object.present(key).map(|m| Matcher::read(m).map_err(|e| e.at(key))).transpose()
}

impl Book {
    /// Reads a book. Error: `invalid_price_book` with a path (or `json_invalid`, `decimal_invalid`).
    ///
    /// ```text
    /// { source, license, version?, providers: [{ id, pm?: Match, mm?: Match, fb?: [id], models: [Model] }] }
    /// Model      { id, m: Match, p: Prices | [{ p: Prices, c?: Constraint }], v?: [{ w: { key: value }, p: Prices, c? }],
    ///              min?: { audio_seconds } }
    /// Prices     { price key: "3" | ["3", [200000, "6"], …] }      USD; base, then [above, price] ascending
    /// Constraint { start_date?, start_time?, end_time? }           day 00:00 UTC; times with offset, every day
    /// Match      see `matching.rs`
    /// ```
    ///
    /// `pm` matches other spellings of the provider, `mm` models that come without one; `fb` names the providers to look
    /// in when no model of its own matches. Of `p` the first entry is the default and the last active one holds.
    pub fn parse(text: &str) -> Result<Self> {
        Self::from_value(&Value::parse(text)?)
    }

    /// As [`Self::parse`], from a value that has been read already.
    pub fn from_value(book: &Value) -> Result<Self> {
        let version = book.get("version").or(book.get("source")).and_then(Value::as_str).unwrap_or_default().to_owned();
        let providers = each(book, "providers", Provider::read)?;
        if providers.is_empty() {
            return Err(invalid("a price book has providers").at("providers"));
        }
        Ok(Self { version, providers, aliases: Vec::new() })
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Gives a model another name, for example that of a deployment. Exact, in any case of letters, one step.
    pub fn alias(&mut self, name: &str, model: &str) {
        self.aliases.push((name.trim_ascii().to_ascii_lowercase(), model.trim_ascii().to_ascii_lowercase()));
    }

    fn provider(&self, id: &str) -> Option<&Provider> {
        let exact = self.providers.iter().find(|p| p.id == id);
        exact.or_else(|| self.providers.iter().find(|p| p.spellings.as_ref().is_some_and(|m| m.find(id).is_some())))
    }

    /// Finds a model. Names are compared without regard to case.
    pub fn find(&self, provider: Option<&str>, model: &str) -> std::result::Result<Found<'_>, Unpriced> {
        let mut name = model.trim_ascii().to_ascii_lowercase();
        if let Some((_, meant)) = self.aliases.iter().rev().find(|(alias, _)| *alias == name) {
            name.clone_from(meant);
        }
        let mut wanted = provider.map(|p| p.trim_ascii().to_ascii_lowercase()).filter(|p| !p.is_empty());
        if wanted.as_deref() == Some("litellm") {
            let inner = name.split_once('/').filter(|(first, _)| self.provider(first).is_some());
            let inner = inner.map(|(first, rest)| (first.to_owned(), rest.to_owned()));
            wanted = None;
            if let Some((first, rest)) = inner {
                (wanted, name) = (Some(first), rest);
            }
        }
        let found = match &wanted {
            Some(id) => self.provider(id),
            None => {
                let takes = |p: &&Provider| p.models_without_provider.as_ref().is_some_and(|m| m.find(&name).is_some());
                self.providers.iter().find(takes)
            }
        };
        let Some(provider) = found else {
            let named = wanted.as_deref().unwrap_or(model);
            return Err(Unpriced::new("unknown_provider", &["no provider for \"", named, "\""]));
        };
        self.find_model(provider, &name, false)
            .or_else(|| dashed_dates(&name).and_then(|dashed| self.find_model(provider, &dashed, true)))
            .ok_or_else(|| Unpriced::new("unknown_model", &[&provider.id, " has no price for \"", model, "\""]))
    }

    fn find_model<'b>(&'b self, provider: &'b Provider, name: &str, via_date_rewrite: bool) -> Option<Found<'b>> {
        let own = |p: &'b Provider| p.models.iter().find_map(|m| m.matcher.find(name).map(|matched| (m, matched)));
        let (via_fallback, (model, matched)) = match own(provider) {
            Some(found) => (false, found),
            None => {
                let others = provider.fallback.iter().filter_map(|id| self.providers.iter().find(|p| p.id == *id));
                (true, others.into_iter().find_map(own)?)
            }
        };
        Some(Found { provider, model, matched, via_fallback, via_date_rewrite })
    }
}

impl Provider {
    fn read(value: &Value) -> Result<Self> {
        let fallback =
            each(value, "fb", |id| id.as_str().map(str::to_owned).ok_or_else(|| invalid("a provider's id is a text")))?;
        Ok(Self {
            id: text(value, "id")?.to_owned(),
            spellings: matcher(value, "pm")?,
            models_without_provider: matcher(value, "mm")?,
            fallback,
            models: each(value, "models", Model::read)?,
        })
    }
}

impl Model {
    fn read(value: &Value) -> Result<Self> {
        let at = |e: Error| e.at("p");
        let prices = match value.get("p") {
            Some(Value::Array(_)) => each(value, "p", |entry| Ok((prices(entry)?, Constraint::read(entry)?)))?,
            Some(plain) => vec![(Prices::read(plain).map_err(at)?, Constraint::default())],
            None => Vec::new(),
        };
        if prices.is_empty() {
            return Err(invalid("a model has prices").at("p"));
        }
        let audio_seconds_min = value.get("min").and_then(|min| min.get("audio_seconds")).and_then(Value::as_str);
        Ok(Self {
            id: text(value, "id")?.to_owned(),
            matcher: matcher(value, "m")?.ok_or_else(|| invalid("a model has a match").at("m"))?,
            prices,
            variants: each(value, "v", Variant::read)?,
            audio_seconds_min: audio_seconds_min.map(Decimal::parse).transpose().map_err(|e| e.at("min"))?,
        })
    }
}

impl Variant {
    fn read(value: &Value) -> Result<Self> {
        let mut when = Vec::new();
        for (key, wanted) in value.get("w").and_then(Value::as_object).unwrap_or_default() {
            let wanted = wanted.as_str().ok_or_else(|| invalid("a condition is a text").at(key).at("w"))?;
            when.push((key.clone().into_owned(), wanted.to_owned()));
        }
        if when.is_empty() {
            return Err(invalid("a variant has conditions").at("w"));
        }
        Ok(Self { when, prices: prices(value)?, constraint: Constraint::read(value)? })
    }
}

fn prices(entry: &Value) -> Result<Prices> {
    Prices::read(entry.get("p").unwrap_or(&Value::Null)).map_err(|e| e.at("p"))
}

impl Constraint {
    fn read(entry: &Value) -> Result<Self> {
        let Some(constraint) = entry.present("c") else { return Ok(Self::default()) };
        constraint.only(&["start_date", "start_time", "end_time"]).map_err(|e| e.at("c"))?;
        let part = |key: &'static str, before: &str, after: &str| match constraint.get(key) {
            None => Ok(None),
            Some(text) => Instant::parse(&[before, text.as_str().unwrap_or_default(), after].concat())
                .map(|instant| Some(instant.seconds))
                .map_err(|_| invalid("not a date, or a time with its offset").at(key).at("c")),
        };
        let start = part("start_date", "", "T00:00:00Z")?;
        let of_day = |seconds: i64| seconds.rem_euclid(DAY_SECONDS);
        let daily = match (part("start_time", "1970-01-01T", "")?, part("end_time", "1970-01-01T", "")?) {
            (None, None) => None,
            (from, until) => Some((from.map_or(0, of_day), until.map_or(DAY_SECONDS, of_day))),
        };
        Ok(Self { start, daily })
    }

    fn holds(&self, at: Instant) -> bool {
        let second = at.seconds.rem_euclid(DAY_SECONDS);
        self.start.is_none_or(|start| at.seconds >= start)
            && self.daily.is_none_or(|(from, until)| {
                if from <= until { from <= second && second < until } else { from <= second || second < until }
            })
    }
}

impl<'b> Found<'b> {
    /// The provider's id in the book.
    pub fn provider(&self) -> &'b str {
        &self.provider.id
    }

    /// The model's id in the book.
    pub fn model(&self) -> &'b str {
        &self.model.id
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
    pub(super) fn prices(&self, at: Instant, context: &[(&str, &str)]) -> (Prices, bool) {
        let entries = &self.model.prices;
        let active = entries.iter().rev().find(|(_, constraint)| constraint.holds(at)).or(entries.first());
        let mut prices = active.map(|(prices, _)| prices.clone()).unwrap_or_default();
        prices.audio_seconds_min = self.model.audio_seconds_min;
        let (mut taken, mut matched) = (Vec::new(), false);
        for variant in self.model.variants.iter().filter(|_| !self.via_fallback) {
            let asked = variant.when.iter().all(|(key, value)| context.contains(&(key.as_str(), value.as_str())));
            if asked && variant.constraint.holds(at) {
                matched = true;
                prices.overlay(&variant.prices, &mut taken);
            }
        }
        (prices, matched)
    }
}

/// Writes compact dates (`-20250514`) as dashed ones, if there are any.
fn dashed_dates(name: &str) -> Option<String> {
    let mut dashed = String::with_capacity(name.len() + 2);
    for (at, part) in name.split('-').enumerate() {
        if at > 0 {
            dashed.push('-');
        }
        let (date, rest) = part.split_at_checked(8).unwrap_or((part, ""));
        if let (Some(year), Some(month), Some(day)) = (date.get(..4), date.get(4..6), date.get(6..8))
            && at > 0
            && year.starts_with("20")
            && (rest.is_empty() || rest.starts_with(':'))
            && Instant::parse(&[year, "-", month, "-", day, "T00:00:00Z"].concat()).is_ok()
        {
            dashed.push_str(&[year, "-", month, "-", day, rest].concat());
        } else {
            dashed.push_str(part);
        }
    }
    (dashed != name).then_some(dashed)
}
