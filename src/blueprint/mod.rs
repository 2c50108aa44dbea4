//! Ready-made event shapes.
