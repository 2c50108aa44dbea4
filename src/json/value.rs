//! A small tree for settings, definitions and event data: members in the order they were written, numbers as text.

use std::borrow::Cow;

use super::read::{Kind, Reader};
use super::write::{Writer, push_string};
use crate::error::{Error, Result};

/// A JSON value.
#[derive(Clone, PartialEq, Debug)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The number as it was written
    Number(&'a str),
    /// A string, unescaped
    String(Cow<'a, str>),
    /// An array
    Array(Vec<Value<'a>>),
    /// Members in the order written, duplicates included
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// A name and its value.
type Member<'a> = (Cow<'a, str>, Value<'a>);

impl<'a> Value<'a> {
    /// Reads a whole JSON text.
    pub fn parse(text: &'a str) -> Result<Self> {
        let mut reader = Reader::new(text);
        let value = Self::read(&mut reader)?;
        reader.end()?;
        Ok(value)
    }

    /// Reads the reader's next value.
    pub fn read(r: &mut Reader<'a>) -> Result<Self> {
        Ok(match r.kind()? {
            Kind::Null => {
                r.null()?;
                Self::Null
            }
            Kind::Bool => Self::Bool(r.bool()?),
            Kind::Number => Self::Number(r.number()?),
            Kind::String => Self::String(r.string()?),
            Kind::Array => {
                let mut items = Vec::new();
                r.array(|r| {
                    items.push(Self::read(r)?);
                    Ok(())
                })?;
                Self::Array(items)
            }
            Kind::Object => {
                let mut members = Vec::new();
                r.object(|r, key| {
                    members.push((key, Self::read(r)?));
                    Ok(())
                })?;
                Self::Object(members)
            }
        })
    }

    /// The same value on its own, without the text it was read from. Its numbers are strings, for want of that text.
    pub fn owned(&self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Number(text) => Value::String(Cow::Owned((*text).to_owned())),
            Self::String(text) => Value::String(Cow::Owned(text.as_ref().to_owned())),
            Self::Array(items) => Value::Array(items.iter().map(Value::owned).collect()),
            Self::Object(members) => Value::Object(
                members.iter().map(|(key, value)| (Cow::Owned(key.as_ref().to_owned()), value.owned())).collect(),
            ),
        }
    }

    /// A member of an object; of duplicates the last. `None` for anything but an object.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        match self {
            Self::Object(members) => members.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// A member that is neither absent nor null.
    pub fn present(&self, key: &str) -> Option<&Value<'a>> {
        self.get(key).filter(|v| **v != Self::Null)
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub fn as_object(&self) -> Option<&[Member<'a>]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The members of a member; none if it is absent.
    ///
    /// Error: `invalid_option` for what is no object: a price that is not read must not be a price of 0.
    pub fn members(&self, key: &'static str) -> Result<&[Member<'a>]> {
        let Some(object) = self.present(key) else { return Ok(&[]) };
        object.as_object().ok_or_else(|| Error::new("invalid_option", "an object is needed here").at(key))
    }

    /// The number as an integer from 0 to 2⁶⁴−1, if it is written as one.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Writes it as JSON text; numbers as they were written.
    pub fn to_json(&self) -> String {
        match self {
            Self::Null => String::from("null"),
            Self::Bool(b) => String::from(if *b { "true" } else { "false" }),
            Self::Number(text) => String::from(*text),
            Self::String(text) => {
                let mut out = String::new();
                push_string(&mut out, text);
                out
            }
            Self::Array(items) => {
                let mut w = Writer::array();
                for item in items {
                    w.item(&item.to_json());
                }
                w.end()
            }
            Self::Object(members) => {
                let mut w = Writer::object();
                for (key, value) in members {
                    w.raw(key, &value.to_json());
                }
                w.end()
            }
        }
    }

    /// Refuses members that are not `known`: a misspelt option must not be silently ignored.
    ///
    /// Error: `unknown_option` with the member's name as path, and the known names as help.
    pub fn only(&self, known: &[&str]) -> Result<()> {
        for (key, _) in self.as_object().unwrap_or_default() {
            if !known.contains(&key.as_ref()) {
                return Err(Error::new("unknown_option", "there is no such option")
                    .at(key)
                    .help(["known here: ", &known.join(", ")].concat()));
            }
        }
        Ok(())
    }
}
