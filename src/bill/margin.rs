//! What is earned: the bill less what providers charge, by customer, model, feature …

use super::{Bill, OURS, ProviderCost, REASON, STATUS, Used, question, used};
use crate::decimal::{Decimal, digits};
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::limits::GROUP_BY_MAX;
use crate::meter::path::Path;
use crate::meter::{Query, Totals};
use crate::price::Price;
use crate::ratio::Ratio;
use hot::Index;

/// What keeps the names of the others apart from ours, and behind them.
const PREFIX: &str = "v_";

/// By what else the providers' charges are asked for: what the meters that have prices are grouped by. Names and paths.
pub(super) fn dimensions(bill: &Bill, totals: &Totals) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (at, ..) in &bill.prices {
        for (name, path) in totals.meters().get(*at).map_or(&[][..], |meter| &meter.groups) {
            let name = [PREFIX, name].concat();
            let is_new = found.iter().all(|(known, _)| *known != name);
            // One of another dialect is not asked for here.
            if is_new && found.len() < GROUP_BY_MAX.saturating_sub(OURS.len()) && Path::parse(path.text()).is_ok() {
                found.push((name, path.text().to_owned()));
            }
        }
    }
    found
}

/// What one key comes to.
#[derive(Clone)]
struct Row {
    bill: Ratio,
    provider: Ratio,
    calls: u64,
    unpriced: u64,
    partial: u64,
}

const NOTHING: Row = Row { bill: Ratio::ZERO, provider: Ratio::ZERO, calls: 0, unpriced: 0, partial: 0 };

/// Rows by key, in the order in which they came.
#[derive(Default)]
struct Table(Index, Vec<Row>);

impl Table {
    /// Does something to the row of a key.
    fn with(&mut self, key: &str, change: impl FnOnce(&mut Row)) {
        let at = self.0.place(key.as_bytes());
        self.1.resize(self.0.count(), NOTHING);
        self.1.get_mut(at).map(change);
    }
}

/// Bill and charge by `customer`, by `model` or `provider`, or by any group-by key of a meter that has a price.
///
/// ```text
/// { by, subject?, … } ─▶ { currency, by, rows: [{ key, bill, provider, margin, calls, unpriced, partial, flags }], total, …,
///     converted? }
/// ```
///
/// What a customer is billed for a meter belongs to the keys in proportion to what was used under each; of a matrix, to
/// what each group costs. What no usage stands for (a flat price, a meter without that group-by key) is under the key
/// "". Calls without a price are counted, and are not in the margin (`unpriced`); so are those whose answer was left early
/// (`partial`, of either kind). A margin below zero is flagged `negative_margin`. Providers charge in USD: in another
/// currency their charges are changed by the rate that was given, and the answer is `converted`. Errors: `no_price_book`, `currency_mismatch`, `query_invalid`.
pub(super) fn margin(
    bill: &Bill,
    query: &Value,
    span: &Value,
    totals: &Totals,
    provider: Option<&ProviderCost>,
) -> Result<String> {
    let by = query.present("by").map_or(Some("customer"), Value::as_str).unwrap_or_default();
    let Some(provider) = provider else {
        return Err(Error::new("no_price_book", "without a price book it is not known what providers charge")
            .help("import book from 'taximeter/prices', and make the client with prices: { book, … }"));
    };
    let Some(dollar) = &bill.dollar else {
        return Err(bill.currency.mismatch()
            .at("prices")
            .help("providers charge in USD: say what a dollar is, as in prices: { currency: 'EUR', rates: { USDEUR: '0.92' } }"));
    };
    let mut table = Table::default();
    let mut incomplete = false;
    billed(bill, by, query, span, totals, &mut table, &mut incomplete)?;
    provider.charged(by, query, span, &mut table, &mut incomplete)?;
    for row in &mut table.1 {
        row.provider.times(dollar);
    }

    let mut rows = Writer::array();
    let mut all = NOTHING;
    for at in table.0.order() {
        let Some(row) = table.1.get(at) else { continue };
        let mut w = Writer::object();
        w.string("key", std::str::from_utf8(table.0.key(at)).unwrap_or_default());
        row.write(&mut w)?;
        rows.item(&w.end());
        all.bill.plus(&row.bill);
        all.provider.plus(&row.provider);
        all.calls = all.calls.saturating_add(row.calls);
        all.unpriced = all.unpriced.saturating_add(row.unpriced);
        all.partial = all.partial.saturating_add(row.partial);
    }
    let mut w = Writer::object();
    w.string("currency", &bill.currency.code).string("by", by).raw("rows", &rows.end());
    all.write(&mut w)?;
    for (flag, set) in [("incomplete", incomplete), ("converted", bill.currency.code != "USD")] {
        if set {
            w.raw(flag, "true");
        }
    }
    Ok(w.end())
}

impl Row {
    fn write(&self, w: &mut Writer) -> Result<()> {
        let mut margin = self.bill;
        margin.minus(&self.provider);
        let mut flags = Writer::array();
        for (flag, set) in [("unpriced", self.unpriced > 0), ("negative_margin", margin.is_negative())] {
            if set {
                flags.item_string(flag);
            }
        }
        w.string("bill", &self.bill.text()?).string("provider", &self.provider.text()?);
        w.string("margin", &margin.text()?);
        w.raw("calls", &digits(self.calls.into())).raw("unpriced", &digits(self.unpriced.into()));
        w.raw("partial", &digits(self.partial.into()));
        w.raw("flags", &flags.end());
        Ok(())
    }
}

/// Shares what each customer is billed among the keys.
fn billed(
    bill: &Bill,
    by: &str,
    query: &Value,
    span: &Value,
    totals: &Totals,
    table: &mut Table,
    incomplete: &mut bool,
) -> Result<()> {
    let mut lines = Vec::new();
    let mut customers = Index::default();
    if let Some(subject) = query.present("subject").and_then(Value::as_str) {
        customers.place(subject.as_bytes());
    }
    for (at, groups, price) in &bill.prices {
        let Some(meter) = totals.meters().get(*at) else { continue };
        let mut by_customer = Index::default();
        let mut usages = Vec::new();
        for one in used(query, span, meter, groups, totals, incomplete)? {
            by_customer.place(one.subject.as_bytes());
            customers.place(one.subject.as_bytes());
            usages.push(one.usage(price));
        }
        // By customer they are whole; else in the parts that are grouped by the key too.
        let mut parts = Vec::new();
        if let Some(key) = meter.groups.iter().position(|(name, _)| name == by) {
            let mut wanted = groups.clone();
            wanted.push(key);
            wanted.sort_unstable();
            wanted.dedup();
            let query = Query { by_subject: true, groups: wanted.clone(), ..question(query, span, meter)? };
            let rows = totals.rows(&query)?;
            for (texts, cell) in rows.each() {
                let [subject, _, values @ ..] = texts.as_slice() else { continue };
                let Some(quantity) = cell.quantity(meter, totals.numeric())? else { continue };
                let value = |at: usize| wanted.iter().position(|w| *w == at).and_then(|w| values.get(w));
                let mut group = Vec::new();
                for at in groups {
                    if let (Some((name, _)), Some(text)) = (meter.groups.get(*at), value(*at)) {
                        group.push((name.clone().into(), Value::String(text.clone().into())));
                    }
                }
                let weight = weight(price, quantity, Value::Object(group), bill)?;
                parts.push((subject.clone(), value(key).cloned().unwrap_or_default(), weight));
            }
        }
        lines.push((price, by_customer, usages, parts));
    }
    for (price, by_customer, usages, parts) in &lines {
        for at in customers.order() {
            let name = customers.key(at);
            let nothing = Used::nothing().usage(price);
            let usage = by_customer.find(name).and_then(|at| usages.get(at)).unwrap_or(&nothing);
            let amount = price.rate(usage, &bill.currency)?.amount;
            let subject = std::str::from_utf8(name).unwrap_or_default();
            if by == "customer" {
                table.with(subject, |row| row.bill.plus(&amount));
                continue;
            }
            let mut whole = Ratio::ZERO;
            for (_, _, weight) in parts.iter().filter(|(of, ..)| of == subject) {
                whole.plus(weight);
            }
            if whole.is_zero() {
                if !amount.is_zero() {
                    table.with("", |row| row.bill.plus(&amount));
                }
                continue;
            }
            for (_, key, weight) in parts.iter().filter(|(of, ..)| of == subject) {
                let mut share = amount;
                share.times(weight);
                share.divide(&whole);
                table.with(key, |row| row.bill.plus(&share));
            }
        }
    }
    Ok(())
}

/// How much of the amount a part has: by its quantity, or in a matrix by what it would cost alone.
fn weight(price: &Price, quantity: Decimal, group: Value<'static>, bill: &Bill) -> Result<Ratio> {
    if price.dimensions().is_empty() {
        return Ok(quantity.into());
    }
    let one = Value::Object(vec![("group".into(), group), ("quantity".into(), Value::String(quantity.text().into()))]);
    let usage = Value::Object(vec![("groups".into(), Value::Array(vec![one]))]);
    Ok(price.rate(&usage, &bill.currency)?.subtotal)
}

impl ProviderCost {
    fn charged(&self, by: &str, query: &Value, span: &Value, table: &mut Table, incomplete: &mut bool) -> Result<()> {
        for meter in self.0.meters() {
            let mut groups = vec![STATUS, REASON];
            let mut place = None;
            if by != "customer" {
                let ours = OURS.iter().position(|name| *name == by && matches!(by, "model" | "provider"));
                let named = || meter.groups.iter().position(|(name, _)| name.strip_prefix(PREFIX) == Some(by));
                let Some(at) = ours.or_else(named) else {
                    return Err(Error::new("query_invalid", "nothing that has a price is grouped by this")
                        .at("by")
                        .help("customer, model, provider, or a groupBy key of a meter in prices.meters"));
                };
                groups.push(at);
                groups.sort_unstable();
                place = groups.iter().position(|group| *group == at);
            }
            let by_subject = by == "customer";
            let query = Query { by_subject, groups, ..question(query, span, meter)? };
            let rows = self.0.rows(&query)?;
            *incomplete |= rows.incomplete;
            for (texts, cell) in rows.each() {
                let (key, status, reason) = match (place, texts.as_slice()) {
                    (None, [subject, _, status, reason]) => (subject, status, reason),
                    (Some(0), [_, _, key, status, reason]) | (Some(_), [_, _, status, reason, key]) => {
                        (key, status, reason)
                    }
                    _ => continue,
                };
                let cost = cell.quantity(meter, self.0.numeric())?.unwrap_or(Decimal::ZERO);
                table.with(key, |row| {
                    let calls = if reason.is_empty() { &mut row.calls } else { &mut row.unpriced };
                    *calls = calls.saturating_add(cell.count);
                    if status == "partial" {
                        row.partial = row.partial.saturating_add(cell.count);
                    }
                    row.provider.plus(&cost.into());
                });
            }
        }
        Ok(())
    }
}
