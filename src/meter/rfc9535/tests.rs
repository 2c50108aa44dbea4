//! What paths of RFC 9535 find, what they refuse, and where they are cut.

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
    for (open, close) in [("[?(", ")]"), ("(", ""), ("[?length(", ""), ("[?!(", ""), ("[?count(@", ")"), ("[?@", "]")] {
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
        (&["$", &"[*,*,*,*]".repeat(20)].concat(), ["{\"v\":", &"[".repeat(25), "1", &"]".repeat(25), "}"].concat()),
        (&["$.*", &"[0,0,0,0]".repeat(20)].concat(), ["{\"v\":", &"[".repeat(25), "1", &"]".repeat(25), "}"].concat()),
    ] {
        assert_eq!(find(path, &data), "cut", "{path}");
    }
    // What a path that is not hostile takes.
    assert_eq!(find("$..x", &list(10_000)), "-");
    assert_eq!(find("$.v[?@ > 1]", &list(10_000)), "-");
}
