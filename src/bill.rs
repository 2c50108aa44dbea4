//! What a client's events come to: the customers' bill, and what LLM providers charge for the same events.

use crate::blueprint::llm::EVENT_TYPE;
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::json::{Value, Writer};
use crate::meter::value::Numeric;
use crate::meter::{Options, Query, Totals, parse_meters};
use crate::price::{Price, Usage};
use crate::ratio::Ratio;

/// Prices of meters, in the order they were given.
pub struct Bill {
    currency: String,
    prices: Vec<(String, Price)>,
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
            if !totals.meters().iter().any(|meter| meter.slug == *slug) {
                return Err(Error::new("meter_not_found", "the price is for a meter that is not defined")
                    .at(slug)
                    .at("meters"));
            }
            let price = Price::from_value(price).map_err(|e| e.at(slug).at("meters"))?;
            bill.prices.push((slug.as_ref().to_owned(), price));
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
        for (slug, price) in &self.prices {
            let usage = quantities(totals, slug, query, &["subject"], &mut incomplete)?;
            let (mut quantity, mut amount, mut minor) = (Decimal::ZERO, Ratio::ZERO, Decimal::ZERO);
            for (_, used) in &usage {
                let line = price.rate(&Usage::Quantity(*used), &self.currency)?;
                quantity.plus(used, false)?;
                amount.plus(&line.amount, false)?;
                minor.plus(&line.minor, false)?;
            }
            total.plus(&amount, false)?;
            total_minor.plus(&minor, false)?;
            let mut w = Writer::object();
            w.string("meter", slug)
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

/// What providers charge, summed over events that say it (`provider_cost`), exactly: 19 digits after the point.
pub struct ProviderCost(Totals);

struct Charged {
    json: String,
    total: Decimal,
    all_priced: bool,
}

impl ProviderCost {
    /// Nothing charged yet.
    pub fn new() -> Result<Self> {
        let meters = [
            r#"[{"slug":"cost","eventType":""#,
            EVENT_TYPE,
            r#"","aggregation":"SUM","valueProperty":"$.provider_cost","groupBy":{"provider":"$.provider","model":"$.model"}},"#,
            r#"{"slug":"calls","eventType":""#,
            EVENT_TYPE,
            r#"","aggregation":"COUNT","groupBy":{"provider":"$.provider","model":"$.model","unpriced":"$.unpriced"}}]"#,
        ]
        .concat();
        let options = Options { numeric: Numeric::Decimal, ..Options::default() };
        Ok(Self(Totals::live(parse_meters(&Value::parse(&meters)?)?, &options)))
    }

    /// Counts an event, once.
    pub fn add(&mut self, event: &Event, arrival: u64) {
        self.0.add(event, arrival);
    }

    fn cost(&self, query: &Value, incomplete: &mut bool) -> Result<Charged> {
        let costs = quantities(&self.0, "cost", query, &["model", "provider"], incomplete)?;
        let calls = quantities(&self.0, "calls", query, &["model", "provider", "unpriced"], incomplete)?;
        let mut total = Decimal::ZERO;
        let (mut models, mut unpriced) = (Writer::array(), Writer::array());
        let mut all_priced = true;
        for (key, count) in &calls {
            let [model, provider, reason] = key.as_slice() else { continue };
            let mut w = Writer::object();
            w.string("provider", provider).string("model", model);
            if reason.is_empty() {
                let cost = costs.iter().find(|(key, _)| key.first() == Some(model) && key.get(1) == Some(provider));
                let cost = cost.map_or(Decimal::ZERO, |(_, cost)| *cost);
                total.plus(&cost, false)?;
                w.string("total", &cost.text()).raw("calls", &count.text());
                models.item(&w.end());
            } else {
                all_priced = false;
                w.string("reason", reason).raw("calls", &count.text());
                unpriced.item(&w.end());
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

/// A meter's values by group, the groups in the order of `group_by`. Each group has one row: there are no windows, and
/// one subject at most is asked for.
fn quantities(
    totals: &Totals,
    slug: &str,
    query: &Value,
    group_by: &[&str],
    incomplete: &mut bool,
) -> Result<Vec<(Vec<String>, Decimal)>> {
    let mut groups = Writer::array();
    for name in group_by {
        groups.item_string(name);
    }
    let mut w = Writer::object();
    w.string("meter", slug).raw("groupBy", &groups.end());
    for name in ["from", "to"] {
        if let Some(time) = query.present(name) {
            w.raw(name, &time.to_json());
        }
    }
    if let Some(subject) = query.present("subject") {
        w.raw("subject", &["[", &subject.to_json(), "]"].concat());
    }
    let text = w.end();
    let options = Options::default();
    let answer = totals.query(&Query::parse(&Value::parse(&text)?, totals.meters(), &options)?)?;
    *incomplete |= answer.incomplete;
    let result = Value::parse(&answer.result)?;
    let mut values = Vec::new();
    for row in result.get("data").and_then(Value::as_array).unwrap_or_default() {
        let text = match (row.get("valueDecimal"), row.get("value")) {
            (Some(Value::String(text)), _) => text,
            (_, Some(Value::Number(text))) => *text,
            _ => continue,
        };
        let mut key = Vec::new();
        for name in group_by {
            let from = if *name == "subject" { Some(row) } else { row.get("groupBy") };
            key.push(from.and_then(|from| from.get(name)?.as_str()).unwrap_or_default().to_owned());
        }
        values.push((key, Decimal::parse(text)?));
    }
    Ok(values)
}
