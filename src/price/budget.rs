//! Budgets: soft caps.

use super::read::{admit, invalid, list, member, number, positive};
use crate::decimal::Decimal;
use crate::error::Result;
use crate::json::{Value, Writer};
use crate::ratio::Ratio;

/// How much of a budget is used: `{limit, thresholds, spent, fired?, estimate?}` ─▶ `{fire, fired, part, wouldExceed?}`.
///
/// Thresholds are parts of the limit. One fires when it is reached, once; it can fire again after the spending has been
/// five points below it. It is a soft cap: what crosses it is done.
pub fn budget(request: &Value) -> Result<String> {
    admit(request, &["limit", "spent", "estimate"], 2, &["thresholds", "fired"])?;
    let (limit, spent) = (number(request, "limit", &Ratio::ZERO), number(request, "spent", &Ratio::ZERO));
    if limit.is_zero() {
        return Err(invalid("a budget is more than 0", "limit"));
    }
    let mut part = spent;
    part.divide(&limit);
    let fired = member(request, "fired").as_array().unwrap_or_default();
    let (mut fire, mut now) = (Writer::array(), Writer::array());
    for (at, value) in list(request, "thresholds")?.iter().enumerate() {
        let threshold = Ratio::from(positive(value).map_err(|e| e.at_index(at).at("thresholds"))?);
        let name = threshold.text()?;
        let was = fired.iter().any(|one| one.as_str() == Some(&name));
        let mut rearmed = threshold;
        rearmed.minus(&Decimal::new(5, 2).into());
        let is_reached = !threshold.exceeds(&part);
        if is_reached && !was {
            fire.item_string(&name);
        }
        if is_reached || was && !rearmed.exceeds(&part) {
            now.item_string(&name);
        }
    }
    let mut w = Writer::object();
    w.raw("fire", &fire.end()).raw("fired", &now.end()).string("part", &part.text()?);
    if request.present("estimate").is_some() {
        let mut sum = spent;
        sum.plus(&number(request, "estimate", &Ratio::ZERO));
        w.raw("wouldExceed", if sum.exceeds(&limit) { "true" } else { "false" });
    }
    Ok(w.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(answer: Result<String>) -> serde_json::Value {
        serde_json::from_str(&answer.unwrap()).unwrap()
    }

    #[test]
    fn a_threshold_fires_once() {
        let ask = |spent: &str, fired: &str| {
            let request =
                [r#"{"limit":10,"thresholds":[0.5,"0.80",1],"estimate":2,"spent":"#, spent, r#","fired":"#, fired, "}"];
            let got = json(budget(&Value::parse(&request.concat()).unwrap()));
            ["fire", "fired", "wouldExceed"].map(|key| got[key].to_string()).join(" ")
        };
        assert_eq!(ask("4.99", "[]"), "[] [] false");
        assert_eq!(ask("8", "[]"), r#"["0.5","0.8"] ["0.5","0.8"] false"#);
        assert_eq!(ask("8.01", r#"["0.5","0.8"]"#), r#"[] ["0.5","0.8"] true"#);
        assert_eq!(ask("7.5", r#"["0.5","0.8"]"#), r#"[] ["0.5","0.8"] false"#);
        assert_eq!(ask("7.4", r#"["0.5","0.8"]"#), r#"[] ["0.5"] false"#);
    }
}
