use super::*;

const CASES: &str = include_str!("../../../tests/contract/openmeter-pricing.json");

fn burnt(case: &str) -> serde_json::Value {
    let got = burn_down(&Value::parse(case).unwrap());
    got.map_or_else(
        |e| serde_json::json!({ "error": e.code, "path": e.path.clone() }),
        |got| serde_json::from_str(&got).unwrap(),
    )
}

#[test]
fn golden_grants() {
    let cases: serde_json::Value = serde_json::from_str(CASES).unwrap();
    let cases = cases["grants"].as_array().unwrap();
    for case in cases {
        let mut got = burnt(&case["case"].to_string());
        // The server does not say since when nothing is left.
        got.as_object_mut().unwrap().remove("exhausted");
        assert_eq!(got, case["expect"], "{}", case["id"]);
    }
    println!("{} grants", cases.len());
    assert_eq!(cases.len(), 19);
}

/// Of one grant of 10 over ten days.
fn left(more: &str, usage: &str) -> String {
    let case = [
        r#"{"start":"2024-01-01T00:00:00Z","until":"2024-01-11T00:00:00Z","startBalances":{"g":"10"},"usage":["#,
        usage,
        r#"],"grants":[{"id":"g","amount":10,"effectiveAt":"2023-12-01T00:00:00Z""#,
        more,
        "}",
    ];
    let got = burnt(&case.concat());
    match got["error"].as_str() {
        Some(code) => [code, " ", got["path"].as_str().unwrap_or_default()].concat(),
        None => ["balance", "overage", "usageSinceReset"].map(|key| got[key].as_str().unwrap()).join(" "),
    }
}

#[test]
fn counts_and_phases() {
    let usage = r#"{"at":"2024-01-02T00:00:00Z","value":"4"},{"at":"2024-01-03T00:00:00Z","value":"4"},
        {"at":"2024-01-04T00:00:00Z","value":"1.5"}"#;
    for (more, want) in [
        ("}]", "0.5 0 9.5"),
        (r#"}],"aggregation":"COUNT""#, "7 0 3"),
        (r#"}],"aggregation":"UNIQUE_COUNT""#, "8 0 2"),
        (r#"}],"aggregation":"LATEST""#, "8.5 0 1.5"),
        (r#"}],"aggregation":"MAX""#, "invalid_grant aggregation"),
        (r#"}],"startOverage":"3""#, "0 2.5 9.5"),
        // Each of two periods by itself, with the second a rest that was kept.
        (r#","maxRollover":"5"}],"resets":["2024-01-03T00:00:00Z"]"#, "0 0.5 5.5"),
        (r#","maxRollover":"9","minRollover":"8"}],"resets":["2024-01-03T00:00:00Z"]"#, "2.5 0 5.5"),
        (r#"}],"resets":["2024-01-03T00:00:00Z"],"aggregation":"UNIQUE_COUNT""#, "0 2 2"),
        (r#","recurrence":{"everySeconds":86400,"anchor":"2030-01-01T00:00:30Z"}}]"#, "10 0 9.5"),
        (r#","recurrence":{"everySeconds":1,"anchor":"2030-01-01T00:00:30Z"}}]"#, "10 0 9.5"),
        (
            r#","recurrence":{"everySeconds":0,"anchor":"2030-01-01T00:00:30Z"}}]"#,
            "invalid_grant grants[0].recurrence.everySeconds",
        ),
        (r#","expiresAt":"2024-01-02T00:00:59Z"}]"#, "0 9.5 9.5"),
        (r#"}],"resets":["2024-01-01T00:00:59Z"]"#, "invalid_grant resets[0]"),
        (r#"}],"resets":["soon"]"#, "time_invalid resets[0]"),
        (r#","amount":"-1"}]"#, "invalid_grant grants[0].amount"),
    ] {
        assert_eq!(left(more, usage), want, "{more}");
    }
}

/// Ten a month, of which twelve and then four are used; a grant of five comes within the second month.
fn over(more: &str) -> serde_json::Value {
    let case = [
        r#"{"start":"2026-01-01T00:00:00Z","until":"2026-02-20T00:00:00Z","resets":["2026-02-01T00:00:00Z"],
            "startBalances":{"g":"10","later":"0"},"grants":[
            {"id":"g","amount":"10","effectiveAt":"2026-01-01T00:00:00Z","recurrence":{"every":"month","anchor":"2026-01-01T00:00:00Z"}},
            {"id":"later","amount":"5","effectiveAt":"2026-02-10T00:00:00Z","maxRollover":"5"}],
            "usage":[{"at":"2026-01-10T00:00:00Z","value":"12"},{"at":"2026-02-05T00:00:00Z","value":"4"}]"#,
        more,
        "}",
    ];
    burnt(&case.concat())
}

#[test]
fn what_becomes_of_overage() {
    for (policy, overage, balance) in [
        ("", "0", "11"),
        (r#","preserveOverage":true"#, "0", "9"),
        (r#","overage":"forgive""#, "0", "11"),
        (r#","overage":"invoice""#, "0", "11"),
        (r#","overage":"carry_deficit""#, "2", "11"),
        (r#","overage":"carry_deficit_auto_repay""#, "0", "9"),
        (r#","overage":"carry_deficit","startOverage":"3""#, "5", "11"),
        (r#","overage":"carry_deficit_auto_repay","startOverage":"3""#, "0", "6"),
    ] {
        let got = over(policy);
        assert_eq!((&got["overage"], &got["balance"]), (&overage.into(), &balance.into()), "{policy} {got}");
    }
    let invoiced = over(r#","overage":"invoice""#)["invoiced"].to_string();
    assert_eq!(invoiced, r#"[{"amount":"2","at":"2026-02-01T00:00:00Z"}]"#);
    assert_eq!(over(r#","overage":"ask""#)["path"], "overage");
    assert_eq!(over(r#","overage":"forgive","preserveOverage":true"#)["path"], "preserveOverage");
}

#[test]
fn credits_in_money() {
    // Ten units are free in each month: 2 × 0.5 in the first, nothing in the second.
    let price = r#","price":{"type":"unit","amount":"0.5","free":"10"}"#;
    let got = over(price);
    assert_eq!((&got["balances"]["g"], &got["usageSinceReset"]), (&"10".into(), &"4".into()));
    let got = over(r#","price":{"type":"unit","amount":"0.9"}"#);
    assert_eq!((&got["balances"]["g"], &got["overage"]), (&"6.4".into(), &"0".into()));
    let got = over(r#","overage":"invoice","price":{"type":"unit","amount":"0.9"}"#);
    assert_eq!(got["invoiced"][0]["amount"], "0.8");
    assert_eq!(over(r#","price":{"type":"unit"}"#)["path"], "price.amount");
}

#[test]
fn what_is_full_again_at_the_end_is_so_once() {
    let case = r#"{"start":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z","resets":["2026-02-01T00:00:00Z"],
        "startBalances":{"g":"10"},"overage":"carry_deficit_auto_repay","usage":[{"at":"2026-01-10T00:00:00Z","value":"35"}],
        "grants":[{"id":"g","amount":"10","effectiveAt":"2026-01-01T00:00:00Z",
            "recurrence":{"every":"month","anchor":"2026-01-01T00:00:00Z"}}]}"#;
    let got = burnt(case);
    assert_eq!((&got["overage"], &got["balance"]), (&"15".into(), &"0".into()));
}

#[test]
fn since_when_nothing_is_left() {
    let exhausted = |more: &str, grant: &str, usage: &str| {
        let case = [
            r#"{"start":"2024-01-01T00:00:00Z","until":"2024-01-11T00:00:00Z","startBalances":{"g":"10"},"usage":["#,
            usage,
            r#"],"grants":[{"id":"g","amount":10,"effectiveAt":"2023-12-01T00:00:00Z""#,
            grant,
            "}]",
            more,
            "}",
        ];
        burnt(&case.concat())["exhausted"].as_str().map(|time| time.get(..16).unwrap().to_owned())
    };
    let used = r#"{"at":"2024-01-02T00:00:00Z","value":4},{"at":"2024-01-03T08:00:00Z","value":6},
        {"at":"2024-01-04T00:00:00Z","value":1}"#;
    let recurs = r#","recurrence":{"every":"day","anchor":"2024-01-01T00:00:00Z"}"#;
    for (more, grant, want) in [
        // The usage that took the last of it, not one after it.
        ("", "", Some("2024-01-03T08:00")),
        // With what was owed at the start.
        (r#","startOverage":6"#, "", Some("2024-01-02T00:00")),
        (r#","startOverage":11"#, "", Some("2024-01-01T00:00")),
        (r#","aggregation":"COUNT""#, "", None),
        // Money: the first 8 units are free, so 3 cost 5 each.
        (r#","price":{"type":"unit","amount":5,"free":8}"#, "", Some("2024-01-03T08:00")),
        (r#","price":{"type":"unit","amount":5,"free":9}"#, "", Some("2024-01-04T00:00")),
        (r#","price":{"type":"unit","amount":5,"free":10}"#, "", None),
        // It ends, it is full again each day, a reset keeps nothing.
        ("", r#","expiresAt":"2024-01-03T00:00:00Z""#, Some("2024-01-03T00:00")),
        ("", recurs, None),
        (r#","resets":["2024-01-05T00:00:00Z"]"#, "", Some("2024-01-03T08:00")),
        (r#","resets":["2024-01-02T12:00:00Z"]"#, "", Some("2024-01-02T12:00")),
        (r#","resets":["2024-01-02T12:00:00Z"]"#, r#","maxRollover":6"#, Some("2024-01-03T08:00")),
    ] {
        assert_eq!(exhausted(more, grant, used).as_deref(), want, "{more} {grant}");
    }
    // Given back.
    let back = r#"{"at":"2024-01-02T00:00:00Z","value":10},{"at":"2024-01-03T00:00:00Z","value":-1}"#;
    assert_eq!(exhausted("", "", back), None);
}
