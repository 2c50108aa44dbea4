//! Grants and what is left of them: prepaid units that usage burns down, as OpenMeter's entitlements do.

use super::read::{flag, signed, word};
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::index::Index;
use crate::json::{Value, Writer};
use crate::limits::{GRANT_PHASES_MAX, GRANTS_MAX};
use crate::ratio::Ratio;
use crate::time::Instant;

const MINUTE: i64 = 60;
const NEVER: i64 = i64::MAX;

static GRANT: [&str; 11] = [
    "id",
    "amount",
    "priority",
    "effectiveAt",
    "expiresAt",
    "voidedAt",
    "deletedAt",
    "createdAt",
    "recurrence",
    "maxRollover",
    "minRollover",
];
static CASE: [&str; 9] =
    ["start", "until", "startBalances", "startOverage", "aggregation", "resets", "preserveOverage", "grants", "usage"];

struct Grant<'v> {
    id: &'v str,
    amount: Ratio,
    from: i64,
    to: i64,
    /// Every so many seconds, counted from an anchor
    recurrence: Option<(i64, i64)>,
    rollover: [Ratio; 2],
    balance: Ratio,
}

/// What usage is counted as.
#[derive(Clone, Copy, PartialEq)]
enum Count {
    Sum,
    Events,
    Latest,
    Unique,
}

struct Account<'v> {
    /// In the order they were given
    grants: Vec<Grant<'v>>,
    /// In which they are burnt: by priority, expiry, creation, id
    order: Vec<usize>,
    /// Seconds and values, by time
    usage: Vec<(i64, &'v Value<'v>)>,
    /// How much of it has been burnt
    done: usize,
    count: Count,
    seen: Index,
    overage: Ratio,
    used: Ratio,
    phases: usize,
}

/// Burns grants down by usage and says what is left.
///
/// ```text
/// { start, until, grants: [{ id, amount, priority?, effectiveAt, expiresAt?, voidedAt?, deletedAt?, createdAt?,
///     recurrence?: { everySeconds, anchor }, maxRollover?, minRollover? }],
///   startBalances: { id: amount }, startOverage?, usage: [{ at, value }], aggregation?: 'SUM'|'COUNT'|'LATEST'|'UNIQUE_COUNT',
///   resets?: [time], preserveOverage? }
///   ─▶ { balances: { id: amount }, balance, overage, usageSinceReset }
/// ```
///
/// A grant holds from `effectiveAt` until the first of its ends; it is full when it starts and at each recurrence. The
/// lower priority burns first, then what expires, what was created earlier, then by id. At a reset
/// `min(maxRollover, max(minRollover, balance))` stays, which is nothing unless set. Grants change at full minutes.
/// Errors: `invalid_grant`, `time_invalid`, `limit_exceeded`, `overflow`.
pub fn burn_down(case: &Value) -> Result<String> {
    case.only(&CASE)?;
    let start = time(case, "start")?.seconds;
    let until = time(case, "until")?;
    let until = minute(until.seconds + if until.nanos > 0 { MINUTE } else { MINUTE - 1 });
    if until < start {
        return Err(invalid("until is before start").at("until"));
    }
    let count = match case.present("aggregation").map_or(Some("SUM"), Value::as_str) {
        Some("SUM") => Count::Sum,
        Some("COUNT") => Count::Events,
        Some("LATEST") => Count::Latest,
        Some("UNIQUE_COUNT") => Count::Unique,
        _ => return Err(invalid("grants are burnt by SUM, COUNT, LATEST or UNIQUE_COUNT").at("aggregation")),
    };
    let mut account = Account::read(case, count)?;
    let preserve = flag(case, "preserveOverage", false)?;
    let mut from = start;
    for (at, reset) in items(case, "resets")?.iter().enumerate() {
        let wrong = |e: Error| e.at_index(at).at("resets");
        let reset = minute(Instant::parse(reset.as_str().unwrap_or_default()).map_err(wrong)?.seconds);
        if reset <= from || reset > until {
            return Err(wrong(invalid("resets ascend, after start and not after until")));
        }
        account.run(from, reset)?;
        account.reset(reset, preserve);
        from = reset;
    }
    account.run(from, until)?;
    // What recurs at the end still does.
    for grant in &mut account.grants {
        if grant.is_active(until) && grant.recurs(until) {
            grant.balance = grant.amount;
        }
    }
    account.burn(until);
    account.to_json()
}

#[cold]
fn invalid(message: &'static str) -> Error {
    Error::new("invalid_grant", message)
}

fn items<'v>(case: &'v Value<'v>, key: &'static str) -> Result<&'v [Value<'v>]> {
    match case.present(key) {
        None => Ok(&[]),
        Some(list) => list.as_array().ok_or_else(|| invalid("this is not a list").at(key)),
    }
}

fn time(object: &Value, key: &'static str) -> Result<Instant> {
    Instant::parse(object.get(key).and_then(Value::as_str).unwrap_or_default()).map_err(|e| e.at(key))
}

/// The full minute at or before a second; of a time that may be left out.
fn change(object: &Value, key: &'static str, default: i64) -> Result<i64> {
    if object.present(key).is_none() { Ok(default) } else { Ok(minute(time(object, key)?.seconds)) }
}

fn minute(seconds: i64) -> i64 {
    seconds - seconds.rem_euclid(MINUTE)
}

fn number(object: &Value, key: &str, default: &Ratio) -> Result<Ratio> {
    let Some(value) = object.present(key) else { return default.check().map(|()| *default).map_err(|_| missing(key)) };
    signed(value).ok().map(Ratio::from).filter(|n| !n.is_negative()).ok_or_else(|| missing(key))
}

#[cold]
fn missing(key: &str) -> Error {
    invalid("a number, 0 or more").at(key)
}

/// A member that is a whole number.
fn whole(object: &Value, key: &'static str, default: i64) -> Result<i64> {
    let Some(value) = object.present(key) else { return Ok(default) };
    let number = signed(value).ok().filter(|n| n.scale() == 0).and_then(|n| i64::try_from(n.mantissa()).ok());
    number.ok_or_else(|| invalid("a whole number").at(key))
}

impl<'v> Grant<'v> {
    /// Reads a grant; of its place in the order it gives the key.
    fn read(value: &'v Value<'v>, balances: &Value) -> Result<(Self, Vec<u8>)> {
        value.only(&GRANT)?;
        let id = value.get("id").and_then(Value::as_str).ok_or_else(|| invalid("a grant has an id").at("id"))?;
        let expires = change(value, "expiresAt", NEVER)?;
        let to = expires.min(change(value, "voidedAt", NEVER)?).min(change(value, "deletedAt", NEVER)?);
        let recurrence = match value.present("recurrence") {
            None => None,
            Some(recurrence) => {
                let wrong = |e: Error| e.at("recurrence");
                let every = whole(recurrence, "everySeconds", 0).map_err(wrong)?;
                if every <= 0 {
                    return Err(wrong(invalid("seconds, at least 1").at("everySeconds")));
                }
                Some((every, time(recurrence, "anchor").map_err(wrong)?.seconds))
            }
        };
        let priority = whole(value, "priority", 0)?;
        let mut key = Vec::new();
        for part in [priority, expires, change(value, "createdAt", i64::MIN)?] {
            key.extend_from_slice(&ascending(part));
        }
        key.extend_from_slice(id.as_bytes());
        let zero = &Ratio::ZERO;
        let grant = Self {
            id,
            amount: number(value, "amount", &Ratio::LOST)?,
            from: change(value, "effectiveAt", NEVER)?,
            to,
            recurrence,
            rollover: [number(value, "minRollover", zero)?, number(value, "maxRollover", zero)?],
            balance: number(balances, id, &Ratio::LOST).map_err(|e| e.at("startBalances"))?,
        };
        if grant.from == NEVER {
            return Err(invalid("a grant says when it takes effect").at("effectiveAt"));
        }
        Ok((grant, key))
    }

    fn is_active(&self, at: i64) -> bool {
        self.from <= at && at < self.to
    }

    /// The first minute at or after `at` in which it recurs.
    fn recurrence_from(&self, at: i64) -> Option<i64> {
        let (every, anchor) = self.recurrence?;
        let at = minute(at.saturating_add(MINUTE - 1)).max(self.from);
        let past = at.saturating_sub(anchor).rem_euclid(every);
        Some(minute(at.saturating_add(if past == 0 { 0 } else { every - past })))
    }

    fn recurs(&self, at: i64) -> bool {
        self.recurrence_from(at) == Some(at)
    }

    /// When something happens to it after `at`.
    fn next(&self, at: i64) -> i64 {
        let recurrence = self.recurrence_from(at.saturating_add(1)).filter(|next| self.is_active(*next));
        let mut next = NEVER;
        for time in [self.from, self.to, recurrence.unwrap_or(NEVER)] {
            if time > at {
                next = next.min(time);
            }
        }
        next
    }
}

/// A number as bytes that sort like it.
fn ascending(n: i64) -> [u8; 8] {
    (n ^ i64::MIN).to_be_bytes()
}

impl<'v> Account<'v> {
    fn read(case: &'v Value<'v>, count: Count) -> Result<Self> {
        let balances = case.get("startBalances").unwrap_or(&Value::Null);
        let given = items(case, "grants")?;
        if given.len() > GRANTS_MAX {
            return Err(Error::new("limit_exceeded", "more grants than are burnt at once").at("grants"));
        }
        let (mut grants, mut sorted) = (Vec::new(), Index::default());
        for (at, value) in given.iter().enumerate() {
            let (grant, key) = Grant::read(value, balances).map_err(|e| e.at_index(at).at("grants"))?;
            grants.push(grant);
            if sorted.place(&key) != at {
                return Err(invalid("two grants have the same id").at_index(at).at("grants"));
            }
        }
        if balances.as_object().is_none_or(|balances| balances.len() != grants.len()) {
            return Err(invalid("there is one balance for each grant").at("startBalances"));
        }
        let order = sorted.order();
        let (mut usage, mut sorted) = (Vec::new(), Index::default());
        for (at, entry) in items(case, "usage")?.iter().enumerate() {
            let wrong = |e: Error| e.at_index(at).at("usage");
            let value = entry.get("value").filter(|value| word(value).is_some());
            let value = value.ok_or_else(|| wrong(invalid("usage has a value").at("value")))?;
            if count != Count::Unique {
                signed(value).map_err(|e| wrong(e.at("value")))?;
            }
            let time = time(entry, "at").map_err(wrong)?.seconds;
            usage.push((time, value));
            let mut key = ascending(time).to_vec();
            key.extend_from_slice(&ascending(at as i64));
            sorted.place(&key);
        }
        let usage = sorted.order().into_iter().filter_map(|at| usage.get(at).copied()).collect();
        let overage = number(case, "startOverage", &Ratio::ZERO)?;
        Ok(Self { grants, order, usage, done: 0, count, seen: Index::default(), overage, used: Ratio::ZERO, phases: 0 })
    }

    /// Burns from one time to another, phase by phase: a phase ends where a grant starts, ends or recurs.
    fn run(&mut self, from: i64, to: i64) -> Result<()> {
        self.seen = Index::default();
        while self.usage.get(self.done).is_some_and(|(at, _)| *at < from) {
            self.done += 1;
        }
        let mut at = from;
        loop {
            let mut next = to;
            for grant in &mut self.grants {
                if !grant.is_active(at) {
                    grant.balance = Ratio::ZERO;
                } else if grant.from == at || grant.recurs(at) || self.count == Count::Latest {
                    grant.balance = grant.amount;
                }
                next = next.min(grant.next(at));
            }
            let used = self.used_until(next)?;
            self.used.plus(&used);
            self.overage.plus(&used);
            self.burn(at);
            self.phases += 1;
            if self.phases > GRANT_PHASES_MAX {
                return Err(Error::new("limit_exceeded", "the grants change too often").help("ask for a shorter time"));
            }
            if next >= to {
                return Ok(());
            }
            at = next;
        }
    }

    /// What was used before a time and has not been burnt.
    fn used_until(&mut self, to: i64) -> Result<Ratio> {
        let mut used = Ratio::ZERO;
        let before = self.seen.len();
        while let Some((_, value)) = self.usage.get(self.done).filter(|(at, _)| *at < to) {
            self.done += 1;
            match self.count {
                Count::Sum => used.plus(&signed(value)?.into()),
                Count::Events => used.plus(&Ratio::ONE),
                Count::Latest => used = signed(value)?.into(),
                Count::Unique => {
                    self.seen.place(word(value).unwrap_or_default().as_bytes());
                    used = Decimal::from((self.seen.len() - before) as u64).into();
                }
            }
        }
        Ok(used)
    }

    /// Takes the overage from the grants that are active, in their order.
    fn burn(&mut self, at: i64) {
        for number in &self.order {
            let Some(grant) = self.grants.get_mut(*number) else { continue };
            if grant.is_active(at) && !grant.balance.is_zero() {
                let mut part = grant.balance;
                part.at_most(&self.overage);
                grant.balance.minus(&part);
                self.overage.minus(&part);
            }
        }
    }

    fn reset(&mut self, at: i64, preserve: bool) {
        for grant in &mut self.grants {
            if grant.is_active(at) {
                let [min, max] = &grant.rollover;
                grant.balance.at_least(min);
                grant.balance.at_most(max);
            }
        }
        if !preserve {
            self.overage = Ratio::ZERO;
        }
        self.used = Ratio::ZERO;
        self.burn(at);
    }

    fn to_json(&self) -> Result<String> {
        let mut sum = Ratio::ZERO;
        let mut balances = Writer::object();
        for grant in &self.grants {
            balances.string(grant.id, &grant.balance.text()?);
            sum.plus(&grant.balance);
        }
        let mut w = Writer::object();
        w.raw("balances", &balances.end()).string("balance", &sum.text()?);
        w.string("overage", &self.overage.text()?).string("usageSinceReset", &self.used.text()?);
        Ok(w.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &str = include_str!("../../tests/contract/openmeter-pricing.json");

    fn burnt(case: &str) -> serde_json::Value {
        let got = burn_down(&Value::parse(case).unwrap());
        got.map_or_else(
            |e| serde_json::json!({ "error": e.code, "path": e.path.clone() }),
            |got| serde_json::from_str(&got).unwrap(),
        )
    }

    #[test]
    fn golden_grants() {
        let cases: serde_json::Value = serde_json::from_str(CASES).unwrap();
        let cases = cases["grants"].as_array().unwrap();
        for case in cases {
            assert_eq!(burnt(&case["case"].to_string()), case["expect"], "{}", case["id"]);
        }
        println!("{} grants", cases.len());
        assert_eq!(cases.len(), 19);
    }

    /// Of one grant of 10 over ten days.
    fn left(more: &str, usage: &str) -> String {
        let case = [
            r#"{"start":"2024-01-01T00:00:00Z","until":"2024-01-11T00:00:00Z","startBalances":{"g":"10"},"usage":["#,
            usage,
            r#"],"grants":[{"id":"g","amount":10,"effectiveAt":"2023-12-01T00:00:00Z""#,
            more,
            "}",
        ];
        let got = burnt(&case.concat());
        match got["error"].as_str() {
            Some(code) => [code, " ", got["path"].as_str().unwrap_or_default()].concat(),
            None => ["balance", "overage", "usageSinceReset"].map(|key| got[key].as_str().unwrap()).join(" "),
        }
    }

    #[test]
    fn counts_and_phases() {
        let usage = r#"{"at":"2024-01-02T00:00:00Z","value":"4"},{"at":"2024-01-03T00:00:00Z","value":"4"},
            {"at":"2024-01-04T00:00:00Z","value":"1.5"}"#;
        for (more, want) in [
            ("}]", "0.5 0 9.5"),
            (r#"}],"aggregation":"COUNT""#, "7 0 3"),
            (r#"}],"aggregation":"UNIQUE_COUNT""#, "8 0 2"),
            (r#"}],"aggregation":"LATEST""#, "8.5 0 1.5"),
            (r#"}],"aggregation":"MAX""#, "invalid_grant aggregation"),
            (r#"}],"startOverage":"3""#, "0 2.5 9.5"),
            // Each of two periods by itself, with the second a rest that was kept.
            (r#","maxRollover":"5"}],"resets":["2024-01-03T00:00:00Z"]"#, "0 0.5 5.5"),
            (r#","maxRollover":"9","minRollover":"8"}],"resets":["2024-01-03T00:00:00Z"]"#, "2.5 0 5.5"),
            (r#"}],"resets":["2024-01-03T00:00:00Z"],"aggregation":"UNIQUE_COUNT""#, "0 2 2"),
            (r#","recurrence":{"everySeconds":86400,"anchor":"2030-01-01T00:00:30Z"}}]"#, "10 0 9.5"),
            (r#","recurrence":{"everySeconds":1,"anchor":"2030-01-01T00:00:30Z"}}]"#, "10 0 9.5"),
            (
                r#","recurrence":{"everySeconds":0,"anchor":"2030-01-01T00:00:30Z"}}]"#,
                "invalid_grant grants[0].recurrence.everySeconds",
            ),
            (r#","expiresAt":"2024-01-02T00:00:59Z"}]"#, "0 9.5 9.5"),
            (r#"}],"resets":["2024-01-01T00:00:59Z"]"#, "invalid_grant resets[0]"),
            (r#"}],"resets":["soon"]"#, "time_invalid resets[0]"),
            (r#","amount":"-1"}]"#, "invalid_grant grants[0].amount"),
        ] {
            assert_eq!(left(more, usage), want, "{more}");
        }
    }
}
