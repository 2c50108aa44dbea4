//! Lines to an invoice: commitment, credits, tax.

use super::currency::Currency;
use super::read::{admit, choice, list, member, number};
use super::{Line, check, rate};
use crate::decimal::Rounding;
use crate::error::Result;
use crate::json::{Value, Writer};
use crate::ratio::Ratio;

/// Adds up an invoice.
///
/// ```text
/// { currency?, lines: [{ price, usage, label?, currency? }], rates?: { EURUSD: "1.08" },
///   minimum_commitment?, credits?, tax_percent?, tax_on?: 'before_credits'|'after_credits' }
///   ─▶ { currency, lines: [Line], subtotalMinor, trueUpMinor?, creditsAppliedMinor, taxMinor, totalMinor, total,
///        unpriced?, converted? }
/// ```
///
/// Each line is rounded by itself; a line in another currency is converted before, by a rate that is given. What the
/// lines lack of the commitment is the true-up. Tax is a percentage of the total before credits, or after. Commitment,
/// credits and tax are rounded half up. Errors: `invalid_price`, `invalid_usage`, `unknown_currency`,
/// `currency_mismatch`, `overflow`.
pub fn invoice(request: &Value) -> Result<String> {
    Ok(sum(request)?.json)
}

/// An invoice, added up.
#[cfg_attr(not(any(test, feature = "billing")), allow(dead_code))]
pub(super) struct Sum {
    /// As [`invoice`] gives it
    pub json: String,
    /// In major units
    pub total: Ratio,
    /// A group of a line has no price
    pub unpriced: bool,
}

pub(super) fn sum(request: &Value) -> Result<Sum> {
    let numbers = ["credits", "tax_percent", "minimum_commitment"];
    admit(request, &numbers, 0, &["currency", "lines", "rates", "tax_on"])?;
    let currency = Currency::of(request)?;
    let (mut subtotal, mut unpriced, mut converted) = (Ratio::ZERO, false, false);
    let mut lines = Writer::array();
    for (at, item) in list(request, "lines")?.iter().enumerate() {
        let line = line(item, request, &currency, &mut converted).map_err(|e| {
            // The rates are the invoice's, not the line's.
            let of_rates = e.path.as_deref().is_some_and(|path| path.starts_with("rates."));
            if of_rates { e } else { e.at_index(at).at("lines") }
        })?;
        subtotal.plus(&line.minor.into());
        unpriced |= line.unpriced;
        lines.item(&line.to_json()?);
    }
    let minor = |key| {
        let mut n = number(request, key, &Ratio::ZERO);
        n.times(&currency.unit());
        n.cut(0, Rounding::HalfUp);
        n
    };
    let mut w = Writer::object();
    w.string("currency", &currency.code).raw("lines", &lines.end()).string("subtotalMinor", &subtotal.text()?);
    let mut total = subtotal;
    if request.present(numbers[2]).is_some() {
        total.at_least(&minor(numbers[2]));
        let mut lacking = total;
        lacking.minus(&subtotal);
        w.string("trueUpMinor", &lacking.text()?);
    }
    // A credit note has nothing that credits could pay.
    let mut credits = minor(numbers[0]);
    credits.at_most(&total);
    credits.at_least(&Ratio::ZERO);
    let mut tax = total;
    total.minus(&credits);
    if choice(request, "tax_on", &["before_credits", "after_credits"])? == 1 {
        tax = total;
    }
    tax.percent(&number(request, numbers[1], &Ratio::ZERO));
    tax.cut(0, Rounding::HalfUp);
    total.plus(&tax);
    for (key, n) in [("creditsAppliedMinor", credits), ("taxMinor", tax), ("totalMinor", total)] {
        w.string(key, &n.text()?);
    }
    total.divide(&currency.unit());
    w.string("total", &total.text()?);
    for (flag, set) in [("unpriced", unpriced), ("converted", converted)] {
        if set {
            w.raw(flag, "true");
        }
    }
    Ok(Sum { json: w.end(), total, unpriced })
}

/// Prices a line of the invoice and changes it into the invoice's currency, if it is in another one.
fn line(item: &Value, request: &Value, currency: &Currency, converted: &mut bool) -> Result<Line> {
    admit(item, &[], 0, &["price", "usage", "label", "currency"])?;
    let price = member(item, "price");
    check(price).map_err(|e| e.at("price"))?;
    let mut line = rate(price, member(item, "usage"), currency).map_err(|e| e.at("usage"))?;
    if item.present("currency").is_none() {
        return Ok(line);
    }
    let own = Currency::of(item)?;
    if own.code == currency.code {
        return Ok(line);
    }
    let pair = [own.code.as_str(), &currency.code].concat();
    let rates = member(request, "rates");
    if rates.present(&pair).is_none() {
        return Err(own.mismatch());
    }
    line.amount.times(&super::currency::rate(rates, &pair)?);
    line.round(currency.digits)?;
    *converted = true;
    Ok(line)
}
