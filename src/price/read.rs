//! Reading what a price is made of: first everything is checked, then it is read without looking back.

use crate::decimal::{Decimal, Rounding};
use crate::error::{Error, Result};
use crate::json::Value;
use crate::ratio::Ratio;

#[cold]
#[inline(never)]
pub(super) fn invalid(message: &'static str, key: &str) -> Error {
    Error::new("invalid_price", message).at(key)
}

/// A decimal that is written as a string or a number, as it is.
#[inline(never)]
pub(super) fn signed(value: &Value) -> Result<Decimal> {
    match word(value) {
        Some(text) => Decimal::parse(text),
        _ => Err(Error::new("decimal_invalid", "not a decimal number").help("write it like \"0.000003\"")),
    }
}

/// The text of a string or number.
pub(super) fn word<'v>(value: &'v Value) -> Option<&'v str> {
    match value {
        Value::Number(text) => Some(text),
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// A decimal that is not negative.
#[inline(never)]
pub(crate) fn positive(value: &Value) -> Result<Decimal> {
    let number = signed(value)?;
    if number.is_negative() { Err(Error::new("decimal_invalid", "the number is negative")) } else { Ok(number) }
}

/// A member, or null.
#[inline(never)]
pub(super) fn member<'v>(object: &'v Value<'v>, key: &str) -> &'v Value<'v> {
    object.get(key).unwrap_or(&Value::Null)
}

/// Checks an object: numbers that are not negative, of which the first `needed` have to be there, and other members.
#[inline(never)]
pub(super) fn admit(object: &Value, numbers: &[&'static str], needed: usize, others: &[&'static str]) -> Result<()> {
    if object.as_object().is_none() {
        return Err(Error::new("invalid_price", "this is not an object"));
    }
    object.only(&[numbers, others].concat())?;
    for (at, key) in numbers.iter().enumerate() {
        match object.present(key).map(positive) {
            None if at < needed => return Err(invalid("the price needs this", key)),
            Some(Err(mut error)) => {
                error.code = "invalid_price";
                return Err(error.at(key));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A number that has been checked, or the default.
#[inline(never)]
pub(super) fn number(object: &Value, key: &str, default: &Ratio) -> Ratio {
    match object.present(key).map(signed) {
        None => *default,
        Some(number) => number.map_or(Ratio::LOST, Ratio::from),
    }
}

/// A number of the usage, of any sign; 0 if it is left out.
#[inline(never)]
pub(super) fn used(usage: &Value, key: &str) -> Result<Ratio> {
    let number = usage.present(key).map_or(Ok(Decimal::ZERO), signed);
    number.map(Ratio::from).map_err(|mut error| {
        error.code = "invalid_usage";
        error.at(key)
    })
}

/// Which of some words a member is; the first if it is left out.
#[inline(never)]
pub(super) fn choice(object: &Value, key: &'static str, words: &[&str]) -> Result<usize> {
    let Some(value) = object.present(key) else { return Ok(0) };
    let at = words.iter().position(|word| value.as_str() == Some(word));
    at.ok_or_else(|| invalid("not one of the words known here", key).help(words.join(", ")))
}

/// A member that is true or false.
#[inline(never)]
pub(super) fn flag(object: &Value, key: &'static str, default: bool) -> Result<bool> {
    match object.present(key) {
        None => Ok(default),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(invalid("this is true or false", key)),
    }
}

/// A member that is a list.
#[inline(never)]
pub(super) fn list<'v>(object: &'v Value<'v>, key: &'static str) -> Result<&'v [Value<'v>]> {
    object.present(key).and_then(Value::as_array).ok_or_else(|| invalid("a list is needed here", key))
}

/// The names of [`ROUNDINGS`].
pub(super) static ROUNDING_NAMES: [&str; 5] = ["half_up", "half_even", "up", "down", "none"];
/// In the order of their names.
pub(super) static ROUNDINGS: [Rounding; 4] = [Rounding::HalfUp, Rounding::HalfEven, Rounding::Up, Rounding::Down];
