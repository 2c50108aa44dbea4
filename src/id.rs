//! Counter-based UUIDv7: time and entropy are handed in.
