//! What a vendor takes as an event's data: checked, never cut, and written with the digits it came with.

use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::json::{Kind, Reader, push_string};

/// What a vendor takes as an event's data.
pub(super) struct Rules {
    /// Members.
    pub members_max: usize,
    /// Characters of a member's name.
    pub key_chars_max: usize,
    /// Characters of a value: of a string, or of what is written in place of another one.
    pub value_chars_max: usize,
    /// Whether a string may be empty, and a name.
    pub takes_empty: bool,
    /// Whether a member may be `null`, an object or an array.
    pub takes_all: bool,
    /// Members that may be objects all the same.
    pub objects: &'static [&'static str],
    /// Whether numbers and booleans are written as strings.
    pub as_strings: bool,
    /// Whether an event has to have data: `{}` if need be.
    pub is_required: bool,
    /// Whether a quantity is one of the members, which the vendor wants to be called so; if it is not, and settings name
    /// none, there is none.
    pub quantity: &'static str,
    /// Digits behind the quantity's point.
    pub scale_max: u32,
}

impl Rules {
    /// Strings, numbers and booleans.
    pub const FLAT: Self = Self {
        members_max: usize::MAX,
        key_chars_max: usize::MAX,
        value_chars_max: usize::MAX,
        takes_empty: true,
        takes_all: false,
        objects: &[],
        as_strings: false,
        is_required: false,
        quantity: "",
        scale_max: u32::MAX,
    };

    /// Any JSON.
    pub const ANY: Self = Self { takes_all: true, ..Self::FLAT };
}

/// Data as the vendor takes it.
#[derive(Default)]
pub(super) struct Data {
    /// The members, a comma before each, without the object's braces.
    pub members: String,
    /// The quantity among them, as a plain decimal; empty if there is none.
    pub quantity: String,
}

impl Rules {
    /// Whether there is nothing that it does not take.
    pub fn is_any(&self) -> bool {
        self.takes_all && self.members_max == usize::MAX
    }

    /// Checks data and writes it as the vendor wants it. `quantity` is the member that is taken out of it, `reserved` what
    /// no member may be called.
    ///
    /// Error: `field_limit`.
    #[inline(never)]
    pub fn read(&self, data: &str, quantity: &str, reserved: &[&str]) -> Result<Data> {
        let mut read = Data::default();
        let mut members = 0_usize;
        Reader::new(data).object(|r, key| {
            members += 1;
            if members > self.members_max {
                return Err(limit("the vendor takes fewer members", self.members_max));
            }
            self.member(r, &key, quantity, reserved, &mut read).map_err(|e| e.at(&key))
        })?;
        Ok(read)
    }

    fn member(&self, r: &mut Reader, key: &str, quantity: &str, reserved: &[&str], read: &mut Data) -> Result<()> {
        let kind = r.kind()?;
        let raw = r.skip()?;
        let string = if matches!(kind, Kind::String) { Some(Reader::new(raw).string()?) } else { None };
        if !quantity.is_empty() && key == quantity {
            let text = string.as_deref().unwrap_or(raw);
            let decimal = Decimal::parse(text).map_err(|_| plain("the quantity is not a decimal number"))?;
            read.quantity = decimal.text();
            return if decimal_places(&read.quantity) > self.scale_max as usize {
                Err(limit("the vendor takes fewer digits behind the point", self.scale_max as usize))
            } else {
                Ok(())
            };
        }
        if reserved.contains(&key) {
            return Err(plain("the vendor means something else by this name").help("rename the member"));
        }
        let is_taken = match kind {
            Kind::String | Kind::Number | Kind::Bool => true,
            Kind::Object => self.takes_all || self.objects.contains(&key),
            _ => self.takes_all,
        };
        if !is_taken {
            return Err(plain("the vendor takes strings, numbers and booleans only")
                .help("flatten objects and arrays into members of their own; leave null members out"));
        }
        let plainly;
        let text = match string.as_deref() {
            Some(text) => text,
            // A vendor's own decimals need not know exponents.
            None if self.as_strings && matches!(kind, Kind::Number) && raw.bytes().any(|b| b | 32 == b'e') => {
                plainly =
                    Decimal::parse(raw).map_err(|_| plain("the vendor takes no number of so many digits"))?.text();
                &plainly
            }
            None => raw,
        };
        if !self.takes_empty && (key.is_empty() || text.is_empty()) {
            return Err(plain("the vendor takes no empty string").help("leave the member out"));
        }
        // Never fewer than the characters.
        if key.len() > self.key_chars_max && key.chars().count() > self.key_chars_max {
            return Err(limit("the vendor takes shorter names", self.key_chars_max));
        }
        if text.len() > self.value_chars_max && text.chars().count() > self.value_chars_max {
            return Err(limit("the vendor takes shorter values", self.value_chars_max));
        }
        read.members.push(',');
        push_string(&mut read.members, key);
        read.members.push(':');
        if self.as_strings {
            push_string(&mut read.members, text);
        } else {
            read.members.push_str(raw);
        }
        Ok(())
    }
}

fn decimal_places(plain: &str) -> usize {
    plain.bytes().rev().position(|b| b == b'.').unwrap_or(0)
}

#[cold]
pub(super) fn plain(message: &'static str) -> Error {
    Error::new("field_limit", message)
}

#[cold]
pub(super) fn limit(message: &'static str, max: usize) -> Error {
    plain(message).help(["at most ", &max.to_string()].concat())
}
