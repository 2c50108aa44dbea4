import type { Answer, Transport } from '../driver'
import { TaximeterError } from '../errors'
import { type BatchOptions, checked, Sink } from './sink'

/** An event as it is handed to a function: CloudEvents 1.0. */
export interface CloudEvent {
  specversion: '1.0'
  id: string
  source: string
  type: string
  subject: string
  /** RFC 3339, UTC. */
  time: string
  datacontenttype?: 'application/json'
  data?: Record<string, unknown>
}

/**
 * Takes a batch of events. Once it has resolved they are delivered, but for those that it gives back as
 * `{ refused: [{ id, reason }] }`: they go into quarantine. What it throws means that they are sent again later; an error
 * with a `status` (those of vendors' SDKs have one) means what that HTTP status means. It may be called more than once for
 * an event, which keeps its id and time.
 *
 * `json` is the batch as text, in which numbers have all their digits; `signal` is aborted at the request's deadline.
 */
export type Send = (events: CloudEvent[], request: { json: string; signal: AbortSignal }) => unknown

/** Options of {@link custom}. */
export interface CustomOptions {
  send: Send
  /** How long it remembers ids: milliseconds, `'unlimited'`, or `'off'` (if absent). */
  dedup?: number | 'unlimited' | 'off'
  batch?: BatchOptions
}

/**
 * A function of your own: a queue, a database, another vendor's SDK. Batches, retries and counts are as for any sink.
 *
 * @example
 * const sink = custom({ send: (events) => queue.publish(events) })
 */
export function custom(options: CustomOptions): Sink {
  const { send, ...settings } = checked(options)
  if (typeof send !== 'function')
    throw new TaximeterError('invalid_sink', 'a custom sink wants a function', { path: 'send' })
  return new FunctionSink(settings, send)
}

/** A sink that keeps what it is sent. */
export interface MemorySink extends Sink {
  /** What was delivered, in order. */
  readonly events: CloudEvent[]
}

/**
 * Keeps events in memory: for tests.
 *
 * @example
 * const sink = memory()
 * const meter = new Taximeter({ source: 'test', sink })
 */
export function memory(): MemorySink {
  const events: CloudEvent[] = []
  const sink = new FunctionSink({}, (batch) => void events.push(...batch))
  return Object.assign(sink, { events })
}

/**
 * Prints each event as a line of JSON: for a first look.
 *
 * @example
 * const meter = new Taximeter({ source: 'try', sink: consoleSink() })
 */
export const consoleSink = (): Sink =>
  new FunctionSink({}, (events) => {
    for (const event of events) console.log(JSON.stringify(event))
  })

class FunctionSink extends Sink {
  readonly #send: Send

  constructor(settings: object, send: Send) {
    super({ kind: 'custom', ...settings }, undefined)
    this.#send = send
  }

  override connect(): Transport {
    return (body, done) => {
      const abort = new AbortController()
      const json = new TextDecoder().decode(body)
      // The sender's own errors, thrown at once or later, are told in the same way.
      Promise.resolve()
        .then(() => this.#send(JSON.parse(json), { json, signal: abort.signal }))
        .then((result) => done(answer(200, JSON.stringify({ refused: Object(result).refused }))))
        .catch((thrown) => done(answered(thrown) ?? { thrown }))
      return { abort: () => abort.abort(), unsent: () => false }
    }
  }
}

const answer = (status: number, body: string, retryAfter?: string): Answer => ({
  status,
  contentType: 'application/json',
  retryAfter,
  date: undefined,
  body,
})

/** The answer behind an SDK's error, if it was one. */
function answered(thrown: unknown): Answer | undefined {
  const { status, message, headers } = Object(thrown)
  if (!Number.isInteger(status) || status < 300 || status > 599) return undefined
  const retryAfter = typeof headers?.get === 'function' ? headers.get('retry-after') : headers?.['retry-after']
  return answer(status, String(message), typeof retryAfter === 'string' ? retryAfter : undefined)
}
