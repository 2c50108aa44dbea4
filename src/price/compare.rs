//! The same usage through several plans.

use super::explain::bounds;
use super::invoice::{Sum, sum};
use super::read::{invalid, list, member};
use super::{check, currency::Currency};
use crate::decimal::{Decimal, Rounding};
use crate::error::Result;
use crate::json::{Value, Writer};
use crate::ratio::Ratio;
use hot::Index;

/// How many times a quantity is doubled in the search for where another plan becomes cheaper: up to 10¹⁵.
const DOUBLINGS: u32 = 50;

/// Compares plans.
///
/// ```text
/// { plans: [{ id, currency?, prices: { meter: price }, minimum_commitment?, credits? }], usage: { meter: usage },
///   breakEven?: meter }
///   ─▶ { plans: [{ id, invoice, missing: [meter] }], cheapest: id | null, breakEven?: [{ at, cheapest }] }
/// ```
///
/// A plan that lacks a price for something used is not the cheapest, nor is one in another currency than the first.
/// `breakEven` says from which whole quantity of a meter on which plan is the cheapest, the rest of the usage as it is.
/// It is searched for between the bounds of tiers and between doublings, and bisected there. Errors: those of an invoice.
pub fn what_if(request: &Value) -> Result<String> {
    request.only(&["plans", "usage", "breakEven"])?;
    let plans = list(request, "plans")?;
    compare(plans, &vec![member(request, "usage"); plans.len()], member(request, "breakEven"))
}

/// As [`what_if`], with the usage as each plan needs it.
pub(crate) fn compare(plans: &[Value], usages: &[&Value], break_even: &Value) -> Result<String> {
    let mut compared = Writer::array();
    let mut able = Vec::new();
    let mut first = None;
    for (at, (plan, usage)) in plans.iter().zip(usages).enumerate() {
        let wrong = |e: crate::error::Error| e.at_index(at).at("plans");
        plan.only(&["id", "currency", "prices", "minimum_commitment", "credits"]).map_err(wrong)?;
        let Some(id) = member(plan, "id").as_str() else { return Err(wrong(invalid("a plan has an id", "id"))) };
        let sum = invoiced(plan, usage, None).map_err(wrong)?;
        let mut missing = Writer::array();
        let mut is_able = !sum.unpriced;
        for (meter, _) in usage.as_object().unwrap_or_default() {
            if member(plan, "prices").present(meter).is_none() {
                missing.item_string(meter);
                is_able = false;
            }
        }
        let mut w = Writer::object();
        w.string("id", id).raw("invoice", &sum.json).raw("missing", &missing.end());
        compared.item(&w.end());
        let currency = Currency::of(plan)?.code;
        if is_able && *first.get_or_insert(currency.clone()) == currency {
            able.push((id, plan, *usage, sum.total));
        }
    }
    let mut cheapest: Option<(&str, Ratio)> = None;
    for (id, _, _, total) in &able {
        if cheapest.as_ref().is_none_or(|(_, least)| least.exceeds(total)) {
            cheapest = Some((id, *total));
        }
    }
    let mut w = Writer::object();
    w.raw("plans", &compared.end());
    match cheapest {
        Some((id, _)) => w.string("cheapest", id),
        None => w.raw("cheapest", "null"),
    };
    if let Some(meter) = break_even.as_str() {
        let plans: Vec<_> = able.iter().map(|(id, plan, usage, _)| (*id, *plan, *usage)).collect();
        w.raw("breakEven", &search(&plans, meter)?);
    } else if *break_even != Value::Null {
        return Err(invalid("the name of a meter", "breakEven"));
    }
    Ok(w.end())
}

/// What a plan bills for usage, with another quantity of one meter.
fn invoiced(plan: &Value, usage: &Value, instead: Option<(&str, &str)>) -> Result<Sum> {
    let mut lines = Vec::new();
    for (meter, price) in member(plan, "prices").as_object().unwrap_or_default() {
        let quantity = |text: &str| Value::Object(vec![("quantity".into(), Value::String(text.to_owned().into()))]);
        let usage = match (instead, usage.present(meter)) {
            (Some((name, text)), _) if name == meter => quantity(text),
            (_, Some(usage)) => usage.clone(),
            (_, None) => none_of(price),
        };
        check(price).map_err(|e| e.at(meter).at("prices"))?;
        lines.push(Value::Object(vec![
            ("label".into(), Value::String(meter.clone())),
            ("price".into(), price.clone()),
            ("usage".into(), usage),
        ]));
    }
    let mut request = vec![("lines".into(), Value::Array(lines))];
    for (key, value) in plan.as_object().unwrap_or_default() {
        if matches!(key.as_ref(), "currency" | "minimum_commitment" | "credits") {
            request.push((key.clone(), value.clone()));
        }
    }
    sum(&Value::Object(request))
}

/// Usage of nothing, as a price needs it.
fn none_of(price: &Value) -> Value<'static> {
    let zero = || Value::String("0".into());
    let usage = match member(price, "type").as_str() {
        Some("percentage") => ("events".into(), Value::Array(Vec::new())),
        Some("matrix") => ("groups".into(), Value::Array(Vec::new())),
        Some("cost_plus") => ("cost".into(), zero()),
        _ => ("quantity".into(), zero()),
    };
    Value::Object(vec![usage])
}

/// From which quantity of a meter on which plan is the cheapest: `[{at, cheapest}]`, from 0 on.
fn search(plans: &[(&str, &Value, &Value)], meter: &str) -> Result<String> {
    // In their order, for they begin with their greatest digits.
    let mut points = Index::default();
    for (_, plan, _) in plans {
        for bound in bounds(member(member(plan, "prices"), meter)) {
            let floor = bound.round(0, Rounding::Down).map_or(0, Decimal::mantissa);
            if let Ok(floor) = u64::try_from(floor) {
                points.place(&floor.to_be_bytes());
                points.place(&floor.saturating_add(1).to_be_bytes());
            }
        }
    }
    for doubling in 0..=DOUBLINGS {
        points.place(&(1_u64 << doubling).to_be_bytes());
    }
    let totals = |quantity: u64| -> Result<Vec<Ratio>> {
        let text = Decimal::from(quantity).text();
        plans.iter().map(|(_, plan, usage)| Ok(invoiced(plan, usage, Some((meter, &text)))?.total)).collect()
    };
    // The plan before stays the cheapest for as long as none is cheaper.
    let least = |totals: &[Ratio], before: usize| {
        let mut best = before;
        for (at, total) in totals.iter().enumerate() {
            if totals.get(best).is_none_or(|least| least.exceeds(total)) {
                best = at;
            }
        }
        best
    };
    let mut found = Writer::array();
    let mut tell = |at: u64, best: usize| {
        if let Some((id, ..)) = plans.get(best) {
            let mut w = Writer::object();
            w.string("at", &Decimal::from(at).text()).string("cheapest", id);
            found.item(&w.end());
        }
    };
    let mut best = least(&totals(0)?, 0);
    tell(0, best);
    let mut from = 0;
    for point in points.order() {
        let to = points.key(point).try_into().map_or(0, u64::from_be_bytes);
        // What is too large to be priced needs no comparison.
        let Ok(at_end) = totals(to) else { break };
        while least(&at_end, best) != best && from < to {
            let (mut low, mut high) = (from, to);
            while high.saturating_sub(low) > 1 {
                let middle = low.midpoint(high);
                if least(&totals(middle)?, best) == best { low = middle } else { high = middle }
            }
            best = least(&totals(high)?, best);
            tell(high, best);
            from = high;
        }
        from = to;
    }
    Ok(found.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(plans: &str, more: &str) -> serde_json::Value {
        let request = [r#"{"plans":["#, plans, r#"],"usage":{"calls":{"quantity":1000}}"#, more, "}"].concat();
        what_if(&Value::parse(&request).unwrap())
            .map_or_else(|e| serde_json::json!([e.code, e.path.clone()]), |text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn the_cheapest_and_from_where_on() {
        let by_use = r#"{"id":"use","prices":{"calls":{"type":"unit","amount":"0.02"}}}"#;
        let flat = r#"{"id":"flat","prices":{"calls":{"type":"flat","amount":15}}}"#;
        let tiers = r#"{"id":"tiers","prices":{"calls":{"type":"volume","tiers":[{"up_to":1000,"unit":"0.03"},
            {"up_to":null,"unit":"0.001"}]}}}"#;
        let got = told(&[by_use, flat].join(","), r#","breakEven":"calls""#);
        assert_eq!(got["cheapest"], "flat");
        let want = r#"[{"at":"0","cheapest":"use"},{"at":"751","cheapest":"flat"}]"#;
        assert_eq!(got["breakEven"].to_string(), want);
        let got = told(&[by_use, flat, tiers].join(","), r#","breakEven":"calls""#);
        let want = [(0, "use"), (751, "flat"), (1001, "tiers"), (15_000, "flat")];
        let want = want.map(|(at, id)| serde_json::json!({"at": at.to_string(), "cheapest": id}));
        // 15,000 × 0.001 is 15: flat is cheaper one unit and half a cent beyond.
        assert_eq!(got["breakEven"][2], want[2]);
        assert_eq!(got["breakEven"].as_array().unwrap().len(), 4);
        assert_eq!(got["breakEven"][3]["at"], "15005");
        let euros = r#"{"id":"euros","currency":"EUR","prices":{"calls":{"type":"free"}}}"#;
        let other = r#"{"id":"other","prices":{"images":{"type":"free"}}}"#;
        let got = told(&[flat, euros, other].join(","), "");
        assert_eq!(
            (got["cheapest"].as_str(), got["plans"][2]["missing"].to_string()),
            (Some("flat"), r#"["calls"]"#.into())
        );
        assert_eq!(told(r#"{"id":"a","prices":{"calls":{"type":"unit"}}}"#, "")[1], "plans[0].prices.calls.amount");
        assert_eq!(told("{}", "")[1], "plans[0].id");
    }
}
