//! Every bound of the core, named, with its reason. Nothing that can grow goes without one.

/// Bytes of one event as JSON text: the smallest vendors refuse more, and one event must fit any batch.
pub const EVENT_BYTES_MAX: usize = 32 * 1024;
/// Nesting of an event's `data`: far above any real event, far below what the stack bears.
pub const EVENT_DEPTH_MAX: usize = 32;
/// Members in an event's `data`, all levels together.
pub const EVENT_KEYS_MAX: usize = 256;
/// Bytes of an id, source, type or subject.
pub const ATTRIBUTE_BYTES_MAX: usize = 1024;

/// Ids given by users that are remembered, to tell a retry from an id that is used twice: as many as may be pending.
pub const RECENT_IDS_MAX: usize = 10_000;

/// Nesting of any JSON text that is read: the reader recurses, so the stack is what this protects. `serde_json` has it.
pub const JSON_DEPTH_MAX: usize = 127;

/// Digits behind a decimal's point: 10^76 is the largest power of ten that leaves a sign's room in 256 bits.
pub const DECIMAL_SCALE_MAX: u32 = 76;

/// Packed events that are written out at once: enough that the call for it costs nothing, few enough not to be felt.
pub const STAGED_EVENTS: usize = 256;
/// Words of packed events: 14 members an event on average.
pub const STAGED_WORDS: usize = 8_192;
/// Bytes of strings in packed events that are not known by number; an offset among them has 20 bits.
pub const STAGED_RAW_BYTES: usize = 16 * 1024;
/// Bytes of written events that fit before memory has to grow.
pub const STAGED_OUT_BYTES: usize = 64 * 1024;

/// Events waiting in the queue of one sink.
pub const QUEUE_EVENTS_MAX: usize = 10_000;
/// Bytes of all events waiting in the queue of one sink.
pub const QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Events in one batch; a sink narrows it.
pub const BATCH_EVENTS_MAX: usize = 1_000;
/// Bytes of one request's body; a sink narrows it.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;
/// Between two requests that are not full: vendors count requests.
pub const PACE_MS: u64 = 250;
/// The longest wait for company that can be set: events must not grow old unseen.
pub const LINGER_MAX_MS: u64 = 60_000;
/// Bytes of a sink's URL.
pub const URL_BYTES_MAX: usize = 2048;
/// A request that takes longer is given up as ambiguous.
pub const REQUEST_DEADLINE_MS: u64 = 10_000;
/// First step of the full-jitter backoff.
pub const BACKOFF_BASE_MS: u64 = 500;
/// Longest step of the full-jitter backoff.
pub const BACKOFF_CAP_MS: u64 = 60_000;
/// `Retry-After` is believed within these bounds: below, it would be a tight loop; above, a stalled sink.
pub const RETRY_AFTER_MIN_MS: u64 = 1_000;
/// See [`RETRY_AFTER_MIN_MS`].
pub const RETRY_AFTER_MAX_MS: u64 = 300_000;
/// A held sink sends one probe in this time.
pub const HOLD_PROBE_MS: u64 = 60_000;
/// An event whose first ambiguous send is older is not sent again where the sink declares no longer memory of ids.
pub const RESEND_LIMIT_MS: u64 = 23 * 3_600_000;
/// Safety distance to the end of a vendor's memory of ids; a 24th of the memory where that is less.
pub const RESEND_MARGIN_MS: u64 = 3_600_000;
/// Safety distance to a vendor's age limit: clocks differ, and a request takes its time.
pub const AGE_MARGIN_MS: u64 = 5 * 60_000;
/// Resends, in tenths of a request, that may be saved up: each first send earns one, each resend costs ten.
pub const RETRY_BUDGET_TENTHS_MAX: u32 = 100;
/// A client's clock further ahead of the server's than this is reported.
pub const CLOCK_SKEW_MS: i64 = 30_000;
/// Successes after which a learned batch limit grows back.
pub const LEARNED_LIMIT_SUCCESSES: u32 = 20;
/// Entries kept in quarantine: a whole queue, as when a vendor refuses everything; more are counted as dropped.
pub const QUARANTINE_EVENTS_MAX: usize = 10_000;
/// Text of a vendor's answer kept with a quarantined event.
pub const VENDOR_TEXT_BYTES_MAX: usize = 512;

/// Meters of one client.
pub const METERS_MAX: usize = 100;
/// Group-by keys of one meter.
pub const GROUP_BY_MAX: usize = 16;
/// Cells (time bucket, subject, group) kept of one meter; beyond it the buckets become coarser. A few megabytes.
pub const METER_CELLS_MAX: usize = 50_000;
/// Bytes of subjects, group values and distinct texts kept of one meter; beyond it the buckets become coarser.
pub const METER_TEXT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of the cells of all meters of a client, where a pointer has four: with lists that grow by doubling, and one meter's
/// being put into larger buckets, 64 MiB hold them. Half of its even part is a meter's own, so it may become a half more.
pub const TOTALS_BYTES_MAX: usize = 4 * 1024 * 1024 * size_of::<usize>();
/// Group cells of one result; the rest goes into one row that says so.
pub const RESULT_CELLS_MAX: usize = 10_000;
/// Bytes of the events of a preview and thrice what is kept of them, for lists grow by doubling: it must fit into the
/// memory of 64 MiB.
pub const PREVIEW_BYTES_MAX: usize = 60 * 1024 * 1024;
/// Bytes of one event of a preview: what is read of it takes up to twenty times as much.
pub const PREVIEW_EVENT_BYTES_MAX: usize = 1024 * 1024;
/// Distinct texts of the UNIQUE_COUNT cells of one meter.
pub const UNIQUE_TEXTS_MAX: usize = 100_000;
/// Bytes of a line of a stream that is replayed: far above any event a vendor takes.
pub const REPLAY_LINE_BYTES_MAX: usize = 1024 * 1024;
/// Queries that a replay answers at a time.
pub const REPLAY_QUERIES_MAX: usize = 200;
/// Bytes of the rows of all of them.
pub const REPLAY_ROWS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Sources and ids that a replay remembers, 16 bytes each in a table that is three quarters full.
pub const REPLAY_IDS_MAX: usize = 6 << 20;
/// Lines without an event that a replay tells; all are counted.
pub const REPLAY_BAD_LINES_MAX: usize = 100;
/// Nodes in the tree of known shapes of lines; other lines are read in the general way.
pub const REPLAY_SHAPES_MAX: usize = 4096;
/// Ways on from one node of that tree: they are tried one after the other.
pub const REPLAY_WAYS_MAX: usize = 32;
/// Strings and numbers in a line of a known shape.
pub const REPLAY_LEAVES_MAX: usize = 64;
/// Bytes of the keys by which a replay knows the rows of one query, before it begins anew.
pub const REPLAY_CACHE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of a meter path.
pub const PATH_BYTES_MAX: usize = 256;
/// Steps of a meter path.
pub const PATH_STEPS_MAX: usize = 32;
/// Steps on the values of an event that one RFC 9535 path may take, and values that an event may have for one: a few
/// milliseconds and megabytes. Without the bound a path of 256 bytes could take hours.
#[cfg(feature = "rfc9535")]
pub const RFC9535_STEPS_MAX: usize = 100_000;
/// Nesting of brackets in an RFC 9535 path: its parser recurses, and tries some things again at each level.
#[cfg(feature = "rfc9535")]
pub const RFC9535_NESTING_MAX: usize = 8;
/// Calls among the rules of its parser for one RFC 9535 path.
#[cfg(feature = "rfc9535")]
pub const RFC9535_PARSE_CALLS_MAX: usize = 100_000;
/// Levels of filters within the filter of a Dodo meter: its own limit.
pub const DODO_FILTER_LEVELS_MAX: usize = 3;
/// Findings of one lint: more than anybody reads.
pub const LINT_FINDINGS_MAX: usize = 1_000;
/// Bytes of the ids that a lint compares.
pub const LINT_IDS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Nesting of a query's filter.
pub const FILTER_DEPTH_MAX: usize = 32;

/// Bytes that are kept of one event or document of a provider's answer, after its content has been dropped, and of
/// one event that is held back until it is known whether the caller should see it.
pub const LLM_PENDING_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a request body that is read for its model and stream options: the largest a provider takes are larger
/// only by images, and reading is in the caller's way.
pub const LLM_REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Usage records of one HTTP answer: the largest batch whose results a provider returns in one file.
pub const LLM_RECORDS_MAX: usize = 100_000;
/// Members of one usage object: far above any provider's, so that a stream cannot grow it without end.
pub const LLM_USAGE_MEMBERS_MAX: usize = 256;
/// The largest count: 2⁵³, beyond which JavaScript's numbers are not exact.
pub const LLM_COUNT_MAX: u64 = 1 << 53;

/// Grants of one account that are burnt at once.
pub const GRANTS_MAX: usize = 10_000;
/// Times at which an account's grants change: two months of every minute.
pub const GRANT_PHASES_MAX: usize = 100_000;
/// Days of a forecast that are looked at one by one: a year and a day.
pub const FORECAST_DAYS_MAX: i64 = 367;
