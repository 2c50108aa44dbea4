//! Currencies and their minor units.

use super::read::positive;
use crate::decimal::Decimal;
use crate::error::{Error, Result};
use crate::json::Value;
use crate::ratio::Ratio;

/// Digits behind the point, and the currencies that have them (ISO 4217, with some that ended lately).
///
/// Not from `Intl.NumberFormat`, which gives display digits (0 for HUF, IDR, PKR, COP).
static MINOR_DIGITS: [(u32, &str); 4] = [
    (0, "BIFCLPDJFGNFISKJPYKMFKRWPYGRWFUGXUYIVNDVUVXAFXOFXPF"),
    (
        2,
        "AEDAFNALLAMDANGAOAARSAUDAWGAZNBAMBBDBDTBGNBMDBNDBOBBOVBRLBSDBTNBWPBYNBZDCADCDFCHECHFCHWCNYCOPCOUCRCCUPCVECZK\
         DKKDOPDZDEGPERNETBEURFJDFKPGBPGELGHSGIPGMDGTQGYDHKDHNLHRKHTGHUFIDRILSINRIRRJMDKESKGSKHRKPWKYDKZTLAKLBPLKRLRD\
         LSLMADMDLMGAMKDMMKMNTMOPMRUMURMVRMWKMXNMXVMYRMZNNADNGNNIONOKNPRNZDPABPENPGKPHPPKRPLNQARRONRSDRUBSARSBDSCRSDG\
         SEKSGDSHPSLESLLSOSSRDSSPSTNSVCSYPSZLTHBTJSTMTTOPTRYTTDTWDTZSUAHUSDUSNUZSVEDVESWSTXCDXCGYERZARZMWZWGZWL",
    ),
    (3, "BHDIQDJODKWDLYDOMRTND"),
    (4, "CLFUYW"),
];

/// A currency: its code, and the digits that a bill in it has behind the point.
#[derive(Clone)]
pub struct Currency {
    /// ISO 4217, or a name of the user's own
    pub code: String,
    /// Digits behind the point
    pub digits: u32,
}

impl Currency {
    /// Reads `currency` of an object: an ISO 4217 code, or `{code, digits}` for a unit of the user's own. USD if absent.
    ///
    /// Error: `unknown_currency`.
    pub fn of(object: &Value) -> Result<Self> {
        let dollar = Value::String("USD".into());
        let currency = object.present("currency").unwrap_or(&dollar);
        let own = currency.present("digits").map(|digits| positive(digits).map(|n| (n.scale(), n.mantissa())));
        let digits = match (currency, own) {
            (Value::String(code), _) => iso_digits(code),
            (_, Some(Ok((0, digits @ 0..=18)))) => Some(digits as u32),
            _ => None,
        };
        let code = currency.present("code").unwrap_or(currency).as_str().unwrap_or_default();
        if let (Some(digits), false) = (digits, code.is_empty()) {
            return Ok(Self { code: code.to_owned(), digits });
        }
        let error = Error::new("unknown_currency", "there is no such currency").at("currency");
        Err(error.help("an ISO 4217 code like USD, or {\"code\":\"CREDIT\",\"digits\":0}"))
    }

    /// Refuses to mix it with another: `currency_mismatch`.
    pub(crate) fn mismatch(&self) -> Error {
        Error::new("currency_mismatch", "amounts of two currencies are not added")
            .at("currency")
            .help("give the rate: rates: {\"EURUSD\": \"1.08\"}")
    }

    /// How many minor units make a unit.
    pub(super) fn unit(&self) -> Ratio {
        let mut unit = Decimal::ONE;
        unit.move_point(self.digits).map_or(Ratio::LOST, |()| unit.into())
    }
}

/// What a unit of one currency is in another, by `rates` and the name of the pair (`EURUSD`).
pub(crate) fn rate(rates: &Value, pair: &str) -> Result<Ratio> {
    let wrong = |e: Error| e.at(pair).at("rates");
    let rate = Ratio::from(positive(rates.get(pair).unwrap_or(&Value::Null)).map_err(wrong)?);
    if rate.is_zero() {
        return Err(wrong(Error::new("invalid_price", "a rate is more than 0")));
    }
    Ok(rate)
}

fn iso_digits(code: &str) -> Option<u32> {
    for (digits, codes) in MINOR_DIGITS {
        if codes.as_bytes().chunks(3).any(|known| known == code.as_bytes()) {
            return Some(digits);
        }
    }
    None
}
