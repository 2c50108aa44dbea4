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

pub use currency::minor_digits;

use crate::decimal::{Decimal, Rounding};
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::ratio::Ratio;
pub(crate) use read::positive;
use read::signed;
use read::{invalid, read, rounding, section};

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
///
/// Shapes: `free` costs nothing; `flat` the same whatever the quantity; `unit` so much a unit, above a free quantity.
pub struct Price(Value<'static>);

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
        // All members are read whatever the quantity is, so that a price for nothing is one for anything.
        apply(price, &mut Line::of(Decimal::ZERO), 0)?;
        Ok(Self(price.owned()))
    }

    /// Prices one line. Error: `overflow`.
    pub fn rate(&self, usage: &Usage, currency: &str) -> Result<Line> {
        let Usage::Quantity(metered) = usage;
        let mut line = Line::of(*metered);
        apply(&self.0, &mut line, minor_digits(currency))?;
        Ok(line)
    }
}

/// The members of a price, as far as its type has them.
static MEMBERS: [&str; 6] = ["type", "quantity", "adjust", "rounding", "amount", "free"];

/// Prices a line by the quantity that it has, which becomes the billed one.
#[inline(never)]
fn apply(price: &Value, line: &mut Line, digits: u32) -> Result<()> {
    let (own, zero, one) = (("", price), Ratio::ZERO, Ratio::ONE);
    let kind = price.get("type").and_then(Value::as_str).unwrap_or_default();
    let members = match kind {
        "free" => 4,
        "flat" => 5,
        "unit" => 6,
        _ => return Err(invalid("the price's type is not known").at("type").help("free, flat or unit")),
    };
    price.only(MEMBERS.get(..members).unwrap_or_default())?;
    let convert = section(price, "quantity", &["multiply_by", "divide_by", "round", "clamp_negative"])?;
    let adjust = section(
        price,
        "adjust",
        &["usage_discount", "amount_discount", "percent_discount", "minimum", "maximum", "prorate"],
    )?;
    // The number that the step works with.
    let mut n = zero;

    let quantity = &mut line.quantity;
    match convert.1.present("clamp_negative") {
        None | Some(Value::Bool(true)) => quantity.at_least(&zero)?,
        Some(Value::Bool(false)) => {}
        Some(_) => return Err(invalid("this is true or false").at("clamp_negative").at("quantity")),
    }
    read(convert, "multiply_by", &one, &mut n)?;
    quantity.times(&n)?;
    read(convert, "divide_by", &one, &mut n)?;
    if n.is_zero() {
        return Err(invalid("division by zero").at("divide_by").at("quantity"));
    }
    quantity.divide(&n)?;
    if let Some(rounding) = rounding(convert, "round")? {
        *quantity = quantity.round(0, rounding)?.into();
    }
    if read(adjust, "usage_discount", &zero, &mut n)? {
        quantity.plus(&n, true)?;
        quantity.at_least(&zero)?;
    }

    let subtotal = &mut line.subtotal;
    if members > 4 && !read(own, "amount", &zero, subtotal)? {
        return Err(invalid("the price needs an amount").at("amount"));
    }
    if members > 5 {
        let mut paid = *quantity;
        read(own, "free", &zero, &mut n)?;
        paid.plus(&n, true)?;
        paid.at_least(&zero)?;
        subtotal.times(&paid)?;
    }

    let amount = &mut line.amount;
    *amount = *subtotal;
    let part = prorate(adjust.1)?;
    // A flat price is charged for a part of the period; usage never is.
    if kind == "flat" {
        amount.times(&part)?;
    }
    read(adjust, "amount_discount", &zero, &mut n)?;
    amount.plus(&n, true)?;
    amount.at_least(&zero)?;
    read(adjust, "percent_discount", &zero, &mut n)?;
    let hundred = Ratio::from(Decimal::new(100, 0));
    let mut kept = hundred;
    kept.plus(&n, true)?;
    if kept.is_negative() {
        return Err(invalid("a discount is at most 100 percent").at("percent_discount").at("adjust"));
    }
    amount.times(&kept)?;
    amount.divide(&hundred)?;
    read(adjust, "minimum", &zero, &mut n)?;
    n.times(&part)?;
    amount.at_least(&n)?;
    if read(adjust, "maximum", &zero, &mut n)? {
        n.times(&part)?;
        amount.at_most(&n)?;
    }
    line.rounded = amount.round(digits, rounding(own, "rounding")?.unwrap_or(Rounding::HalfUp))?;
    line.minor = line.rounded;
    line.minor.move_point(digits)
}

/// `[days, of days]`: the part of the period that is charged, 1 unless it is there.
fn prorate(adjust: &Value) -> Result<Ratio> {
    let Some(value) = adjust.present("prorate") else { return Ok(Ratio::ONE) };
    if let Some([days, of]) = value.as_array()
        && let (Ok(days), Ok(of)) = (positive(days), positive(of))
        && !of.is_zero()
    {
        return Ratio::from(days).div(of);
    }
    Err(invalid("not a part of a period").help("like [10, 31]: 10 of 31 days").at("prorate").at("adjust"))
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
    /// A quantity that is not priced yet.
    fn of(quantity: Decimal) -> Self {
        let zero = Ratio::ZERO;
        Self { quantity: quantity.into(), subtotal: zero, amount: zero, rounded: Decimal::ZERO, minor: Decimal::ZERO }
    }

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
