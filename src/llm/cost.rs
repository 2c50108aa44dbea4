//! What a provider charges for one request: exact, and "not priced" is a result of its own, never 0.

use super::unit::Unit;
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::ratio::Ratio;

/// The price of a unit: a base, and dearer prices for requests with a long input.
#[derive(Clone)]
struct Rate {
    base: Decimal,
    /// `(above, price)`, ascending.
    tiers: Vec<(Decimal, Decimal)>,
}

/// The prices that hold for a request.
#[derive(Clone, Default)]
pub(super) struct Prices {
    rates: Vec<(Unit, Rate)>,
    /// What `audio_seconds` are raised to.
    pub(super) audio_seconds_min: Option<Decimal>,
}

/// Counts by unit, as they were reported. Absent is "not reported", which is not 0.
pub struct Counts(Vec<(Unit, Decimal)>);

/// What one unit costs.
struct Line {
    unit: Unit,
    quantity: Decimal,
    rate: Decimal,
    amount: Ratio,
}

/// A computed cost in USD.
pub struct Amounts {
    total: Ratio,
    input: Ratio,
    output: Ratio,
    lines: Vec<Line>,
}

/// Why there is no price: `unknown_provider`, `unknown_model`, `no_usage`, `usage_missing`, `usage_conflict`,
/// `price_missing_ancestor`, `price_missing_join`, `overflow`; and a sentence about it.
pub struct Unpriced {
    /// Stable `snake_case` code.
    pub reason: &'static str,
    /// What is missing, or what contradicts what.
    pub detail: String,
}

impl Unpriced {
    pub(super) fn new(reason: &'static str, detail: &[&str]) -> Self {
        Self { reason, detail: detail.concat() }
    }

    /// `{status:'unpriced', reason, detail}`
    pub fn to_json(&self) -> String {
        let mut w = Writer::object();
        w.string("status", "unpriced").string("reason", self.reason).string("detail", &self.detail);
        w.end()
    }
}

impl From<Error> for Unpriced {
    fn from(error: Error) -> Self {
        Self { reason: error.code, detail: error.message.to_string() }
    }
}

/// A JSON string or number as a decimal that is not negative.
fn decimal(value: &Value) -> Result<Decimal> {
    let text = match value {
        Value::String(text) => text.as_ref(),
        Value::Number(text) => text,
        _ => return Err(Error::new("decimal_invalid", "not a decimal number")),
    };
    let number = Decimal::parse(text)?;
    if number.is_negative() {
        return Err(Error::new("decimal_invalid", "the number is negative"));
    }
    Ok(number)
}

impl Rate {
    /// Reads `"3"`, or `["3", [200000, "6"], …]`: a base and `[above, price]`, ascending.
    fn read(value: &Value) -> Result<Self> {
        let Some(items) = value.as_array() else { return Ok(Self { base: decimal(value)?, tiers: Vec::new() }) };
        let invalid = || Error::new("invalid_price_book", "not a base price and [above, price] pairs, ascending");
        let (base, rest) = items.split_first().ok_or_else(invalid)?;
        let mut rate = Self { base: decimal(base)?, tiers: Vec::with_capacity(rest.len()) };
        for tier in rest {
            let Some([above, price]) = tier.as_array() else { return Err(invalid()) };
            let above = decimal(above)?;
            if rate.tiers.last().is_some_and(|last| last.0 >= above) {
                return Err(invalid());
            }
            rate.tiers.push((above, decimal(price)?));
        }
        Ok(rate)
    }

    /// A cliff: the input of the whole request decides for the whole request.
    fn at(&self, input_tokens: Decimal) -> Decimal {
        self.tiers.iter().rev().find(|tier| input_tokens > tier.0).map_or(self.base, |tier| tier.1)
    }
}

impl Prices {
    /// Reads an object of price keys. Keys that are not known are passed over.
    pub(super) fn read(value: &Value) -> Result<Self> {
        let mut prices = Self::default();
        let members = value.as_object().ok_or_else(|| Error::new("invalid_price_book", "prices are an object"))?;
        for (key, value) in members {
            if let Some(unit) = Unit::of_price(key) {
                let rate = Rate::read(value).map_err(|e| e.at(key))?;
                prices.set(unit, rate);
            }
        }
        Ok(prices)
    }

    fn set(&mut self, unit: Unit, rate: Rate) {
        match self.rates.iter_mut().find(|(u, _)| *u == unit) {
            Some(there) => there.1 = rate,
            None => self.rates.push((unit, rate)),
        }
    }

    /// Takes over the prices of `other` whose units are not `taken` yet, and notes them as taken.
    pub(super) fn overlay(&mut self, other: &Self, taken: &mut Vec<Unit>) {
        for (unit, rate) in &other.rates {
            if !taken.contains(unit) {
                taken.push(*unit);
                self.set(*unit, rate.clone());
            }
        }
    }

    fn has(&self, unit: Unit) -> bool {
        self.rates.iter().any(|(u, _)| *u == unit)
    }

    /// A part can only be told apart from its whole if the whole has a price too, and what is two parts at once as well.
    pub(super) fn check(&self) -> std::result::Result<(), Unpriced> {
        for (at, (unit, _)) in self.rates.iter().enumerate() {
            if let Some(missing) = unit.ancestors().find(|a| !self.has(*a)) {
                let detail = [&unit.key(), " has a price, ", &missing.key(), " has none"].concat();
                return Err(Unpriced { reason: "price_missing_ancestor", detail });
            }
            for (other, _) in self.rates.iter().skip(at + 1) {
                if let Some(missing) = unit.join(*other).filter(|join| !self.has(*join)) {
                    let detail = [&unit.key(), " and ", &other.key(), " have prices, ", &missing.key(), " has none"];
                    return Err(Unpriced { reason: "price_missing_join", detail: detail.concat() });
                }
            }
        }
        Ok(())
    }

    /// Prices the counts. Each unit is charged for what none of its priced parts is charged for.
    pub(super) fn charge(&self, counts: &Counts) -> std::result::Result<Amounts, Unpriced> {
        self.check()?;
        let counts = counts.prepared(self.audio_seconds_min);
        let input_tokens = counts.get(Unit::INPUT_TOKENS).unwrap_or(Decimal::ZERO);
        let none = Ratio::ZERO;
        let mut amounts =
            Amounts { total: none, input: none, output: none, lines: Vec::with_capacity(self.rates.len()) };
        // Parts before their wholes.
        let narrowest_first = (0..=Unit::DEPTH_MAX).rev();
        let order = narrowest_first.flat_map(|depth| self.rates.iter().filter(move |(unit, _)| unit.depth() == depth));
        for (unit, rate) in order {
            let whole = counts.value(*unit)?;
            let mut quantity = whole;
            for line in amounts.lines.iter().filter(|line| unit.contains(line.unit)) {
                quantity = quantity.sub(line.quantity)?;
            }
            if quantity.is_negative() {
                let detail = ["the parts of ", &unit.key(), " are more than its ", &whole.text()].concat();
                return Err(Unpriced { reason: "usage_conflict", detail });
            }
            let rate = rate.at(input_tokens);
            let amount = Ratio::from(quantity.mul(rate)?).div(unit.per().into())?;
            amounts.total = amounts.total.add(amount)?;
            if unit.is_input() {
                amounts.input = amounts.input.add(amount)?;
            } else if unit.is_output() {
                amounts.output = amounts.output.add(amount)?;
            }
            amounts.lines.push(Line { unit: *unit, quantity, rate, amount });
        }
        Ok(amounts)
    }
}

impl Counts {
    /// Reads `{usage key: count}`; a count is a number or a decimal string. Keys that have no price anywhere are passed
    /// over. Error: `invalid_usage`.
    pub fn from_value(usage: &Value) -> Result<Self> {
        let invalid = |message: &'static str| Error::new("invalid_usage", message);
        let members = usage.as_object().ok_or_else(|| invalid("usage is an object of counts"))?;
        let mut counts = Vec::with_capacity(members.len());
        for (key, value) in members {
            if let (Some(unit), false) = (Unit::of_usage(key), *value == Value::Null) {
                counts.push((unit, decimal(value).map_err(|_| invalid("a count is a number, 0 or more").at(key))?));
            }
        }
        Ok(Self(counts))
    }

    fn get(&self, unit: Unit) -> Option<Decimal> {
        self.0.iter().rev().find(|(u, _)| *u == unit).map(|(_, n)| *n)
    }

    /// Counts a unit that was not reported.
    pub(super) fn set_default(&mut self, unit: Unit, count: Decimal) {
        if self.get(unit).is_none() {
            self.0.push((unit, count));
        }
    }

    pub(super) fn is_zero(&self, unit: Unit) -> bool {
        self.get(unit).is_none_or(Decimal::is_zero)
    }

    /// With the minimum of audio, and with the request itself counted unless the record says how many it stands for.
    fn prepared(&self, audio_seconds_min: Option<Decimal>) -> Self {
        let mut counts = Self(self.0.clone());
        counts.set_default(Unit::REQUESTS, Decimal::ONE);
        let seconds = self.get(Unit::AUDIO_SECONDS).or(self.get(Unit::INPUT_AUDIO_SECONDS));
        if let (Some(seconds), Some(min)) = (seconds.filter(|s| !s.is_zero()), audio_seconds_min) {
            let raised = seconds.max(min);
            counts.0.extend([(Unit::AUDIO_SECONDS, raised), (Unit::INPUT_AUDIO_SECONDS, raised)]);
        }
        counts
    }

    /// The reported count; 0 if none of what lies inside was reported either.
    fn value(&self, unit: Unit) -> std::result::Result<Decimal, Unpriced> {
        if let Some(reported) = self.get(unit) {
            return Ok(reported);
        }
        let missing = |of: &[&str]| Unpriced::new("usage_missing", &[&unit.key(), " is missing beside ", &of.concat()]);
        let positive = || self.0.iter().filter(|(_, n)| !n.is_zero()).map(|(u, _)| *u);
        if let Some(part) = positive().find(|part| unit.contains(*part)) {
            return Err(missing(&[&part.key()]));
        }
        for (at, one) in positive().enumerate() {
            for other in positive().skip(at + 1) {
                if one.join(other) == Some(unit) {
                    return Err(missing(&[&one.key(), " and ", &other.key()]));
                }
            }
        }
        Ok(Decimal::ZERO)
    }
}

impl Amounts {
    /// Nothing is charged.
    pub(super) fn nothing() -> Self {
        Self { total: Ratio::ZERO, input: Ratio::ZERO, output: Ratio::ZERO, lines: Vec::new() }
    }

    /// Adds `total`, `input`, `output`, `currency`, `exact` and `lines` to a result.
    pub(super) fn write(&self, w: &mut Writer) -> Result<()> {
        w.string("total", &self.total.text()?).string("input", &self.input.text()?);
        w.string("output", &self.output.text()?).string("currency", "USD");
        let exact = [self.total, self.input, self.output].iter().all(|r| r.exact().is_some());
        w.raw("exact", if exact { "true" } else { "false" });
        let mut lines = Writer::array();
        for line in self.lines.iter().filter(|line| !line.quantity.is_zero()) {
            let mut l = Writer::object();
            l.string("unit", &line.unit.key()).string("quantity", &line.quantity.text());
            l.string("rate", &line.rate.text()).raw("per", &crate::decimal::digits(line.unit.per().into()));
            l.string("amount", &line.amount.text()?);
            lines.item(&l.end());
        }
        w.raw("lines", &lines.end());
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
            let mut prices = Prices::read(&Value::parse(&prices).unwrap()).unwrap();
            if let Some(rule) = case["rule"].as_str() {
                let number = rule.split(' ').nth(1).unwrap();
                prices.audio_seconds_min = Some(Decimal::parse(number).unwrap());
            }
            let counts = Counts::from_value(&Value::parse(&usage).unwrap()).unwrap();
            priced += 1;
            let got = match prices.charge(&counts) {
                Err(unpriced) => {
                    assert_eq!(Some(unpriced.reason), expected["error"].as_str(), "{id}: {}", unpriced.detail);
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
        let prices = Prices::read(&Value::parse(prices).unwrap()).map_err(|e| e.code)?;
        let counts = Counts::from_value(&Value::parse(usage).unwrap()).map_err(|e| e.code)?;
        prices.charge(&counts).map(|a| a.total.text().unwrap()).map_err(|u| u.reason)
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
