//! Pricing by name: what JavaScript asks for as JSON text, answered as JSON text.

use super::{Currency, check, invoice, rate};
use crate::error::{Error, Result};
use crate::json::Value;

/// Answers a request:
///
/// | name | request | answer |
/// |---|---|---|
/// | `line` | `{price, usage, currency?}` | [`super::Line::to_json`] |
/// | `invoice` | | [`invoice`] |
/// | `openmeter` | | `openmeter::rate`, in `taximeter/full` |
/// | `grants` | | `grants::burn_down`, in `taximeter/full` |
/// | `explain`, `project`, `budget`, `whatIf` | | the functions of their names, in `taximeter/full` |
pub fn calculate(name: &str, request: &str) -> Result<String> {
    let request = Value::parse(request)?;
    match name {
        "line" => {
            request.only(&["price", "usage", "currency"])?;
            let [price, usage] = ["price", "usage"].map(|key| request.get(key).unwrap_or(&Value::Null));
            check(price).map_err(|e| e.at("price"))?;
            rate(price, usage, &Currency::of(&request)?).map_err(|e| e.at("usage"))?.to_json()
        }
        "invoice" => invoice(&request),
        #[cfg(any(test, feature = "billing"))]
        "openmeter" => super::openmeter::rate(&request),
        #[cfg(any(test, feature = "billing"))]
        "grants" => super::grants::burn_down(&request),
        #[cfg(any(test, feature = "billing"))]
        "explain" => super::explain::explain(&request),
        #[cfg(any(test, feature = "billing"))]
        "project" => super::forecast::project(&request),
        #[cfg(any(test, feature = "billing"))]
        "budget" => super::budget::budget(&request),
        #[cfg(any(test, feature = "billing"))]
        "whatIf" => super::compare::what_if(&request),
        _ => Err(Error::needs_full("calculation_unavailable")),
    }
}
