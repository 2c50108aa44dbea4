//! What of a model's prices holds at a time, on a day, in a context.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

use super::book::{DAY_SECONDS, each, invalid};
use super::cost::Prices;
use super::record::join;
use crate::decimal::Decimal;
use crate::error::Result;
use crate::json::Value;
use crate::price::positive;
use crate::time::Instant;

/// The prices of a model at a time, and whether the context had a part in them. All of the model is looked at, so that
/// one that has prices at any time is well-formed.
pub(super) fn prices<'v>(
    model: &'v Value<'v>,
    at: Instant,
    context: &[(&str, &str)],
    variants: bool,
) -> Result<(Prices<'v>, bool)> {
    let mut prices = Prices::none();
    let mut some = false;
    match model.present("p") {
        Some(plain) if plain.as_array().is_none() => {
            prices = Prices::read(plain).map_err(|e| e.at("p"))?;
            some = true;
        }
        _ => each(model, "p", &mut |entry| {
            let these = entry_prices(entry)?;
            // The first is the default, the last active one holds.
            if holds(entry, at)? || !some {
                prices = these;
            }
            some = true;
            Ok(())
        })?,
    }
    if !some {
        return Err(invalid("a model has prices").at("p"));
    }
    if let Some(min) = model.get("min").and_then(|min| min.present("audio_seconds")) {
        prices.audio_seconds_min = positive(min).map_err(|e| e.at("min"))?;
    }
    let (mut over, mut matched) = (Prices::none(), false);
    let asked = |variant: &Value| -> Result<bool> {
        let mut asked = variants && holds(variant, at)?;
        for (key, wanted) in variant.get("w").and_then(Value::as_object).unwrap_or_default() {
            let wanted = wanted.as_str().ok_or_else(|| invalid("a condition is a text").at(key).at("w"))?;
            let is_it = |value: &str| value == wanted || wanted == "*" && value != "global";
            asked &= context.iter().any(|(k, v)| *k == key.as_ref() && is_it(v));
        }
        Ok(asked)
    };
    each(model, "v", &mut |variant| {
        if variant.get("w").and_then(Value::as_object).is_none_or(<[_]>::is_empty) {
            return Err(invalid("a variant has conditions").at("w"));
        }
        let asked = asked(variant)?;
        let these = entry_prices(variant)?;
        if asked {
            over.overlay(&these, false);
            matched = true;
        }
        Ok(())
    })?;
    prices.overlay(&over, true);
    each(model, "x", &mut |times| {
        let by = positive(times.get("by").unwrap_or(&Value::Null)).map_err(|e| e.at("by"))?;
        if asked(times)? {
            let of_tokens = times.get("tokens") == Some(&Value::Bool(true));
            (if of_tokens { &mut prices.tokens_by } else { &mut prices.by }).times(&by)?;
            matched |= times.present("w").is_some();
        }
        Ok(())
    })?;
    Ok((prices, matched))
}

fn entry_prices<'v>(entry: &'v Value<'v>) -> Result<Prices<'v>> {
    Prices::read(entry.get("p").unwrap_or(&Value::Null)).map_err(|e| e.at("p"))
}

/// Whether an entry's constraint holds at a time: from a day on, and between two times of every day (UTC), which may
/// have midnight between them.
fn holds(entry: &Value, at: Instant) -> Result<bool> {
    let Some(constraint) = entry.present("c") else { return Ok(true) };
    constraint.only(&["start_date", "start_time", "end_time", "tz", "weekdays", "not_on"]).map_err(|e| e.at("c"))?;
    let part = |key: &'static str, before: &str, after: &str, default: i64| {
        let Some(time) = constraint.get(key) else { return Ok(default) };
        match Instant::parse(&join(&[before, time.as_str().unwrap_or_default(), after])) {
            Ok(instant) => Ok(instant.seconds),
            Err(_) => Err(invalid("not a date, or a time with its offset").at(key).at("c")),
        }
    };
    let start = part("start_date", "", "T00:00:00Z", i64::MIN)?;
    let from = part("start_time", "1970-01-01T", "", 0)?.rem_euclid(DAY_SECONDS);
    let mut until = part("end_time", "1970-01-01T", "", DAY_SECONDS)?;
    if constraint.get("end_time").is_some() {
        until = until.rem_euclid(DAY_SECONDS);
    }
    let mut of_week = true;
    if constraint.get("tz").is_some() {
        // The day there, counted from 1970-01-01, a Thursday.
        let day = at.seconds.saturating_sub(part("tz", "1970-01-01T00:00:00", "", 0)?).div_euclid(DAY_SECONDS);
        let weekday = day.saturating_add(3).rem_euclid(7).saturating_add(1);
        of_week = constraint.present("weekdays").is_none();
        each(constraint, "weekdays", &mut |known| {
            let known = positive(known)?;
            of_week |= known == Decimal::from(weekday);
            Ok(())
        })
        .map_err(|e| e.at("c"))?;
        each(constraint, "not_on", &mut |date| {
            let midnight = Instant::parse(&join(&[date.as_str().unwrap_or_default(), "T00:00:00Z"]))?;
            of_week &= midnight.seconds.div_euclid(DAY_SECONDS) != day;
            Ok(())
        })
        .map_err(|e| e.at("c"))?;
    }
    let second = at.seconds.rem_euclid(DAY_SECONDS);
    let of_day = if from <= until { from <= second && second < until } else { from <= second || second < until };
    Ok(at.seconds >= start && of_day && of_week)
}
