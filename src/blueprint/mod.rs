//! Ready-made event shapes.

pub mod llm;
