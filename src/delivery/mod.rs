//! Delivery decides: a state machine without I\/O.
