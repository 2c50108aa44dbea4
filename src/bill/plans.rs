//! What a customer's usage would come to in other plans.

use super::{Bill, Used, of_one, used};
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::json::Value;
use crate::meter::Totals;
use crate::price::compare::compare;

/// Compares plans for what one customer used, see [`crate::price::compare::what_if`].
pub(super) fn what_if(query: &Value, span: &Value, totals: &Totals) -> Result<String> {
    if query.present("subject").is_none() {
        return Err(of_one());
    }
    let plans = query.present("plans").and_then(Value::as_array);
    let plans = plans.ok_or_else(|| Error::new("query_invalid", "a list of plans").at("plans"))?;
    let mut bills = Vec::new();
    for (at, plan) in plans.iter().enumerate() {
        bills.push(Bill::read(plan, "prices", totals).map_err(|e| e.at_index(at).at("plans"))?);
    }
    let mut usages = Vec::new();
    for bill in &bills {
        let mut usage: Vec<(_, Value)> = Vec::new();
        for (at, groups, price) in &bill.prices {
            let Some(meter) = totals.meters().get(*at) else { continue };
            let of_customer = used(query, span, meter, groups, totals, &mut false)?.pop();
            let usage_of = of_customer.unwrap_or_else(Used::nothing).usage(price);
            usage.push((meter.slug.clone().into(), usage_of));
        }
        // What only other plans have prices for: it was used, but has none here.
        for (at, ..) in bills.iter().flat_map(|bill| &bill.prices) {
            let Some(meter) = totals.meters().get(*at) else { continue };
            if usage.iter().all(|(slug, _)| *slug != meter.slug) {
                let of_customer = used(query, span, meter, &[], totals, &mut false)?.pop();
                let quantity = of_customer.map_or(Decimal::ZERO, |used| used.quantity);
                let quantity = ("quantity".into(), Value::String(quantity.text().into()));
                usage.push((meter.slug.clone().into(), Value::Object(vec![quantity])));
            }
        }
        usages.push(Value::Object(usage));
    }
    let usages: Vec<_> = usages.iter().collect();
    compare(plans, &usages, query.get("breakEven").unwrap_or(&Value::Null))
}
