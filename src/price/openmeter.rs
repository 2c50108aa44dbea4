//! OpenMeter's rating of one invoice line, digit by digit as its server does it.
//!
//! It is not the unified model with other names: each detailed line is rounded, and the maximum comes before the
//! minimum. Source: OpenMeter's product catalog and billing, as of 2026-08.

mod tiers;

use super::read::{admit, choice, flag, invalid, list, member, number, used};
use crate::decimal::Rounding;
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::ratio::Ratio;

/// Digits behind the point that a division keeps.
const DIVISION_DIGITS: u32 = 16;

const ZERO: &Ratio = &Ratio::ZERO;
const ONE: &Ratio = &Ratio::ONE;

/// A detailed line as it comes together.
struct Detail {
    reference: String,
    quantity: Ratio,
    per_unit: Ratio,
    is_commitment: bool,
    gross: Ratio,
    /// What is left of it
    total: Ratio,
    discounts: Taken,
    credits: Taken,
}

/// What is taken off a line, and its sum.
struct Taken(Writer, Ratio);

/// The line that is rated.
struct Rating {
    digits: u32,
    is_first: bool,
    is_last: bool,
    /// What the period had before, and what this line has.
    before: Ratio,
    quantity: Ratio,
    term: &'static str,
    lines: Vec<Detail>,
}

static TYPES: [&str; 5] = ["flat", "unit", "tiered", "package", "dynamic"];
static PRICE: [&str; 5] = ["amount", "quantityPerPackage", "multiplier", "minimumAmount", "maximumAmount"];
static REQUEST: [&str; 8] =
    ["price", "lineMode", "usage", "discounts", "credits", "unitConfig", "options", "precision"];

/// Rates a line.
///
/// ```text
/// { price: { type: 'flat'|'unit'|'package'|'dynamic'|'tiered', amount, paymentTerm?, quantityPerPackage?, multiplier?,
///            mode?: 'graduated'|'volume', tiers?: [{ upToAmount?, flatPrice?, unitPrice? }], minimumAmount?,
///            maximumAmount? },
///   lineMode: 'single'|'mid'|'last', usage: { quantity, preLinePeriodQuantity? }, previouslyBilledAmount?,
///   discounts?: { percentage?, usage? }, credits?: [amount], precision?,
///   unitConfig?: { operation: 'multiply'|'divide', conversionFactor, rounding?, precision? },
///   options?: { ignoreMinimumCommitment?, disableCredits?, unitConfigDisabled? } }
///   ─▶ { lines: [{ ref, quantity, perUnitAmount, paymentTerm, category, discounts, credits, totals }], total }
/// ```
///
/// Errors: `invalid_price`, `invalid_usage`, `unit_config_disabled`, `unit_config_unsupported_price`,
/// `volume_split_unsupported`, `credits_not_consumed`, `overflow`.
pub fn rate(request: &Value) -> Result<String> {
    admit(request, &["previouslyBilledAmount"], 0, &REQUEST)?;
    let price = member(request, "price");
    admit(price, &PRICE, 0, &["type", "paymentTerm", "mode", "tiers"]).map_err(|e| e.at("price"))?;
    let kind = kind(price).map_err(|e| e.at("price"))?;
    let mode = choice(request, "lineMode", &["", "single", "mid", "last"])?;
    if mode == 0 {
        return Err(invalid("single, mid or last", "lineMode"));
    }
    let of_usage = |key: &'static str| used(member(request, "usage"), key).map_err(|e| e.at("usage"));
    let mut rating = Rating {
        digits: precision(request, 2)?,
        is_first: mode == 1,
        is_last: mode != 2,
        before: of_usage("preLinePeriodQuantity")?,
        quantity: of_usage("quantity")?,
        term: "in_arrears",
        lines: Vec::new(),
    };
    let option = |name| flag(member(request, "options"), name, false).map_err(|e| e.at("options"));
    if let Some(config) = request.present("unitConfig") {
        let refuse = |code, message| Err(Error::new(code, message).at("unitConfig"));
        if option("unitConfigDisabled")? {
            return refuse("unit_config_disabled", "unit conversion is off");
        }
        if kind != "unit" && kind != "tiered" {
            return refuse("unit_config_unsupported_price", "only unit and tiered prices have a unit conversion");
        }
        for n in [&mut rating.before, &mut rating.quantity] {
            convert(n, config).map_err(|e| e.at("unitConfig"))?;
        }
    }
    let discounts = member(request, "discounts");
    if *discounts != Value::Null {
        admit(discounts, &["usage", "percentage"], 0, &[]).map_err(|e| e.at("discounts"))?;
    }
    let (of_usage, percentage) = (kind != "flat", number(discounts, "percentage", ZERO));
    if percentage.exceeds(&Ratio::HUNDRED) {
        return Err(invalid("a discount is at most 100 percent", "percentage").at("discounts"));
    }
    if of_usage {
        // What was billed before has used up the free units first.
        let mut free = number(discounts, "usage", ZERO);
        for n in [&mut rating.before, &mut rating.quantity] {
            let mut part = *n;
            part.at_most(&free);
            part.at_least(ZERO);
            n.minus(&part);
            free.minus(&part);
        }
    }
    rating.price(price, kind).map_err(|e| if e.code == "invalid_price" { e.at("price") } else { e })?;
    let digits = rating.digits;
    if discounts.present("percentage").is_some() {
        for line in &mut rating.lines {
            let mut discount = line.total;
            discount.times(&percentage);
            discount.divide(&Ratio::HUNDRED);
            line.discount(&discount, digits)?;
        }
    }

    let mut billed = *ZERO;
    if !rating.is_first {
        billed = number(request, "previouslyBilledAmount", ZERO);
    }
    let (minimum, mut maximum) = (number(price, "minimumAmount", ZERO), number(price, "maximumAmount", ZERO));
    let is_capped = price.present("maximumAmount").is_some();
    if is_capped && minimum.exceeds(&maximum) {
        return Err(invalid("the minimum is above the maximum", "minimumAmount").at("price"));
    }
    maximum.cut(digits, Rounding::HalfUp);
    let mut sum = billed;
    for line in &mut rating.lines {
        if is_capped && of_usage {
            let mut above = sum;
            above.cut(digits, Rounding::HalfUp);
            above.plus(&line.total);
            above.minus(&maximum);
            above.at_most(&line.total);
            if above.is_positive() {
                line.discount(&above, digits)?;
            }
        }
        sum.plus(&line.total);
    }
    if rating.is_last && of_usage && minimum.exceeds(&sum) && !option("ignoreMinimumCommitment")? {
        let mut lacking = minimum;
        lacking.minus(&sum);
        lacking.cut(digits, Rounding::HalfUp);
        rating.push("min-spend", ONE, &lacking);
        if let Some(line) = rating.lines.last_mut() {
            line.is_commitment = true;
        }
    }
    if request.present("credits").is_some() && !option("disableCredits")? {
        for (at, credit) in list(request, "credits")?.iter().enumerate() {
            let credit = Value::Object(vec![("credit".into(), credit.clone())]);
            admit(&credit, &["credit"], 1, &[]).map_err(|e| e.at_index(at).at("credits"))?;
            let mut left = number(&credit, "credit", ZERO);
            left.cut(digits, Rounding::HalfUp);
            for line in &mut rating.lines {
                let mut part = left;
                part.at_most(&line.total);
                if part.is_positive() {
                    line.credits.take(&part)?;
                    line.total.minus(&part);
                    left.minus(&part);
                }
            }
            if left.is_positive() {
                return Err(Error::new("credits_not_consumed", "the credits are more than the line").at("credits"));
            }
        }
    }
    rating.write()
}

fn kind(price: &Value) -> Result<&'static str> {
    if price.present("type").is_none() {
        return Err(invalid("the price needs a type", "type"));
    }
    Ok(TYPES.get(choice(price, "type", &TYPES)?).copied().unwrap_or_default())
}

/// The `precision` of an object: digits behind the point.
fn precision(object: &Value, default: u32) -> Result<u32> {
    let Some(precision) = object.present("precision") else { return Ok(default) };
    match super::positive(precision) {
        Ok(n) if n.scale() == 0 && n.mantissa() <= 18 => Ok(n.mantissa() as u32),
        _ => Err(invalid("a whole number up to 18", "precision")),
    }
}

fn convert(n: &mut Ratio, config: &Value) -> Result<()> {
    admit(config, &["conversionFactor"], 1, &["operation", "rounding", "precision"])?;
    let factor = number(config, "conversionFactor", ZERO);
    if factor.is_zero() {
        return Err(invalid("a factor above 0", "conversionFactor"));
    }
    if choice(config, "operation", &["divide", "multiply"])? == 1 {
        n.times(&factor);
    } else {
        n.divide(&factor);
        n.cut(DIVISION_DIGITS, Rounding::HalfUp);
    }
    let towards = match (choice(config, "rounding", &["none", "ceiling", "floor", "half_up"])?, n.is_negative()) {
        (0, _) => return Ok(()),
        (1, false) | (2, true) => Rounding::Up,
        (1, true) | (2, false) => Rounding::Down,
        _ => Rounding::HalfUp,
    };
    n.cut(precision(config, 0)?, towards);
    Ok(())
}

impl Rating {
    /// The detailed lines that the price gives.
    fn price(&mut self, price: &Value, kind: &str) -> Result<()> {
        let (q, amount) = (self.quantity, number(price, "amount", ZERO));
        if kind != "tiered" && kind != "dynamic" {
            admit(
                price,
                &["amount"],
                1,
                &["type", "paymentTerm", "mode", "tiers", PRICE[1], PRICE[2], PRICE[3], PRICE[4]],
            )?;
        }
        match kind {
            "flat" => {
                let in_advance = choice(price, "paymentTerm", &["in_advance", "in_arrears"])? == 0;
                if in_advance {
                    self.term = "in_advance";
                }
                if if in_advance { self.is_first } else { self.is_last } {
                    self.push("flat-price", ONE, &amount);
                }
            }
            "unit" if q.is_positive() => self.push("unit-price-usage", &q, &amount),
            "dynamic" if q.is_positive() => {
                let mut amount = number(price, "multiplier", ONE);
                amount.times(&q);
                amount.cut(self.digits, Rounding::HalfUp);
                self.push("usage", ONE, &amount);
            }
            "package" => {
                let size = number(price, "quantityPerPackage", ZERO);
                if size.is_zero() {
                    return Err(invalid("a package is larger than 0", "quantityPerPackage"));
                }
                let packages = |mut n: Ratio| {
                    n.divide(&size);
                    n.cut(DIVISION_DIGITS, Rounding::HalfUp);
                    n.cut(0, if n.is_negative() { Rounding::Down } else { Rounding::Up });
                    n
                };
                let mut new = self.before;
                new.plus(&q);
                new = packages(new);
                if !self.is_first {
                    new.minus(&packages(self.before));
                }
                if !new.is_zero() {
                    self.push("usage", &new, &amount);
                }
            }
            "tiered" if choice(price, "mode", &["graduated", "volume"])? == 0 => self.graduated(price)?,
            "tiered" => {
                let (tiers, _) = tiers::tiers(price)?;
                if !self.is_last {
                    return Ok(());
                }
                if !self.before.is_zero() {
                    let message = "a volume price cannot be billed in parts of a period";
                    return Err(Error::new("volume_split_unsupported", message).at("lineMode"));
                }
                for tier in tiers {
                    if !q.exceeds(&number(tier, "upToAmount", &q)) {
                        self.push_if(tier, "flatPrice", "volume-flat-price", ONE);
                        if !q.is_zero() {
                            self.push_if(tier, "unitPrice", "volume-tiered-price", &q);
                        }
                        break;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A line for a price of a tier, if it has that price.
    fn push_if(&mut self, tier: &Value, price: &str, reference: &str, quantity: &Ratio) {
        if tier.present(price).is_some() {
            self.push(reference, quantity, &number(tier, price, ZERO));
        }
    }

    #[inline(never)]
    fn push(&mut self, reference: &str, quantity: &Ratio, per_unit: &Ratio) {
        let mut gross = *quantity;
        gross.times(per_unit);
        gross.cut(self.digits, Rounding::HalfUp);
        self.lines.push(Detail {
            reference: reference.to_owned(),
            quantity: *quantity,
            per_unit: *per_unit,
            is_commitment: false,
            gross,
            total: gross,
            discounts: Taken(Writer::array(), Ratio::ZERO),
            credits: Taken(Writer::array(), Ratio::ZERO),
        });
    }

    fn write(self) -> Result<String> {
        let mut sum = Ratio::ZERO;
        let mut lines = Writer::array();
        for line in self.lines {
            sum.plus(&line.total);
            let (amount, charges) = if line.is_commitment { (ZERO, &line.gross) } else { (&line.gross, ZERO) };
            let mut totals = Writer::object();
            for (key, n) in [
                ("amount", amount),
                ("charges", charges),
                ("discounts", &line.discounts.1),
                ("credits", &line.credits.1),
                ("total", &line.total),
            ] {
                totals.string(key, &n.text()?);
            }
            let mut w = Writer::object();
            w.string("ref", &line.reference).string("quantity", &line.quantity.text()?);
            w.string("perUnitAmount", &line.per_unit.text()?).string("paymentTerm", self.term);
            w.string("category", if line.is_commitment { "commitment" } else { "regular" });
            w.raw("discounts", &line.discounts.0.end()).raw("credits", &line.credits.0.end());
            w.raw("totals", &totals.end());
            lines.item(&w.end());
        }
        let mut w = Writer::object();
        w.raw("lines", &lines.end()).string("total", &sum.text()?);
        Ok(w.end())
    }
}

impl Detail {
    fn discount(&mut self, amount: &Ratio, digits: u32) -> Result<()> {
        let mut amount = *amount;
        amount.cut(digits, Rounding::HalfUp);
        self.total.minus(&amount);
        self.discounts.take(&amount)
    }
}

impl Taken {
    fn take(&mut self, amount: &Ratio) -> Result<()> {
        self.1.plus(amount);
        self.0.item_string(&amount.text()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &str = include_str!("../../tests/contract/openmeter-pricing.json");

    #[test]
    fn golden_lines() {
        let cases: serde_json::Value = serde_json::from_str(CASES).unwrap();
        let cases = cases["lines"].as_array().unwrap();
        for case in cases {
            let (id, expect) = (&case["id"], &case["expect"]);
            let mut request = case.clone();
            for label in ["id", "source", "expect"] {
                request.as_object_mut().unwrap().remove(label);
            }
            match rate(&Value::parse(&request.to_string()).unwrap()) {
                Err(error) => assert_eq!(Some(error.code), expect["error"].as_str(), "{id}: {error}"),
                Ok(got) => assert_eq!(&serde_json::from_str::<serde_json::Value>(&got).unwrap(), expect, "{id}"),
            }
        }
        println!("{} lines", cases.len());
        assert_eq!(cases.len(), 147);
    }
}
