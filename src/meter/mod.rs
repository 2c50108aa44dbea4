//! Meters: definitions, and the preview of what the server will answer.
