use super::*;

const CASES: &str = include_str!("../../tests/contract/billing-price.json");

fn code(price: &str) -> (&'static str, Option<String>) {
    Price::parse(price).map_or_else(|e| (e.code, e.path.clone()), |_| panic!("{price} is taken"))
}

/// Shapes that are not built yet are told apart here, so that none is passed over by mistake.
fn is_built(case: &serde_json::Value) -> bool {
    matches!(case["price"]["type"].as_str(), Some("free" | "flat" | "unit"))
}

#[test]
fn golden_lines() {
    let cases: Vec<serde_json::Value> = serde_json::from_str(CASES).unwrap();
    let mut count = 0;
    for case in cases.iter().filter(|case| is_built(case)) {
        let price = Price::parse(&case["price"].to_string()).unwrap();
        let usage = Usage::parse(&case["usage"].to_string()).unwrap();
        let line = price.rate(&usage, case["currency"].as_str().unwrap()).unwrap();
        let got: serde_json::Value = serde_json::from_str(&line.to_json().unwrap()).unwrap();
        for (key, want) in case["expected"].as_object().unwrap() {
            assert_eq!(&got[key], want, "{} {key}", case["id"]);
        }
        count += 1;
    }
    println!("{count} lines");
    assert_eq!(count, 43);
}

#[test]
fn the_steps_in_their_order() {
    let line = |price: &str, quantity: &str| {
        let usage = Usage::Quantity(Decimal::parse(quantity).unwrap());
        let line = Price::parse(price).unwrap().rate(&usage, "USD").unwrap();
        (line.quantity.text().unwrap(), line.rounded.text(), line.minor.text())
    };
    let all = r#"{"type":"unit","amount":"3","free":"1","quantity":{"multiply_by":"2","divide_by":"3","round":"up"},
        "adjust":{"usage_discount":"2","amount_discount":"1","percent_discount":"50","minimum":"4","maximum":"5"}}"#;
    // 10 × 2 ÷ 3 = 6.67 → 7 − 2 = 5; (5 − 1) × 3 = 12 − 1 = 11, half of it 5.5, at most 5.
    assert_eq!(line(all, "10"), ("5".into(), "5".into(), "500".into()));
    assert_eq!(line(all, "0"), ("0".into(), "4".into(), "400".into()));
    assert_eq!(line(all, "-7"), ("0".into(), "4".into(), "400".into()));
    let third = r#"{"type":"unit","amount":1,"quantity":{"divide_by":3}}"#;
    assert_eq!(line(third, "2"), ("0.6666666666666666666666666667".into(), "0.67".into(), "67".into()));
    let kept = r#"{"type":"unit","amount":"1","quantity":{"clamp_negative":false}}"#;
    assert_eq!(line(kept, "-7"), ("-7".into(), "0".into(), "0".into()));
    let usage = Usage::Quantity(Decimal::new(i128::MAX, 0));
    let error = Price::parse(r#"{"type":"unit","amount":"10"}"#).unwrap().rate(&usage, "USD").err().unwrap();
    assert_eq!(error.code, "overflow");
}

#[test]
fn faults_say_where() {
    for (price, want, path) in [
        ("7", "invalid_price", None),
        ("{}", "invalid_price", Some("type")),
        (r#"{"type":"bogus"}"#, "invalid_price", Some("type")),
        (r#"{"type":"unit"}"#, "invalid_price", Some("amount")),
        (r#"{"type":"unit","amount":"a"}"#, "invalid_price", Some("amount")),
        (r#"{"type":"unit","amount":"-1"}"#, "invalid_price", Some("amount")),
        (r#"{"type":"unit","amount":"1","free":true}"#, "invalid_price", Some("free")),
        (r#"{"type":"flat","amount":"1","free":"1"}"#, "unknown_option", Some("free")),
        (r#"{"type":"free","rounding":"odd"}"#, "invalid_price", Some("rounding")),
        (r#"{"type":"free","rounding":"none"}"#, "invalid_price", Some("rounding")),
        (r#"{"type":"free","quantity":[]}"#, "invalid_price", Some("quantity")),
        (r#"{"type":"free","quantity":{"divide_by":"0"}}"#, "invalid_price", Some("quantity.divide_by")),
        (r#"{"type":"free","quantity":{"clamp_negative":1}}"#, "invalid_price", Some("quantity.clamp_negative")),
        (r#"{"type":"free","quantity":{"times":1}}"#, "unknown_option", Some("quantity.times")),
        (r#"{"type":"free","adjust":{"percent_discount":101}}"#, "invalid_price", Some("adjust.percent_discount")),
        (r#"{"type":"free","adjust":{"prorate":[1,0]}}"#, "invalid_price", Some("adjust.prorate")),
        (r#"{"type":"free","adjust":{"prorate":"1/2"}}"#, "invalid_price", Some("adjust.prorate")),
        (r#"{"type":"free","adjust":{"minimum":"1e99"}}"#, "invalid_price", Some("adjust.minimum")),
    ] {
        assert_eq!(code(price), (want, path.map(str::to_owned)), "{price}");
    }
    for (usage, want) in [("{}", "invalid_usage"), (r#"{"quantity":"x"}"#, "invalid_usage"), ("{", "json_invalid")] {
        assert_eq!(Usage::parse(usage).err().unwrap().code, want);
    }
}

#[test]
fn minor_units() {
    let of = |currency| minor_digits(currency);
    assert_eq!((of("USD"), of("JPY"), of("KWD"), of("CLF"), of("HUF")), (2, 0, 3, 4, 2));
}
