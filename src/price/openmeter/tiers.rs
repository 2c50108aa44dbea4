//! Tiers: in whatever order they come, and graduated ones.

use super::super::read::{admit, invalid, list, number};
use super::{ONE, Rating, ZERO};
use crate::decimal::digits;
use crate::error::{Error, Result};
use crate::json::Value;
use crate::ratio::Ratio;

/// The tiers in order, and the place of the one that was written first.
pub(super) fn tiers<'v>(price: &'v Value<'v>) -> Result<(Vec<&'v Value<'v>>, usize)> {
    let mut tiers: Vec<&'v Value<'v>> = Vec::new();
    let mut first = 0_usize;
    for (at, tier) in list(price, "tiers")?.iter().enumerate() {
        let wrong = |e: Error| e.at_index(at).at("tiers");
        admit(tier, &["upToAmount", "flatPrice", "unitPrice"], 0, &[]).map_err(wrong)?;
        if tier.present("flatPrice").or(tier.present("unitPrice")).is_none() {
            return Err(wrong(invalid("a tier has a flat price or a unit price", "unitPrice")));
        }
        let mut place = 0_usize;
        for other in &tiers {
            let is_below = exceeds_bound(tier, other);
            if !is_below && !exceeds_bound(other, tier) {
                return Err(wrong(invalid("two tiers have the same bound", "upToAmount")));
            }
            place = place.saturating_add(is_below.into());
        }
        first = first.saturating_add((at > 0 && place <= first).into());
        tiers.insert(place, tier);
    }
    if tiers.last().is_none_or(|tier| tier.present("upToAmount").is_some()) {
        return Err(invalid("one tier has to be open", "tiers"));
    }
    Ok((tiers, first))
}

/// Whether a tier reaches further than another.
fn exceeds_bound(tier: &Value, other: &Value) -> bool {
    let [own, its] = [tier, other].map(|tier| number(tier, "upToAmount", &Ratio::LOST));
    its.check().is_ok() && own.exceeds(&its)
}

impl Rating {
    /// Each tier prices what of (before, before + quantity] lies in it; its flat price is due when it is entered.
    pub(super) fn graduated(&mut self, price: &Value) -> Result<()> {
        let (tiers, given_first) = tiers(price)?;
        let mut end = self.before;
        end.plus(&self.quantity);
        if self.quantity.is_zero() {
            // Nothing used yet is a line of the tier that was written first.
            if let (Some(tier), true) = (tiers.get(given_first), self.before.is_zero()) {
                self.push_if(tier, "unitPrice", "graduated-tiered-1-price-usage", ZERO);
                if self.is_first {
                    self.push_if(tier, "flatPrice", "graduated-tiered-1-flat-price", ONE);
                }
            }
            return Ok(());
        }
        let mut from = *ZERO;
        for (at, tier) in tiers.into_iter().enumerate() {
            let name = ["graduated-tiered-", &digits(at.saturating_add(1) as u128)].concat();
            let bound = number(tier, "upToAmount", &end);
            let (mut part, mut start) = (bound, from);
            part.at_most(&end);
            start.at_least(&self.before);
            part.minus(&start);
            if part.is_positive() {
                self.push_if(tier, "unitPrice", &[&name, "-price-usage"].concat(), &part);
            }
            if !self.before.exceeds(&from) && end.exceeds(&from) && (at > 0 || self.is_first) {
                self.push_if(tier, "flatPrice", &[&name, "-flat-price"].concat(), ONE);
            }
            from = bound;
        }
        Ok(())
    }
}
