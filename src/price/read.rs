//! Reading what a price is made of.

use crate::decimal::{Decimal, Rounding};
use crate::error::{Error, Result};
use crate::json::Value;

#[cold]
pub(super) fn invalid(message: &'static str) -> Error {
    Error::new("invalid_price", message)
}

/// A decimal that is written as a string or a number, as it is.
pub(super) fn signed(value: &Value) -> Result<Decimal> {
    let text = match value {
        Value::Number(text) => text,
        Value::String(text) => text.as_ref(),
        _ => return Err(Error::new("decimal_invalid", "not a decimal number").help("write it like \"0.000003\"")),
    };
    Decimal::parse(text)
}

/// A member that is a decimal and not negative, if it is there.
pub(super) fn decimal(object: &Value, key: &'static str) -> Result<Option<Decimal>> {
    let Some(value) = object.present(key) else { return Ok(None) };
    let number = signed(value).map_err(|mut e| {
        e.code = "invalid_price";
        e.at(key)
    })?;
    if number.is_negative() {
        return Err(invalid("the number is negative").at(key).help("a credit is a bill's negated line"));
    }
    Ok(Some(number))
}

/// A member that names a rounding, or `none`.
pub(super) fn rounding(object: &Value, key: &'static str, default: Option<Rounding>) -> Result<Option<Rounding>> {
    let Some(value) = object.present(key) else { return Ok(default) };
    Ok(Some(match value.as_str() {
        Some("half_up") => Rounding::HalfUp,
        Some("half_even") => Rounding::HalfEven,
        Some("up") => Rounding::Up,
        Some("down") => Rounding::Down,
        Some("none") if default.is_none() => return Ok(None),
        _ => return Err(invalid("there is no such rounding").at(key).help("half_up, half_even, up or down")),
    }))
}

/// A member that is an object, read with `read`.
pub(super) fn object<T: Default>(
    parent: &Value,
    key: &'static str,
    read: impl FnOnce(&Value) -> Result<T>,
) -> Result<T> {
    match parent.present(key) {
        None => Ok(T::default()),
        Some(value) if value.as_object().is_some() => read(value).map_err(|e| e.at(key)),
        Some(_) => Err(invalid("this is not an object").at(key)),
    }
}
