//! What a client's events come to: the customers' bill, and what LLM providers charge for the same events.

use crate::blueprint::llm::Form;
use crate::buffer::Staging;
use crate::decimal::{Decimal, digits};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::json::{Value, Writer};
use crate::meter::value::Numeric;
use crate::meter::{Meter, Options, Packed, Query, Totals, parse_meters};
use crate::price::{Price, Usage};
use crate::ratio::Ratio;

/// Prices of meters, in the order they were given.
pub struct Bill {
    currency: String,
    /// Each with the index of its meter
    prices: Vec<(usize, Price)>,
}

impl Bill {
    /// Reads `{currency?, meters?}`: an ISO 4217 code and prices by meter slug.
    ///
    /// Errors: `invalid_price` and its kin with a path; `meter_not_found` for a price without a meter.
    pub fn parse(prices: Option<&Value>, totals: &Totals) -> Result<Self> {
        let mut bill = Self { currency: String::from("USD"), prices: Vec::new() };
        let Some(prices) = prices else { return Ok(bill) };
        if let Some(currency) = prices.present("currency") {
            let code = currency.as_str().filter(|c| c.len() == 3 && c.bytes().all(|b| b.is_ascii_uppercase()));
            bill.currency = code
                .ok_or_else(|| {
                    Error::new("invalid_price", "not a currency").at("currency").help("an ISO 4217 code: USD")
                })?
                .to_owned();
        }
        for (slug, price) in prices.get("meters").and_then(Value::as_object).unwrap_or_default() {
            let meter = totals.meters().iter().position(|meter| meter.slug == *slug);
            let priced = match meter {
                Some(meter) => Price::from_value(price).map(|price| (meter, price)),
                None => Err(Error::new("meter_not_found", "the price is for a meter that is not defined")),
            };
            bill.prices.push(priced.map_err(|e| e.at(slug).at("meters"))?);
        }
        Ok(bill)
    }

    /// Prices what was used: each customer's usage by itself, so that every customer has the free amount, then summed.
    ///
    /// `query` is `{subject?, from?, to?}`. The result is `{currency, total, totalMinor, lines, provider?, margin?,
    /// incomplete?}` with canonical decimals. Errors: those of a meter's query; `overflow`.
    pub fn cost(&self, query: &Value, totals: &Totals, provider: Option<&ProviderCost>) -> Result<String> {
        query.only(&["subject", "from", "to"])?;
        let mut incomplete = false;
        let mut lines = Writer::array();
        let (mut total, mut total_minor) = (Ratio::ZERO, Decimal::ZERO);
        for (at, price) in &self.prices {
            let Some(meter) = totals.meters().get(*at) else { continue };
            let query = Query { by_subject: true, ..question(query, meter)? };
            let rows = totals.rows(&query)?;
            incomplete |= rows.incomplete;
            let (mut quantity, mut amount, mut minor) = (Decimal::ZERO, Ratio::ZERO, Decimal::ZERO);
            for (_, used) in rows.each() {
                let Some(used) = used.quantity(meter, totals.numeric())? else { continue };
                let line = price.rate(&Usage::Quantity(used), &self.currency)?;
                quantity.plus(&used, false)?;
                amount.plus(&line.amount, false)?;
                minor.plus(&line.minor, false)?;
            }
            total.plus(&amount, false)?;
            total_minor.plus(&minor, false)?;
            let mut w = Writer::object();
            w.string("meter", &meter.slug)
                .string("quantity", &quantity.text())
                .string("amount", &amount.text()?)
                .string("amountMinor", &minor.text());
            lines.item(&w.end());
        }
        let mut w = Writer::object();
        w.string("currency", &self.currency)
            .string("total", &total.text()?)
            .string("totalMinor", &total_minor.text())
            .raw("lines", &lines.end());
        if let Some(provider) = provider {
            let charged = provider.cost(query, &mut incomplete)?;
            w.raw("provider", &charged.json);
            if self.currency == "USD" && charged.all_priced {
                total.plus(&charged.total.into(), true)?;
                w.string("margin", &total.text()?);
            }
        }
        if incomplete {
            w.raw("incomplete", "true");
        }
        Ok(w.end())
    }
}

/// `{subject?, from?, to?}` as a query to a meter.
fn question<'q>(value: &'q Value, meter: &'q Meter) -> Result<Query<'q>> {
    let mut query = Query::between(value, meter)?;
    if let Some(subject) = value.present("subject") {
        query.subjects.push(subject.as_str().ok_or_else(|| Error::new("query_invalid", "a string").at("subject"))?);
    }
    Ok(query)
}

/// What providers charge, summed over events that say it (`provider_cost`), exactly: 19 digits after the point.
pub struct ProviderCost(Totals);

struct Charged {
    json: String,
    total: Decimal,
    all_priced: bool,
}

impl ProviderCost {
    /// Nothing charged yet.
    pub fn new(form: &Form) -> Result<Self> {
        // A member that is left out is found under no name.
        let at =
            |member: &'static str| ["$.", Some(form.name(member)).filter(|n| !n.is_empty()).unwrap_or(member)].concat();
        let mut groups = Writer::object();
        for member in ["model", "provider", "unpriced"] {
            groups.string(member, &at(member));
        }
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

    fn cost(&self, query: &Value, incomplete: &mut bool) -> Result<Charged> {
        let mut total = Decimal::ZERO;
        let (mut models, mut unpriced) = (Writer::array(), Writer::array());
        let mut all_priced = true;
        for meter in self.0.meters() {
            let query = Query { groups: vec![0, 1, 2], ..question(query, meter)? };
            let rows = self.0.rows(&query)?;
            *incomplete |= rows.incomplete;
            for (texts, cell) in rows.each() {
                let [_, _, model, provider, reason, ..] = texts.as_slice() else { continue };
                let mut w = Writer::object();
                w.string("provider", provider).string("model", model);
                let list = if reason.is_empty() {
                    let cost = cell.quantity(meter, self.0.numeric())?.unwrap_or(Decimal::ZERO);
                    total.plus(&cost, false)?;
                    w.string("total", &cost.text());
                    &mut models
                } else {
                    all_priced = false;
                    w.string("reason", reason);
                    &mut unpriced
                };
                w.raw("calls", &digits(cell.count.into()));
                list.item(&w.end());
            }
        }
        let mut w = Writer::object();
        w.string("currency", "USD")
            .string("total", &total.text())
            .raw("models", &models.end())
            .raw("unpriced", &unpriced.end());
        Ok(Charged { json: w.end(), total, all_priced })
    }
}
