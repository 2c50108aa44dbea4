//! How a period will end: units are projected, money is not.

use super::explain::amount_of;
use super::read::{admit, flag, invalid, list, member, number, positive};
use super::{Currency, Line, check};
use crate::decimal::{Decimal, Rounding};
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::limits::FORECAST_DAYS_MAX;
use crate::ratio::Ratio;
use crate::time::Instant;

const DAY_SECONDS: i64 = 86_400;
/// Full days that the recent rate is the mean of, at most.
pub const RECENT_DAYS: i64 = 7;
/// Digits behind the point of units that are forecast: more would pretend to know them.
const FORECAST_DIGITS: u32 = 6;

/// A period and the present in it, in seconds since 1970.
#[derive(Clone, Copy)]
pub struct Course {
    /// The first second
    pub from: i64,
    /// The first one after it
    pub to: i64,
    /// In between
    pub now: i64,
}

impl Course {
    /// Error: `invalid_period`.
    pub fn new(from: i64, to: i64, now: i64) -> Result<Self> {
        if from >= to || now < from || now > to {
            let error = Error::new("invalid_period", "now lies within the period, which begins before it ends");
            return Err(error.at("now"));
        }
        Ok(Self { from, to, now })
    }

    fn elapsed(&self) -> i64 {
        self.now.saturating_sub(self.from)
    }

    fn left(&self) -> i64 {
        self.to.saturating_sub(self.now)
    }

    /// Before a tenth of the period or two days nothing can be said.
    pub fn is_too_early(&self) -> bool {
        let (elapsed, length) = (self.elapsed(), self.to.saturating_sub(self.from));
        elapsed == 0 || elapsed < DAY_SECONDS.saturating_mul(2) && elapsed.saturating_mul(10) < length
    }

    /// The first day, from the present on, on which something holds at that many seconds from now.
    pub fn first_day(&self, mut holds: impl FnMut(i64) -> Result<bool>) -> Result<Option<i64>> {
        for day in 0..FORECAST_DAYS_MAX {
            let after = day.saturating_mul(DAY_SECONDS).min(self.left());
            if holds(after)? {
                return Ok(Some(self.now.saturating_add(after)));
            }
            if after == self.left() {
                break;
            }
        }
        Ok(None)
    }

    /// When a balance is used up at a rate, if the period has not ended before.
    pub fn exhausted(&self, balance: &Ratio, rate: &Ratio) -> Option<i64> {
        let mut left = *balance;
        left.divide(rate);
        let after = left.round(0, Rounding::Down).ok().and_then(|after| i64::try_from(after.mantissa()).ok())?;
        (after <= self.left()).then(|| self.now.saturating_add(after))
    }

    /// How fast units are used: low, mid and high, a second each.
    ///
    /// One rate is that of the period so far, another the mean of the last full days, if there are any; low and high are
    /// the smaller and the greater, mid their mean. Of a meter of extremes (MAX, LATEST, UNIQUE_COUNT) low is what is now,
    /// high the straight line.
    pub fn rates(&self, so_far: &Ratio, days: &[Ratio], extreme: bool) -> [Ratio; 3] {
        let mut whole = *so_far;
        whole.divide(&seconds(self.elapsed()));
        let mut recent = whole;
        if !days.is_empty() {
            recent = Ratio::ZERO;
            for units in days {
                recent.plus(units);
            }
            recent.divide(&seconds(DAY_SECONDS.saturating_mul(days.len() as i64)));
        }
        let (mut low, mut high) = (whole, whole);
        low.at_most(&recent);
        high.at_least(&recent);
        if extreme {
            (low, high) = (Ratio::ZERO, whole);
        }
        let mut mid = low;
        mid.plus(&high);
        mid.divide(&Decimal::new(2, 0).into());
        [low, mid, high]
    }

    /// The units at the end of the period.
    pub fn at_end(&self, so_far: &Ratio, rate: &Ratio) -> Ratio {
        units(so_far, rate, self.left())
    }
}

/// The units so many seconds from now.
pub fn units(so_far: &Ratio, rate: &Ratio, after: i64) -> Ratio {
    let mut units = *rate;
    units.times(&seconds(after));
    units.plus(so_far);
    units.cut(FORECAST_DIGITS, Rounding::HalfEven);
    units
}

fn seconds(n: i64) -> Ratio {
    Decimal::from(n).into()
}

/// A time as JSON, or null.
pub fn date(seconds: Option<i64>) -> String {
    seconds.map_or(String::from("null"), |seconds| ["\"", &Instant { seconds, nanos: 0 }.text(), "\""].concat())
}

/// Projects one quantity.
///
/// ```text
/// { price, quantity, from, to, now, days?: [units], currency?, extreme?, limit?, balance? }
///   ─▶ { low, mid, high: Line, breach?: time | null, exhausted?: time | null } | { tooEarly: true }
/// ```
///
/// See [`Course::rates`]; `days` are the units of the last full days, at most seven. `breach` is the first day on which
/// the mid projection costs more than `limit`; `exhausted` is when a `balance` of units is used up.
pub fn project(request: &Value) -> Result<String> {
    let price = member(request, "price");
    check(price).map_err(|e| e.at("price"))?;
    if matches!(member(price, "type").as_str(), Some("percentage" | "matrix" | "cost_plus")) {
        return Err(invalid("this is for prices of one quantity", "type").at("price"));
    }
    admit(
        request,
        &["quantity"],
        1,
        &["price", "currency", "from", "to", "now", "days", "limit", "balance", "extreme"],
    )?;
    let quantity = number(request, "quantity", &Ratio::ZERO);
    let currency = Currency::of(request)?;
    let time =
        |key: &'static str| Instant::parse(member(request, key).as_str().unwrap_or_default()).map_err(|e| e.at(key));
    let course = Course::new(time("from")?.seconds, time("to")?.seconds, time("now")?.seconds)?;
    if course.is_too_early() {
        return Ok(String::from("{\"tooEarly\":true}"));
    }
    let mut days = Vec::new();
    if request.present("days").is_some() {
        for (at, units) in list(request, "days")?.iter().enumerate() {
            days.push(positive(units).map_err(|e| e.at_index(at).at("days"))?.into());
        }
    }
    let rates = course.rates(&quantity, &days, flag(request, "extreme", false)?);
    let mut w = Writer::object();
    for (name, rate) in ["low", "mid", "high"].into_iter().zip(&rates) {
        let mut line = Line::of(Decimal::ZERO);
        line.quantity = course.at_end(&quantity, rate);
        super::apply(price, &Value::Null, &mut line)?;
        line.round(currency.digits)?;
        w.raw(name, &line.to_json()?);
    }
    let [_, mid, _] = &rates;
    let given = |key: &'static str| -> Result<Option<Ratio>> {
        request.present(key).map(|value| positive(value).map(Ratio::from).map_err(|e| e.at(key))).transpose()
    };
    if let Some(limit) = given("limit")? {
        let breach = course.first_day(|after| Ok(amount_of(price, &units(&quantity, mid, after))?.exceeds(&limit)))?;
        w.raw("breach", &date(breach));
    }
    if let Some(balance) = given("balance")? {
        w.raw("exhausted", &date(course.exhausted(&balance, mid)));
    }
    Ok(w.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(answer: Result<String>) -> serde_json::Value {
        serde_json::from_str(&answer.unwrap()).unwrap()
    }

    #[test]
    fn how_a_period_ends() {
        let ask = |more: &str| {
            let request = [
                r#"{"price":{"type":"unit","amount":"1","free":"100"},"quantity":"100","from":"2026-11-01T00:00:00Z","#,
                r#""to":"2026-12-01T00:00:00Z""#,
                more,
                "}",
            ];
            project(&Value::parse(&request.concat()).unwrap())
        };
        let amounts =
            |got: &serde_json::Value| ["low", "mid", "high"].map(|key| got[key]["amount"].to_string()).join(" ");
        // Ten units a day until the 11th, twenty days to go.
        let got = json(ask(r#","now":"2026-11-11T00:00:00Z""#));
        assert_eq!(amounts(&got), r#""200" "200" "200""#);
        let got = json(ask(r#","now":"2026-11-11T00:00:00Z","days":[20,"20",20],"limit":"100","balance":"30""#));
        assert_eq!(amounts(&got), r#""200" "300" "400""#);
        assert_eq!(
            (got["breach"].as_str(), got["exhausted"].as_str()),
            (Some("2026-11-18T00:00:00Z"), Some("2026-11-13T00:00:00Z"))
        );
        let got = json(ask(r#","now":"2026-11-11T00:00:00Z","extreme":true,"limit":1000,"balance":1000"#));
        assert_eq!(amounts(&got), r#""0" "100" "200""#);
        assert!(got["breach"].is_null() && got["exhausted"].is_null());
        assert_eq!(json(ask(r#","now":"2026-11-02T00:00:00Z""#))["tooEarly"], true);
        assert_eq!(json(ask(r#","now":"2026-11-01T00:00:00Z""#))["tooEarly"], true);
        assert_eq!(ask(r#","now":"2026-12-02T00:00:00Z""#).err().unwrap().code, "invalid_period");
        assert_eq!(ask("").err().unwrap().code, "time_invalid");
    }
}
