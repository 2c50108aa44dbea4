//! What the customer is billed: one price model for the shapes of all vendors.
//!
//! ```text
//! usage ─ 1 convert ─ 2 discount in units ─▶ 3 price function ─▶ subtotal
//!       ─ 4 prorate ─ 5 discount in money ─ 6 in percent ─ 7 minimum ─ 8 maximum ─▶ amount ─ 9 round once ─▶ minor units
//! ```
//!
//! Amounts are in major units (dollars) until the last step. Everything before it is exact. A price stays the data it
//! was written as; pricing reads it, and checking it is pricing nothing by it.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

#[cfg(any(test, feature = "billing"))]
mod budget;
#[cfg(any(test, feature = "billing"))]
pub(crate) mod compare;
pub(crate) mod currency;
mod desk;
#[cfg(any(test, feature = "billing"))]
mod explain;
#[cfg(any(test, feature = "billing"))]
pub(crate) mod forecast;
#[cfg(any(test, feature = "billing"))]
pub mod grants;
mod invoice;
#[cfg(any(test, feature = "billing"))]
pub mod openmeter;
mod period;
mod read;
mod shape;

pub use currency::Currency;
pub use desk::calculate;
pub use invoice::invoice;
pub(crate) use period::period;
pub(crate) use read::positive;

use crate::decimal::{Decimal, Rounding};
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::ratio::Ratio;
use read::{ROUNDING_NAMES, ROUNDINGS, admit, choice, flag, invalid, member, number, used};

/// A price.
///
/// ```text
/// { type: 'free' } | { type: 'flat', amount } | { type: 'unit', amount, free? }
/// { type: 'graduated'|'volume', tiers: [{ up_to, unit?, flat?, package? }], free?, flat_on_zero? }
/// { type: 'package', size, amount, free?, round?: 'up'|'down' }
/// { type: 'percentage', rate, fixed?, free_events?, free_amount?, min?, max? }
/// { type: 'graduated_percentage', tiers: [{ up_to, rate, flat? }], flat_on_zero? }
/// { type: 'matrix', dimensions: [name], cells: [{ when: { name: value }, price }], default?: price }
/// { type: 'cost_plus', multiplier?, unit_fee? }
///   & { quantity?: { multiply_by?, divide_by?, round?: 'none'|'up'|'down'|'half_up'|'half_even', clamp_negative? },
///       adjust?: { usage_discount?, amount_discount?, percent_discount?, minimum?, maximum?, prorate?: [days, of days] },
///       rounding?: 'half_up'|'half_even'|'up'|'down' }
/// ```
///
/// Numbers are decimal strings, or JSON numbers, which are taken as they are written; rates are in percent. `half_up`
/// (away from zero) is the default; `up` is away from zero, `down` towards it. The bound of a tier belongs to it, the
/// last one is open (`up_to: null`).
///
/// What is used: `{quantity}`; for a percentage `{events: [value]}`; for a matrix `{groups: [{group, quantity}]}`; for
/// what goes by a cost `{cost, quantity?}`.
pub struct Price(Value<'static>);

/// One line of a bill.
pub struct Line {
    /// The quantity that was priced: converted, discounted. Of events and groups the sum.
    pub quantity: Ratio,
    /// What the price function gave.
    pub subtotal: Ratio,
    /// After all adjustments, not rounded.
    pub amount: Ratio,
    /// Rounded to the currency's minor unit, in major units.
    pub rounded: Decimal,
    /// The same, counted in minor units.
    pub minor: Decimal,
    /// A part of the usage has no price.
    pub unpriced: bool,
    rounding: Rounding,
    /// What it is made of: `tiers` or `groups`, and a JSON array.
    details: (&'static str, String),
}

/// What each type has: its numbers, how many of the first have to be there, and the rest.
type Members = (&'static str, &'static [&'static str], usize, &'static [&'static str]);
static TYPES: [Members; 10] = [
    ("free", &[], 0, &[]),
    ("flat", &["amount"], 1, &[]),
    ("unit", &["amount", "free"], 1, &[]),
    ("package", &["amount", "size", "free"], 2, &["round"]),
    ("graduated", &["free"], 0, &["tiers", "flat_on_zero"]),
    ("volume", &["free"], 0, &["tiers", "flat_on_zero"]),
    ("graduated_percentage", &[], 0, &["tiers", "flat_on_zero"]),
    ("cost_plus", &["multiplier", "unit_fee"], 0, &[]),
    ("percentage", &["rate", "fixed", "free_events", "free_amount", "min", "max"], 1, &[]),
    ("matrix", &[], 0, &["dimensions", "cells", "default"]),
];
/// What all prices have; the last is for prices of one quantity.
static COMMON: [&str; 4] = ["type", "adjust", "rounding", "quantity"];
/// The last is for prices of one quantity.
static ADJUST: [&str; 5] = ["amount_discount", "percent_discount", "minimum", "maximum", "usage_discount"];

impl Price {
    /// Reads a price from its JSON text. Errors: `json_invalid`, `invalid_price`, `unknown_option`; the path says where.
    pub fn parse(text: &str) -> Result<Self> {
        Self::from_value(&Value::parse(text)?)
    }

    /// As [`Self::parse`], from a value that has been read already.
    pub fn from_value(price: &Value) -> Result<Self> {
        check(price)?;
        Ok(Self(price.owned()))
    }

    /// The dimensions that it prices by, if it is a matrix.
    pub fn dimensions(&self) -> &[Value<'_>] {
        self.0.get("dimensions").and_then(Value::as_array).unwrap_or_default()
    }

    /// Whether a meter's value is not enough for it: it prices events one by one.
    pub fn is_by_event(&self) -> bool {
        self.0.get("type").and_then(Value::as_str) == Some("percentage")
    }

    /// Prices one line. Errors: `invalid_usage`, `overflow`.
    pub fn rate(&self, usage: &Value, currency: &Currency) -> Result<Line> {
        rate(&self.0, usage, currency)
    }

    /// Prices one line for a quantity; for what goes by a cost, the quantity is the cost. Error: `overflow`.
    pub fn rate_quantity(&self, quantity: Decimal, currency: &Currency) -> Result<Line> {
        let kind = member(&self.0, "type").as_str().unwrap_or_default();
        if matches!(kind, "cost_plus" | "matrix" | "percentage") {
            return rate(&self.0, &self.usage(quantity), currency);
        }
        // All others go by the quantity that the line has.
        let mut line = Line::of(quantity);
        apply(&self.0, &Value::Null, &mut line)?;
        line.round(currency.digits)?;
        Ok(line)
    }

    /// A quantity as the usage that the price goes by.
    pub(crate) fn usage(&self, quantity: Decimal) -> Value<'static> {
        let is_cost = self.0.get("type").and_then(Value::as_str) == Some("cost_plus");
        let key = if is_cost { "cost" } else { "quantity" };
        Value::Object(vec![(key.into(), Value::String(quantity.text().into()))])
    }

    /// Explains it for what was used, see [`explain::explain`].
    #[cfg(any(test, feature = "billing"))]
    pub(crate) fn explain(&self, usage: &Value, currency: &Currency) -> Result<String> {
        explain::explained(&self.0, usage, currency)
    }
}

/// Checks a price. All of it is read whatever the quantity is, so that a price for nothing is one for anything.
fn check(price: &Value) -> Result<()> {
    apply(price, &Value::Null, &mut Line::of(Decimal::ZERO))
}

/// Prices one line by a price that has been checked.
pub(crate) fn rate(price: &Value, usage: &Value, currency: &Currency) -> Result<Line> {
    if usage.as_object().is_none() {
        return Err(Error::new("invalid_usage", "usage is an object").help("like {\"quantity\":\"12\"}"));
    }
    usage.only(&["quantity", "events", "groups", "cost"])?;
    let mut line = Line::of(Decimal::ZERO);
    line.quantity = used(usage, "quantity")?;
    apply(price, usage, &mut line)?;
    line.round(currency.digits)?;
    Ok(line)
}

/// Prices a line by the quantity that it has, which becomes the billed one, and by what else was used.
#[inline(never)]
fn apply(price: &Value, usage: &Value, line: &mut Line) -> Result<()> {
    let (zero, one) = (&Ratio::ZERO, &Ratio::ONE);
    let kind = member(price, "type").as_str().unwrap_or_default();
    let Some(at) = TYPES.iter().position(|members| members.0 == kind) else {
        return Err(invalid("the price's type is not known", "type").help(TYPES.map(|members| members.0).join(", ")));
    };
    let (_, numbers, needed, others) = TYPES.get(at).copied().unwrap_or_default();
    let is_of_one = at < 8;
    let (common, adjusting) = if is_of_one { (&COMMON[..], &ADJUST[..]) } else { (&COMMON[..3], &ADJUST[..4]) };
    admit(price, numbers, needed, &[common, others].concat())?;
    let needs = match kind {
        "percentage" => "events",
        "matrix" => "groups",
        "cost_plus" => "cost",
        _ => "quantity",
    };
    let there = member(usage, needs);
    if *usage != Value::Null && (*there == Value::Null || !is_of_one && there.as_array().is_none()) {
        return Err(Error::new("invalid_usage", "this price needs this of the usage").at(needs));
    }

    let quantity = &mut line.quantity;
    if let Some(convert) = price.present("quantity") {
        let converted = || -> Result<_> {
            admit(convert, &["multiply_by", "divide_by"], 0, &["round", "clamp_negative"])?;
            Ok((
                flag(convert, "clamp_negative", true)?,
                choice(convert, "round", &[&["none"], &ROUNDING_NAMES[..4]].concat())?,
            ))
        };
        let (clamped, round) = converted().map_err(|e| e.at("quantity"))?;
        if clamped {
            quantity.at_least(zero);
        }
        let by = number(convert, "divide_by", one);
        if by.is_zero() {
            return Err(invalid("division by zero", "divide_by").at("quantity"));
        }
        quantity.times(&number(convert, "multiply_by", one));
        quantity.divide(&by);
        if let Some(rounding) = ROUNDINGS.get(round.wrapping_sub(1)) {
            quantity.cut(0, *rounding);
        }
    } else {
        quantity.at_least(zero);
    }
    let adjust = member(price, "adjust");
    if *adjust != Value::Null {
        admit(adjust, adjusting, 0, &["prorate"]).map_err(|e| e.at("adjust"))?;
    }
    if adjust.present("usage_discount").is_some() {
        quantity.minus(&number(adjust, "usage_discount", zero));
        quantity.at_least(zero);
    }

    let mut paid = *quantity;
    paid.minus(&number(price, "free", zero));
    paid.at_least(zero);
    let subtotal = &mut line.subtotal;
    match kind {
        "free" => {}
        "flat" => *subtotal = number(price, "amount", zero),
        "unit" | "package" => {
            if kind == "package" {
                let down = choice(price, "round", &["up", "down"])? == 1;
                let rounding = if down { Rounding::Down } else { Rounding::Up };
                shape::packages(&mut paid, &number(price, "size", zero), rounding, "size")?;
            }
            *subtotal = number(price, "amount", zero);
            subtotal.times(&paid);
        }
        "percentage" => shape::percentage(price, usage, line)?,
        "matrix" => shape::matrix(price, usage, line)?,
        "cost_plus" => {
            *subtotal = used(usage, "cost")?;
            subtotal.times(&number(price, "multiplier", one));
            let mut fee = number(price, "unit_fee", zero);
            fee.times(quantity);
            subtotal.plus(&fee);
        }
        _ => shape::tiers(price, kind, &paid, line)?,
    }

    let amount = &mut line.amount;
    *amount = line.subtotal;
    let part = prorate(adjust)?;
    // A flat price is charged for a part of the period; usage never is.
    if kind == "flat" {
        amount.times(&part);
    }
    if adjust.present("amount_discount").is_some() {
        amount.minus(&number(adjust, "amount_discount", zero));
        amount.at_least(zero);
    }
    if adjust.present("percent_discount").is_some() {
        let mut kept = Ratio::HUNDRED;
        kept.minus(&number(adjust, "percent_discount", zero));
        if kept.is_negative() {
            return Err(invalid("a discount is at most 100 percent", "percent_discount").at("adjust"));
        }
        amount.percent(&kept);
    }
    for (key, bound) in [("minimum", Ratio::at_least as fn(&mut Ratio, &Ratio)), ("maximum", Ratio::at_most)] {
        if adjust.present(key).is_some() {
            let mut limit = number(adjust, key, zero);
            limit.times(&part);
            bound(amount, &limit);
        }
    }
    line.rounding =
        ROUNDINGS.get(choice(price, "rounding", &ROUNDING_NAMES[..4])?).copied().unwrap_or(Rounding::HalfUp);
    Ok(())
}

/// `[days, of days]`: the part of the period that is charged, 1 unless it is there.
fn prorate(adjust: &Value) -> Result<Ratio> {
    let Some(value) = adjust.present("prorate") else { return Ok(Ratio::ONE) };
    if let Some([days, of]) = value.as_array()
        && let (Ok(days), Ok(of)) = (positive(days), positive(of))
        && !of.is_zero()
    {
        let mut part = Ratio::from(days);
        part.divide(&of.into());
        return Ok(part);
    }
    Err(invalid("not a part of a period", "prorate").help("like [10, 31]: 10 of 31 days").at("adjust"))
}

impl Line {
    /// A quantity that is not priced yet.
    fn of(quantity: Decimal) -> Self {
        let zero = Ratio::ZERO;
        Self {
            quantity: quantity.into(),
            subtotal: zero,
            amount: zero,
            rounded: Decimal::ZERO,
            minor: Decimal::ZERO,
            unpriced: false,
            rounding: Rounding::HalfUp,
            details: ("", String::new()),
        }
    }

    /// Rounds the amount, once. Error: `overflow`.
    fn round(&mut self, digits: u32) -> Result<()> {
        self.rounded = self.amount.round(digits, self.rounding)?;
        self.minor = self.rounded;
        self.minor.move_point(digits)
    }

    /// `{quantity, subtotal, amountExact, amount, amountMinor, tiers?, groups?, unpriced?}`, decimal strings;
    /// `amountExact` is null if its digits do not end. Error: `overflow`.
    pub fn to_json(&self) -> Result<String> {
        let mut w = Writer::object();
        w.string("quantity", &self.quantity.text()?).string("subtotal", &self.subtotal.text()?);
        match self.amount.exact() {
            Some(exact) => w.string("amountExact", &exact.text()),
            None => w.raw("amountExact", "null"),
        };
        w.string("amount", &self.rounded.text()).string("amountMinor", &self.minor.text());
        if !self.details.0.is_empty() {
            w.raw(self.details.0, &self.details.1);
        }
        if self.unpriced {
            w.raw("unpriced", "true");
        }
        Ok(w.end())
    }
}

#[cfg(test)]
mod tests;
