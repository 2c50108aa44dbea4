use super::*;

const CASES: &str = include_str!("../../tests/contract/billing-price.json");

fn code(price: &str) -> (&'static str, Option<String>) {
    Price::parse(price).map_or_else(|e| (e.code, e.path.clone()), |_| panic!("{price} is taken"))
}

fn currency(code: &str) -> Currency {
    Currency::of(&Value::parse(&["{\"currency\":\"", code, "\"}"].concat()).unwrap()).unwrap()
}

fn answer(case: &serde_json::Value) -> Result<String> {
    if case["model_kind"] == "invoice" {
        return invoice(&Value::parse(&case["invoice"].to_string())?);
    }
    let price = Price::parse(&case["price"].to_string())?;
    let usage = case["usage"].to_string();
    price.rate(&Value::parse(&usage)?, &currency(case["currency"].as_str().unwrap()))?.to_json()
}

/// The cases name their results in words joined by `_`.
fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let first = words.next().unwrap().to_owned();
    words.fold(first, |all, word| all + &word[..1].to_uppercase() + &word[1..])
}

#[test]
fn golden_lines_and_invoices() {
    let cases: Vec<serde_json::Value> = serde_json::from_str(CASES).unwrap();
    for case in &cases {
        let (id, expected) = (&case["id"], &case["expected"]);
        let got = match answer(case) {
            Ok(got) => serde_json::from_str::<serde_json::Value>(&got).unwrap(),
            Err(error) => {
                assert_eq!((error.code, Some(&*error.message)), ("invalid_price", expected["error"].as_str()), "{id}");
                continue;
            }
        };
        for (key, want) in expected.as_object().unwrap() {
            let mut got = got[camel(key)].clone();
            if key == "lines" {
                got = got.as_array().unwrap().iter().map(|line| line["amountMinor"].clone()).collect();
            }
            assert_eq!(got, *want, "{id} {key}");
        }
    }
    println!("{} cases", cases.len());
    assert_eq!(cases.len(), 141);
}

#[test]
fn the_steps_in_their_order() {
    let line = |price: &str, quantity: &str| {
        let quantity = Decimal::parse(quantity).unwrap();
        let line = Price::parse(price).unwrap().rate_quantity(quantity, &currency("USD")).unwrap();
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
    let ten = Price::parse(r#"{"type":"unit","amount":"10"}"#).unwrap();
    let error = ten.rate_quantity(Decimal::new(i128::MAX, 0), &currency("USD")).err().unwrap();
    assert_eq!(error.code, "overflow");
}

#[test]
fn faults_say_where() {
    for (price, want, path) in [
        ("7", "invalid_price", Some("type")),
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
    let unit = Price::parse(r#"{"type":"unit","amount":"1"}"#).unwrap();
    for (usage, want, path) in [
        ("{}", "invalid_usage", "quantity"),
        (r#"{"quantity":"x"}"#, "invalid_usage", "quantity"),
        (r#"{"events":[]}"#, "invalid_usage", "quantity"),
        (r#"{"quantity":"1","volume":"1"}"#, "unknown_option", "volume"),
    ] {
        let error = unit.rate(&Value::parse(usage).unwrap(), &currency("USD")).err().unwrap();
        assert_eq!((error.code, error.path.as_deref()), (want, Some(path)), "{usage}");
    }
}

#[test]
fn minor_units() {
    for (code, digits) in [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("HUF", 2), ("EUR", 2)] {
        assert_eq!(currency(code).digits, digits);
    }
    for (given, want) in [
        ("{}", Some(2)),
        (r#"{"currency":{"code":"CREDIT","digits":0}}"#, Some(0)),
        (r#"{"currency":"XYZ"}"#, None),
        (r#"{"currency":"usd"}"#, None),
        (r#"{"currency":""}"#, None),
        (r#"{"currency":{"code":"CREDIT","digits":1.5}}"#, None),
        (r#"{"currency":{"code":"CREDIT"}}"#, None),
        (r#"{"currency":7}"#, None),
    ] {
        let got = Currency::of(&Value::parse(given).unwrap());
        assert_eq!(got.as_ref().ok().map(|c| c.digits), want, "{given}");
        assert!(got.is_ok() || got.err().unwrap().code == "unknown_currency");
    }
}

#[test]
fn a_rate_that_is_none_is_at_its_place() {
    for (rate, path) in [("", "lines[0].currency"), (",\"rates\":{\"EURUSD\":0}", "rates.EURUSD")] {
        let line = r#"{"lines":[{"price":{"type":"flat","amount":1},"usage":{"quantity":1},"currency":"EUR"}]"#;
        let error = invoice(&Value::parse(&[line, rate, "}"].concat()).unwrap()).err().unwrap();
        assert_eq!(error.path.as_deref(), Some(path));
    }
}
