//! Questions about a price before the invoice exists: where a quantity stands, how a period will end, how much of a
//! budget is used.

use super::read::{admit, flag, invalid, list, member, number, positive};
use super::{Currency, Line, apply, check};
use crate::decimal::{Decimal, Rounding};
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::limits::FORECAST_DAYS_MAX;
use crate::ratio::Ratio;
use crate::time::Instant;

const DAY_SECONDS: i64 = 86_400;
/// Digits behind the point of units that are forecast: more would pretend to know them.
const FORECAST_DIGITS: u32 = 6;

/// What a quantity comes to, not rounded.
fn amount_of(price: &Value, quantity: &Ratio) -> Result<Line> {
    let mut line = Line::of(Decimal::ZERO);
    line.quantity = *quantity;
    apply(price, &Value::Null, &mut line)?;
    line.amount.check()?;
    Ok(line)
}

fn priced<'v>(request: &'v Value<'v>) -> Result<(&'v Value<'v>, Ratio)> {
    let price = member(request, "price");
    check(price).map_err(|e| e.at("price"))?;
    let kind = member(price, "type").as_str().unwrap_or_default();
    if matches!(kind, "percentage" | "matrix" | "cost_plus") {
        return Err(invalid("this is for prices of one quantity", "type").at("price"));
    }
    admit(
        request,
        &["quantity"],
        1,
        &["price", "currency", "from", "to", "now", "days", "limit", "balance", "extreme"],
    )?;
    Ok((price, number(request, "quantity", &Ratio::ZERO)))
}

/// Where a quantity stands: `{price, quantity, currency?}` ─▶ `{line, effective, marginal, next, flags}`.
///
/// `effective` is the amount a unit (null at 0), `marginal` what one more unit costs. `next` is the end of the free
/// quantity or of the tier: `{at, left, amountAt, amountAfter}`, with what is billed there and one unit beyond; null if
/// there is none, or if the units are rounded so that it cannot be told. The flag `cheaper_with_more` says that beyond
/// it less is billed than now.
pub fn explain(request: &Value) -> Result<String> {
    let (price, quantity) = priced(request)?;
    let currency = Currency::of(request)?;
    let mut line = amount_of(price, &quantity)?;
    let mut marginal = amount_after(price, &quantity)?;
    marginal.minus(&line.amount);
    let now = line.amount;
    line.round(currency.digits)?;

    let mut w = Writer::object();
    w.raw("line", &line.to_json()?);
    let mut effective = now;
    effective.divide(&quantity);
    w.raw("effective", &effective.text().map_or(String::from("null"), |text| quoted(&text)));
    w.string("marginal", &marginal.text()?);
    let mut cheaper = marginal.is_negative();
    match next_bound(price, &quantity) {
        Some(bound) => {
            let (mut left, after) = (bound, amount_after(price, &bound)?);
            left.minus(&quantity);
            cheaper |= now.exceeds(&after);
            let mut next = Writer::object();
            next.string("at", &bound.text()?).string("left", &left.text()?);
            next.string("amountAt", &amount_of(price, &bound)?.amount.text()?).string("amountAfter", &after.text()?);
            w.raw("next", &next.end());
        }
        None => {
            w.raw("next", "null");
        }
    }
    w.raw("flags", if cheaper { "[\"cheaper_with_more\"]" } else { "[]" });
    Ok(w.end())
}

fn quoted(text: &str) -> String {
    ["\"", text, "\""].concat()
}

fn amount_after(price: &Value, quantity: &Ratio) -> Result<Ratio> {
    let mut more = *quantity;
    more.plus(&Ratio::ONE);
    Ok(amount_of(price, &more)?.amount)
}

/// The first bound at or above a quantity, in the units that are metered.
fn next_bound(price: &Value, quantity: &Ratio) -> Option<Ratio> {
    let convert = member(price, "quantity");
    if !matches!(member(convert, "round").as_str(), None | Some("none" | "up")) {
        return None;
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
    for mut bound in bounds {
        bound.plus(&number(price, "free", &Ratio::ZERO));
        bound.plus(&number(member(price, "adjust"), "usage_discount", &Ratio::ZERO));
        bound.times(&number(convert, "divide_by", &Ratio::ONE));
        bound.divide(&number(convert, "multiply_by", &Ratio::ONE));
        if !quantity.exceeds(&bound) && bound.is_positive() && bound.check().is_ok() {
            return Some(bound);
        }
    }
    None
}

/// How a period will end: units are projected, money is not.
///
/// ```text
/// { price, quantity, from, to, now, days?: [units], currency?, extreme?, limit?, balance? }
///   ─▶ { low, mid, high: Line, breach?: time | null, exhausted?: time | null } | { tooEarly: true }
/// ```
///
/// One rate is that of the period so far, another the mean of the last full `days` (at most seven); low and high are the
/// smaller and greater, mid their mean. For a meter of extremes (MAX, LATEST, UNIQUE_COUNT: `extreme`) low is what is
/// now, high the straight line. Nothing is said before a tenth of the period or two days. `breach` is the first day on
/// which the mid projection costs more than `limit`; `exhausted` is when a `balance` of units is used up.
pub fn project(request: &Value) -> Result<String> {
    let (price, quantity) = priced(request)?;
    let currency = Currency::of(request)?;
    let time =
        |key: &'static str| Instant::parse(member(request, key).as_str().unwrap_or_default()).map_err(|e| e.at(key));
    let (from, to, now) = (time("from")?.seconds, time("to")?.seconds, time("now")?.seconds);
    if from >= to || now < from || now > to {
        return Err(Error::new("invalid_period", "now lies within the period, which begins before it ends").at("now"));
    }
    let (elapsed, length) = (now - from, to - from);
    if elapsed < 2 * DAY_SECONDS && elapsed.saturating_mul(10) < length || elapsed == 0 {
        return Ok(String::from("{\"tooEarly\":true}"));
    }
    let seconds = |n: i64| Ratio::from(Decimal::from(n));
    // Units a second.
    let mut so_far = quantity;
    so_far.divide(&seconds(elapsed));
    let mut recent = so_far;
    if request.present("days").is_some() {
        let days = list(request, "days")?;
        recent = Ratio::ZERO;
        for (at, units) in days.iter().enumerate() {
            recent.plus(&positive(units).map_err(|e| e.at_index(at).at("days"))?.into());
        }
        recent.divide(&seconds(DAY_SECONDS.saturating_mul(days.len() as i64)));
    }
    let (mut low, mut high) = (so_far, so_far);
    low.at_most(&recent);
    high.at_least(&recent);
    if flag(request, "extreme", false)? {
        (low, high) = (Ratio::ZERO, so_far);
    }
    let mut mid = low;
    mid.plus(&high);
    mid.divide(&Decimal::new(2, 0).into());
    let units_at = |rate: &Ratio, after: i64| {
        let mut units = *rate;
        units.times(&seconds(after));
        units.plus(&quantity);
        units.cut(FORECAST_DIGITS, Rounding::HalfEven);
        units
    };
    let mut w = Writer::object();
    for (name, rate) in [("low", &low), ("mid", &mid), ("high", &high)] {
        let mut line = amount_of(price, &units_at(rate, to - now))?;
        line.round(currency.digits)?;
        w.raw(name, &line.to_json()?);
    }
    let date = |seconds: i64| quoted(&Instant { seconds, nanos: 0 }.text());
    if request.present("limit").is_some() {
        let limit = positive(member(request, "limit")).map_err(|e| e.at("limit"))?.into();
        let mut breach = None;
        for day in 0..FORECAST_DAYS_MAX {
            let after = (day * DAY_SECONDS).min(to - now);
            if amount_of(price, &units_at(&mid, after))?.amount.exceeds(&limit) {
                breach = Some(now + after);
                break;
            }
            if after == to - now {
                break;
            }
        }
        w.raw("breach", &breach.map_or(String::from("null"), date));
    }
    if request.present("balance").is_some() {
        let mut left = Ratio::from(positive(member(request, "balance")).map_err(|e| e.at("balance"))?);
        left.divide(&mid);
        let after = left.round(0, Rounding::Down).ok().and_then(|after| i64::try_from(after.mantissa()).ok());
        w.raw(
            "exhausted",
            &after.filter(|after| *after <= to - now).map_or(String::from("null"), |after| date(now + after)),
        );
    }
    Ok(w.end())
}

/// How much of a budget is used: `{limit, thresholds, spent, fired?, estimate?}` ─▶ `{fire, fired, part, wouldExceed?}`.
///
/// Thresholds are parts of the limit. One fires when it is reached, once; it can fire again after the spending has been
/// five points below it. It is a soft cap: what crosses it is done.
pub fn budget(request: &Value) -> Result<String> {
    admit(request, &["limit", "spent", "estimate"], 2, &["thresholds", "fired"])?;
    let (limit, spent) = (number(request, "limit", &Ratio::ZERO), number(request, "spent", &Ratio::ZERO));
    if limit.is_zero() {
        return Err(invalid("a budget is more than 0", "limit"));
    }
    let mut part = spent;
    part.divide(&limit);
    let fired = member(request, "fired").as_array().unwrap_or_default();
    let (mut fire, mut now) = (Writer::array(), Writer::array());
    for (at, value) in list(request, "thresholds")?.iter().enumerate() {
        let threshold = Ratio::from(positive(value).map_err(|e| e.at_index(at).at("thresholds"))?);
        let name = threshold.text()?;
        let was = fired.iter().any(|one| one.as_str() == Some(&name));
        let mut rearmed = threshold;
        rearmed.minus(&Decimal::new(5, 2).into());
        let is_reached = !threshold.exceeds(&part);
        if is_reached && !was {
            fire.item_string(&name);
        }
        if is_reached || was && !rearmed.exceeds(&part) {
            now.item_string(&name);
        }
    }
    let mut w = Writer::object();
    w.raw("fire", &fire.end()).raw("fired", &now.end()).string("part", &part.text()?);
    if request.present("estimate").is_some() {
        let mut sum = spent;
        sum.plus(&number(request, "estimate", &Ratio::ZERO));
        w.raw("wouldExceed", if sum.exceeds(&limit) { "true" } else { "false" });
    }
    Ok(w.end())
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
        let matrix = r#"{"price":{"type":"matrix","dimensions":[],"cells":[]},"quantity":1}"#;
        assert_eq!(explain(&Value::parse(matrix).unwrap()).err().unwrap().code, "invalid_price");
    }

    #[test]
    fn how_a_period_ends() {
        let ask = |more: &str| {
            let request = [
                r#"{"price":{"type":"unit","amount":"1","free":"100"},"quantity":"100","from":"2026-11-01T00:00:00Z","#,
                r#""to":"2026-12-01T00:00:00Z""#,
                more,
                "}",
            ];
            project(&Value::parse(&request.concat()).unwrap())
        };
        let amounts =
            |got: &serde_json::Value| ["low", "mid", "high"].map(|key| got[key]["amount"].to_string()).join(" ");
        // Ten units a day until the 11th, twenty days to go.
        let got = json(ask(r#","now":"2026-11-11T00:00:00Z""#));
        assert_eq!(amounts(&got), r#""200" "200" "200""#);
        let got = json(ask(r#","now":"2026-11-11T00:00:00Z","days":[20,"20",20],"limit":"100","balance":"30""#));
        assert_eq!(amounts(&got), r#""200" "300" "400""#);
        assert_eq!(
            (got["breach"].as_str(), got["exhausted"].as_str()),
            (Some("2026-11-18T00:00:00Z"), Some("2026-11-13T00:00:00Z"))
        );
        let got = json(ask(r#","now":"2026-11-11T00:00:00Z","extreme":true,"limit":1000,"balance":1000"#));
        assert_eq!(amounts(&got), r#""0" "100" "200""#);
        assert!(got["breach"].is_null() && got["exhausted"].is_null());
        assert_eq!(json(ask(r#","now":"2026-11-02T00:00:00Z""#))["tooEarly"], true);
        assert_eq!(json(ask(r#","now":"2026-11-01T00:00:00Z""#))["tooEarly"], true);
        assert_eq!(ask(r#","now":"2026-12-02T00:00:00Z""#).err().unwrap().code, "invalid_period");
        assert_eq!(ask("").err().unwrap().code, "time_invalid");
    }

    #[test]
    fn a_threshold_fires_once() {
        let ask = |spent: &str, fired: &str| {
            let request =
                [r#"{"limit":10,"thresholds":[0.5,"0.80",1],"estimate":2,"spent":"#, spent, r#","fired":"#, fired, "}"];
            let got = json(budget(&Value::parse(&request.concat()).unwrap()));
            ["fire", "fired", "wouldExceed"].map(|key| got[key].to_string()).join(" ")
        };
        assert_eq!(ask("4.99", "[]"), "[] [] false");
        assert_eq!(ask("8", "[]"), r#"["0.5","0.8"] ["0.5","0.8"] false"#);
        assert_eq!(ask("8.01", r#"["0.5","0.8"]"#), r#"[] ["0.5","0.8"] true"#);
        assert_eq!(ask("7.5", r#"["0.5","0.8"]"#), r#"[] ["0.5","0.8"] false"#);
        assert_eq!(ask("7.4", r#"["0.5","0.8"]"#), r#"[] ["0.5"] false"#);
    }
}
