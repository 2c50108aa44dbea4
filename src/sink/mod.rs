//! Ingest endpoints: one file a vendor.
