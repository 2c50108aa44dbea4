//! What a client's events come to: the customers' bill, and what LLM providers charge for the same events.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

#[cfg(any(test, feature = "billing"))]
mod margin;
#[cfg(any(test, feature = "billing"))]
mod plans;
#[cfg(any(test, feature = "billing"))]
mod project;

use crate::blueprint::llm::Form;
use crate::buffer::Staging;
use crate::decimal::{Decimal, digits};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::json::{Value, Writer};
use crate::meter::rows::Rows;
use crate::meter::value::Numeric;
use crate::meter::{Meter, Options, Packed, Query, Totals, parse_meters};
use crate::price::{Currency, Line, Price, currency, period};
use crate::ratio::Ratio;
use crate::time::Instant;
use hot::Index;

/// Prices of meters, in the order they were given.
pub struct Bill {
    currency: Currency,
    /// What a dollar, in which providers charge, is in the currency; `None` if nobody said it
    dollar: Option<Ratio>,
    /// Each with the index of its meter, and of the meter's groups that it prices by
    prices: Vec<(usize, Vec<usize>, Price)>,
}

/// By what providers' charges are asked for, in bytewise order.
const OURS: [&str; 5] = ["model", "price_flags", "provider", "status", "unpriced"];
/// The place of `status` in it.
const STATUS: usize = 3;
/// The place of `unpriced` in it.
const REASON: usize = 4;

/// What one customer used of a meter.
#[derive(Clone)]
struct Used {
    subject: String,
    quantity: Decimal,
    /// `{group, quantity}` each, if the price asks for groups
    groups: Vec<Value<'static>>,
}

impl Bill {
    /// Reads `{currency?, rates?, meters?}`: an ISO 4217 code, what a dollar is in it (`{ USDEUR: "0.92" }`), and prices by
    /// meter slug.
    ///
    /// Errors: `invalid_price` and its kin with a path; `unknown_option` for a rate that nothing asks for;
    /// `meter_not_found` for a price without a meter.
    pub fn parse(prices: Option<&Value>, totals: &Totals) -> Result<Self> {
        let prices = prices.unwrap_or(&Value::Null);
        let mut bill = Self::read(prices, "meters", totals)?;
        if !prices.members("rates")?.is_empty() {
            let pair = ["USD", &bill.currency.code].concat();
            let rates = prices.get("rates").unwrap_or(prices);
            rates.only(&[&pair]).map_err(|e| e.at("rates"))?;
            bill.dollar = Some(currency::rate(rates, &pair)?);
        }
        Ok(bill)
    }

    /// As [`Self::parse`], with the prices under another name.
    fn read(given: &Value, key: &'static str, totals: &Totals) -> Result<Self> {
        let currency = Currency::of(given)?;
        let dollar = (currency.code == "USD").then_some(Ratio::ONE);
        let mut bill = Self { currency, dollar, prices: Vec::new() };
        for (slug, price) in given.members(key)? {
            let mut one = || -> Result<()> {
                let Some(at) = totals.meters().iter().position(|meter| meter.slug == *slug) else {
                    return Err(Error::new("meter_not_found", "the price is for a meter that is not defined"));
                };
                let price = Price::from_value(price)?;
                if price.is_by_event() {
                    return Err(Error::new("invalid_price", "a meter does not keep its events one by one")
                        .at("type")
                        .help("use graduated_percentage, or unit with an amount of rate / 100"));
                }
                let groups = totals.meters().get(at).map_or(&[][..], |meter| &meter.groups);
                let mut by = Vec::new();
                // In the order of the meter's groups.
                for (at, (name, _)) in groups.iter().enumerate() {
                    if price.dimensions().iter().any(|dimension| dimension.as_str() == Some(name)) {
                        by.push(at);
                    }
                }
                if by.len() < price.dimensions().len() {
                    return Err(Error::new("invalid_price", "the meter has no such group-by key").at("dimensions"));
                }
                bill.prices.push((at, by, price));
                Ok(())
            };
            one().map_err(|e| e.at(slug).at(key))?;
        }
        Ok(bill)
    }

    /// Answers a question about all or one of the customers, of a time or of all that was recorded:
    ///
    /// `{subject?, from?, to?}` or `{subject?, period}`, see [`crate::price::period`], around `now` in seconds.
    ///
    /// | name | with | answer |
    /// |---|---|---|
    /// | `cost` | `explain?` | [`Self::cost`] |
    /// | `margin` | `by` | `margin::margin`, in `taximeter/full` |
    /// | `project` | `now?`, `limit?`, `credits?`, `balance?` | `project::project`, in `taximeter/full` |
    /// | `whatIf` | `plans`, `breakEven?` | `plans::what_if`, in `taximeter/full` |
    ///
    /// Errors: `unknown_option`, `query_invalid`, `invalid_period`, `time_invalid`, `calculation_unavailable`.
    pub fn answer(
        &self,
        name: &str,
        query: &Value,
        now: i64,
        totals: &Totals,
        provider: Option<&ProviderCost>,
    ) -> Result<String> {
        let of_period = query.present("period");
        let time: &[_] = if of_period.is_some() { &["subject", "period"] } else { &["subject", "from", "to"] };
        let more: &[_] = match name {
            "cost" => &["explain"],
            #[cfg(any(test, feature = "billing"))]
            "margin" => &["by"],
            #[cfg(any(test, feature = "billing"))]
            "project" => &["now", "limit", "credits", "balance"],
            #[cfg(any(test, feature = "billing"))]
            "whatIf" => &["plans", "breakEven"],
            _ => return Err(Error::needs_full("calculation_unavailable")),
        };
        query.only(&[time, more].concat())?;
        let span = match of_period {
            Some(of) => {
                let (from, to) = period(of, now).map_err(|e| e.at("period"))?;
                let text = |seconds| -> Value<'static> { Value::String(Instant { seconds, nanos: 0 }.text().into()) };
                &Value::Object(vec![("from".into(), text(from)), ("to".into(), text(to))])
            }
            None => query,
        };
        match name {
            #[cfg(any(test, feature = "billing"))]
            "margin" => margin::margin(self, query, span, totals, provider),
            #[cfg(any(test, feature = "billing"))]
            "project" => project::project(self, query, span, now, totals),
            #[cfg(any(test, feature = "billing"))]
            "whatIf" => plans::what_if(query, span, totals),
            _ => self.cost(query, span, totals, provider),
        }
    }

    /// Prices what was used: each customer's usage by itself, so that every customer has the free amount, then summed.
    ///
    /// The result is `{currency, period?, total, totalMinor, lines, provider?, margin?, incomplete?, unpriced?, converted?}`
    /// with canonical decimals; with `explain`, which is about one customer and in `taximeter/full`, each line says where it stands.
    /// Errors: those of a meter's query; `overflow`.
    fn cost(&self, query: &Value, span: &Value, totals: &Totals, provider: Option<&ProviderCost>) -> Result<String> {
        let explain = query.present("explain").is_some_and(|explain| *explain == Value::Bool(true));
        if explain && !cfg!(any(test, feature = "billing")) {
            return Err(Error::needs_full("calculation_unavailable").at("explain"));
        }
        if explain && query.present("subject").is_none() {
            return Err(of_one());
        }
        let (mut incomplete, mut unpriced, mut converted) = (false, false, false);
        let mut used = Vec::new();
        let mut customers = Index::default();
        if let Some(subject) = query.present("subject").and_then(Value::as_str) {
            customers.place(subject.as_bytes());
        }
        for (at, groups, _) in &self.prices {
            let Some(meter) = totals.meters().get(*at) else { continue };
            used.push(self::used(query, span, meter, groups, totals, &mut incomplete)?);
            for customer in used.last().into_iter().flatten() {
                customers.place(customer.subject.as_bytes());
            }
        }
        let mut lines = Writer::array();
        let (mut total, mut total_minor) = (Ratio::ZERO, Decimal::ZERO);
        for ((at, _, price), mut used) in self.prices.iter().zip(used) {
            let Some(meter) = totals.meters().get(*at) else { continue };
            // Who used nothing of it may owe a flat amount or a minimum all the same.
            for _ in used.len()..customers.count() {
                used.push(Used::nothing());
            }
            let (mut quantity, mut amount, mut minor) = (Decimal::ZERO, Ratio::ZERO, Decimal::ZERO);
            #[cfg(any(test, feature = "billing"))]
            let mut explained = String::new();
            for customer in used {
                quantity.plus(&customer.quantity, false)?;
                #[cfg(any(test, feature = "billing"))]
                if explain {
                    explained = price.explain(&customer.clone().usage(price), &self.currency)?;
                }
                let line = customer.rate(price, &self.currency)?;
                unpriced |= line.unpriced;
                amount.plus(&line.amount);
                minor.plus(&line.minor, false)?;
            }
            total.plus(&amount);
            total_minor.plus(&minor, false)?;
            let mut w = Writer::object();
            w.string("meter", &meter.slug)
                .string("quantity", &quantity.text())
                .string("amount", &amount.text()?)
                .string("amountMinor", &minor.text());
            #[cfg(any(test, feature = "billing"))]
            if explain {
                w.raw("explain", &explained);
            }
            lines.item(&w.end());
        }
        let mut w = Writer::object();
        w.string("currency", &self.currency.code);
        if query.present("period").is_some() {
            w.raw("period", &span.to_json());
        }
        w.string("total", &total.text()?).string("totalMinor", &total_minor.text()).raw("lines", &lines.end());
        if let Some(provider) = provider {
            let charged = provider.cost(query, span, &mut incomplete)?;
            w.raw("provider", &charged.json);
            if let (Some(dollar), true) = (&self.dollar, charged.all_priced) {
                let mut charged = Ratio::from(charged.total);
                charged.times(dollar);
                total.minus(&charged);
                w.string("margin", &total.text()?);
                converted = self.currency.code != "USD";
            }
        }
        for (flag, set) in [("incomplete", incomplete), ("unpriced", unpriced), ("converted", converted)] {
            if set {
                w.raw(flag, "true");
            }
        }
        Ok(w.end())
    }
}

impl Used {
    fn nothing() -> Self {
        Self { subject: String::new(), quantity: Decimal::ZERO, groups: Vec::new() }
    }

    /// What it comes to.
    fn rate(self, price: &Price, currency: &Currency) -> Result<Line> {
        if price.dimensions().is_empty() {
            price.rate_quantity(self.quantity, currency)
        } else {
            price.rate(&self.usage(price), currency)
        }
    }

    /// As a price needs it.
    fn usage(self, price: &Price) -> Value<'static> {
        if price.dimensions().is_empty() {
            return price.usage(self.quantity);
        }
        Value::Object(vec![("groups".into(), Value::Array(self.groups))])
    }
}

#[cold]
fn of_one() -> Error {
    Error::new("query_invalid", "this is about one customer").at("subject")
}

/// What each customer used of a meter, by groups of it.
fn used(
    query: &Value,
    span: &Value,
    meter: &Meter,
    groups: &[usize],
    totals: &Totals,
    incomplete: &mut bool,
) -> Result<Vec<Used>> {
    let query = Query { by_subject: true, groups: groups.to_vec(), ..question(query, span, meter)? };
    let rows = totals.rows(&query)?;
    *incomplete |= rows.incomplete;
    usage(&rows, meter, groups, totals.numeric())
}

/// What each customer used of a meter.
fn usage(rows: &Rows, meter: &Meter, by: &[usize], numeric: Numeric) -> Result<Vec<Used>> {
    let mut used: Vec<Used> = Vec::new();
    for (texts, cell) in rows.each() {
        let Some(quantity) = cell.quantity(meter, numeric)? else { continue };
        let [subject, _, groups @ ..] = texts.as_slice() else { continue };
        // Rows come in the order of their subjects.
        if used.last().is_none_or(|last| last.subject != *subject) {
            used.push(Used { subject: subject.clone(), quantity: Decimal::ZERO, groups: Vec::new() });
        }
        let Some(customer) = used.last_mut() else { continue };
        customer.quantity.plus(&quantity, false)?;
        if by.is_empty() {
            continue;
        }
        let mut group = Vec::new();
        for (at, text) in by.iter().zip(groups) {
            if let Some((name, _)) = meter.groups.get(*at) {
                group.push((name.clone().into(), Value::String(text.clone().into())));
            }
        }
        customer.groups.push(Value::Object(vec![
            ("group".into(), Value::Object(group)),
            ("quantity".into(), Value::String(quantity.text().into())),
        ]));
    }
    Ok(used)
}

/// `{subject?}` and `{from?, to?}` as a query to a meter.
#[inline(never)]
fn question<'q>(value: &'q Value, span: &'q Value, meter: &'q Meter) -> Result<Query<'q>> {
    let mut query = Query::between(span, meter)?;
    if let Some(subject) = value.present("subject") {
        query.subjects.push(subject.as_str().ok_or_else(|| Error::new("query_invalid", "a string").at("subject"))?);
    }
    Ok(query)
}

/// What is done with a row of [`ProviderCost::each`].
type Take<'t> = &'t mut dyn FnMut(&[String], u64, Decimal) -> Result<()>;

/// What providers charge, summed over events that say it (`provider_cost`), exactly: 19 digits after the point.
pub struct ProviderCost(Totals);

struct Charged {
    json: String,
    total: Decimal,
    all_priced: bool,
}

impl ProviderCost {
    /// Nothing charged yet. `bill` and its meters say what else it is asked by: what they are grouped by.
    pub fn new(form: &Form, bill: &Bill, totals: &Totals) -> Result<Self> {
        // A member that is left out is found under no name.
        let at =
            |member: &'static str| ["$.", Some(form.name(member)).filter(|n| !n.is_empty()).unwrap_or(member)].concat();
        let mut groups = Writer::object();
        for member in OURS {
            groups.string(member, &at(member));
        }
        #[cfg(any(test, feature = "billing"))]
        for (name, path) in margin::dimensions(bill, totals) {
            groups.string(&name, &path);
        }
        let _ = (bill, totals);
        let mut meter = Writer::object();
        meter
            .string("slug", "cost")
            .string("eventType", &form.event_type)
            .string("aggregation", "SUM")
            .string("valueProperty", &at("provider_cost"))
            .raw("groupBy", &groups.end());
        let meter = ["[", &meter.end(), "]"].concat();
        let options = Options { numeric: Numeric::Decimal, ..Options::default() };
        Ok(Self(Totals::new(parse_meters(&Value::parse(&meter)?)?, &options)))
    }

    /// Counts an event, once.
    pub fn add(&mut self, event: &Event, arrival: u64) {
        self.0.add(event, arrival);
    }

    /// As [`Totals::add_packed`].
    pub fn add_packed(&mut self, packed: &Packed, staging: &Staging, arrival: u64, event: &mut dyn FnMut() -> Event) {
        self.0.add_packed(packed, staging, arrival, event);
    }

    /// As [`Totals::forget_numbers`].
    pub fn forget_numbers(&mut self) {
        self.0.forget_numbers();
    }

    /// Each row by some of [`OURS`]: its texts, how many calls it stands for, and what they cost.
    #[inline(never)]
    fn each(&self, groups: Vec<usize>, query: &Value, span: &Value, incomplete: &mut bool, take: Take) -> Result<()> {
        let Some(meter) = self.0.meters().first() else { return Ok(()) };
        let query = Query { groups, ..question(query, span, meter)? };
        let rows = self.0.rows(&query)?;
        *incomplete |= rows.incomplete;
        for (texts, cell) in rows.each() {
            take(&texts, cell.count, cell.quantity(meter, self.0.numeric())?.unwrap_or(Decimal::ZERO))?;
        }
        Ok(())
    }

    fn cost(&self, query: &Value, span: &Value, incomplete: &mut bool) -> Result<Charged> {
        let mut total = Decimal::ZERO;
        let (mut models, mut unpriced) = (Writer::array(), Writer::array());
        let (mut all_priced, mut partial) = (true, 0_u64);
        let mut ignored = false;
        self.each(vec![STATUS], query, span, &mut ignored, &mut |texts, calls, _| {
            if texts.last().is_some_and(|status| status == "partial") {
                partial = partial.saturating_add(calls);
            }
            Ok(())
        })?;
        self.each(vec![0, 1, 2, REASON], query, span, incomplete, &mut |texts, calls, cost| {
            let [_, _, model, flags, provider, reason, ..] = texts else { return Ok(()) };
            let mut w = Writer::object();
            w.string("provider", provider).string("model", model);
            let list = if reason.is_empty() {
                total.plus(&cost, false)?;
                w.string("total", &cost.text());
                &mut models
            } else {
                all_priced = false;
                w.string("reason", reason);
                &mut unpriced
            };
            w.raw("calls", &digits(calls.into()));
            if !flags.is_empty() {
                let mut list = Writer::array();
                for flag in flags.split(' ') {
                    list.item_string(flag);
                }
                w.raw("flags", &list.end());
            }
            list.item(&w.end());
            Ok(())
        })?;
        let mut w = Writer::object();
        w.string("currency", "USD")
            .string("total", &total.text())
            .raw("models", &models.end())
            .raw("unpriced", &unpriced.end())
            .raw("partial", &digits(partial.into()));
        Ok(Charged { json: w.end(), total, all_priced })
    }
}
