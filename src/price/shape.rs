//! The price functions: from a quantity to an amount, one function a shape.

use super::read::{decimal, invalid};
use crate::decimal::Decimal;
use crate::error::Result;
use crate::json::Value;
use crate::ratio::Ratio;

/// How the amount follows from the quantity.
pub(super) enum Shape {
    /// `{type:'free'}`: nothing
    Free,
    /// `{type:'flat', amount}`: the same whatever the quantity
    Flat { amount: Decimal },
    /// `{type:'unit', amount, free?}`: so much a unit, above a free quantity
    Unit { amount: Decimal, free: Decimal },
}

impl Shape {
    /// Reads the shape, and gives the names of its own members.
    pub(super) fn read(price: &Value) -> Result<(Self, &'static [&'static str])> {
        let amount = || decimal(price, "amount")?.ok_or_else(|| invalid("the price needs an amount").at("amount"));
        Ok(match price.get("type").and_then(Value::as_str) {
            Some("free") => (Self::Free, &[]),
            Some("flat") => (Self::Flat { amount: amount()? }, &["amount"]),
            Some("unit") => {
                let free = decimal(price, "free")?.unwrap_or(Decimal::ZERO);
                (Self::Unit { amount: amount()?, free }, &["amount", "free"])
            }
            _ => return Err(invalid("the price's type is not known").at("type").help("free, flat or unit")),
        })
    }

    pub(super) fn amount(&self, quantity: Ratio) -> Result<Ratio> {
        match self {
            Self::Free => Ok(Ratio::ZERO),
            Self::Flat { amount } => Ok((*amount).into()),
            Self::Unit { amount, free } => unit(*amount, *free, quantity),
        }
    }

    /// A flat price is charged for a part of the period; usage never is.
    pub(super) fn is_prorated(&self) -> bool {
        matches!(self, Self::Flat { .. })
    }
}

/// What is left of a quantity after its free part.
fn paid(quantity: Ratio, free: Decimal) -> Result<Ratio> {
    quantity.sub(free.into())?.max(Ratio::ZERO)
}

fn unit(amount: Decimal, free: Decimal, quantity: Ratio) -> Result<Ratio> {
    paid(quantity, free)?.mul(amount.into())
}
