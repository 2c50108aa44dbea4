//! The price functions that are more than a product: tiers, packages, percentages of events, matrices.

use super::read::{admit, flag, invalid, list, member, number, used, word};
use super::{Line, apply};
use crate::decimal::{Decimal, Rounding};
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::ratio::Ratio;

/// What can be a cell of a matrix: what prices one quantity.
static CELLS: [&str; 7] = ["free", "flat", "unit", "package", "graduated", "volume", "graduated_percentage"];

/// Turns a quantity into packages: so many as hold it, or, rounded down, as it fills.
pub(super) fn packages(quantity: &mut Ratio, size: &Ratio, rounding: Rounding, key: &str) -> Result<()> {
    if size.is_zero() {
        return Err(invalid("a package is larger than 0", key));
    }
    quantity.divide(size);
    quantity.cut(0, rounding);
    Ok(())
}

/// Prices `n` by tiers. Graduated: each tier prices what lies in it, above the tier before and up to its own bound,
/// which belongs to it; its flat amount is due when it is entered. Volume: the tier in which `n` lies prices all of it.
///
/// All tiers are read whatever `n` is.
pub(super) fn tiers(price: &Value, kind: &str, n: &Ratio, line: &mut Line) -> Result<()> {
    let mut pricing = Tiers {
        is_volume: kind == "volume",
        is_percentage: kind == "graduated_percentage",
        // Nothing used enters the first tier, unless the price says otherwise.
        due: flag(price, "flat_on_zero", true)? || !n.is_zero(),
        from: Ratio::ZERO,
        n,
        parts: Writer::array(),
    };
    let mut left = list(price, "tiers")?;
    let mut at = 0;
    while let [tier, rest @ ..] = left {
        pricing.tier(tier, rest.is_empty(), line).map_err(|e| e.at_index(at).at("tiers"))?;
        (left, at) = (rest, at.saturating_add(1));
    }
    if at == 0 {
        return Err(open("tiers"));
    }
    line.details = ("tiers", pricing.parts.end());
    Ok(())
}

struct Tiers<'n> {
    is_volume: bool,
    is_percentage: bool,
    /// The next tier is entered.
    due: bool,
    /// Where it begins.
    from: Ratio,
    n: &'n Ratio,
    parts: Writer,
}

#[cold]
fn open(key: &str) -> Error {
    invalid("last tier must be open (up_to null)", key)
}

impl Tiers<'_> {
    fn tier(&mut self, tier: &Value, is_last: bool, line: &mut Line) -> Result<()> {
        if self.is_percentage {
            admit(tier, &["rate", "flat", "up_to"], 1, &[])?;
        } else {
            admit(tier, &["unit", "flat", "up_to", "package"], 0, &[])?;
            if tier.present("unit").or(tier.present("flat")).is_none() {
                return Err(invalid("a tier has a price", "unit"));
            }
        }
        let bound = number(tier, "up_to", &Ratio::ZERO);
        let is_open = tier.present("up_to").is_none();
        if is_open != is_last {
            return Err(if is_last { open("up_to") } else { invalid("tiers must ascend", "up_to") });
        }
        if !is_open && !bound.exceeds(&self.from) {
            return Err(invalid("tiers must ascend", "up_to"));
        }
        let within = is_open || !self.n.exceeds(&bound);
        let mut amount = if within { *self.n } else { bound };
        if !self.is_volume {
            amount.minus(&self.from);
        }
        let quantity = amount;
        if tier.present("package").is_some() {
            packages(&mut amount, &number(tier, "package", &Ratio::ZERO), Rounding::Up, "package")?;
        }
        if self.is_percentage {
            amount.percent(&number(tier, "rate", &Ratio::ZERO));
        } else {
            amount.times(&number(tier, "unit", &Ratio::ZERO));
        }
        amount.plus(&number(tier, "flat", &Ratio::ZERO));
        if self.due && (within || !self.is_volume) {
            line.subtotal.plus(&amount);
            let mut w = Writer::object();
            w.raw("upTo", &tier_bound(is_open, &bound)?);
            w.string("quantity", &quantity.text()?).string("amount", &amount.text()?);
            self.parts.item(&w.end());
        }
        // The next tier is entered by what is above this one.
        self.due &= !within;
        self.from = bound;
        Ok(())
    }
}

fn tier_bound(is_open: bool, bound: &Ratio) -> Result<String> {
    Ok(if is_open { String::from("null") } else { ["\"", &bound.text()?, "\""].concat() })
}

/// Prices events one by one: a part of each value and a fixed fee, after free events or a free sum of values.
pub(super) fn percentage(price: &Value, usage: &Value, line: &mut Line) -> Result<()> {
    let zero = &Ratio::ZERO;
    let [counted, summed, floored, capped] =
        ["free_events", "free_amount", "min", "max"].map(|key| price.present(key).is_some());
    let free_amount = number(price, "free_amount", zero);
    let mut events_left = number(price, "free_events", zero);
    // Once an event has been paid, all are.
    let mut free = counted || summed;
    for (at, value) in members(usage, "events").iter().enumerate() {
        let event = Value::Object(vec![("value".into(), value.clone())]);
        let mut due = used(&event, "value").map_err(|e| e.at_index(at).at("events"))?;
        line.quantity.plus(&due);
        if free {
            free = !counted || events_left.is_positive();
            events_left.minus(&Ratio::ONE);
        }
        if free {
            let mut above = line.quantity;
            above.minus(&free_amount);
            if !summed || !above.is_positive() {
                continue;
            }
            // It crosses the free sum: only what is above is paid.
            (due, free) = (above, false);
        }
        due.percent(&number(price, "rate", zero));
        due.plus(&number(price, "fixed", zero));
        if floored {
            due.at_least(&number(price, "min", zero));
        }
        if capped {
            due.at_most(&number(price, "max", zero));
        }
        line.subtotal.plus(&due);
    }
    Ok(())
}

/// Prices each group of the usage by the first cell that it matches. What matches none has no price: it is not 0.
pub(super) fn matrix(price: &Value, usage: &Value, line: &mut Line) -> Result<()> {
    let dimensions = list(price, "dimensions")?;
    let cells = list(price, "cells")?;
    for (at, cell) in cells.iter().enumerate() {
        check_cell(cell, dimensions).map_err(|e| e.at_index(at).at("cells"))?;
    }
    if let Some(default) = price.present("default") {
        cell_price(default, &mut Line::of(Decimal::ZERO)).map_err(|e| e.at("default"))?;
    }
    let mut groups = Writer::array();
    for (at, item) in members(usage, "groups").iter().enumerate() {
        let group = member(item, "group");
        let mut priced = Line::of(Decimal::ZERO);
        priced.quantity = used(item, "quantity").map_err(|e| e.at_index(at).at("groups"))?;
        let found = cell_of(price, group);
        let mut w = Writer::object();
        w.raw("group", &group.to_json());
        match found {
            Some(found) => {
                cell_price(found, &mut priced)?;
                line.quantity.plus(&priced.quantity);
                line.subtotal.plus(&priced.amount);
                w.string("amount", &priced.amount.text()?);
            }
            None => {
                line.unpriced = true;
                w.raw("amount", "null");
            }
        }
        groups.item(&w.end());
    }
    line.details = ("groups", groups.end());
    Ok(())
}

/// The price of the first cell that a group matches, else the default.
pub(super) fn cell_of<'v>(price: &'v Value<'v>, group: &Value) -> Option<&'v Value<'v>> {
    let cells = member(price, "cells").as_array().unwrap_or_default();
    cells.iter().find(|cell| matches(cell, group)).map(|cell| member(cell, "price")).or(price.present("default"))
}

fn check_cell(cell: &Value, dimensions: &[Value]) -> Result<()> {
    admit(cell, &[], 0, &["when", "price"])?;
    for (key, value) in member(cell, "when").as_object().ok_or_else(|| invalid("a cell says when it holds", "when"))? {
        if word(value).is_none() || !dimensions.iter().any(|name| name.as_str() == Some(key)) {
            return Err(invalid("not a dimension of the price, or its value is no text", key).at("when"));
        }
    }
    cell_price(member(cell, "price"), &mut Line::of(Decimal::ZERO)).map_err(|e| e.at("price"))
}

/// Whether a group has all that a cell asks for.
fn matches(cell: &Value, group: &Value) -> bool {
    for (key, value) in member(cell, "when").as_object().unwrap_or_default() {
        if word(member(group, key)) != word(value) {
            return false;
        }
    }
    true
}

fn cell_price(price: &Value, line: &mut Line) -> Result<()> {
    if !CELLS.contains(&member(price, "type").as_str().unwrap_or_default()) {
        return Err(invalid("a cell has a price for one quantity", "type").help(CELLS.join(", ")));
    }
    apply(price, &Value::Null, line)
}

fn members<'v>(usage: &'v Value<'v>, key: &'static str) -> &'v [Value<'v>] {
    member(usage, key).as_array().unwrap_or_default()
}
