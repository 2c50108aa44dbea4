//! The price model against one of big fractions, over random prices and quantities.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test: its helpers fail it by panicking

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use proptest::prelude::*;
use taximeter::json::Value;
use taximeter::price::{Currency, Price};

/// Thousandths.
type Milli = u32;

fn exact(milli: Milli) -> BigRational {
    BigRational::new(milli.into(), 1000.into())
}

fn text(milli: Milli) -> String {
    format!("\"{}.{:03}\"", milli / 1000, milli % 1000)
}

#[derive(Clone, Debug)]
struct Case {
    kind: &'static str,
    /// Distances of the bounds, unit and flat prices; the last tier is open.
    tiers: Vec<(Milli, Milli, Milli)>,
    free: Milli,
    divide_by: Milli,
    flat_on_zero: bool,
    percent_off: u32,
    minimum: Milli,
    maximum: Milli,
    quantity: Milli,
}

fn cases() -> impl Strategy<Value = Case> {
    let kind = prop_oneof![Just("unit"), Just("package"), Just("graduated"), Just("volume")];
    let tier = (1..9_000_u32, 0..5_000_u32, prop_oneof![Just(0), 0..90_000_u32]);
    let rules = (prop_oneof![Just(0), 0..9_000_u32], prop_oneof![Just(1000), 1..9_000_u32], any::<bool>());
    let limits = (0..=100_u32, 0..50_000_u32, 0..900_000_u32, prop_oneof![Just(0), 0..40_000_u32]);
    (kind, prop::collection::vec(tier, 1..5), rules, limits).prop_map(
        |(kind, tiers, (free, divide_by, flat_on_zero), (percent_off, minimum, maximum, quantity))| Case {
            kind,
            tiers,
            free,
            divide_by,
            flat_on_zero,
            percent_off,
            minimum,
            maximum,
            quantity,
        },
    )
}

impl Case {
    fn price(&self) -> String {
        let (first, unit, _) = self.tiers[0];
        let shape = match self.kind {
            "unit" => format!("\"amount\":{}", text(unit)),
            "package" => format!("\"amount\":{},\"size\":{}", text(unit), text(first)),
            _ => {
                let mut bound = 0;
                let last = self.tiers.len() - 1;
                let tiers = self.tiers.iter().enumerate().map(|(at, (distance, unit, flat))| {
                    bound += distance;
                    let up_to = if at == last { String::from("null") } else { text(bound) };
                    format!("{{\"up_to\":{up_to},\"unit\":{},\"flat\":{}}}", text(*unit), text(*flat))
                });
                format!("\"flat_on_zero\":{},\"tiers\":[{}]", self.flat_on_zero, tiers.collect::<Vec<_>>().join(","))
            }
        };
        format!(
            r#"{{"type":"{}",{shape},"free":{},"quantity":{{"divide_by":{}}},
                "adjust":{{"percent_discount":{},"minimum":{},"maximum":{}}}}}"#,
            self.kind,
            text(self.free),
            text(self.divide_by),
            self.percent_off,
            text(self.minimum),
            text(self.maximum),
        )
    }

    fn amount(&self) -> BigRational {
        let zero = BigRational::zero();
        let n = (exact(self.quantity) / exact(self.divide_by) - exact(self.free)).max(zero.clone());
        let (first, unit, _) = self.tiers[0];
        let subtotal = match self.kind {
            "unit" => n * exact(unit),
            "package" => (n / exact(first)).ceil() * exact(unit),
            _ if n.is_zero() && !self.flat_on_zero => zero,
            kind => {
                let mut from = BigRational::zero();
                let mut sum = BigRational::zero();
                for (at, (distance, unit, flat)) in self.tiers.iter().enumerate() {
                    let bound = &from + exact(*distance);
                    let is_open = at == self.tiers.len() - 1;
                    let within = is_open || n <= bound;
                    if kind == "volume" {
                        if within {
                            sum = &n * exact(*unit) + exact(*flat);
                            break;
                        }
                    } else if at == 0 || n > from {
                        let part = if within { &n - &from } else { exact(*distance) };
                        sum += part * exact(*unit) + exact(*flat);
                    }
                    if within {
                        break;
                    }
                    from = bound;
                }
                sum
            }
        };
        let kept = BigRational::new((100 - self.percent_off).into(), 100.into());
        (subtotal * kept).max(exact(self.minimum)).min(exact(self.maximum))
    }
}

fn decimal(text: &str) -> BigRational {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: BigInt = [whole, fraction].concat().parse().unwrap();
    BigRational::new(digits, BigInt::from(10).pow(fraction.len() as u32))
}

/// Halves away from zero; there is nothing negative here.
fn cents(amount: &BigRational) -> BigInt {
    assert!(!amount.is_negative());
    (amount * BigInt::from(100)).round().to_integer()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_line_is_that_of_fractions(case in cases()) {
        let currency = Currency::of(&Value::Null).unwrap();
        let usage = format!("{{\"quantity\":{}}}", text(case.quantity));
        let line = Price::parse(&case.price()).unwrap().rate(&Value::parse(&usage).unwrap(), &currency).unwrap();
        let got: serde_json::Value = serde_json::from_str(&line.to_json().unwrap()).unwrap();
        let want = case.amount();
        if let Some(amount) = got["amountExact"].as_str() {
            prop_assert_eq!(decimal(amount), want.clone());
        } else {
            let mut rest = want.denom().clone();
            for factor in [2, 5] {
                while (&rest % BigInt::from(factor)).is_zero() {
                    rest /= BigInt::from(factor);
                }
            }
            prop_assert_ne!(rest, BigInt::from(1), "its digits end");
        }
        prop_assert_eq!(got["amountMinor"].as_str().unwrap(), cents(&want).to_string());
    }
}
