//! A JSON value of an event as jsonpath-rust sees it.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use jsonpath_rust::query::queryable::Queryable;

use crate::error::{Error, Result};
use crate::float;
use crate::json::{Kind, Reader};
use crate::limits::RFC9535_STEPS_MAX;
use hot::Index;

thread_local! {
    /// How many more steps the path under way may take.
    pub static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// Whether there are so many steps left. They are gone for good once there are not.
fn spend(steps: usize) -> bool {
    let left = STEPS.get().saturating_sub(steps);
    STEPS.set(left);
    left > 0
}

/// 2⁴⁰⁰: exact as a factor of whatever is not beyond 10¹⁸⁷.
const SCALE: f64 = f64::from_bits((1023 + 400) << 52);

/// A JSON value of an event, which counts the steps that are taken on it: out of steps it is empty.
#[derive(Clone)]
pub struct Node<'d> {
    /// What it takes to name a node in it: one, and one for each 32 bytes of its path.
    cost: usize,
    pub value: Item<'d>,
}

#[derive(Clone)]
pub enum Item<'d> {
    Null,
    Bool(bool),
    /// As it was written, and as float64
    Number(&'d str, f64),
    String(Cow<'d, str>),
    Array(Vec<Node<'d>>),
    /// Each key once: of duplicates the last
    Object(Vec<(Cow<'d, str>, Node<'d>)>),
}

impl<'d> Node<'d> {
    /// Reads an event's data; without any there is an empty object. `None` if it has too many values.
    pub fn read(data: Option<&'d str>) -> Option<Self> {
        let mut left = RFC9535_STEPS_MAX;
        let node = data.map(|data| Self::next(&mut Reader::new(data), 1, &mut left));
        node.unwrap_or(Ok(Item::Null.into())).ok()
    }

    fn next(r: &mut Reader<'d>, path: usize, left: &mut usize) -> Result<Self> {
        *left = left.checked_sub(1).ok_or_else(|| Error::new("limit_exceeded", ""))?;
        let value = match r.kind()? {
            Kind::Null => {
                r.null()?;
                Item::Null
            }
            Kind::Bool => Item::Bool(r.bool()?),
            Kind::Number => {
                let text = r.number()?;
                Item::Number(text, float::parse(text).unwrap_or_default())
            }
            Kind::String => Item::String(r.string()?),
            Kind::Array => {
                let mut items = Vec::new();
                r.array(|r| {
                    items.push(Self::next(r, path + 4, left)?);
                    Ok(())
                })?;
                Item::Array(items)
            }
            Kind::Object => {
                let (mut members, mut keys) = (Vec::new(), Index::default());
                r.object(|r, key| {
                    let at = keys.place(key.as_bytes());
                    let node = Self::next(r, path + key.len() + 4, left)?;
                    match members.get_mut(at) {
                        Some(member) => *member = (key, node),
                        None => members.push((key, node)),
                    }
                    Ok(())
                })?;
                Item::Object(members)
            }
        };
        Ok(Self { cost: 1 + path / 32, value })
    }

    /// Pays for that many names of nodes in it.
    fn pay(&self, nodes: usize) -> Option<()> {
        spend(self.cost.saturating_mul(nodes + 1)).then_some(())
    }
}

impl Queryable for Node<'_> {
    fn get(&self, key: &str) -> Option<&Self> {
        let Item::Object(members) = &self.value else { return None };
        self.pay(1 + members.len() / 16)?;
        members.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    fn as_array(&self) -> Option<&Vec<Self>> {
        let Item::Array(items) = &self.value else { return None };
        self.pay(items.len())?;
        Some(items)
    }

    fn as_object(&self) -> Option<Vec<(&str, &Self)>> {
        let Item::Object(members) = &self.value else { return None };
        self.pay(members.len())?;
        // The names of the members are not in the path of the object.
        spend(members.iter().map(|(key, _)| key.len() / 32).sum::<usize>()).then_some(())?;
        Some(members.iter().map(|(key, node)| (key.as_ref(), node)).collect())
    }

    fn as_str(&self) -> Option<&str> {
        let Item::String(text) = &self.value else { return None };
        spend(1 + text.len() / 256).then_some(text)
    }

    fn as_i64(&self) -> Option<i64> {
        None
    }

    fn as_f64(&self) -> Option<f64> {
        let Item::Number(_, x) = self.value else { return None };
        // Comparisons take for equal what differs by less than 2⁻⁵²: out of scale, that is less than anything.
        spend(1).then_some(x * SCALE)
    }

    fn as_bool(&self) -> Option<bool> {
        if let Item::Bool(value) = self.value { Some(value) } else { None }
    }

    fn null() -> Self {
        Item::Null.into()
    }
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        spend(1)
            && match (&self.value, &other.value) {
                (Item::Null, Item::Null) => true,
                (Item::Bool(a), Item::Bool(b)) => a == b,
                (Item::Number(_, a), Item::Number(_, b)) => a == b,
                (Item::String(a), Item::String(b)) => spend(a.len() / 256) && a == b,
                (Item::Array(a), Item::Array(b)) => a == b,
                (Item::Object(a), Item::Object(b)) => {
                    a.len() == b.len() && a.iter().all(|(key, value)| other.get(key) == Some(value))
                }
                _ => false,
            }
    }
}

impl Default for Node<'_> {
    fn default() -> Self {
        Self::null()
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
}

impl<'d> From<Item<'d>> for Node<'d> {
    fn from(value: Item<'d>) -> Self {
        Self { cost: 1, value }
    }
}

impl From<&str> for Node<'_> {
    fn from(text: &str) -> Self {
        String::from(text).into()
    }
}

impl From<String> for Node<'_> {
    fn from(text: String) -> Self {
        Item::String(Cow::Owned(text)).into()
    }
}

impl From<bool> for Node<'_> {
    fn from(value: bool) -> Self {
        Item::Bool(value).into()
    }
}

impl From<i64> for Node<'_> {
    fn from(number: i64) -> Self {
        (number as f64).into()
    }
}

impl From<f64> for Node<'_> {
    fn from(number: f64) -> Self {
        Item::Number("", number).into()
    }
}

impl From<Vec<Self>> for Node<'_> {
    fn from(items: Vec<Self>) -> Self {
        Item::Array(items).into()
    }
}
