//! A question to a meter, and the options around it.

use super::aggregate::Cell;
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
    /// Reads `{now?, dedupe?, numeric?, engine?, customers?, zone?}`, of which `now` is the preview's own. Errors:
    /// `option_invalid`, `unknown_option`.
    pub fn parse(value: &'v Value<'_>) -> Result<Self> {
        if value.as_object().is_none() {
            return Err(Error::new("option_invalid", "options are an object"));
        }
        value.only(&["now", "dedupe", "numeric", "engine", "customers", "zone"])?;
        let mut options = Self::default();
        if let Some(dedupe) = value.present("dedupe") {
            let Value::Bool(dedupe) = dedupe else { return Err(refused("dedupe", "true or false")) };
            options.dedupe = Some(*dedupe);
        }
        if is_second(value, "numeric", ["float", "decimal"], "float or decimal")? {
            options.numeric = Numeric::Decimal;
        }
        if is_second(value, "engine", ["26.7", "25.12"], "25.12 or 26.7")? {
            options.engine = Engine::V25_12;
        }
        if let Some(customers) = value.present("customers") {
            for customer in customers.as_array().ok_or_else(|| refused("customers", CUSTOMER_RULE))? {
                let id = customer.get("id").and_then(Value::as_str);
                let (Some(id), Some(mut subjects)) = (id, strings(customer.present("subjectKeys"))) else {
                    return Err(refused("customers", CUSTOMER_RULE));
                };
                subjects.extend(customer.get("key").and_then(Value::as_str));
                subjects.retain(|text| !text.is_empty());
                options.customers.push(Customer { id, subjects });
            }
        }
        if let Some(zone) = value.present("zone") {
            options.zone = Some(Zone::parse(zone).map_err(|e| e.at("zone"))?);
        }
        Ok(options)
    }
}

const CUSTOMER_RULE: &str = "a list of {id, key?, subjectKeys?}";

#[cold]
#[inline(never)]
fn refused(field: &str, rule: &'static str) -> Error {
    Error::new("option_invalid", rule).at(field)
}

/// Whether an option has the second of two values; the first is the default.
fn is_second(options: &Value<'_>, field: &str, values: [&str; 2], rule: &'static str) -> Result<bool> {
    let Some(value) = options.present(field) else { return Ok(false) };
    match values.iter().position(|known| Some(*known) == value.as_str()) {
        Some(at) => Ok(at == 1),
        None => Err(refused(field, rule)),
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
    /// Whether it is asked in the names of the v3 API, and so answered in its form
    pub v3: bool,
}

#[cold]
#[inline(never)]
fn invalid(field: &str, rule: &'static str) -> Error {
    Error::new("query_invalid", rule).at(field).http(400)
}

/// The strings of a list, none if it is absent. `None` unless it is a list of strings.
fn strings<'v>(value: Option<&'v Value<'_>>) -> Option<Vec<&'v str>> {
    let mut texts = Vec::new();
    if let Some(value) = value {
        for item in value.as_array()? {
            texts.push(item.as_str()?);
        }
    }
    Some(texts)
}

fn texts<'v>(query: &'v Value<'_>, field: &str) -> Result<Vec<&'v str>> {
    strings(query.present(field)).ok_or_else(|| invalid(field, "a list of strings"))
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
    let zone = query.present(ZONE).or(query.present(ZONE_V3));
    zone.and_then(Value::as_str).filter(|name| !matches!(*name, "" | "UTC"))
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
            v3: false,
        })
    }

    /// Whether all of a cell is in the time that it asks about.
    pub fn spans(&self, cell: &Cell) -> bool {
        self.from.is_none_or(|from| from.seconds <= cell.first.into())
            && self.to.is_none_or(|to| i64::from(cell.last) < to.seconds)
    }

    /// Reads and checks a query in the names of OpenMeter's v1 API:
    ///
    /// `{meter, from?, to?, windowSize?, windowTimeZone?, groupBy?, subject?, filterCustomerId?, filterGroupBy?,
    /// advancedMeterGroupByFilters?}`
    ///
    /// or, if there is one of its own, in those of the v3 API:
    ///
    /// `{meter, from?, to?, granularity?, time_zone?, group_by_dimensions?, filters?: {dimensions?}}`
    ///
    /// Errors, the first of these: `meter_not_found` (404), `query_invalid`, `unknown_option` (400),
    /// `customer_not_found` (404), `filter_invalid` (400, 500), `group_key_reserved` (500), `limit_exceeded`.
    pub fn parse(value: &'q Value<'_>, meters: &'q [Meter], options: &'q Options<'q>) -> Result<Self> {
        let slug = value.get("meter").and_then(Value::as_str).ok_or_else(|| invalid("meter", "a meter's slug"))?;
        let Some(meter) = meters.iter().find(|meter| meter.slug == slug) else {
            return Err(Error::new("meter_not_found", "there is no such meter").at("meter").http(404));
        };
        let v3 = V3.iter().skip(3).any(|name| value.get(name).is_some());
        let names: &[_] = if v3 { &V3 } else { &V1 };
        value.only(names).map_err(|e| e.http(400))?;
        let [size_name, zone_name, groups_name] = if v3 { [SIZE_V3, ZONE_V3, GROUPS_V3] } else { [SIZE, ZONE, GROUPS] };
        let mut query = Self::between(value, meter)?;
        query.v3 = v3;
        query.zone = zone(value, zone_name, options)?;
        if let Some(name) = value.present(size_name) {
            query.window = name.as_str().and_then(|name| Size::parse(name, v3));
            if query.window.is_none() {
                return Err(invalid(size_name, "MINUTE, HOUR, DAY or MONTH; in v3 PT1M, PT1H, P1D or P1M"));
            }
        }
        let filters = value.present("filters");
        if let Some(filters) = filters {
            filters.only(&["dimensions"]).map_err(|e| e.at("filters").http(400))?;
        }
        let dimensions = filters.and_then(|filters| filters.present("dimensions"));
        // In v3 the subject and the customer are dimensions.
        let (subjects, wanted) = match dimensions {
            None => (texts(value, SUBJECT)?, texts(value, CUSTOMERS)?),
            Some(dimensions) => (named(dimensions, SUBJECT)?, named(dimensions, CUSTOMER)?),
        };
        query.by_subject = dimensions.unwrap_or(value).present(SUBJECT).is_some();
        query.subjects = subjects;
        for key in &texts(value, groups_name)? {
            query.group_by(meter, key, wanted.is_empty()).map_err(|e| e.at(groups_name))?;
        }
        let mut advanced: &[_] = &[];
        let advanced_name = if v3 { DIMENSIONS } else { ADVANCED };
        for (field, filters) in
            [(SIMPLE, value.present(SIMPLE)), (advanced_name, value.present(ADVANCED).or(dimensions))]
        {
            let Some(filters) = filters else { continue };
            if field == ADVANCED && value.present(SIMPLE).is_some() {
                return Err(invalid(SIMPLE, "one kind of filter at a time"));
            }
            let members = filters.as_object().ok_or_else(|| invalid(field, "an object of group keys and filters"))?;
            if v3 && members.len() > 10 {
                return Err(invalid(field, "at most 10 dimensions"));
            }
            for (key, value) in members {
                if v3 && is_own(key) {
                    continue;
                }
                let dimension = dimension(meter, key, wanted.is_empty()).map_err(|e| e.at(field))?;
                if field == SIMPLE {
                    let mut texts = Vec::new();
                    match value {
                        Value::Null => {}
                        Value::String(text) => texts.push(text.as_ref()),
                        _ => {
                            let Some(list) = strings(Some(value)) else {
                                return Err(invalid(key, "a string or a list of strings").at(SIMPLE));
                            };
                            texts = list;
                        }
                    }
                    if !texts.is_empty() {
                        query.filters.push((dimension, Filter::Test(Operator::In, false, texts)));
                    }
                }
            }
            if field != SIMPLE {
                advanced = members;
            }
        }
        query
            .find_customers(&wanted, &options.customers)
            .map_err(|e| e.at(if v3 { "filters.dimensions.customer_id" } else { CUSTOMERS }))?;
        for (key, value) in advanced {
            if v3 && is_own(key) {
                continue;
            }
            if let Some(filter) = Filter::parse(value).map_err(|e| e.at(key).at(advanced_name))? {
                query.filters.push((dimension(meter, key, false)?, filter));
            }
        }
        for (at, (name, _)) in meter.groups.iter().enumerate() {
            if is_reserved(name) && query.groups.contains(&at) {
                return Err(Error::new("group_key_reserved", "the server's SQL fails with a group of this name")
                    .at(name)
                    .at(groups_name)
                    .help("give the meter's group another key")
                    .http(500));
            }
        }
        Ok(query)
    }

    fn group_by(&mut self, meter: &Meter, key: &str, no_customers: bool) -> Result<()> {
        if key == SUBJECT {
            self.by_subject = true;
        } else if key == CUSTOMER {
            if no_customers {
                return Err(invalid(CUSTOMER, CUSTOMER_ID));
            }
        } else if let Dimension::Group(at) = dimension(meter, key, no_customers)? {
            let place = self.groups.iter().take_while(|other| **other < at).count();
            if self.groups.get(place) != Some(&at) {
                self.groups.insert(place, at);
            }
        }
        Ok(())
    }

    fn find_customers(&mut self, ids: &[&str], known: &'q [Customer<'q>]) -> Result<()> {
        for id in ids {
            if let Some(customer) = known.iter().find(|customer| customer.id == *id) {
                if customer.subjects.is_empty() {
                    return Err(Error::new(
                        "query_invalid",
                        "a customer without key and subject keys cannot be asked for",
                    )
                    .http(400));
                }
                self.customers.push(customer);
            }
        }
        if self.customers.len() < ids.len() {
            return Err(Error::new("customer_not_found", "there is no such customer").http(404));
        }
        Ok(())
    }

    /// The customer that a subject belongs to: the first in the order asked for.
    pub fn customer(&self, subject: &str) -> Option<&'q str> {
        let owner = self.customers.iter().find(|customer| customer.subjects.contains(&subject));
        owner.map(|customer| customer.id)
    }
}

fn zone<'o>(query: &Value<'_>, name: &str, options: &'o Options<'_>) -> Result<&'o Zone> {
    let fail = || invalid(name, "no such time zone").help("an IANA name, like Europe/Berlin");
    if query.present(name).is_some_and(|name| name.as_str().is_none()) {
        return Err(fail());
    }
    match (zone_name(query), &options.zone) {
        (None, _) => Ok(&UTC),
        (Some(name), Some(zone)) if !matches!(name.as_bytes(), [b'+' | b'-', ..]) => Ok(zone),
        // The host hands in no table for a name that it does not know.
        _ => Err(fail()),
    }
}

/// What a key of the meter stands for: the event's own subject and customer take the place of groups of that name.
fn dimension(meter: &Meter, key: &str, no_customers: bool) -> Result<Dimension> {
    match meter.groups.iter().position(|(name, _)| name == key) {
        None => Err(invalid(key, "the meter has no such group")),
        _ if key == SUBJECT => Ok(Dimension::Subject),
        _ if key == CUSTOMER && no_customers => Err(invalid(key, CUSTOMER_ID)),
        _ if key == CUSTOMER => Ok(Dimension::Customer),
        Some(at) => Ok(Dimension::Group(at)),
    }
}

/// The texts that an `eq` or `in` asks for, none if it is absent: of the subject and the customer v3 takes no others.
fn named<'v>(dimensions: &'v Value<'_>, key: &str) -> Result<Vec<&'v str>> {
    let Some(value) = dimensions.present(key) else { return Ok(Vec::new()) };
    match Filter::parse(value) {
        Ok(None) => Ok(Vec::new()),
        Ok(Some(Filter::Test(Operator::In, false, texts))) => Ok(texts),
        Ok(_) => Err(invalid(key, "eq or in")),
        Err(error) => Err(error.at(key)),
    }
    .map_err(|e| e.at(DIMENSIONS))
}

/// Dimensions of an event that are not the meter's.
fn is_own(key: &str) -> bool {
    matches!(key, SUBJECT | CUSTOMER)
}

/// The names in the two versions of the API; the first three are in both.
const V1: [&str; 10] = ["meter", "from", "to", SIZE, ZONE, GROUPS, SUBJECT, CUSTOMERS, SIMPLE, ADVANCED];
const V3: [&str; 7] = ["meter", "from", "to", SIZE_V3, ZONE_V3, GROUPS_V3, "filters"];

const SIZE: &str = "windowSize";
const SIZE_V3: &str = "granularity";
const ZONE: &str = "windowTimeZone";
const ZONE_V3: &str = "time_zone";
const GROUPS: &str = "groupBy";
const GROUPS_V3: &str = "group_by_dimensions";
const DIMENSIONS: &str = "filters.dimensions";
const SUBJECT: &str = "subject";
const CUSTOMER: &str = "customer_id";
const SIMPLE: &str = "filterGroupBy";
const ADVANCED: &str = "advancedMeterGroupByFilters";
const CUSTOMERS: &str = "filterCustomerId";
const CUSTOMER_ID: &str = "customer_id needs filterCustomerId";

/// Keys that pass the checks of a meter and then collide with names of the server's SQL.
pub(super) fn is_reserved(key: &str) -> bool {
    // Of the last five, the case does not matter.
    let names = ["value", "windowstart", "windowend", "null", "true", "false", "nan", "inf"];
    names.iter().enumerate().any(|(at, name)| key == *name || (at > 2 && key.eq_ignore_ascii_case(name)))
}
