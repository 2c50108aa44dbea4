//! The bounded queue and its batches.
