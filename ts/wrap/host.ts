/**
 * Who uses what is metered: the customer, and any dimensions to tell their usage apart (`feature`, `plan`, …).
 * Taken as it is when a client is wrapped.
 */
export interface UsageContext {
  /** The customer: CloudEvents' `subject`. */
  readonly subject: string
  readonly [dimension: string]: string | number | boolean
}

/** What is done about a stream that is left early; see `TaximeterOptions.onAbort`. */
export type OnAbort = 'partial' | 'drain' | 'estimate'

/** Which provider answers at a URL, and in which of the known shapes. Only the core looks inside. */
export interface Route {
  readonly provider: string
}

/** What a request's body says. */
export interface Inspected {
  /** The model asked for: the record's model if the answer names none. */
  model?: string
  /** Whether a stream was asked for. */
  stream: boolean
  /** With the `stream_options` to send: the caller streams without asking for usage, so it is asked for (and hidden). */
  body?: string
}

/** One HTTP answer that is about to be read. */
export interface CallInfo {
  route: Route
  status: number
  /** The model that was asked for. */
  model?: string
  /** Whether a stream was asked for. */
  stream: boolean
  /** Usage was asked for on the caller's behalf: the chunk that reports it is kept from the caller. */
  hide: boolean
  contentType: string
  /** The provider's id of the request, from the answer's headers. */
  requestId?: string
  /** When the request was sent, in milliseconds since 1970. */
  startedAtMs: number
}

/** Why a call ends: the answer did, the caller left, the request was aborted, the connection broke, or `flush()`. */
export type Ending = 'end' | 'cancel' | 'abort' | 'error' | 'flush'

/** The core's scanner for one HTTP answer. */
export interface UsageCall {
  /**
   * Takes the next bytes of the answer. Gives the bytes for the caller when something is hidden; `undefined` means the
   * chunk itself.
   */
  push(chunk: Uint8Array): Uint8Array | undefined
  /**
   * How many of the bytes pushed last are neither given out nor hidden yet, because their event is not complete. The
   * wrapper keeps them, so that nothing is missing for the caller if the scanner fails.
   */
  readonly held: number
  /** Nothing that matters is expected any more: many clients read no further. */
  readonly final: boolean
  /** The usage records that were not given yet, as a JSON array; `[]` if there is nothing to count. */
  finish(how: Ending): string
  free(): void
}

/** What the wrapper needs from the client that owns it. Whatever throws here leaves the call unmetered and unharmed. */
export interface UsageHost {
  readonly onAbort?: OnAbort
  /**
   * `undefined`: not an LLM call that is known; it passes untouched. The provider is told by the URL, unless it is
   * given; with neither method nor URL the answers are those of `observe()`.
   */
  route(method: string, url: string, provider?: string): Route | undefined
  /** Told of each request that passes unmetered because nothing is known about where it goes. */
  unmetered?(): void
  /** `body` has the request's `model`, `stream` and `stream_options` alone: prompts are none of the core's business. */
  inspect(route: Route, body: string): Inspected
  /** `undefined`: the answer is not metered. */
  open(info: CallInfo): UsageCall | undefined
  /** Queues the records of one answer. Returns at once. */
  usage(records: string, context: Partial<UsageContext>): void
}
