//! What a provider charges for one request: exact, and "not priced" is a result of its own, never 0.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

use super::unit::{TOKENS_PER, Unit};
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::price::positive;
use crate::ratio::Ratio;

/// The prices that hold for a request, as they stand in the book.
pub(super) struct Prices<'v> {
    rates: Vec<(Unit, &'v Value<'v>)>,
    /// What `audio_seconds` are raised to.
    pub(super) audio_seconds_min: Decimal,
    /// What all prices are multiplied by, and what those of tokens are beside.
    pub(super) by: Decimal,
    pub(super) tokens_by: Decimal,
}

/// Counts by unit, as they were reported. Absent is "not reported", which is not 0.
pub struct Counts(Vec<(Unit, Decimal)>);

/// What one unit costs.
struct Line {
    unit: Unit,
    quantity: Decimal,
    rate: Decimal,
}

/// A computed cost in USD.
pub struct Amounts {
    total: Ratio,
    lines: Vec<Line>,
}

/// Why there is no price for something: a result, not a fault. Its code is the reason (`unknown_provider`,
/// `unknown_model`, `no_usage`, `usage_missing`, `usage_conflict`, `price_missing_ancestor`, `price_missing_join`,
/// `overflow`), its path the model or unit that it is about.
#[cold]
#[inline(never)]
pub(super) fn unpriced(reason: &'static str, message: &'static str, about: &str) -> Error {
    Error::new(reason, message).at(about)
}

/// Reads `"3"`, or `["3", [200000, "6"], …]`: a base and `[above, price]`, ascending.
///
/// A cliff: the input of the whole request decides for the whole request.
#[inline(never)]
fn rate(value: &Value, input_tokens: &Decimal) -> Result<Decimal> {
    let Some(items) = value.as_array() else { return positive(value) };
    let (mut rate, mut last) = (Decimal::ZERO, None);
    for item in items {
        match (item.as_array(), last) {
            (None, None) => (rate, last) = (positive(item)?, Some(Decimal::new(-1, 0))),
            (Some([above, price]), Some(before)) => {
                let (above, price) = (positive(above)?, positive(price)?);
                if above <= before {
                    return Err(not_ascending());
                }
                if *input_tokens > above {
                    rate = price;
                }
                last = Some(above);
            }
            _ => return Err(not_ascending()),
        }
    }
    if last.is_some() { Ok(rate) } else { Err(not_ascending()) }
}

#[cold]
#[inline(never)]
fn not_ascending() -> Error {
    Error::new("invalid_price_book", "not a base price and [above, price] pairs, ascending")
}

impl<'v> Prices<'v> {
    pub(super) fn none() -> Self {
        Self { rates: Vec::new(), audio_seconds_min: Decimal::ZERO, by: Decimal::ONE, tokens_by: Decimal::ONE }
    }

    /// Takes an object of price keys. Keys that are not known are passed over.
    pub(super) fn read(value: &'v Value<'v>) -> Result<Self> {
        let mut prices = Self::none();
        let members = value.as_object().ok_or_else(|| Error::new("invalid_price_book", "prices are an object"))?;
        for (key, value) in members {
            if let Some(unit) = Unit::of_price(key) {
                rate(value, &Decimal::ZERO).map_err(|e| e.at(key))?;
                prices.set(unit, value, true);
            }
        }
        Ok(prices)
    }

    fn set(&mut self, unit: Unit, rate: &'v Value<'v>, replace: bool) {
        match self.rates.iter_mut().find(|(u, _)| *u == unit) {
            None => self.rates.push((unit, rate)),
            Some(there) if replace => there.1 = rate,
            Some(_) => {}
        }
    }

    /// Takes over the prices of `other`: all, or only those that there are none of yet.
    pub(super) fn overlay(&mut self, other: &Self, replace: bool) {
        for (unit, rate) in &other.rates {
            self.set(*unit, rate, replace);
        }
    }

    /// `prices: {price key: price}`, as they stand in the book, and `times`; the minimum is no price.
    pub(super) fn write(&self, w: &mut Writer) -> Result<()> {
        let mut prices = Writer::object();
        for (unit, rate) in &self.rates {
            prices.raw(&unit.price_key(), &rate.to_json());
        }
        w.raw("prices", &prices.end());
        let by = self.by.mul(self.tokens_by)?;
        if by != Decimal::ONE {
            w.string("times", &by.text());
        }
        Ok(())
    }

    fn has(&self, unit: Unit) -> bool {
        self.rates.iter().any(|(u, _)| *u == unit)
    }

    /// A part can only be told apart from its whole if the whole has a price too, and what is two parts at once as well.
    fn check(&self) -> Result<()> {
        for (at, (unit, _)) in self.rates.iter().enumerate() {
            if let Some(missing) = unit.ancestor(&|unit| self.has(unit)) {
                return Err(unpriced(
                    "price_missing_ancestor",
                    "there is a price for a part but not for this",
                    &missing.key(),
                ));
            }
            for (other, _) in self.rates.iter().skip(at.saturating_add(1)) {
                if let Some(missing) = unit.join(*other).filter(|join| !self.has(*join)) {
                    return Err(unpriced(
                        "price_missing_join",
                        "two units have prices, what is both has none",
                        &missing.key(),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Prices the counts. Each unit is charged for what none of its priced parts is charged for.
    pub(super) fn charge(&self, counts: &mut Counts) -> Result<Amounts> {
        self.check()?;
        counts.prepare(&self.audio_seconds_min);
        let input_tokens = counts.get(Unit::INPUT_TOKENS).unwrap_or(&Decimal::ZERO);
        let mut amounts = Amounts::nothing();
        // Parts before their wholes.
        for depth in (0..=Unit::DEPTH_MAX).rev() {
            for (unit, price) in &self.rates {
                if unit.depth() != depth {
                    continue;
                }
                let mut line = Line { unit: *unit, quantity: counts.value(*unit)?, rate: rate(price, input_tokens)? };
                line.rate.times(&self.by)?;
                if unit.per() == TOKENS_PER {
                    line.rate.times(&self.tokens_by)?;
                }
                for part in &amounts.lines {
                    if unit.contains(part.unit) {
                        line.quantity.plus(&part.quantity, true)?;
                    }
                }
                if line.quantity.is_negative() {
                    return Err(unpriced("usage_conflict", "the parts are more than the whole", &unit.key()));
                }
                amounts.total.plus(&line.amount());
                amounts.lines.push(line);
            }
        }
        amounts.total.check()?;
        Ok(amounts)
    }
}

impl Counts {
    /// Reads `{usage key: count}`; a count is a number or a decimal string. Keys that have no price anywhere are passed
    /// over. Error: `invalid_usage`.
    pub fn from_value(usage: &Value) -> Result<Self> {
        let mut counts = Vec::new();
        for (key, value) in
            usage.as_object().ok_or_else(|| Error::new("invalid_usage", "usage is an object of counts"))?
        {
            if let (Some(unit), false) = (Unit::of_usage(key), *value == Value::Null) {
                let Ok(count) = positive(value) else {
                    return Err(Error::new("invalid_usage", "a count is a number, 0 or more").at(key));
                };
                counts.push((unit, count));
            }
        }
        Ok(Self(counts))
    }

    #[inline(never)]
    fn get(&self, unit: Unit) -> Option<&Decimal> {
        self.0.iter().rev().find(|(u, _)| *u == unit).map(|(_, n)| n)
    }

    /// Counts a unit that was not reported.
    pub(super) fn set_default(&mut self, unit: Unit, count: Decimal) {
        if self.get(unit).is_none() {
            self.0.push((unit, count));
        }
    }

    pub(super) fn is_zero(&self, unit: Unit) -> bool {
        self.get(unit).is_none_or(|n| n.is_zero())
    }

    /// Applies the minimum of audio, and counts the request itself unless the record says how many it stands for.
    fn prepare(&mut self, audio_seconds_min: &Decimal) {
        self.set_default(Unit::REQUESTS, Decimal::ONE);
        let seconds = self.get(Unit::AUDIO_SECONDS).or(self.get(Unit::INPUT_AUDIO_SECONDS));
        if let Some(seconds) = seconds.filter(|seconds| !seconds.is_zero() && !audio_seconds_min.is_zero()) {
            let raised = *seconds.max(audio_seconds_min);
            self.0.push((Unit::AUDIO_SECONDS, raised));
            self.0.push((Unit::INPUT_AUDIO_SECONDS, raised));
        }
    }

    /// The reported count; 0 if none of what lies inside was reported either.
    fn value(&self, unit: Unit) -> Result<Decimal> {
        if let Some(reported) = self.get(unit) {
            return Ok(*reported);
        }
        for (one, n) in &self.0 {
            if n.is_zero() {
                continue;
            }
            let both = |(other, n): &(Unit, Decimal)| !n.is_zero() && one.join(*other) == Some(unit);
            if unit.contains(*one) || self.0.iter().any(both) {
                return Err(unpriced("usage_missing", "there is a count for a part but not for this", &unit.key()));
            }
        }
        Ok(Decimal::ZERO)
    }
}

impl Line {
    fn amount(&self) -> Ratio {
        let mut amount = Ratio::from(self.quantity);
        amount.times(&self.rate.into());
        amount.divide(&Decimal::new(self.unit.per().into(), 0).into());
        amount
    }
}

impl Amounts {
    /// Nothing is charged.
    pub(super) fn nothing() -> Self {
        Self { total: Ratio::ZERO, lines: Vec::new() }
    }

    /// Adds `total`, `input`, `output`, `currency`, `exact` and `lines` to a result.
    pub(super) fn write(&self, w: &mut Writer) -> Result<()> {
        let (mut input, mut output) = (Ratio::ZERO, Ratio::ZERO);
        let mut lines = Writer::array();
        for line in &self.lines {
            let amount = line.amount();
            if line.unit.is_input() {
                input.plus(&amount);
            } else if line.unit.is_output() {
                output.plus(&amount);
            }
            if !line.quantity.is_zero() {
                let mut l = Writer::object();
                l.string("unit", &line.unit.key()).string("quantity", &line.quantity.text());
                l.string("rate", &line.rate.text()).raw("per", &crate::decimal::digits(line.unit.per().into()));
                l.string("amount", &amount.text()?);
                lines.item(&l.end());
            }
        }
        w.string("total", &self.total.text()?).string("input", &input.text()?);
        w.string("output", &output.text()?).string("currency", "USD");
        let exact = [self.total, input, output].iter().all(|r| r.exact().is_some());
        w.raw("exact", if exact { "true" } else { "false" }).raw("lines", &lines.end());
        Ok(())
    }

    /// The whole cost.
    pub(super) fn total(&self) -> Ratio {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &str = include_str!("../../tests/contract/llm-cost.json");

    /// The cases write tiers as `{base, tiers: [{above, price}]}`.
    fn compact(prices: &serde_json::Value) -> String {
        let mut compact = prices.clone();
        for price in compact.as_object_mut().unwrap().values_mut() {
            if let Some(tiers) = price.get("tiers") {
                let tiers = tiers.as_array().unwrap().iter().map(|t| serde_json::json!([t["above"], t["price"]]));
                *price = std::iter::once(price["base"].clone()).chain(tiers).collect();
            }
        }
        compact.to_string()
    }

    #[test]
    fn golden_arithmetic() {
        let cases: Vec<serde_json::Value> = serde_json::from_str(CASES).unwrap();
        let mut priced = 0;
        for case in &cases {
            let (id, expected) = (&case["id"], &case["expected"]);
            if case["prices"].is_null() {
                assert!(case["resolved"].is_null() && expected.is_null(), "{id}");
                continue;
            }
            let (prices, usage) = (compact(&case["prices"]), case["usage"].to_string());
            let prices = Value::parse(&prices).unwrap();
            let mut prices = Prices::read(&prices).unwrap();
            if let Some(rule) = case["rule"].as_str() {
                let number = rule.split(' ').nth(1).unwrap();
                prices.audio_seconds_min = Decimal::parse(number).unwrap();
            }
            let mut counts = Counts::from_value(&Value::parse(&usage).unwrap()).unwrap();
            priced += 1;
            let got = match prices.charge(&mut counts) {
                Err(unpriced) => {
                    assert_eq!(Some(unpriced.code), expected["error"].as_str(), "{id}: {unpriced}");
                    continue;
                }
                Ok(amounts) => amounts,
            };
            let mut w = Writer::object();
            got.write(&mut w).unwrap();
            let got: serde_json::Value = serde_json::from_str(&w.end()).unwrap();
            for key in ["input", "output", "total"] {
                let (got, want) = (got[key].as_str().unwrap(), expected[key].as_str().unwrap());
                // What does not end is compared by its first 18 significant digits.
                let shown = |text: &str| {
                    let first = text.find(|c: char| c != '0' && c != '.').unwrap_or(0);
                    text.chars().take(first + 18).collect::<String>()
                };
                let ends = case["exact"].as_bool().unwrap();
                assert!(if ends { got == want } else { shown(got) == shown(want) }, "{id} {key}: {got} {want}");
            }
            assert_eq!(got["exact"], case["exact"], "{id}");
        }
        println!("{} cases, {priced} priced", cases.len());
        assert_eq!(cases.len(), 187);
    }

    fn charge(prices: &str, usage: &str) -> std::result::Result<String, &'static str> {
        let prices = Value::parse(prices).unwrap();
        let prices = Prices::read(&prices).map_err(|e| e.code)?;
        let mut counts = Counts::from_value(&Value::parse(usage).unwrap()).map_err(|e| e.code)?;
        prices.charge(&mut counts).map(|a| a.total.text().unwrap()).map_err(|e| e.code)
    }

    #[test]
    fn what_cannot_be_priced_has_a_reason() {
        for (prices, usage, want) in [
            (r#"{"input_mtok":"1"}"#, r#"{"cache_read_tokens":5}"#, Err("usage_missing")),
            (r#"{"input_mtok":"1"}"#, r#"{"cache_read_tokens":0}"#, Ok("0")),
            (r#"{"cache_read_mtok":"1","input_audio_mtok":"1","input_mtok":"1"}"#, "{}", Err("price_missing_join")),
            (r#"{"cache_write_1h_mtok":"1","input_mtok":"1"}"#, "{}", Err("price_missing_ancestor")),
            (r#"{"input_mtok":"-1"}"#, "{}", Err("decimal_invalid")),
            (r#"{"input_mtok":["1",[5,"2"],[5,"3"]]}"#, "{}", Err("invalid_price_book")),
            (r#"{"input_mtok":["1",[5]]}"#, "{}", Err("invalid_price_book")),
            ("[]", "{}", Err("invalid_price_book")),
            (r#"{"input_mtok":"1"}"#, r#"{"input_tokens":-1}"#, Err("invalid_usage")),
            (r#"{"input_mtok":"1"}"#, r#"{"input_tokens":"x"}"#, Err("invalid_usage")),
            (r#"{"input_mtok":"1"}"#, "[]", Err("invalid_usage")),
            (r#"{"input_mtok":"1e30"}"#, r#"{"input_tokens":1e30}"#, Err("overflow")),
            (r#"{"input_mtok":"1","some_new_mtok":"x"}"#, r#"{"input_tokens":1,"new_tokens":"x"}"#, Ok("0.000001")),
            (r#"{"requests_kcount":"5"}"#, r#"{"requests":0}"#, Ok("0")),
        ] {
            assert_eq!(charge(prices, usage), want.map(str::to_owned), "{prices} {usage}");
        }
    }
}
