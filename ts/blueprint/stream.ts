import { renamed, type Span, type SpanOptions } from '../span'
import type { Json } from '../types'
import { blueprint, type Names } from './blueprint'
import { countedBody } from './body'
import { type Recorder, tell } from './recorder'

const definition = /* @__PURE__ */ blueprint({
  name: 'stream',
  about: 'bytes and time of streams',
  eventType: 'stream.usage',
  fields: {
    bytes: { type: 'integer', required: true, about: 'that no other event has' },
    duration_ms: { type: 'integer', about: 'whole milliseconds that no other event has' },
    duration_seconds: { type: 'number', about: 'the same in seconds' },
    status: { type: 'text', about: 'running, complete, cancelled (left early), error, or closed with its client' },
    spans: { type: 'integer', about: '1 when the stream ended, 0 while it runs' },
    stream_type: { type: 'text', about: 'video, audio, live, data, …' },
    quality: { type: 'text', about: 'e.g. 1080p' },
  },
  meters: {
    stream_bytes: { aggregation: 'SUM', of: 'bytes', groupBy: ['stream_type', 'quality'], unit: 'bytes' },
    stream_duration_seconds: {
      aggregation: 'SUM',
      of: 'duration_seconds',
      groupBy: ['stream_type', 'quality'],
      unit: 'seconds',
    },
    streams_total: { aggregation: 'SUM', of: 'spans', groupBy: ['status'], unit: 'streams' },
  },
  prices: {
    // $0.05 a gigabyte.
    stream_bytes: { type: 'unit', amount: '0.05', quantity: { divide_by: '1e9' } },
    // $0.001 a minute.
    stream_duration_seconds: { type: 'unit', amount: '0.001', quantity: { divide_by: 60 } },
  },
})

/** In what quality a stream is sent; a session records one whenever it changes. */
export const streamQuality = /* @__PURE__ */ blueprint({
  name: 'stream-quality',
  about: 'the quality of a stream from a moment on',
  eventType: 'stream.quality',
  fields: {
    quality: { type: 'text', required: true, about: 'e.g. 1080p' },
    bitrate_kbps: { type: 'integer', about: 'kilobits a second' },
  },
  meters: {
    stream_bitrate_kbps_peak: { aggregation: 'MAX', of: 'bitrate_kbps', unit: 'kbps' },
    stream_bitrate_kbps: { aggregation: 'LATEST', of: 'bitrate_kbps', unit: 'kbps' },
  },
})

/** How many streams a customer has at once, in this process; recorded at every change with `concurrent: true`. */
export const streamConcurrency = /* @__PURE__ */ blueprint({
  name: 'stream-concurrency',
  about: 'streams at once',
  eventType: 'stream.concurrency',
  fields: { concurrent_streams: { type: 'integer', required: true, about: 'from this moment on' } },
  meters: {
    concurrent_streams_peak: { aggregation: 'MAX', of: 'concurrent_streams', unit: 'streams' },
    concurrent_streams: { aggregation: 'LATEST', of: 'concurrent_streams', unit: 'streams' },
  },
  prices: {
    // $5 for each stream that ever ran at once in the month.
    concurrent_streams_peak: { type: 'unit', amount: '5' },
  },
})

/** What a session needs of the client. */
export interface SpanMeter extends Recorder {
  span(options: SpanOptions): Span
}

/** What a stream is metered with. */
export interface StreamOptions {
  /** The customer. */
  subject: string
  /** More members of the events' `data`, e.g. `{ stream_type: 'video', quality: '1080p' }`. */
  data?: { [dimension: string]: Json | undefined }
  /** How often a stream that runs is told of: what a crash can lose. A minute if absent. */
  everyMs?: number
  /** Also records how many streams the customer has at once. */
  concurrent?: boolean
  /** Other names, e.g. `dodoNames.stream`. */
  names?: Names
}

/** A stream of Node's, as far as it is looked at. */
export interface NodeStream {
  emit(event: string, ...args: unknown[]): boolean
  once(event: string, listener: (...args: unknown[]) => void): unknown
  errored?: unknown
}

/** What can be passed through: what comes back is of the same kind, and a Node stream the same stream. */
export type Streamed = ReadableStream<Uint8Array> | Response | NodeStream

/** Meter → customer → streams at once. */
const running = /* @__PURE__ */ new WeakMap<Recorder, Map<string, number>>()

/** One stream of a customer, while it runs. */
export class StreamSession {
  readonly #meter: SpanMeter
  readonly #options: StreamOptions
  readonly #span: Span
  #data: { [dimension: string]: Json | undefined }
  #bytes = 0
  #ended = false

  constructor(meter: SpanMeter, options: StreamOptions) {
    const { subject, data, everyMs, concurrent, names } = options
    this.#meter = meter
    this.#options = options
    this.#data = { ...data }
    this.#span = meter.span({
      subject,
      type: names?.eventType ?? definition.eventType,
      ...(everyMs !== undefined && { everyMs }),
      ...(names?.fields && { fields: names.fields }),
      data: () => this.#data,
      totals: () => ({ bytes: this.#bytes }),
    })
    if (concurrent) this.#concurrent(1)
  }

  /** Counts bytes that went another way, e.g. over a WebSocket. */
  add(bytes: number): void {
    this.#bytes += bytes
  }

  /** What went out until now was of the quality before; from now on it is of this one. */
  quality(quality: string, bitrate_kbps?: number): void {
    this.#span.beat()
    this.#data = { ...this.#data, quality }
    const data = renamed({ ...this.#options.data, quality, bitrate_kbps }, this.#options.names?.fields)
    tell(this.#meter, () => ({ type: streamQuality.eventType, subject: this.#options.subject, data }))
  }

  /** Ends the session; what was passed through ends it by itself. */
  end(status: 'complete' | 'cancelled' | 'error' = 'complete'): void {
    if (this.#ended) return
    this.#ended = true
    this.#span.end(status)
    if (this.#options.concurrent) this.#concurrent(-1)
  }

  /** Counts what is read of a stream, no faster than it is read, and ends the session with it. */
  pass<Source extends Streamed>(source: Source): Source {
    if (source instanceof Response) return this.#response(source) as Source
    if (source instanceof ReadableStream) return this.#body(source) as Source
    this.#node(source)
    return source
  }

  #body(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const done = (_: number, how: 'complete' | 'cancelled' | 'error') => this.end(how)
    return countedBody(body, done, (bytes) => this.add(bytes))
  }

  #response(response: Response): Response {
    if (response.body === null) {
      this.end()
      return response
    }
    return new Response(this.#body(response.body), response)
  }

  #node(stream: NodeStream): void {
    const emit = stream.emit
    // Whoever reads, and however: what is read is emitted.
    stream.emit = (event, ...args) => {
      if (event === 'data') this.add(lengthOf(args[0]))
      return emit.call(stream, event, ...args)
    }
    // Not a listener for errors: that there is none must stay to be seen.
    stream.once('end', () => this.end())
    stream.once('close', () => this.end(stream.errored ? 'error' : 'cancelled'))
  }

  #concurrent(change: number): void {
    const { subject } = this.#options
    const streams = running.get(this.#meter) ?? new Map<string, number>()
    running.set(this.#meter, streams)
    const count = (streams.get(subject) ?? 0) + change
    if (count > 0) streams.set(subject, count)
    else streams.delete(subject)
    tell(this.#meter, () => streamConcurrency.event(subject, { concurrent_streams: count }))
  }
}

function lengthOf(chunk: unknown): number {
  return typeof chunk === 'string'
    ? new TextEncoder().encode(chunk).length
    : chunk instanceof Uint8Array
      ? chunk.byteLength
      : 0
}

/**
 * A session for a stream of a customer.
 *
 * @example
 * const session = stream.session(meter, { subject: 'customer-1', data: { stream_type: 'video' }, concurrent: true })
 * session.quality('1080p', 5000)
 * return session.pass(new Response(file.stream()))
 */
const session = (meter: SpanMeter, options: StreamOptions): StreamSession => new StreamSession(meter, options)

/**
 * The same stream, metered until its end.
 *
 * @example
 * stream.pass(meter, createReadStream('film.mp4'), { subject: 'customer-1' }).pipe(response)
 */
const pass = <Source extends Streamed>(meter: SpanMeter, source: Source, options: StreamOptions): Source =>
  session(meter, options).pass(source)

/** The stream blueprint: bytes and time of streams, told while they run. */
export const stream = /* @__PURE__ */ Object.assign(definition, { session, pass })
