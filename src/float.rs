//! Float64 from and to text, as the meter server reads and prints it.
