//! What the customer is billed: one price model for the shapes of all vendors.
//!
//! ```text
//! usage ─ 1 convert ─ 2 discount in units ─▶ 3 price function ─▶ subtotal
//!       ─ 4 prorate ─ 5 discount in money ─ 6 in percent ─ 7 minimum ─ 8 maximum ─▶ amount ─ 9 round once ─▶ minor units
//! ```
//!
//! Amounts are in major units (dollars) until the last step. Everything before it is exact.

mod currency;
mod read;
mod shape;

pub use currency::minor_digits;

use crate::decimal::{Decimal, Rounding};
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::ratio::Ratio;
use read::{decimal, invalid, object, rounding, signed};
use shape::Shape;

/// A price.
///
/// ```text
/// { type: 'free' } | { type: 'flat', amount } | { type: 'unit', amount, free? }
///   & { quantity?: { multiply_by?, divide_by?, round?: 'none'|'up'|'down'|'half_up'|'half_even', clamp_negative? },
///       adjust?: { usage_discount?, amount_discount?, percent_discount?, minimum?, maximum?, prorate?: [days, of days] },
///       rounding?: 'half_up'|'half_even'|'up'|'down' }
/// ```
///
/// Numbers are decimal strings, or JSON numbers, which are taken as they are written. `half_up` (away from zero) is the
/// default; `up` is away from zero, `down` towards it.
pub struct Price {
    shape: Shape,
    convert: Convert,
    adjust: Adjust,
    rounding: Rounding,
}

/// From the metered quantity to the billed one.
#[derive(Default)]
struct Convert {
    multiply_by: Option<Decimal>,
    divide_by: Option<Decimal>,
    round: Option<Rounding>,
    keep_negative: bool,
}

/// What comes after the price function, and the discount that comes before it.
#[derive(Default)]
struct Adjust {
    usage_discount: Option<Decimal>,
    amount_discount: Option<Decimal>,
    percent_discount: Option<Decimal>,
    minimum: Option<Decimal>,
    maximum: Option<Decimal>,
    prorate: Option<Ratio>,
}

/// What was used.
pub enum Usage {
    /// `{quantity}`: the value of a meter
    Quantity(Decimal),
}

/// One line of a bill.
pub struct Line {
    /// The quantity that was priced: converted, discounted.
    pub quantity: Ratio,
    /// What the price function gave.
    pub subtotal: Ratio,
    /// After all adjustments, not rounded.
    pub amount: Ratio,
    /// Rounded to the currency's minor unit, in major units.
    pub rounded: Decimal,
    /// The same, counted in minor units.
    pub minor: Decimal,
}

impl Price {
    /// Reads a price from its JSON text. Errors: `json_invalid`, `invalid_price`, `unknown_option`; the path says where.
    pub fn parse(text: &str) -> Result<Self> {
        Self::from_value(&Value::parse(text)?)
    }

    /// As [`Self::parse`], from a value that has been read already.
    pub fn from_value(price: &Value) -> Result<Self> {
        if price.as_object().is_none() {
            return Err(invalid("a price is an object").help("like {\"type\":\"unit\",\"amount\":\"0.002\"}"));
        }
        let (shape, own) = Shape::read(price)?;
        price.only(&[&["type", "quantity", "adjust", "rounding"], own].concat())?;
        Ok(Self {
            shape,
            convert: object(price, "quantity", Convert::read)?,
            adjust: object(price, "adjust", Adjust::read)?,
            rounding: rounding(price, "rounding", Some(Rounding::HalfUp))?.unwrap_or(Rounding::HalfUp),
        })
    }

    /// Prices one line. Error: `overflow`.
    pub fn rate(&self, usage: &Usage, currency: &str) -> Result<Line> {
        let Usage::Quantity(metered) = usage;
        let quantity = self.adjust.discounted(self.convert.apply((*metered).into())?)?;
        let subtotal = self.shape.amount(quantity)?;
        let amount = self.adjust.apply(subtotal, self.shape.is_prorated())?;
        let digits = minor_digits(currency);
        let rounded = amount.round(digits, self.rounding)?;
        let minor = rounded.mul(Decimal::new(10_i128.pow(digits), 0))?;
        Ok(Line { quantity, subtotal, amount, rounded, minor })
    }
}

impl Convert {
    fn read(rule: &Value) -> Result<Self> {
        rule.only(&["multiply_by", "divide_by", "round", "clamp_negative"])?;
        let keep_negative = match rule.present("clamp_negative") {
            None => false,
            Some(Value::Bool(clamp)) => !clamp,
            Some(_) => return Err(invalid("this is true or false").at("clamp_negative")),
        };
        let divide_by = decimal(rule, "divide_by")?;
        if divide_by.is_some_and(Decimal::is_zero) {
            return Err(invalid("division by zero").at("divide_by"));
        }
        let multiply_by = decimal(rule, "multiply_by")?;
        Ok(Self { multiply_by, divide_by, round: rounding(rule, "round", None)?, keep_negative })
    }

    fn apply(&self, mut quantity: Ratio) -> Result<Ratio> {
        if !self.keep_negative {
            quantity = quantity.max(Ratio::ZERO)?;
        }
        if let Some(by) = self.multiply_by {
            quantity = quantity.mul(by.into())?;
        }
        if let Some(by) = self.divide_by {
            quantity = quantity.div(by)?;
        }
        match self.round {
            None => Ok(quantity),
            Some(rounding) => Ok(quantity.round(0, rounding)?.into()),
        }
    }
}

impl Adjust {
    fn read(rule: &Value) -> Result<Self> {
        rule.only(&["usage_discount", "amount_discount", "percent_discount", "minimum", "maximum", "prorate"])?;
        let percent_discount = decimal(rule, "percent_discount")?;
        if percent_discount.is_some_and(|p| p > Decimal::new(100, 0)) {
            return Err(invalid("a discount is at most 100 percent").at("percent_discount"));
        }
        Ok(Self {
            usage_discount: decimal(rule, "usage_discount")?,
            amount_discount: decimal(rule, "amount_discount")?,
            percent_discount,
            minimum: decimal(rule, "minimum")?,
            maximum: decimal(rule, "maximum")?,
            prorate: rule.present("prorate").map(prorate).transpose().map_err(|e| e.at("prorate"))?,
        })
    }

    fn discounted(&self, quantity: Ratio) -> Result<Ratio> {
        match self.usage_discount {
            None => Ok(quantity),
            Some(discount) => quantity.sub(discount.into())?.max(Ratio::ZERO),
        }
    }

    fn apply(&self, subtotal: Ratio, prorated: bool) -> Result<Ratio> {
        let share = |amount: Ratio| self.prorate.map_or(Ok(amount), |part| amount.mul(part));
        let mut amount = if prorated { share(subtotal)? } else { subtotal };
        if let Some(discount) = self.amount_discount {
            amount = amount.sub(discount.into())?.max(Ratio::ZERO)?;
        }
        if let Some(percent) = self.percent_discount {
            let kept = Decimal::new(100, 0).sub(percent)?.mul(Decimal::new(1, 2))?;
            amount = amount.mul(kept.into())?;
        }
        if let Some(minimum) = self.minimum {
            amount = amount.max(share(minimum.into())?)?;
        }
        if let Some(maximum) = self.maximum {
            amount = amount.min(share(maximum.into())?)?;
        }
        Ok(amount)
    }
}

/// `[days, of days]`
fn prorate(value: &Value) -> Result<Ratio> {
    let fault = || invalid("not a part of a period").help("like [10, 31]: 10 of 31 days");
    let Some([days, of]) = value.as_array() else { return Err(fault()) };
    let (days, of) = (signed(days).map_err(|_| fault())?, signed(of).map_err(|_| fault())?);
    if days.is_negative() || of.is_negative() || of.is_zero() {
        return Err(fault());
    }
    Ratio::from(days).div(of)
}

impl Usage {
    /// Reads `{quantity}` from its JSON text. Errors: `json_invalid`, `invalid_usage`, `unknown_option`.
    pub fn parse(text: &str) -> Result<Self> {
        Self::from_value(&Value::parse(text)?)
    }

    /// As [`Self::parse`], from a value that has been read already.
    pub fn from_value(usage: &Value) -> Result<Self> {
        let fault = || Error::new("invalid_usage", "usage needs a quantity").at("quantity");
        usage.only(&["quantity"])?;
        let quantity = usage.present("quantity").ok_or_else(fault)?;
        signed(quantity).map(Self::Quantity).map_err(|mut e| {
            e.code = "invalid_usage";
            e.at("quantity")
        })
    }
}

impl Line {
    /// `{quantity, subtotal, amount_exact, amount, amount_minor}`, decimal strings; `amount_exact` is null if its digits
    /// do not end. Error: `overflow`.
    pub fn to_json(&self) -> Result<String> {
        let mut w = Writer::object();
        w.string("quantity", &self.quantity.text()?).string("subtotal", &self.subtotal.text()?);
        match self.amount.exact() {
            Some(exact) => w.string("amount_exact", &exact.text()),
            None => w.raw("amount_exact", "null"),
        };
        w.string("amount", &self.rounded.text()).string("amount_minor", &self.minor.text());
        Ok(w.end())
    }
}

#[cfg(test)]
mod tests;
