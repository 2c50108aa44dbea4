import type { CoreHandle } from '../core'
import type { RequestShape, Target, Transport } from '../driver'
import type { Teller } from '../emitter'
import { TaximeterError } from '../errors'
import { isBrowser } from '../lifecycle'
import type { TaximeterOptions } from '../options'
import type { Outbox, Taken } from '../outbox'
import type { Spool } from '../spool/journal'
import type { Stats, TaximeterEvents } from '../types'
import { gzipped, withSession } from './prepared'

/** Makes a way to send bodies to a target. */
export type Connect = (target: Target) => Transport

/** What becomes of the events that a client's core has accepted: one sink's outbox, or several. */
export interface Delivery extends Omit<Outbox, 'take' | 'stats' | 'inherited' | 'result'> {
  /** `given` is what was recorded. */
  take(taken: Taken, given?: string): void
  /** `refused` are those that a sink did not take from the client. */
  stats(): Omit<Stats, 'refused' | 'unmetered'> & { refused?: number }
}

/** The parts of a client, and how it opens an outbox. */
export interface Parts {
  readonly options: TaximeterOptions
  readonly core: CoreHandle
  readonly events: Teller<TaximeterEvents>
  open(core: CoreHandle, sink: Sink, events: Teller<TaximeterEvents>, spool: Spool | undefined): Outbox
}

/** On every sink: other entries of the package have a class of the same name, whose sinks are as good. */
const IS_SINK = Symbol.for('taximeter.sink')

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
  readonly [IS_SINK] = true

  /** Whether it is a sink, of whatever entry of the package. */
  static is(value: unknown): value is Sink {
    return Object(value)[IS_SINK] === true
  }

  constructor(settings: Record<string, unknown>, secret: string | undefined) {
    for (const [name, value] of Object.entries(settings)) if (value === undefined) delete settings[name]
    this.settings = Object.freeze(settings)
    this.#secret = secret
  }

  /** How events get here from a client. */
  deliver({ options, core, events, open }: Parts): Delivery {
    return open(core, this, events, options.spool)
  }

  /** The way to send requests as the core describes them. The secret never enters the core: it is put in here. */
  connect(connect: Connect, request: RequestShape): Transport {
    const { url, contentType, authName, authPrefix, headerName, headerValue, hintName, sessionUrl } = request
    const accepted = request.isRead ? [] : request.accepted
    const secret = this.#secret
    const headers = { 'content-type': contentType, ...(headerName && { [headerName]: headerValue }) }
    const keyed = secret === undefined ? headers : { ...headers, [authName]: authPrefix + secret }
    const target = { url, headers: keyed, accepted, hintName }
    if (sessionUrl) {
      const session = connect({ ...target, url: sessionUrl, accepted: [] })
      return withSession(connect({ ...target, headers }), session, (token) => ({ [authName]: authPrefix + token }))
    }
    return this.prepare(request.gzip ? gzipped(connect(target)) : connect(target), secret)
  }

  /** What else a vendor wants done to a request. */
  protected prepare(transport: Transport, _secret: string | undefined): Transport {
    return transport
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

export function checked<T extends object>(options: T): T {
  if (options === null || typeof options !== 'object') {
    throw new TaximeterError('invalid_sink', 'the sink wants an object with options')
  }
  return options
}

/** A header value must not break the header: visible ASCII, no blanks, no line ends. */
export function secret(value: unknown, path: string): string | undefined {
  if (value === undefined) return undefined
  if (isBrowser()) {
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
