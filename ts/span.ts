import { now } from './clock'
import { timeout } from './driver'
import { TaximeterError } from './errors'
import type { Recorded, UsageEvent } from './types'

/** How often a span that goes on says so. */
const EVERY_MS = 60_000

/** What a span is made with. */
export interface SpanOptions {
  /** The customer; that of {@link Taximeter.run} if absent. */
  subject?: string
  /** The events' `type`; `time.usage` if absent. */
  type?: string
  /** Other names of members of `data`, e.g. `{ duration_ms: 'durationMs' }`. */
  fields?: Readonly<Record<string, string>>
  /** More members of the events' `data`; a function is asked for them at every event. */
  data?: UsageEvent['data'] | (() => UsageEvent['data'])
  /** How often a span that goes on is told of, in milliseconds: what a crash can lose. A minute if absent. */
  everyMs?: number
  /** How many run at once, say 8 GPUs: durations are multiplied by it. 1 if absent. */
  parallel?: number
  /** Counts so far, say `{ bytes: 4096 }`, whole numbers that only grow; each event has what is new. */
  totals?: () => Record<string, number>
}

/** How a span came to its end; `running` before it. */
export type SpanStatus = 'running' | 'complete' | 'cancelled' | 'error' | 'closed'

/**
 * A time that runs. It is told of in events whose durations sum to the elapsed time exactly once: each has the whole
 * milliseconds of a monotonic clock that no event before it had, so that nothing is rounded twice.
 *
 * @example
 * using span = meter.span({ subject: 'customer-1' })
 */
export class Span {
  readonly #record: (event: () => UsageEvent) => Recorded
  readonly #options: SpanOptions
  readonly #onEnd: (span: Span) => void
  readonly #startedAt = now()
  /** What the events so far add up to. */
  #told: Record<string, number> = {}
  #cancel = () => {}
  #ended = false

  constructor(record: (event: () => UsageEvent) => Recorded, options: SpanOptions, onEnd: (span: Span) => void) {
    const { everyMs = EVERY_MS, parallel = 1 } = options
    if (!(everyMs > 0)) throw invalid('everyMs', 'a number of milliseconds above 0')
    if (!(Number.isSafeInteger(parallel) && parallel > 0)) throw invalid('parallel', 'a whole number above 0')
    this.#record = record
    this.#options = options
    this.#onEnd = onEnd
    this.#wait(everyMs)
  }

  /** Tells now what is new since the last event, if anything is. */
  beat(): void {
    if (!this.#ended) this.#tell('running')
  }

  /** Ends the span with a last event. A second end is none. */
  end(status: Exclude<SpanStatus, 'running'> = 'complete'): void {
    if (this.#ended) return
    this.#ended = true
    this.#cancel()
    this.#onEnd(this)
    this.#tell(status)
  }

  [Symbol.dispose](): void {
    this.end()
  }

  #wait(everyMs: number): void {
    this.#cancel = timeout(everyMs, () => {
      this.#wait(everyMs)
      this.#tell('running')
    })
  }

  #tell(status: SpanStatus): void {
    const { subject = '', type = 'time.usage', fields, data, parallel = 1, totals } = this.#options
    // A clock that goes back is none that is monotonic; no time is taken back.
    const elapsed = Math.max(Math.floor(now() - this.#startedAt) * parallel, this.#told.duration_ms ?? 0)
    if (status === 'running' && elapsed === (this.#told.duration_ms ?? 0)) return
    let all: Record<string, number> = {}
    const { id } = this.#record(() => {
      all = { ...totals?.(), duration_ms: elapsed }
      const members: NonNullable<UsageEvent['data']> = {
        ...(typeof data === 'function' ? data() : data),
        status,
        spans: status === 'running' ? 0 : 1,
      }
      for (const [name, total] of Object.entries(all)) members[name] = total - (this.#told[name] ?? 0)
      // Three digits behind the point at most: as exact as the milliseconds.
      members.duration_seconds = Number(members.duration_ms) / 1000
      return { type, subject, data: renamed(members, fields) }
    })
    // What was not taken is in the next event.
    if (id !== undefined) this.#told = all
  }
}

/** Runs a function in a span, and gives or throws what it does. A promise is waited for. */
export function timed<T>(span: Span, fn: (span: Span) => T): T {
  const end = () => span.end()
  const fail = (error: unknown) => {
    span.end('error')
    throw error
  }
  let result: T
  try {
    result = fn(span)
  } catch (error) {
    return fail(error)
  }
  const promise = result as Promise<unknown>
  if (typeof promise?.then !== 'function') end()
  else if (promise.constructor === Promise) {
    const ended = promise.then((value) => {
      end()
      return value
    }, fail)
    return ended as T
  } else {
    // With methods of its own, which the caller may want: it is given as it is.
    promise.then(end, () => span.end('error'))
  }
  return result
}

/** Members under other names, where they have one. */
export function renamed(
  data: NonNullable<UsageEvent['data']>,
  fields?: Readonly<Record<string, string>>,
): NonNullable<UsageEvent['data']> {
  if (fields === undefined) return data
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [fields[name] ?? name, value]))
}

function invalid(path: string, help: string): TaximeterError {
  return new TaximeterError('invalid_option', 'not a value that a span can have', { path, help })
}
