//! JSON paths of RFC 9535, for meters that no server has to understand: in the build `taximeter/full` alone.
//!
//! jsonpath-rust reads and walks them. It knows no bounds and is laxer than the RFC, so a path is held to both here, when
//! the meter is defined; and all it learns of an event it asks of a [`Node`], which counts.

mod check;
mod node;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::num::NonZeroUsize;

use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;

pub use self::node::Node;
use self::node::{Item, STEPS};
use super::value::{Found, What};
use crate::error::{Error, Result};
use crate::limits::{PATH_BYTES_MAX, RFC9535_NESTING_MAX, RFC9535_PARSE_CALLS_MAX, RFC9535_STEPS_MAX};

/// A compiled path.
pub struct Query(JpQuery);

impl Query {
    /// Compiles a path. Errors: `path_invalid`, `path_regex_refused`, `limit_exceeded`.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > PATH_BYTES_MAX || nesting(text) > RFC9535_NESTING_MAX {
            return Err(Error::new("limit_exceeded", "a path has at most 256 bytes and 8 levels of brackets"));
        }
        pest::set_call_limit(NonZeroUsize::new(RFC9535_PARSE_CALLS_MAX));
        let mut query = parse_json_path(text).map_err(|_| invalid())?;
        for segment in &mut query.segments {
            check::check_segment(segment)?;
        }
        Ok(Self(query))
    }

    /// The first scalar among the nodes, in the order of the RFC. `None` if it takes too many steps.
    pub fn find<'d>(&self, root: &Node<'d>) -> Option<Found<'d>> {
        STEPS.set(RFC9535_STEPS_MAX);
        let nodes = js_path_process(&self.0, root).unwrap_or_default();
        if STEPS.get() == 0 {
            return None;
        }
        let mut best = What::Missing;
        for node in nodes {
            let (what, text) = match &node.val.value {
                Item::Array(_) | Item::Object(_) => {
                    best = What::NotScalar;
                    continue;
                }
                Item::Null => (What::Null, Cow::Borrowed("null")),
                Item::Bool(true) => (What::Bool, Cow::Borrowed("true")),
                Item::Bool(false) => (What::Bool, Cow::Borrowed("false")),
                Item::Number(text, _) => (What::Number, Cow::Borrowed(*text)),
                Item::String(text) => (What::String, text.clone()),
            };
            return Some(Found { what, text });
        }
        Some(Found::nothing(best))
    }
}

/// How deep brackets and parentheses stand in each other, apart from those in quotes.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut quote) = (0_usize, 0, None);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(_), b'\\') => drop(bytes.next()),
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[') => depth += 1,
            (None, b')' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn invalid() -> Error {
    Error::new("path_invalid", "not a path of RFC 9535")
        .help("paths are like $.a.b, $['a-b'], $..a, $.a[-1], $.a[?@.b > 1].c, $.a[?length(@.b) == 2]")
}
