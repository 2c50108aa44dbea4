//! How a period will end for customers: the units of each are projected, then priced; money is never scaled.

use super::{Bill, Used, used};
use crate::decimal::{Decimal, Rounding};
use crate::error::Result;
use crate::json::{Value, Writer};
use crate::meter::{Aggregation, Totals};
use crate::price::forecast::{Course, RECENT_DAYS, date, units};
use crate::price::positive;
use crate::ratio::Ratio;
use crate::time::Instant;
use hot::Index;

const DAY_SECONDS: i64 = 86_400;

/// What a customer used of a meter, or of a group of it, and how fast.
struct Stream {
    customer: usize,
    group: Option<Value<'static>>,
    so_far: Ratio,
    rates: [Ratio; 3],
}

/// What a price comes to for all customers.
struct Sum {
    quantity: Ratio,
    amount: Ratio,
    minor: Decimal,
}

/// Projects the bill of a period.
///
/// ```text
/// { subject?, period | from, to, now?, limit?, credits?, balance?: { meter: units } }
///   ─▶ { currency, period, low, mid, high: { total, totalMinor }, lines: [{ meter, low, mid, high, exhausted? }],
///        breach?, exhausted?, flags } | { tooEarly: true, … }
/// ```
///
/// See [`Course::rates`]: the rate of the period so far, and that of the last full days (UTC) within it, at most seven.
/// Of a mean or a smallest value the present one is taken for the last. `breach` is the first day on which the mid
/// projection costs more than `limit`, `exhausted` that on which it has used up the `credits`, an amount of money; of a
/// line, when its `balance` of prepaid units is used up. Errors: `invalid_period`, `time_invalid`, `overflow`.
pub(super) fn project(bill: &Bill, query: &Value, span: &Value, now: i64, totals: &Totals) -> Result<String> {
    let time = |from: &Value, key: &'static str| {
        let text = from.get(key).and_then(Value::as_str).unwrap_or_default();
        Instant::parse(text)
            .map(|time| time.seconds)
            .map_err(|e| e.at(key).help("say which period, e.g. { every: 'month' }"))
    };
    let now = if query.present("now").is_some() { time(query, "now")? } else { now };
    let course = Course::new(time(span, "from")?, time(span, "to")?, now)?;
    let mut w = Writer::object();
    w.string("currency", &bill.currency.code);
    let (from, to) = (date(Some(course.from)), date(Some(course.to)));
    w.raw("period", &["{\"from\":", &from, ",\"to\":", &to, "}"].concat());
    if course.is_too_early() {
        w.raw("tooEarly", "true");
        return Ok(w.end());
    }
    let mut incomplete = false;
    let mut customers = Index::default();
    if let Some(subject) = query.present("subject").and_then(Value::as_str) {
        customers.place(subject.as_bytes());
    }
    let mut streams = Vec::new();
    for (at, groups, _) in &bill.prices {
        let Some(meter) = totals.meters().get(*at) else { continue };
        let so_far = used(query, span, meter, groups, totals, &mut incomplete)?;
        let mut days = Vec::new();
        if matches!(meter.aggregation, Aggregation::Sum | Aggregation::Count) {
            let today = now.div_euclid(DAY_SECONDS);
            for day in today.saturating_sub(RECENT_DAYS)..today {
                let start = day.saturating_mul(DAY_SECONDS);
                if start >= course.from {
                    let text = |seconds| Value::String(Instant { seconds, nanos: 0 }.text().into());
                    let span = Value::Object(vec![
                        ("from".into(), text(start)),
                        ("to".into(), text(start.saturating_add(DAY_SECONDS))),
                    ]);
                    // That a day cuts what was counted for longer is not told: it is a projection.
                    days.push(used(query, &span, meter, groups, totals, &mut false)?);
                }
            }
        }
        streams.push(streams_of(&so_far, &days, meter.aggregation, &course, &mut customers));
    }
    let sums = |pick: &dyn Fn(&Stream) -> Ratio| bill.sums(&streams, customers.count(), pick);
    let mut lines = Vec::new();
    for (at, ..) in &bill.prices {
        let mut w = Writer::object();
        w.string("meter", totals.meters().get(*at).map_or("", |meter| &meter.slug));
        lines.push(w);
    }
    let mut unpriced = false;
    for (at, name) in ["low", "mid", "high"].into_iter().enumerate() {
        let (of_lines, is_unpriced) = sums(&|stream| course.at_end(&stream.so_far, &stream.rate(at)))?;
        unpriced |= is_unpriced;
        let mut all = Sum { quantity: Ratio::ZERO, amount: Ratio::ZERO, minor: Decimal::ZERO };
        for (line, sum) in lines.iter_mut().zip(&of_lines) {
            all.amount.plus(&sum.amount);
            all.minor.plus(&sum.minor, false)?;
            let mut w = Writer::object();
            w.string("quantity", &sum.quantity.text()?).string("amount", &sum.amount.text()?);
            w.string("amountMinor", &sum.minor.text());
            line.raw(name, &w.end());
        }
        let mut of_all = Writer::object();
        of_all.string("total", &all.amount.text()?).string("totalMinor", &all.minor.text());
        w.raw(name, &of_all.end());
    }
    let mut listed = Writer::array();
    let balances = query.get("balance").unwrap_or(&Value::Null);
    for ((mut line, (at, ..)), streams) in lines.into_iter().zip(&bill.prices).zip(&streams) {
        let slug = totals.meters().get(*at).map_or("", |meter| &meter.slug);
        if let Some(balance) = amount(balances, slug).map_err(|e| e.at("balance"))? {
            let mut rate = Ratio::ZERO;
            for stream in streams {
                rate.plus(&stream.rate(1));
            }
            line.raw("exhausted", &date(course.exhausted(&balance, &rate)));
        }
        listed.item(&line.end());
    }
    w.raw("lines", &listed.end());
    for (key, name) in [("limit", "breach"), ("credits", "exhausted")] {
        if let Some(limit) = amount(query, key)? {
            let day = course.first_day(|after| {
                let mut total = Ratio::ZERO;
                for sum in sums(&|stream| units(&stream.so_far, &stream.rate(1), after))?.0 {
                    total.plus(&sum.amount);
                }
                Ok(total.exceeds(&limit))
            })?;
            w.raw(name, &date(day));
        }
    }
    w.raw("flags", if unpriced { "[\"estimated\",\"unpriced\"]" } else { "[\"estimated\"]" });
    if incomplete {
        w.raw("incomplete", "true");
    }
    Ok(w.end())
}

/// A member that is an amount, if it is there.
fn amount(object: &Value, key: &str) -> Result<Option<Ratio>> {
    object.present(key).map(|value| positive(value).map(Ratio::from).map_err(|e| e.at(key))).transpose()
}

fn streams_of(
    so_far: &[Used],
    days: &[Vec<Used>],
    how: Aggregation,
    course: &Course,
    customers: &mut Index,
) -> Vec<Stream> {
    let mut streams = Vec::new();
    for used in so_far {
        let customer = customers.place(used.subject.as_bytes());
        let of_days = |pick: &dyn Fn(&Used) -> Ratio| -> Vec<Ratio> {
            let of = |day: &Vec<Used>| day.iter().find(|of| of.subject == used.subject).map_or(Ratio::ZERO, pick);
            days.iter().map(of).collect()
        };
        let mut stream = |group: Option<&Value<'static>>, so_far: Ratio, days: &[Ratio]| {
            let still = matches!(how, Aggregation::Avg | Aggregation::Min);
            let extreme = !matches!(how, Aggregation::Sum | Aggregation::Count);
            let rates = if still { [Ratio::ZERO; 3] } else { course.rates(&so_far, days, extreme) };
            streams.push(Stream { customer, group: group.cloned(), so_far, rates });
        };
        if used.groups.is_empty() {
            stream(None, used.quantity.into(), &of_days(&|day| day.quantity.into()));
        }
        for item in &used.groups {
            let group = item.get("group");
            let same = |day: &Used| day.groups.iter().find(|of| of.get("group") == group).map_or(Ratio::ZERO, quantity);
            stream(group, quantity(item), &of_days(&same));
        }
    }
    streams
}

/// The quantity of a group.
fn quantity(item: &Value) -> Ratio {
    let text = item.get("quantity").and_then(Value::as_str).unwrap_or_default();
    Decimal::parse(text).map_or(Ratio::LOST, Ratio::from)
}

impl Stream {
    fn rate(&self, at: usize) -> Ratio {
        self.rates.get(at).copied().unwrap_or(Ratio::LOST)
    }
}

impl Bill {
    /// What each price comes to for all customers, with the units that are picked; and whether a group has no price.
    fn sums(
        &self,
        streams: &[Vec<Stream>],
        customers: usize,
        pick: &dyn Fn(&Stream) -> Ratio,
    ) -> Result<(Vec<Sum>, bool)> {
        let (mut sums, mut unpriced) = (Vec::new(), false);
        for ((.., price), streams) in self.prices.iter().zip(streams) {
            let mut sum = Sum { quantity: Ratio::ZERO, amount: Ratio::ZERO, minor: Decimal::ZERO };
            for customer in 0..customers {
                let mut used = Used::nothing();
                for stream in streams.iter().filter(|stream| stream.customer == customer) {
                    let units = pick(stream).round(18, Rounding::HalfEven)?;
                    used.quantity.plus(&units, false)?;
                    used.groups.push(Value::Object(vec![
                        ("group".into(), stream.group.clone().unwrap_or(Value::Null)),
                        ("quantity".into(), Value::String(units.text().into())),
                    ]));
                }
                sum.quantity.plus(&used.quantity.into());
                let line = price.rate(&used.usage(price), &self.currency)?;
                unpriced |= line.unpriced;
                sum.amount.plus(&line.amount);
                sum.minor.plus(&line.minor, false)?;
            }
            sums.push(sum);
        }
        Ok((sums, unpriced))
    }
}
