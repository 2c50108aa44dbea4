//! A second look at a compiled path: jsonpath-rust lets pass what the RFC calls not well-typed, has functions of its own,
//! and says nothing where `count()` should say 0.

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, FnArg, Literal, Segment, Selector, Test, TestFunction,
};

use super::invalid;
use crate::error::{Error, Result};

/// Holds a segment to the RFC. Errors: `path_invalid`, `path_regex_refused`.
pub fn check_segment(segment: &mut Segment) -> Result<()> {
    match segment {
        Segment::Descendant(below) => check_segment(below),
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
