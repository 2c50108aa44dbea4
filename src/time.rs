//! Instants, RFC 3339, and the calendar of windows.
