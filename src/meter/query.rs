//! A question to a meter, and the options around it.

use std::borrow::Cow;

use super::definition::Meter;
use super::filter::{Filter, Operator};
use super::value::{Engine, Numeric};
use super::window::{Size, UTC, Zone};
use crate::error::{Error, Result};
use crate::json::Value;
use crate::time::Instant;

/// A customer: the subjects that count as his.
pub struct Customer<'v> {
    id: &'v str,
    subjects: Vec<&'v str>,
}

/// What the answer depends on besides events, meters and query.
#[derive(Default)]
pub struct Options<'v> {
    /// The time of events that carry none
    pub now: Option<Instant>,
    /// Count each source and id once: true unless said otherwise
    pub dedupe: Option<bool>,
    /// How the server adds
    pub numeric: Numeric,
    /// The engine behind the server
    pub engine: Engine,
    /// The customers that a query may name
    pub customers: Vec<Customer<'v>>,
    /// The rules of the query's `windowTimeZone`
    pub zone: Option<Zone>,
}

impl<'v> Options<'v> {
    /// Reads `{now?, dedupe?, numeric?, engine?, customers?, zone?}`. Errors: `option_invalid`, `unknown_option`.
    pub fn parse(value: &'v Value<'_>) -> Result<Self> {
        let fail = |field: &str, rule: &'static str| Error::new("option_invalid", rule).at(field);
        if value.as_object().is_none() {
            return Err(Error::new("option_invalid", "options are an object"));
        }
        value.only(&["now", "dedupe", "numeric", "engine", "customers", "zone"])?;
        let mut options = Self::default();
        if let Some(now) = value.present("now") {
            options.now = Some(Instant::parse(now.as_str().unwrap_or_default()).map_err(|e| e.at("now"))?);
        }
        match value.present("dedupe") {
            None => {}
            Some(Value::Bool(dedupe)) => options.dedupe = Some(*dedupe),
            Some(_) => return Err(fail("dedupe", "true or false")),
        }
        match value.present("numeric").map(Value::as_str) {
            None | Some(Some("float")) => {}
            Some(Some("decimal")) => options.numeric = Numeric::Decimal,
            Some(_) => return Err(fail("numeric", "float or decimal")),
        }
        match value.present("engine").map(Value::as_str) {
            None | Some(Some("26.7")) => {}
            Some(Some("25.12")) => options.engine = Engine::V25_12,
            Some(_) => return Err(fail("engine", "25.12 or 26.7")),
        }
        for customer in list(value.present("customers")).map_err(|()| fail("customers", "a list of customers"))? {
            let subjects = strings(customer.present("subjectKeys"));
            let key = customer.get("key").and_then(Value::as_str);
            let (Some(id), Ok(subjects)) = (customer.get("id").and_then(Value::as_str), subjects) else {
                return Err(fail("customers", "a customer is {id, key?, subjectKeys?}"));
            };
            let mut customer = Customer { id, subjects };
            customer.subjects.extend(key);
            customer.subjects.retain(|text| !text.is_empty());
            options.customers.push(customer);
        }
        options.zone = value.present("zone").map(Zone::parse).transpose().map_err(|e| e.at("zone"))?;
        Ok(options)
    }
}

/// What a filter looks at, or a row is grouped by.
pub enum Dimension {
    /// The event's subject
    Subject,
    /// The customer that the subject belongs to
    Customer,
    /// The meter's group with this index
    Group(usize),
}

/// A checked query.
pub struct Query<'q> {
    /// Whom it asks
    pub meter: &'q Meter,
    /// Inclusive
    pub from: Option<Instant>,
    /// Exclusive
    pub to: Option<Instant>,
    /// The window's size and name
    pub window: Option<(Size, &'static str)>,
    /// The zone of the windows
    pub zone: &'q Zone,
    /// Subjects to select; empty for all
    pub subjects: Vec<&'q str>,
    /// Customers to select, in the order asked for; empty for all
    pub customers: Vec<&'q Customer<'q>>,
    /// Whether rows are per subject
    pub by_subject: bool,
    /// Indexes of the meter's groups that rows are per, ascending
    pub groups: Vec<usize>,
    /// All of them must match
    pub filters: Vec<(Dimension, Filter<'q>)>,
}

#[cold]
#[inline(never)]
fn invalid(field: &str, rule: &'static str) -> Error {
    Error::new("query_invalid", rule).at(field).http(400)
}

/// The elements; none if absent.
fn list<'v, 'a>(value: Option<&'v Value<'a>>) -> std::result::Result<&'v [Value<'a>], ()> {
    value.map_or(Ok(&[]), |value| value.as_array().ok_or(()))
}

fn strings<'v>(value: Option<&'v Value<'_>>) -> std::result::Result<Vec<&'v str>, ()> {
    let mut texts = Vec::new();
    for item in list(value)? {
        texts.push(item.as_str().ok_or(())?);
    }
    Ok(texts)
}

fn texts<'v>(query: &'v Value<'_>, field: &str) -> Result<Vec<&'v str>> {
    strings(query.present(field)).map_err(|()| invalid(field, "a list of strings"))
}

fn time(query: &Value<'_>, field: &str) -> Result<Option<Instant>> {
    let Some(time) = query.present(field) else { return Ok(None) };
    match Instant::parse(time.as_str().unwrap_or_default()) {
        Ok(time) => Ok(Some(time)),
        Err(_) => Err(invalid(field, "not an RFC 3339 time").help("write it like 2026-11-21T02:00:00Z")),
    }
}

/// The zone that a query needs a table for: none without a name, or for UTC.
pub fn zone_name<'v>(query: &'v Value<'_>) -> Option<&'v str> {
    query.present("windowTimeZone").and_then(Value::as_str).filter(|name| !matches!(*name, "" | "UTC"))
}

impl<'q> Query<'q> {
    /// All that a meter has seen in the time that `{from?, to?}` says. Error: `query_invalid`.
    pub fn between(value: &'q Value<'_>, meter: &'q Meter) -> Result<Self> {
        let (from, to) = (time(value, "from")?, time(value, "to")?);
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(invalid("from", "from must be before to"));
        }
        Ok(Self {
            meter,
            from,
            to,
            window: None,
            zone: &UTC,
            subjects: Vec::new(),
            customers: Vec::new(),
            by_subject: false,
            groups: Vec::new(),
            filters: Vec::new(),
        })
    }

    /// Reads and checks a query in the spelling of OpenMeter's v1 API.
    ///
    /// Errors, the first of these: `meter_not_found` (404), `query_invalid`, `unknown_option` (400),
    /// `customer_not_found` (404), `filter_invalid` (400, 500), `group_key_reserved` (500), `limit_exceeded`.
    pub fn parse(value: &'q Value<'_>, meters: &'q [Meter], options: &'q Options<'q>) -> Result<Self> {
        let slug = value.get("meter").and_then(Value::as_str).ok_or_else(|| invalid("meter", "a meter's slug"))?;
        let Some(meter) = meters.iter().find(|meter| meter.slug == slug) else {
            return Err(Error::new("meter_not_found", "there is no such meter").at("meter").http(404));
        };
        value
            .only(&[
                "meter",
                "from",
                "to",
                "windowSize",
                "windowTimeZone",
                "subject",
                CUSTOMERS,
                "groupBy",
                SIMPLE,
                ADVANCED,
            ])
            .map_err(|e| e.http(400))?;
        let mut query = Self::between(value, meter)?;
        query.zone = zone(value, options)?;
        query.subjects = texts(value, "subject")?;
        query.by_subject = value.present("subject").is_some();
        if let Some(name) = value.present("windowSize") {
            query.window = name.as_str().and_then(Size::parse);
            if query.window.is_none() {
                return Err(invalid("windowSize", "MINUTE, HOUR, DAY or MONTH"));
            }
        }
        let wanted = texts(value, CUSTOMERS)?;
        for key in texts(value, "groupBy")? {
            query.group_by(meter, key, wanted.is_empty())?;
        }
        let simple = filter_keys(value, SIMPLE, meter, wanted.is_empty())?;
        let advanced = filter_keys(value, ADVANCED, meter, wanted.is_empty())?;
        if simple.is_some() && advanced.is_some() {
            return Err(invalid(SIMPLE, "one kind of filter at a time"));
        }
        for (key, value) in simple.unwrap_or_default() {
            query.filter_simply(meter, key, value)?;
        }
        query.find_customers(&wanted, &options.customers)?;
        for (key, value) in advanced.unwrap_or_default() {
            let filter = Filter::parse(value).map_err(|e| e.at(key).at(ADVANCED))?;
            if let (Some(dimension), Some(filter)) = (dimension(meter, key), filter) {
                query.filters.push((dimension, filter));
            }
        }
        let names = query.groups.iter().filter_map(|at| meter.groups.get(*at));
        match names.map(|(name, _)| name).find(|name| is_reserved(name)) {
            Some(name) => Err(Error::new("group_key_reserved", "the server's SQL fails with a group of this name")
                .at(name)
                .at("groupBy")
                .help("give the meter's group another key")
                .http(500)),
            None => Ok(query),
        }
    }

    fn group_by(&mut self, meter: &Meter, key: &str, no_customers: bool) -> Result<()> {
        match dimension(meter, key) {
            _ if key == "subject" => self.by_subject = true,
            _ if key == "customer_id" => {
                if no_customers {
                    return Err(invalid("groupBy", CUSTOMER_ID));
                }
            }
            Some(Dimension::Group(at)) => {
                let place = self.groups.iter().take_while(|other| **other < at).count();
                if self.groups.get(place) != Some(&at) {
                    self.groups.insert(place, at);
                }
            }
            _ => return Err(invalid(key, NO_GROUP).at("groupBy")),
        }
        Ok(())
    }

    fn filter_simply(&mut self, meter: &Meter, key: &str, value: &'q Value<'_>) -> Result<()> {
        let mut texts = Vec::new();
        match value {
            Value::Null => {}
            Value::String(text) => texts.push(text.as_ref()),
            _ => {
                texts = strings(Some(value)).map_err(|()| invalid(key, "a string or a list of strings").at(SIMPLE))?;
            }
        }
        if let Some(dimension) = dimension(meter, key)
            && !texts.is_empty()
        {
            self.filters.push((dimension, Filter::Test(Operator::In, false, texts)));
        }
        Ok(())
    }

    fn find_customers(&mut self, ids: &[&str], known: &'q [Customer<'q>]) -> Result<()> {
        for id in ids {
            if let Some(customer) = known.iter().find(|customer| customer.id == *id) {
                if customer.subjects.is_empty() {
                    return Err(invalid(CUSTOMERS, "a customer without key and subject keys cannot be asked for"));
                }
                self.customers.push(customer);
            }
        }
        if self.customers.len() < ids.len() {
            return Err(Error::new("customer_not_found", "there is no such customer").at(CUSTOMERS).http(404));
        }
        Ok(())
    }

    /// The customer that a subject belongs to: the first in the order asked for.
    pub fn customer(&self, subject: &str) -> Option<&'q str> {
        let owner = self.customers.iter().find(|customer| customer.subjects.contains(&subject));
        owner.map(|customer| customer.id)
    }
}

fn zone<'o>(query: &Value<'_>, options: &'o Options<'_>) -> Result<&'o Zone> {
    let fail = || invalid("windowTimeZone", "no such time zone").help("an IANA name, like Europe/Berlin");
    if query.present("windowTimeZone").is_some_and(|name| name.as_str().is_none()) {
        return Err(fail());
    }
    match (zone_name(query), &options.zone) {
        (None, _) => Ok(&UTC),
        (Some(name), Some(zone)) if !name.starts_with(['+', '-']) => Ok(zone),
        // The host hands in no table for a name that it does not know.
        _ => Err(fail()),
    }
}

/// What a key of the meter stands for: the event's own subject and customer take the place of groups of that name.
fn dimension(meter: &Meter, key: &str) -> Option<Dimension> {
    let at = meter.groups.iter().position(|(name, _)| name == key)?;
    Some(match key {
        "subject" => Dimension::Subject,
        "customer_id" => Dimension::Customer,
        _ => Dimension::Group(at),
    })
}

type Members<'a> = [(Cow<'a, str>, Value<'a>)];

/// The members of a filter object, their keys checked.
fn filter_keys<'v, 'a>(
    query: &'v Value<'a>,
    field: &'static str,
    meter: &Meter,
    no_customers: bool,
) -> Result<Option<&'v Members<'a>>> {
    let Some(value) = query.present(field) else { return Ok(None) };
    let members = value.as_object().ok_or_else(|| invalid(field, "an object of group keys and filters"))?;
    for (key, _) in members {
        match dimension(meter, key) {
            Some(Dimension::Customer) if no_customers => return Err(invalid(key, CUSTOMER_ID).at(field)),
            Some(_) => {}
            None => return Err(invalid(key, NO_GROUP).at(field)),
        }
    }
    Ok(Some(members))
}

const SIMPLE: &str = "filterGroupBy";
const ADVANCED: &str = "advancedMeterGroupByFilters";
const CUSTOMERS: &str = "filterCustomerId";
const CUSTOMER_ID: &str = "customer_id needs filterCustomerId";
const NO_GROUP: &str = "the meter has no such group";

/// Keys that pass the checks of a meter and then collide with names of the server's SQL.
fn is_reserved(key: &str) -> bool {
    ["value", "windowstart", "windowend"].contains(&key)
        || ["null", "true", "false", "nan", "inf"].iter().any(|word| key.eq_ignore_ascii_case(word))
}
