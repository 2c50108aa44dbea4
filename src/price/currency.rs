//! Currencies' minor units.

/// Currencies that do not have two digits (ISO 4217): the digits, and the codes.
static MINOR_DIGITS: [(u32, &str); 3] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// Digits behind the point that a bill in this currency has (ISO 4217).
///
/// Not from `Intl.NumberFormat`, which gives display digits (0 for HUF, IDR, PKR, COP). Unknown codes have 2.
pub fn minor_digits(currency: &str) -> u32 {
    for (digits, codes) in MINOR_DIGITS {
        if codes.as_bytes().chunks(4).any(|code| code.get(..3) == Some(currency.as_bytes())) {
            return digits;
        }
    }
    2
}
