import { now } from '../clock'
import { CoreHandle, toError } from '../core'
import type { Teller } from '../emitter'
import { TaximeterError } from '../errors'
import { entriesOf, type Piece } from '../kept'
import { coreOptions } from '../options'
import type { Outbox, Taken } from '../outbox'
import type { Spool } from '../spool/journal'
import type { FlushResult, QuarantinedEvent, SinkStats, TaximeterEvents } from '../types'
import { checked, type Delivery, type Parts, Sink } from './sink'

/** A sink of a {@link tee}, with a spool of its own. */
export interface TeeMember {
  sink: Sink
  /** Where its events wait so that they outlive the process. */
  spool?: Spool
}

/**
 * Several sinks at once: each gets every event, under the same id and time. Each has its own queue, retries, quarantine and
 * circuit, so that one that is slow or down holds up no other, and its own spool if it has one: `{ sink, spool }`.
 *
 * What one sink does not take (`field_limit`, `queue_full` …) the others get all the same: `record()` gives the id, and
 * `on('error')` tells of it with the sink's place. Recorded again under its id, an event goes to those alone that have not
 * taken it. `stats().sinks` has the counts of each; all other counts are their sums, an event counting once for each sink.
 * `release()` and `discard()` act on all of them. Previews and costs count an event once: those that were recorded here; if
 * there were others in a spool the answer is `incomplete`. `lint()` does not know the vendors' limits.
 *
 * Throws `invalid_sink` for an empty list and for a tee in a tee, `unknown_option`.
 *
 * @example
 * const bills = stripe({ apiKey: process.env.STRIPE_KEY, quantity: 'tokens' })
 * const sink = tee([openmeter({ url: 'http://localhost:8888' }), { sink: bills, spool: fileSpool('stripe.spool') }])
 */
export function tee(sinks: (Sink | TeeMember)[]): Sink {
  if (!Array.isArray(sinks) || sinks.length === 0)
    throw new TaximeterError('invalid_sink', 'a tee wants a list of sinks', { help: 'tee([openmeter({ url }), …])' })
  return new Tee(
    sinks.map((given, i) => {
      const member: TeeMember = Sink.is(given) ? { sink: given } : checked(given)
      const { sink, spool: _, ...others } = member
      if (!Sink.is(sink) || sink instanceof Tee)
        throw new TaximeterError('invalid_sink', 'a tee takes sinks, and no other tee', { path: `[${i}]` })
      for (const name of Object.keys(others))
        throw new TaximeterError('unknown_option', 'there is no such option', {
          path: `[${i}].${name}`,
          help: 'known here: sink, spool',
        })
      return member
    }),
  )
}

class Tee extends Sink {
  readonly #members: TeeMember[]

  constructor(members: TeeMember[]) {
    // The client's own core checks an event, counts it, and writes it out as CloudEvents.
    super({ kind: 'custom' }, undefined)
    this.#members = members
  }

  override deliver(parts: Parts): Delivery {
    if (parts.options.spool)
      throw new TaximeterError('invalid_option', 'each sink of a tee has a spool of its own', {
        path: 'spool',
        help: 'tee([{ sink, spool }, …])',
      })
    const members: Member[] = []
    try {
      for (const member of this.#members) members.push(new Member(member, members.length, parts))
    } catch (error) {
      // Their spools are not to stay locked.
      for (const { outbox } of members) void outbox.letGo()
      throw toError(error).at(`sink[${members.length}]`)
    }
    return new FanOut(members, parts.core)
  }
}

/** One of the sinks: a core for its limits and its delivery, and an outbox. */
class Member {
  readonly outbox: Outbox
  readonly #core: CoreHandle
  /** What it tells has its place. */
  readonly #events: Teller<TaximeterEvents>
  readonly #kind: string
  #refused = 0

  constructor({ sink, spool }: TeeMember, place: number, { options, events, open }: Parts) {
    const { source, onFull } = options
    this.#kind = String(sink.settings.kind)
    this.#events = {
      has: (name) => events.has(name),
      emit: (name, detail) => events.emit(name, Object.assign(detail, { sink: place })),
    }
    this.#core = new CoreHandle(
      coreOptions({ source, sink, ...(onFull && { onFull }), ...(spool && { spool }) }),
      (core) => this.outbox.restore(core),
      (error) => this.#events.emit('error', error),
    )
    this.outbox = open(this.#core, sink, this.#events, spool)
  }

  /** Takes an event, unless it has it, or counts and tells why not: whoever recorded it has gone on. */
  take(id: string, text: string): void {
    try {
      this.outbox.take(JSON.parse(this.#core.call((core) => core.record(text, Date.now(), now()))))
    } catch (thrown) {
      const error = toError(thrown)
      error.message += ` (event ${id})`
      this.#refused += 1
      this.#events.emit('error', error)
    }
  }

  stats(): SinkStats {
    return { sink: this.#kind, ...this.outbox.stats(), refused: this.#refused }
  }
}

const COUNTERS = [
  'recorded',
  'delivered',
  'pending',
  'quarantined',
  'dropped',
  'refused',
  'queueBytes',
  'inFlight',
  'requests',
] as const
/** The worst first: what is said of all of them. */
const STATES = ['held', 'backoff', 'sending', 'idle'] as const
const SPOOLS = ['degraded', 'ok', 'none'] as const

/** Hands each event to every sink; where one has a spool, before `record()` returns. */
class FanOut implements Delivery {
  readonly #members: Member[]
  readonly #core: CoreHandle

  constructor(members: Member[], core: CoreHandle) {
    this.#members = members
    this.#core = core
  }

  get isSpooled(): boolean {
    return this.#members.some(({ outbox }) => outbox.isSpooled)
  }

  get isUncounted(): boolean {
    return this.#members.some(({ outbox }) => outbox.inherited > 0)
  }

  take(taken: Taken, given?: string): void {
    // One that is known may be new to a sink that did not take it then.
    const text = 'text' in taken ? recordable(taken.text) : given
    if (text !== undefined) this.#hand([{ id: taken.id, text }])
  }

  add(piece: Piece): void {
    const decoder = new TextDecoder()
    const entries = entriesOf(piece, this.#core.request.separator.length)
    this.#hand(entries.map(({ id, bytes }) => ({ id, text: recordable(decoder.decode(bytes)) })))
    piece.release?.()
  }

  #hand(events: { id: string; text: string }[]): void {
    for (const { id, text } of events) for (const member of this.#members) member.take(id, text)
    try {
      // Its queue is not used: the sinks have theirs.
      this.#core.call((core) => core.forgetWaiting())
    } catch (error) {
      this.#core.report(error)
    }
  }

  wait(due: boolean): void {
    for (const { outbox } of this.#members) outbox.wait(due)
  }

  restore(): void {
    this.wait(true)
  }

  quarantine(event: QuarantinedEvent): void {
    for (const { outbox } of this.#members) outbox.quarantine({ ...event })
  }

  quarantined(): QuarantinedEvent[] {
    return this.#members.flatMap(({ outbox }, sink) => outbox.quarantined().map((event) => ({ ...event, sink })))
  }

  release(id: string | undefined): number {
    const errors: Error[] = []
    const count = this.#sum(({ outbox }, sink) => {
      try {
        return outbox.release(id)
      } catch (error) {
        errors.push(Object.assign(toError(error), { sink }))
        return 0
      }
    })
    if (errors.length > 0) throw errors[0]
    return count
  }

  discard(id: string | undefined): number {
    return this.#sum(({ outbox }) => outbox.discard(id))
  }

  stats(): ReturnType<Delivery['stats']> {
    const sinks = this.#members.map((member) => member.stats())
    const sums = COUNTERS.map((name) => [name, sinks.reduce((sum, stats) => sum + stats[name], 0)])
    return {
      ...(Object.fromEntries(sums) as Record<(typeof COUNTERS)[number], number>),
      spool: SPOOLS.find((spool) => sinks.some((stats) => stats.spool === spool)) ?? 'none',
      state: STATES.find((state) => sinks.some((stats) => stats.state === state)) ?? 'idle',
      sinks,
    }
  }

  async flush(deadlineMs: number): Promise<FlushResult> {
    await Promise.all(this.#members.map(({ outbox }) => outbox.flush(deadlineMs)))
    const { delivered, pending, quarantined, dropped } = this.stats()
    return { delivered, pending, quarantined, dropped }
  }

  async letGo(): Promise<void> {
    await Promise.all(this.#members.map(({ outbox }) => outbox.letGo()))
  }

  #sum(count: (member: Member, place: number) => number): number {
    return this.#members.reduce((sum, member, place) => sum + count(member, place), 0)
  }
}

/** A CloudEvent as `record()` takes it: without what is said of every one. */
const recordable = (event: string) =>
  event.replace('"specversion":"1.0",', '').replace(',"datacontenttype":"application/json"', '')
