//! Ready-made event shapes with their meters.
