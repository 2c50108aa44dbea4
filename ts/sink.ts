import { TaximeterError } from './errors'
import { isPage } from './lifecycle'

/**
 * Where events go. Made by a factory such as {@link openmeter}; it is data, and what it declares is checked by the core
 * when the client is made.
 *
 * The secret is kept out of everything that is printed: JSON, `console.log` and errors show the sink without it.
 */
export class Sink {
  /** The build shortens names; this one is for people. */
  static readonly name = 'Sink'
  /** What the core needs to know: everything but the secret. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly #secret: string | undefined

  constructor(settings: Record<string, unknown>, secret: string | undefined) {
    for (const [name, value] of Object.entries(settings)) if (value === undefined) delete settings[name]
    this.settings = Object.freeze(settings)
    this.#secret = secret
  }

  /** The header that carries the secret. The core says which one; the secret itself never enters it. */
  authorization(name: string, prefix: string): Record<string, string> {
    return this.#secret === undefined ? {} : { [name]: prefix + this.#secret }
  }
}

/**
 * How many events and bytes one request may carry, and how long the first event may wait for company.
 *
 * One request is under way at a time. While there is none, what is recorded leaves at the end of the turn; meanwhile
 * events gather. Requests that are not full are 250 ms apart at least, but for a `flush()`.
 */
export interface BatchOptions {
  /** Events in one request; what the vendor takes if absent, 1,000 at most. */
  events?: number
  /** Bytes of one request's body; 256 KiB at most. */
  bytes?: number
  /** Milliseconds that the first event of a batch waits for company; none if absent. */
  lingerMs?: number
}

/** Options of {@link openmeter}. */
export interface OpenMeterOptions {
  /** Base URL of the server, e.g. `https://openmeter.cloud` or `http://localhost:8888`. */
  url: string
  /** API key; a self-hosted server may want none. */
  token?: string
  /**
   * How long the server remembers ids: milliseconds, `'unlimited'`, or `'off'`. Off is the server's own default; then a
   * batch whose answer was lost may be counted twice when it is sent again.
   */
  dedup?: number | 'unlimited' | 'off'
  batch?: BatchOptions
}

/**
 * An OpenMeter server, cloud or self-hosted: `POST /api/v1/events`.
 *
 * @example
 * const meter = new Taximeter({ source: 'chat-app', sink: openmeter({ url: 'http://localhost:8888' }) })
 */
export function openmeter(options: OpenMeterOptions): Sink {
  const { token, ...settings } = checked(options)
  return new Sink({ kind: 'openmeter', ...settings }, secret(token, 'token'))
}

/** Options of {@link dodo}. */
export interface DodoOptions {
  /** API key. */
  apiKey: string
  /** There is no default: test events in the live system are bills. */
  environment?: 'test' | 'live'
  /** Base URL instead of an environment, e.g. of the local ingest server. */
  url?: string
  batch?: BatchOptions
}

/**
 * Dodo Payments: `POST /events/ingest`. An event's subject is the Dodo customer id, its `data` the flat metadata.
 *
 * @example
 * const sink = dodo({ apiKey: process.env.DODO_API_KEY, environment: 'test' })
 */
export function dodo(options: DodoOptions): Sink {
  const { apiKey, ...settings } = checked(options)
  if (apiKey === undefined) throw new TaximeterError('invalid_sink', 'the API key is missing', { path: 'apiKey' })
  return new Sink({ kind: 'dodo', ...settings }, secret(apiKey, 'apiKey'))
}

function checked<T extends object>(options: T): T {
  if (options === null || typeof options !== 'object') {
    throw new TaximeterError('invalid_sink', 'the sink wants an object with options')
  }
  return options
}

/** A header value must not break the header: visible ASCII, no blanks, no line ends. */
function secret(value: unknown, path: string): string | undefined {
  if (value === undefined) return undefined
  if (isPage()) {
    throw new TaximeterError('secret_in_browser', 'everybody can read a key in a web page', {
      path,
      help: 'send the events to a server of your own, without a key: see examples/browser-proxy',
    })
  }
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new TaximeterError('invalid_sink', 'the key must be a string of visible ASCII characters', { path })
  }
  return value
}
