//! Where a quantity stands in its price.

use super::read::{admit, invalid, list, member, number, used};
use super::{Currency, Line, apply, check, rate, shape};
use crate::decimal::Decimal;
use crate::error::Result;
use crate::json::{Value, Writer};
use crate::ratio::Ratio;

/// Explains a price: `{price, quantity | usage, currency?}` ─▶ `{line, effective, marginal, next, groups?, flags}`.
///
/// `effective` is the amount a unit (null at 0), `marginal` what one more unit costs. `next` is the end of the free
/// quantity or of the tier: `{at, left, amountAt, amountAfter}`, with what is billed there and one unit beyond; null if
/// there is none, or if the units are rounded so that it cannot be told. The flag `cheaper_with_more` says that beyond
/// it less is billed than now. Of a matrix each of the `groups` is explained, since a unit is a unit of one of them; of a
/// cost-plus price the unit is one of the cost's currency.
pub fn explain(request: &Value) -> Result<String> {
    let price = member(request, "price");
    check(price).map_err(|e| e.at("price"))?;
    admit(request, &["quantity"], 0, &["price", "usage", "currency"])?;
    let currency = Currency::of(request)?;
    let plain = Value::Object(vec![(unit_of(price).into(), member(request, "quantity").clone())]);
    if member(price, "type").as_str() == Some("percentage") {
        return Err(invalid("this is for prices of a quantity, not of events", "type").at("price"));
    }
    explained(price, request.present("usage").unwrap_or(&plain), &currency)
}

/// What of the usage a price of one quantity goes by.
fn unit_of(price: &Value) -> &'static str {
    if member(price, "type").as_str() == Some("cost_plus") { "cost" } else { "quantity" }
}

/// As [`explain`], of a price that has been checked.
pub fn explained(price: &Value, usage: &Value, currency: &Currency) -> Result<String> {
    let mut w = Writer::object();
    let line = rate(price, usage, currency)?;
    w.raw("line", &line.to_json()?);
    match member(price, "type").as_str() {
        Some("matrix") => {
            let mut groups = Writer::array();
            for item in list(usage, "groups")? {
                let group = member(item, "group");
                let mut w = Writer::object();
                w.raw("group", &group.to_json());
                if let Some(cell) = shape::cell_of(price, group) {
                    stands(cell, &used(item, "quantity")?, &mut w)?;
                }
                groups.item(&w.end());
            }
            effective(&line.amount, &line.quantity, &mut w);
            w.raw("marginal", "null").raw("next", "null").raw("groups", &groups.end()).raw("flags", "[]");
        }
        _ => stands(price, &used(usage, unit_of(price))?, &mut w)?,
    }
    Ok(w.end())
}

/// Writes `effective`, `marginal`, `next` and `flags`.
fn stands(price: &Value, quantity: &Ratio, w: &mut Writer) -> Result<()> {
    let now = amount_of(price, quantity)?;
    let mut marginal = amount_after(price, quantity)?;
    marginal.minus(&now);
    effective(&now, quantity, w);
    w.string("marginal", &marginal.text()?);
    let mut cheaper = marginal.is_negative();
    match bounds(price).into_iter().find(|bound| !quantity.exceeds(bound)) {
        Some(bound) => {
            let (mut left, after) = (bound, amount_after(price, &bound)?);
            left.minus(quantity);
            cheaper |= now.exceeds(&after);
            let mut next = Writer::object();
            next.string("at", &bound.text()?).string("left", &left.text()?);
            next.string("amountAt", &amount_of(price, &bound)?.text()?).string("amountAfter", &after.text()?);
            w.raw("next", &next.end());
        }
        None => {
            w.raw("next", "null");
        }
    }
    w.raw("flags", if cheaper { "[\"cheaper_with_more\"]" } else { "[]" });
    Ok(())
}

fn effective(amount: &Ratio, quantity: &Ratio, w: &mut Writer) {
    let mut effective = *amount;
    effective.divide(quantity);
    match effective.text() {
        Ok(text) => w.string("effective", &text),
        Err(_) => w.raw("effective", "null"),
    };
}

/// What a quantity comes to, not rounded.
pub(super) fn amount_of(price: &Value, quantity: &Ratio) -> Result<Ratio> {
    let mut line = Line::of(Decimal::ZERO);
    let mut usage = Value::Null;
    if unit_of(price) == "cost" {
        usage = Value::Object(vec![("cost".into(), Value::String(quantity.text()?.into()))]);
    } else {
        line.quantity = *quantity;
    }
    apply(price, &usage, &mut line)?;
    line.amount.check()?;
    Ok(line.amount)
}

fn amount_after(price: &Value, quantity: &Ratio) -> Result<Ratio> {
    let mut more = *quantity;
    more.plus(&Ratio::ONE);
    amount_of(price, &more)
}

/// The ends of the free quantity and of the tiers, ascending, in the units that are metered; none if those are rounded so
/// that they cannot be told.
pub(super) fn bounds(price: &Value) -> Vec<Ratio> {
    let convert = member(price, "quantity");
    if !matches!(member(convert, "round").as_str(), None | Some("none" | "up")) {
        return Vec::new();
    }
    let mut bounds = Vec::new();
    if price.present("free").is_some() {
        bounds.push(Ratio::ZERO);
    }
    for tier in member(price, "tiers").as_array().unwrap_or_default() {
        if tier.present("up_to").is_some() {
            bounds.push(number(tier, "up_to", &Ratio::ZERO));
        }
    }
    for bound in &mut bounds {
        bound.plus(&number(price, "free", &Ratio::ZERO));
        bound.plus(&number(member(price, "adjust"), "usage_discount", &Ratio::ZERO));
        bound.times(&number(convert, "divide_by", &Ratio::ONE));
        bound.divide(&number(convert, "multiply_by", &Ratio::ONE));
    }
    bounds.retain(|bound| bound.is_positive() && bound.check().is_ok());
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(answer: Result<String>) -> serde_json::Value {
        serde_json::from_str(&answer.unwrap()).unwrap()
    }

    fn explained(price: &str, quantity: &str) -> serde_json::Value {
        let request = ["{\"price\":", price, ",\"quantity\":\"", quantity, "\"}"].concat();
        json(explain(&Value::parse(&request).unwrap()))
    }

    #[test]
    fn where_a_quantity_stands() {
        let unit = r#"{"type":"unit","amount":"2","free":"10"}"#;
        let graduated =
            r#"{"type":"graduated","free":"5","tiers":[{"up_to":"10","unit":"3"},{"up_to":null,"unit":"1"}]}"#;
        let volume = r#"{"type":"volume","tiers":[{"up_to":"10","unit":"3"},{"up_to":null,"unit":"1"}]}"#;
        let hours = r#"{"type":"unit","amount":"7","free":"1","quantity":{"divide_by":3600,"round":"up"}}"#;
        for (price, quantity, effective, marginal, next, flags) in [
            (unit, "0", "null", "\"0\"", r#"{"amountAfter":"2","amountAt":"0","at":"10","left":"10"}"#, "[]"),
            (unit, "10", "\"0\"", "\"2\"", r#"{"amountAfter":"2","amountAt":"0","at":"10","left":"0"}"#, "[]"),
            (unit, "40", "\"1.5\"", "\"2\"", "null", "[]"),
            (graduated, "6", "\"0.5\"", "\"3\"", r#"{"amountAfter":"31","amountAt":"30","at":"15","left":"9"}"#, "[]"),
            (graduated, "20", "\"1.75\"", "\"1\"", "null", "[]"),
            (
                volume,
                "9",
                "\"3\"",
                "\"3\"",
                r#"{"amountAfter":"11","amountAt":"30","at":"10","left":"1"}"#,
                "[\"cheaper_with_more\"]",
            ),
            (hours, "7200", "\"0.0009722222222222222222222222222\"", "\"7\"", "null", "[]"),
        ] {
            let got = explained(price, quantity);
            let texts = ["effective", "marginal", "next", "flags"].map(|key| got[key].to_string());
            assert_eq!(texts, [effective, marginal, next, flags], "{price} {quantity}");
        }
        assert_eq!(explained(hours, "3600")["next"]["left"], "0");
        let cost = explained(r#"{"type":"cost_plus","multiplier":"1.2"}"#, "10");
        assert_eq!((&cost["effective"], &cost["marginal"]), (&"1.2".into(), &"1.2".into()));
        let events = r#"{"price":{"type":"percentage","rate":1},"quantity":1}"#;
        assert_eq!(explain(&Value::parse(events).unwrap()).err().unwrap().code, "invalid_price");
        let matrix = r#"{"price":{"type":"matrix","dimensions":["q"],"cells":[{"when":{"q":"hd"},
            "price":{"type":"unit","amount":"0.08","free":"5"}}]},
            "usage":{"groups":[{"group":{"q":"hd"},"quantity":"15"},{"group":{"q":"sd"},"quantity":"5"}]}}"#;
        let got = json(explain(&Value::parse(matrix).unwrap()));
        assert_eq!((&got["marginal"], &got["groups"][0]["marginal"]), (&serde_json::Value::Null, &"0.08".into()));
        assert_eq!(got["groups"][1].to_string(), r#"{"group":{"q":"sd"}}"#);
    }
}
