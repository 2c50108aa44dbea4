//! Exact decimals: the only number type for money and quantities.
