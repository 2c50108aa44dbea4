//! What the customer is billed.
