//! Usage events (CloudEvents 1.0).
