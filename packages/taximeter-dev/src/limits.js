/** Every bound of the server, with its reason. */

/** A request body. OpenMeter and Dodo state no figure; batches of the SDK stay below 256 KiB. Beyond it: 413. */
export const BODY_BYTES_MAX = 5 * 1024 * 1024

/** How much of a refused body is still read, so that the client gets to see its 413 instead of a broken pipe. */
export const DRAIN_BYTES_MAX = 64 * 1024 * 1024

/**
 * Events kept. Beyond it the oldest make room and are counted (`stats().evicted`, a header on every answer, a line on
 * the page). Refusing new ones would be worse here: a 5xx means "try again" to every client, so a full development
 * server would look like a broken SDK.
 */
export const EVENTS_KEPT_MAX = 100_000

/** Requests the ledger remembers. */
export const REQUESTS_KEPT_MAX = 10_000

/** Events the ledger remembers over all its requests; it counts the attempts of at least as many ids. */
export const ARRIVALS_KEPT_MAX = 200_000

/**
 * Events that one query reads, as JSON text. The core works in 64 MiB of memory, which holds the text, and each group's
 * totals, more than once.
 */
export const QUERY_BYTES_MAX = 6 * 1024 * 1024

/** Meters: what one preview of the core takes. */
export const METERS_MAX = 100

/** `limit` of the events list: the server's own maximum and default. */
export const LIST_LIMIT_MAX = 100

/** Events on the HTML page. */
export const PAGE_EVENTS_MAX = 50

/** Steps waiting in a fault script, and the longest delay of one. */
export const SCRIPT_STEPS_MAX = 10_000
export const DELAY_MS_MAX = 600_000

/** Dodo's stated limits on one request and one event. */
export const DODO_EVENTS_MAX = 1000
export const DODO_METADATA_KEYS_MAX = 50
export const DODO_KEY_CHARS_MAX = 100
export const DODO_VALUE_CHARS_MAX = 500
export const DODO_OLDEST_MS = 60 * 60 * 1000
export const DODO_NEWEST_MS = 5 * 60 * 1000
