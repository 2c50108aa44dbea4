//! Grants and what is left of them: prepaid units that usage burns down, as OpenMeter's entitlements do.

mod grant;

use super::explain::amount_of;
use super::read::{choice, flag, signed, word};
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::json::{Value, Writer};
use crate::limits::{GRANT_PHASES_MAX, GRANTS_MAX};
use crate::ratio::Ratio;
use crate::time::Instant;
use grant::{Grant, ascending, minute, number, time};
use hot::Index;

const MINUTE: i64 = 60;

static CASE: [&str; 11] = [
    "start",
    "until",
    "startBalances",
    "startOverage",
    "aggregation",
    "resets",
    "preserveOverage",
    "overage",
    "price",
    "grants",
    "usage",
];
/// What becomes of overage at a reset; the first is OpenMeter's own way.
static POLICIES: [&str; 5] = ["", "forgive", "invoice", "carry_deficit", "carry_deficit_auto_repay"];
const INVOICE: usize = 2;
const CARRY: usize = 3;
const REPAY: usize = 4;

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
    /// Overage that no grant will pay for any more, by the policy
    due: Ratio,
    /// Which of [`POLICIES`] holds
    policy: usize,
    /// By which usage becomes money
    price: Option<&'v Value<'v>>,
    invoiced: Writer,
    used: Ratio,
    phases: usize,
    /// Since when nothing is left, if it is so
    exhausted: Option<i64>,
}

/// Burns grants down by usage and says what is left.
///
/// ```text
/// { start, until, grants: [{ id, amount, priority?, effectiveAt, expiresAt?, voidedAt?, deletedAt?, createdAt?,
///     recurrence?: { everySeconds | every: 'month'|'year'|'week'|'day', anchor }, maxRollover?, minRollover? }],
///   startBalances: { id: amount }, startOverage?, usage: [{ at, value }], aggregation?: 'SUM'|'COUNT'|'LATEST'|'UNIQUE_COUNT',
///   resets?: [time], preserveOverage?, overage?: policy, price? }
///   ─▶ { balances: { id: amount }, balance, overage, usageSinceReset, invoiced?: [{ at, amount }], exhausted }
/// ```
///
/// A grant holds from `effectiveAt` until the first of its ends; it is full when it starts and at each recurrence. The
/// lower priority burns first, then what expires, what was created earlier, then by id. At a reset
/// `min(maxRollover, max(minRollover, balance))` stays, which is nothing unless set. Grants change at full minutes.
///
/// With a `price` the grants are money: each usage takes what it adds to the amount since the last reset. `overage` says
/// what becomes of usage that no grant paid for, in the words of Dodo's credits: at a reset it is forgotten (`forgive`) or
/// `invoiced` (`invoice`), or it stays, and is paid by no grant (`carry_deficit`) or by the next ones
/// (`carry_deficit_auto_repay`). Without it grants that come within a period pay for it, and a reset forgets it unless
/// `preserveOverage` is set, as OpenMeter does.
///
/// `exhausted` is since when nothing is left: the time of the usage that took the last, or when the last grant ended; null
/// while there is something.
///
/// Errors: `invalid_grant`, `invalid_price`, `time_invalid`, `limit_exceeded`, `overflow`.
pub fn burn_down(case: &Value) -> Result<String> {
    case.only(&CASE)?;
    let start = time(case, "start")?.seconds;
    let until = time(case, "until")?;
    let until = minute(until.seconds.saturating_add(if until.nanos > 0 { MINUTE } else { MINUTE.saturating_sub(1) }));
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
    let preserve = flag(case, "preserveOverage", false)? || account.policy == REPAY;
    let mut from = start;
    for (at, reset) in items(case, "resets")?.iter().enumerate() {
        let wrong = |e: Error| e.at_index(at).at("resets");
        let reset = minute(Instant::parse(reset.as_str().unwrap_or_default()).map_err(wrong)?.seconds);
        if reset <= from || reset > until {
            return Err(wrong(invalid("resets ascend, after start and not after until")));
        }
        account.run(from, reset)?;
        account.reset(reset, preserve)?;
        from = reset;
    }
    account.run(from, until)?;
    // What recurs at the end still does, unless the end is where it began anew.
    for grant in &mut account.grants {
        if from < until && grant.is_active(until) && grant.recurs(until) {
            grant.balance = grant.amount;
        }
    }
    account.burn(until);
    account.into_json()
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
        let policy = choice(case, "overage", &POLICIES).map_err(|mut e| {
            e.code = "invalid_grant";
            e
        })?;
        if policy > 0 && case.present("preserveOverage").is_some() {
            return Err(invalid("the policy says it already").at("preserveOverage"));
        }
        let price = case.present("price");
        if let Some(price) = price {
            super::check(price).map_err(|e| e.at("price"))?;
        }
        let (mut overage, mut due) = (number(case, "startOverage", &Ratio::ZERO)?, Ratio::ZERO);
        if policy > 0 && policy < REPAY {
            std::mem::swap(&mut overage, &mut due);
        }
        let (seen, invoiced, used) = (Index::default(), Writer::array(), Ratio::ZERO);
        Ok(Self {
            grants,
            order,
            usage,
            done: 0,
            count,
            seen,
            overage,
            due,
            policy,
            price,
            invoiced,
            used,
            phases: 0,
            exhausted: None,
        })
    }

    /// Burns from one time to another, phase by phase: a phase ends where a grant starts, ends or recurs.
    fn run(&mut self, from: i64, to: i64) -> Result<()> {
        self.seen = Index::default();
        while self.usage.get(self.done).is_some_and(|(at, _)| *at < from) {
            self.done = self.done.saturating_add(1);
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
            let mut available = self.left();
            available.minus(&self.overage);
            let (used, last) = self.used_until(next, &available)?;
            if available.is_positive() {
                self.exhausted = last;
            } else {
                self.exhausted.get_or_insert(at);
            }
            self.overage.plus(&used);
            self.burn(at);
            self.phases = self.phases.saturating_add(1);
            if self.phases > GRANT_PHASES_MAX {
                return Err(Error::new("limit_exceeded", "the grants change too often").help("ask for a shorter time"));
            }
            if next >= to {
                return Ok(());
            }
            at = next;
        }
    }

    /// What is left of all grants.
    fn left(&self) -> Ratio {
        let mut left = Ratio::ZERO;
        for grant in &self.grants {
            left.plus(&grant.balance);
        }
        left
    }

    /// What is to be burnt of what was used before a time and has not been burnt, and when it took the last of what is
    /// `available`.
    fn used_until(&mut self, to: i64, available: &Ratio) -> Result<(Ratio, Option<i64>)> {
        let (mut used, mut burnt) = (Ratio::ZERO, Ratio::ZERO);
        let (seen, before) = (self.seen.count(), self.used);
        let spent = self.price.map_or(Ok(Ratio::ZERO), |price| amount_of(price, &before))?;
        let mut last = None;
        while let Some((at, value)) = self.usage.get(self.done).filter(|(at, _)| *at < to) {
            self.done = self.done.saturating_add(1);
            match self.count {
                Count::Sum => used.plus(&signed(value)?.into()),
                Count::Events => used.plus(&Ratio::ONE),
                Count::Latest => used = signed(value)?.into(),
                Count::Unique => {
                    self.seen.place(word(value).unwrap_or_default().as_bytes());
                    used = Decimal::from(self.seen.count().saturating_sub(seen) as u64).into();
                }
            }
            burnt = used;
            if let Some(price) = self.price {
                self.used = before;
                self.used.plus(&used);
                burnt = amount_of(price, &self.used)?;
                burnt.minus(&spent);
            }
            last = if available.exceeds(&burnt) { None } else { last.or(Some(*at)) };
        }
        self.used = before;
        self.used.plus(&used);
        Ok((burnt, last))
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
        if self.policy > 0 && self.policy < REPAY {
            self.due.plus(&self.overage);
            self.overage = Ratio::ZERO;
        }
    }

    fn reset(&mut self, at: i64, preserve: bool) -> Result<()> {
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
        if self.policy == INVOICE && self.due.is_positive() {
            let mut w = Writer::object();
            w.string("at", &Instant { seconds: at, nanos: 0 }.text()).string("amount", &self.due.text()?);
            self.invoiced.item(&w.end());
        }
        if self.policy != CARRY {
            self.due = Ratio::ZERO;
        }
        self.used = Ratio::ZERO;
        self.burn(at);
        Ok(())
    }

    fn into_json(mut self) -> Result<String> {
        let sum = self.left();
        let mut balances = Writer::object();
        for grant in &self.grants {
            balances.string(grant.id, &grant.balance.text()?);
        }
        let mut w = Writer::object();
        w.raw("balances", &balances.end()).string("balance", &sum.text()?);
        self.overage.plus(&self.due);
        w.string("overage", &self.overage.text()?).string("usageSinceReset", &self.used.text()?);
        if self.policy == INVOICE {
            w.raw("invoiced", &self.invoiced.end());
        }
        match self.exhausted.filter(|_| sum.is_zero()) {
            Some(seconds) => w.string("exhausted", &Instant { seconds, nanos: 0 }.text()),
            None => w.raw("exhausted", "null"),
        };
        Ok(w.end())
    }
}

#[cfg(test)]
mod tests;
