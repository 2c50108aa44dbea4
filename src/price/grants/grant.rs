//! One grant: what it is, and when something happens to it.

use super::{MINUTE, invalid};
use crate::error::{Error, Result};
use crate::json::Value;
use crate::price::period::{EVERY, around};
use crate::price::read::signed;
use crate::ratio::Ratio;
use crate::time::Instant;

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
/// Counted from an anchor: every so many seconds, or every period of the calendar.
enum Recurrence {
    Seconds(i64, i64),
    Calendar(usize, i64),
}

/// Prepaid units, or money.
pub(super) struct Grant<'v> {
    pub(super) id: &'v str,
    pub(super) amount: Ratio,
    pub(super) from: i64,
    to: i64,
    recurrence: Option<Recurrence>,
    pub(super) rollover: [Ratio; 2],
    pub(super) balance: Ratio,
}

pub(super) fn time(object: &Value, key: &'static str) -> Result<Instant> {
    Instant::parse(object.get(key).and_then(Value::as_str).unwrap_or_default()).map_err(|e| e.at(key))
}

/// The full minute at or before a second; of a time that may be left out.
fn change(object: &Value, key: &'static str, default: i64) -> Result<i64> {
    if object.present(key).is_none() { Ok(default) } else { Ok(minute(time(object, key)?.seconds)) }
}

pub(super) fn minute(seconds: i64) -> i64 {
    seconds.saturating_sub(seconds.rem_euclid(MINUTE))
}

pub(super) fn number(object: &Value, key: &str, default: &Ratio) -> Result<Ratio> {
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
    pub(super) fn read(value: &'v Value<'v>, balances: &Value) -> Result<(Self, Vec<u8>)> {
        value.only(&GRANT)?;
        let id = value.get("id").and_then(Value::as_str).ok_or_else(|| invalid("a grant has an id").at("id"))?;
        let expires = change(value, "expiresAt", NEVER)?;
        let to = expires.min(change(value, "voidedAt", NEVER)?).min(change(value, "deletedAt", NEVER)?);
        let recurrence = match value.present("recurrence") {
            None => None,
            Some(recurrence) => {
                let wrong = |e: Error| e.at("recurrence");
                recurrence.only(&["everySeconds", "every", "anchor"]).map_err(wrong)?;
                let anchor = time(recurrence, "anchor").map_err(wrong)?.seconds;
                if let Some(every) = recurrence.present("every") {
                    let kind = EVERY.iter().position(|kind| every.as_str() == Some(kind));
                    let kind = kind.ok_or_else(|| wrong(invalid("a month, year, week or day").at("every")))?;
                    Some(Recurrence::Calendar(kind, anchor))
                } else {
                    let every = whole(recurrence, "everySeconds", 0).map_err(wrong)?;
                    if every <= 0 {
                        return Err(wrong(invalid("seconds, at least 1").at("everySeconds")));
                    }
                    Some(Recurrence::Seconds(every, anchor))
                }
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

    pub(super) fn is_active(&self, at: i64) -> bool {
        self.from <= at && at < self.to
    }

    /// The first minute at or after `at` in which it recurs.
    fn recurrence_from(&self, at: i64) -> Option<i64> {
        let recurrence = self.recurrence.as_ref()?;
        let at = minute(at.saturating_add(MINUTE.saturating_sub(1))).max(self.from);
        Some(minute(match recurrence {
            Recurrence::Seconds(every, anchor) => {
                let past = at.saturating_sub(*anchor).rem_euclid(*every);
                at.saturating_add(if past == 0 { 0 } else { every.saturating_sub(past) })
            }
            Recurrence::Calendar(kind, anchor) => {
                let (from, to) = around(*anchor, *kind, at);
                if from == at { at } else { to }
            }
        }))
    }

    pub(super) fn recurs(&self, at: i64) -> bool {
        self.recurrence_from(at) == Some(at)
    }

    /// When something happens to it after `at`.
    pub(super) fn next(&self, at: i64) -> i64 {
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
pub(super) fn ascending(n: i64) -> [u8; 8] {
    (n ^ i64::MIN).to_be_bytes()
}
