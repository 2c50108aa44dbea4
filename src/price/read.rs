//! Reading what a price is made of.

use crate::decimal::{Decimal, Rounding};
use crate::error::{Error, Result};
use crate::json::Value;
use crate::ratio::Ratio;

#[cold]
#[inline(never)]
pub(super) fn invalid(message: &'static str) -> Error {
    Error::new("invalid_price", message)
}

/// A decimal that is written as a string or a number, as it is.
#[inline(never)]
pub(super) fn signed(value: &Value) -> Result<Decimal> {
    match value {
        Value::Number(text) => Decimal::parse(text),
        Value::String(text) => Decimal::parse(text),
        _ => Err(Error::new("decimal_invalid", "not a decimal number").help("write it like \"0.000003\"")),
    }
}

/// A decimal that is not negative.
#[inline(never)]
pub(crate) fn positive(value: &Value) -> Result<Decimal> {
    let number = signed(value)?;
    if number.is_negative() { Err(Error::new("decimal_invalid", "the number is negative")) } else { Ok(number) }
}

/// A section of the price: an object with these members at most, or `null` where it is left out.
#[inline(never)]
pub(super) fn section<'v>(
    price: &'v Value<'v>,
    key: &'static str,
    known: &[&'static str],
) -> Result<(&'static str, &'v Value<'v>)> {
    let section = price.present(key).unwrap_or(&Value::Null);
    if *section != Value::Null && section.as_object().is_none() {
        return Err(invalid("this is not an object").at(key));
    }
    section.only(known).map_err(|e| e.at(key))?;
    Ok((key, section))
}

/// Reads a member of a section that is a decimal and not negative; says whether it is there, and gives the default if not.
#[inline(never)]
pub(super) fn read(
    (section, rule): (&'static str, &Value),
    key: &'static str,
    default: &Ratio,
    into: &mut Ratio,
) -> Result<bool> {
    *into = *default;
    let Some(value) = rule.present(key) else { return Ok(false) };
    match positive(value) {
        Ok(number) => *into = number.into(),
        Err(mut error) => {
            error.code = "invalid_price";
            return Err(within(error.at(key), section));
        }
    }
    Ok(true)
}

/// A member that names a rounding.
#[inline(never)]
pub(super) fn rounding((section, rule): (&'static str, &Value), key: &'static str) -> Result<Option<Rounding>> {
    let Some(value) = rule.present(key) else { return Ok(None) };
    Ok(Some(match value.as_str() {
        Some("half_up") => Rounding::HalfUp,
        Some("half_even") => Rounding::HalfEven,
        Some("up") => Rounding::Up,
        Some("down") => Rounding::Down,
        // A bill is always rounded.
        Some("none") if !section.is_empty() => return Ok(None),
        _ => {
            let error = invalid("there is no such rounding").help("half_up, half_even, up or down");
            return Err(within(error.at(key), section));
        }
    }))
}

/// An error of a section, or of the price itself.
#[cold]
#[inline(never)]
fn within(error: Error, section: &'static str) -> Error {
    if section.is_empty() { error } else { error.at(section) }
}
