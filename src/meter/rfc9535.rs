//! JSON paths of RFC 9535, for meters that no server has to understand: in the build `taximeter/full` alone.
//!
//! jsonpath-rust reads and walks them. It knows no bounds and is laxer than the RFC, so a path is held to both here, when
//! the meter is defined; and all it learns of an event it asks of a [`Node`], which counts.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::num::NonZeroUsize;

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, FnArg, JpQuery, Literal, Segment, Selector, Test, TestFunction,
};
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use jsonpath_rust::query::queryable::Queryable;

use super::value::{Found, What};
use crate::error::{Error, Result};
use crate::float;
use crate::index::Index;
use crate::json::{Kind, Reader};
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
            check_segment(segment)?;
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

// jsonpath-rust lets pass what the RFC calls not well-typed, has functions of its own, and says nothing where `count()`
// should say 0.

fn check_segment(segment: &mut Segment) -> Result<()> {
    match segment {
        Segment::Descendant(segment) => check_segment(segment),
        Segment::Selector(selector) => check_selector(selector),
        Segment::Selectors(selectors) => selectors.iter_mut().try_for_each(check_selector),
    }
}

fn check_selector(selector: &mut Selector) -> Result<()> {
    if let Selector::Filter(filter) = selector { check_filter(filter) } else { Ok(()) }
}

fn check_filter(filter: &mut Filter) -> Result<()> {
    match filter {
        Filter::Or(filters) | Filter::And(filters) => filters.iter_mut().try_for_each(check_filter),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => check_filter(expr),
        Filter::Atom(FilterAtom::Test { expr, .. }) => check_test(expr),
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (left, right) = sides(comparison);
            check_comparable(left)?;
            check_comparable(right)?;
            *filter = count_in_words((**comparison).clone(), 0);
            Ok(())
        }
    }
}

fn check_test(test: &mut Test) -> Result<()> {
    match test {
        Test::RelQuery(segments) => segments.iter_mut().try_for_each(check_segment),
        Test::AbsQuery(query) => query.segments.iter_mut().try_for_each(check_segment),
        Test::Function(function) => match **function {
            TestFunction::Match(..) | TestFunction::Search(..) => check_function(function),
            // Those that give a value are no tests.
            _ => Err(invalid()),
        },
    }
}

fn check_comparable(comparable: &mut Comparable) -> Result<()> {
    if let Comparable::Function(function) = comparable { check_function(function) } else { Ok(()) }
}

fn check_function(function: &mut TestFunction) -> Result<()> {
    match function {
        TestFunction::Match(..) | TestFunction::Search(..) => {
            Err(Error::new("path_regex_refused", "a path may not hold regular expressions")
                .help("compare whole strings, or send what the pattern would find as a property of its own"))
        }
        TestFunction::Count(FnArg::Test(nodes)) | TestFunction::Value(FnArg::Test(nodes)) if !is_function(nodes) => {
            check_test(nodes)
        }
        TestFunction::Length(value) => match &mut **value {
            FnArg::Literal(_) => Ok(()),
            FnArg::Test(test) => match &mut **test {
                Test::Function(function) => check_function(function),
                Test::RelQuery(segments) if is_singular(segments) => Ok(()),
                Test::AbsQuery(query) if is_singular(&query.segments) => Ok(()),
                _ => Err(invalid()),
            },
            FnArg::Filter(_) => Err(invalid()),
        },
        _ => Err(invalid()),
    }
}

fn is_function(test: &Test) -> bool {
    matches!(test, Test::Function(_))
}

fn is_singular(segments: &[Segment]) -> bool {
    segments.iter().all(|segment| matches!(segment, Segment::Selector(Selector::Name(_) | Selector::Index(_))))
}

fn sides(comparison: &mut Comparison) -> (&mut Comparable, &mut Comparable) {
    match comparison {
        Comparison::Eq(left, right)
        | Comparison::Ne(left, right)
        | Comparison::Gt(left, right)
        | Comparison::Gte(left, right)
        | Comparison::Lt(left, right)
        | Comparison::Lte(left, right) => (left, right),
    }
}

/// `count(q) > x` as `q && count(q) > x || !q && 0 > x`, for the first side from `side` on that is a count.
fn count_in_words(comparison: Comparison, side: usize) -> Filter {
    for side in side..2 {
        let mut zero = comparison.clone();
        let (left, right) = sides(&mut zero);
        let comparable = if side == 0 { left } else { right };
        let Comparable::Function(TestFunction::Count(FnArg::Test(nodes))) = comparable else { continue };
        let nodes = nodes.clone();
        *comparable = Comparable::Literal(Literal::Int(0));
        let when = |not, comparison| {
            let test = FilterAtom::Test { expr: nodes.clone(), not };
            Filter::And(vec![Filter::Atom(test), count_in_words(comparison, side + 1)])
        };
        return Filter::Or(vec![when(false, comparison), when(true, zero)]);
    }
    Filter::Atom(FilterAtom::Comparison(Box::new(comparison)))
}

thread_local! {
    /// How many more steps the path under way may take.
    static STEPS: Cell<usize> = const { Cell::new(0) };
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
    value: Item<'d>,
}

#[derive(Clone)]
enum Item<'d> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::path::{Document, Path};

    /// What a path finds: its kind's first letter and its text; `cut` if it was given up.
    fn find(path: &str, data: &str) -> String {
        let path = Path::parse_rfc9535(path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let document = Document::read(Some(data));
        let found = path.find(&document);
        if document.was_cut() {
            return String::from("cut");
        }
        let kind = match found.what {
            What::Missing => "-",
            What::NotScalar => "+",
            What::Null => "n ",
            What::Bool => "b ",
            What::Number => "# ",
            What::String => "s ",
        };
        [kind, &found.text].concat()
    }

    fn refused(path: &str) -> &'static str {
        Path::parse_rfc9535(path).err().unwrap_or_else(|| panic!("{path} is taken")).code
    }

    const STORE: &str = r#"{
        "a": {"b": 1.50, "c d": "x", "": 0, "é": null, "o": {}, "l": [[1, 2], [3]]},
        "list": [{"p": 5, "q": "five"}, {"p": 10, "q": "ten", "r": {"p": 11}}, {"q": false}, 7, null, "7"],
        "empty": [], "zero": 0, "one": 1, "tiny": 1e-20, "sum": 0.30000000000000004,
        "twice": 1, "twice": 2, "text": "\ud83d\ude00b", "limit": 6
    }"#;

    #[test]
    fn selectors() {
        for (path, want) in [
            ("$", "+"),
            ("$.a.b", "# 1.50"),
            ("$['a']['c d']", "s x"),
            ("$[\"a\"][\"\"]", "# 0"),
            ("$.a.é", "n null"),
            ("$['a']['\\u00e9']", "n null"),
            ("$.a.o", "+"),
            ("$.a.none", "-"),
            ("$.A", "-"),
            ("$.zero.none", "-"),
            ("$.a.l[1][0]", "# 3"),
            ("$.a.l[0][-1]", "# 2"),
            ("$.a.l[0][2]", "-"),
            ("$.a.l[0][-3]", "-"),
            ("$.a[0]", "-"),
            ("$.list.p", "-"),
            // The first scalar of the nodes, in their order.
            ("$.list[*].p", "# 5"),
            ("$.list[::-1].p", "# 10"),
            ("$.list[1:].q", "s ten"),
            ("$.list[-2:]", "n null"),
            ("$.list[0:2:0]", "-"),
            ("$.list[3,0].p", "# 5"),
            ("$.list[5,3]", "s 7"),
            ("$.list[3,5]", "# 7"),
            ("$.a['b','c d']", "# 1.50"),
            ("$.a.*", "# 1.50"),
            ("$.empty[*]", "-"),
            ("$.twice", "# 2"),
            ("$..p", "# 5"),
            ("$..r.p", "# 11"),
            ("$..[1]", "# 2"),
            ("$..none", "-"),
            ("$.a..*", "# 1.50"),
            ("$ .a  ['b']", "# 1.50"),
        ] {
            assert_eq!(find(path, STORE), want, "{path}");
        }
        assert_eq!(find("$.*", r#"{"twice":1,"twice":[]}"#), "+");
        assert_eq!(find("$['__proto__'].constructor", r#"{"__proto__":{"constructor":3}}"#), "# 3");
    }

    #[test]
    fn filters() {
        for (filter, want) in [
            ("@.p > 5", "ten"),
            ("@.p >= 5", "five"),
            ("@.p < 10", "five"),
            ("@.p <= 4", "-"),
            ("@.p == 10", "ten"),
            ("@.p == 10.0", "ten"),
            ("@.p == 1e1", "ten"),
            ("@.p != 5", "ten"),
            ("@.q == 'ten'", "ten"),
            ("@.q > 'five'", "ten"),
            ("@.q == false", "false"),
            ("@.none == @.missing", "five"),
            ("@.r", "ten"),
            ("!@.p", "false"),
            ("@.p && !@.r", "five"),
            ("@.r || @.p == 5", "five"),
            ("(@.r || @.p == 5) && @.p > 6", "ten"),
            ("!(@.p < 10) && @.p", "ten"),
            ("@.p > $.limit", "ten"),
            ("@.r == $.list[1].r", "ten"),
            ("@.r.p == 11", "ten"),
            ("@['r']['p'] != 11 && @.p", "five"),
            ("@..p", "five"),
            ("@.*[?@.p]", "-"),
            ("length(@.q) == 3", "ten"),
            ("length(@) == 3", "ten"),
            ("length(@.r) == 1", "ten"),
            ("length($.text) == 2 && @.p == 5", "five"),
            ("count(@.*) == 3", "ten"),
            ("count(@..p) > 1", "ten"),
            ("count(@..p) == 0 && @.q == false", "false"),
            ("0 == count(@.none)", "five"),
            ("count(@.r) == count(@.none)", "five"),
            ("count(@.r) >= count(@.p) && @.p", "ten"),
            ("value(@..p) == 5", "five"),
            ("value(@.r.*) == 11", "ten"),
        ] {
            let path = ["$.list[?", filter, "].q"].concat();
            let found = find(&path, STORE);
            assert_eq!(found.split(' ').next_back().unwrap_or_default(), want, "{path}");
        }
        assert_eq!(find("$.list[?@ == 7]", STORE), "# 7");
        assert_eq!(find("$.list[?@ == '7']", STORE), "s 7");
        assert_eq!(find("$.list[?@ == null]", STORE), "n null");
        assert_eq!(find("$[?@ == 1]", STORE), "# 1");
        // Numbers are compared as float64, to the last bit.
        assert_eq!(find("$[?@ == 0]", STORE), "# 0");
        assert_eq!(find("$[?@.x == 0]", r#"{"a":{"x":1e-20}}"#), "-");
        assert_eq!(find("$[?@ == 0.3]", r#"{"a":0.30000000000000004}"#), "-");
        assert_eq!(find("$[?@ == 0.3]", r#"{"a":0.3}"#), "# 0.3");
        assert_eq!(find("$[?@ == $.b]", r#"{"a":[1,{"x":2,"y":3}],"b":[1,{"y":3,"x":2}]}"#), "+");
        assert_eq!(find("$.c[?@.v == $.b].n", r#"{"c":[{"v":[1,2],"n":4},{"v":[2,1],"n":5}],"b":[2,1]}"#), "# 5");
    }

    #[test]
    fn what_the_rfc_refuses() {
        for path in [
            "",
            "a",
            " $",
            "$ ",
            "$a",
            "$.",
            "$..",
            "$.a.",
            "$.1a",
            "$.a-b",
            "$[",
            "$[]",
            "$[a]",
            "$['a",
            "$[01]",
            "$[-0]",
            "$[1.0]",
            "$[9007199254740992]",
            "$.a[0 to 1]",
            "$[?]",
            "$[?@.a ==]",
            "$[?1]",
            "$[?'a']",
            "$[?@.a = 1]",
            "$[?@.* == 1]",
            "$[?@..a == 1]",
            "$[?@[0:1] == 1]",
            "$[?(@.a]",
            "$[?@.a == {}]",
            "$['\\x']",
            "$['\\ud800']",
            // Not well-typed.
            "$[?length(@.a)]",
            "$[?count(@.*)]",
            "$[?value(@.a)]",
            "$[?length(@.*) == 1]",
            "$[?length(@..a) == 1]",
            "$[?count(1) == 1]",
            "$[?count(length(@.a)) == 1]",
            "$[?value('a') == 1]",
            "$[?length() == 1]",
            "$[?length(@.a, @.b) == 1]",
            "$[?length(@.a == 1) == 1]",
            // jsonpath-rust's own functions, and none at all.
            "$[?in(@.a, $.b)]",
            "$[?nin(@.a, $.b)]",
            "$[?any_of(@.a, $.b)]",
            "$[?none_of(@.a, $.b)]",
            "$[?subset_of(@.a, $.b)]",
            "$[?upper(@.a) == 'A']",
            "$.a.length()",
        ] {
            assert_eq!(refused(path), "path_invalid", "{path}");
        }
        for path in [
            "$[?match(@.a, 'x')]",
            "$[?!search(@.a, $.b)]",
            "$..a[?@.b[?match(@, 'x') || @.c]]",
            "$[?(@.a && search(@, 'x'))]",
            "$[?count(@[?match(@.a, 'x')]) > 0]",
            "$[?value($[?search(@, 'x')]) == 1]",
            "$['a', ?match(@, '.*')]",
        ] {
            assert_eq!(refused(path), "path_regex_refused", "{path}");
        }
    }

    #[test]
    fn hostile_paths_are_refused_in_no_time() {
        for (open, close) in
            [("[?(", ")]"), ("(", ""), ("[?length(", ""), ("[?!(", ""), ("[?count(@", ")"), ("[?@", "]")]
        {
            for times in 1..40 {
                let path = ["$", &open.repeat(times), "@", &close.repeat(times)].concat();
                drop(Path::parse_rfc9535(&path));
            }
        }
        let nested = ["$", &"[?@".repeat(9), &"]".repeat(9)].concat();
        assert_eq!(refused(&nested), "limit_exceeded");
        assert_eq!(refused(&["$", &".a".repeat(200)].concat()), "limit_exceeded");
        let functions = ["$[?", &"length(".repeat(7), "@", &")".repeat(6), " == 1]"].concat();
        assert_eq!(refused(&functions), "path_invalid");
        // What stands in quotes is no nesting.
        assert!(Path::parse_rfc9535("$['((((((((((((']").is_ok());
    }

    #[test]
    fn a_path_that_explodes_is_cut() {
        let list = |n: usize| ["{\"v\":[", &"1,".repeat(n), "1]}"].concat();
        let deep = ["{\"a\":", &"[".repeat(30), &"1,".repeat(2000), "1", &"]".repeat(30), "}"].concat();
        for (path, data) in [
            ("$.v[?count($.v[?count($.v[?@ > 0]) > 0]) > 0]", list(100)),
            ("$..*..*..*..*..*..*..*..*", deep),
            ("$[?@ == $.v][?count($..*) > 5]", list(100_000)),
            ("$.v[?count($..*) > 5]", list(1_000)),
            (
                &["$", &"[*,*,*,*]".repeat(20)].concat(),
                ["{\"v\":", &"[".repeat(25), "1", &"]".repeat(25), "}"].concat(),
            ),
            (
                &["$.*", &"[0,0,0,0]".repeat(20)].concat(),
                ["{\"v\":", &"[".repeat(25), "1", &"]".repeat(25), "}"].concat(),
            ),
        ] {
            assert_eq!(find(path, &data), "cut", "{path}");
        }
        // What a path that is not hostile takes.
        assert_eq!(find("$..x", &list(10_000)), "-");
        assert_eq!(find("$.v[?@ > 1]", &list(10_000)), "-");
    }
}
