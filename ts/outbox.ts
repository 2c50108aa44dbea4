import { now, random } from './clock'
import type { CoreHandle } from './core'
import { type Outcome, outlivingBytes, send, type Transport, timeout } from './driver'
import type { Teller } from './emitter'
import type { Core } from './engine'
import { TaximeterError } from './errors'
import { Flushes } from './flushes'
import { encoder, entriesOf, Kept, type Piece, type Runs, single } from './kept'
import { Extension, flushAtEnd, forgetEnd, type WaitUntil } from './lifecycle'
import { type PutAside, Quarantine, quarantinedEvent } from './quarantine'
import type { Entry, Left, LeftEvent, Spool } from './spool/journal'
import { SpoolWriter } from './spool/writer'
import type { FlushResult, QuarantinedEvent, Stats, TaximeterEvents } from './types'

/** What may wait together with what is taken over: as much as the core lets wait. */
const QUEUE_EVENTS_MAX = 10_000
const QUEUE_BYTES_MAX = 16 * 1024 * 1024

/** How long a flush waits if not told otherwise. */
export const FLUSH_DEADLINE_MS = 5000
/** A request whose deadline passed so long ago has lost its timer: platforms at the edge end those of an answered request. */
const OVERDUE_MS = 1000

/** What the core wants done, by the numbers of its kinds. */
const SEND = 0
const ACKED = 1
const DROPPED = 2
const AMBIGUOUS = 3
const WAKE = 4
const QUARANTINE = 5
const NOTICE = 6

/**
 * Keeps every event that is not settled yet, and does what the core decides: send, wait, acknowledge, put aside.
 *
 * The bytes and the counters live here, not in WebAssembly: a lost instance loses bookkeeping, never an event.
 */
export class Outbox {
  readonly #core: CoreHandle
  readonly #transport: Transport
  readonly #prefix: Uint8Array
  readonly #suffix: Uint8Array
  readonly #events: Teller<TaximeterEvents>
  /** Makes pending what is staged. */
  readonly #drain: () => void
  readonly #kept: Kept
  /** Requests that have no outcome yet, and their events. */
  readonly #flying = new Map<number, { seqs: Runs; at: number; until: number; expire: () => void }>()
  /** What came of requests, and is yet to be told to the core. */
  #outcomes: (() => void)[] = []
  readonly #quarantine = new Quarantine()
  readonly #spool: SpoolWriter
  /** Requests that wait for the spool. */
  readonly #ready = new Set<() => void>()
  /** The process or the page may end at any moment. */
  #isLeaving = false
  /** What is left is the next one's, who has the spool: sent here too it might be counted twice. */
  #isLetGo = false
  readonly #extension: Extension
  /** Something that was taken over is in a form that cannot be read back: previews are not the whole. */
  isUncounted = false
  /** How many were taken over. */
  inherited = 0
  readonly #counts = { recorded: 0, delivered: 0, quarantined: 0, dropped: 0, requests: 0 }
  readonly #flushes = new Flushes()
  #lastSeq = 0
  #lastBatch = 0
  #wake: { at: number; cancel(): void } | undefined

  /** Throws `spool_locked`, `spool_other_sink`, `spool_invalid`, `spool_failed`. */
  constructor(
    core: CoreHandle,
    transport: Transport,
    events: Teller<TaximeterEvents>,
    drain: () => void,
    spool: Spool | undefined,
    waitUntil: WaitUntil | undefined,
  ) {
    this.#core = core
    this.#extension = new Extension(
      waitUntil,
      (ms) => this.flush(ms, true),
      (error) => core.report(error),
    )
    this.#transport = transport
    this.#prefix = encoder.encode(core.request.prefix)
    this.#suffix = encoder.encode(core.request.suffix)
    this.#events = events
    this.#drain = drain
    this.#kept = new Kept(core.request.separator.length)
    this.#spool = new SpoolWriter(spool, (error) => events.emit('error', error))
    const left = this.#spool.open(core.request.url, {
      inherit: (left) => this.#inherit(left),
      lose: (seqs) => this.#lose(seqs),
      entries: () => this.#entries(),
      leave: this.#leave,
    })
    if (left) this.#takeOver(left)
  }

  /** Whether what is recorded has to be written down before `record()` returns. */
  get isSpooled(): boolean {
    return this.#spool.exists
  }

  /** Takes what the core made of an event's text. */
  take(taken: Taken): void {
    if (!('seq' in taken)) return
    const { seq, id, text, timeMs, dropped, due } = taken
    const bytes = encoder.encode(this.#core.request.separator + text) as Uint8Array<ArrayBuffer>
    this.add(single(seq, id, timeMs, bytes), dropped, due)
  }

  /** Takes events that the core has accepted. */
  add(piece: Piece, dropped: number[], due: boolean): void {
    this.#kept.add(piece)
    if (this.#spool.exists) this.#spool.note(...entriesOf(piece, this.#core.request.separator.length))
    this.#counts.recorded += piece.ends.length
    this.#lastSeq = piece.first + piece.ends.length - 1
    if (dropped.length > 0)
      this.#settle(
        dropped.flatMap((seq) => [seq, seq]),
        'dropped',
      )
    this.wait(due)
  }

  /** Something waits; `due`: for no company any more. */
  wait(due: boolean): void {
    flushAtEnd(this.#leave)
    this.#extension.ask()
    try {
      if (due || (this.#wake === undefined && this.#flying.size === 0)) this.#wakeAt(now())
    } catch (error) {
      // Some hosts have no timers while a module loads. The event is kept, and goes with the next ones or a flush.
      this.#core.report(error)
    }
  }

  /** Puts an event aside that was never given a number. */
  quarantine(event: QuarantinedEvent): void {
    this.#counts.recorded += 1
    this.#putAside({ seq: undefined, timeMs: Date.now(), event })
  }

  /** Registers every pending event with a core that has just been made anew. */
  restore(core: Core): void {
    // The answer to a request of the old core will be nobody's.
    for (const { seqs, at } of this.#flying.values()) {
      this.#kept.markAmbiguous(seqs, at)
      this.#spool.note({ do: 'ambiguous', at, seqs })
    }
    this.#kept.each((seq, bytes, timeMs, ambiguousAt) => {
      core.restore(seq, bytes, timeMs, ambiguousAt)
      const event = this.#kept.get(seq)
      if (event) core.remember(event.id, event.text, Date.now())
    })
    core.continueAfter(this.#lastSeq, this.#lastBatch)
    this.#wakeAt(now())
  }

  quarantined(): QuarantinedEvent[] {
    return this.#quarantine.all.map(({ event }) => event)
  }

  /** Sends events in quarantine after all: that one, or all of them. Gives how many; the queue has to have room. */
  release(id: string | undefined): number {
    this.#drain()
    return this.#quarantine.take(id, ({ event, seq, timeMs }) => {
      const separator = this.#core.request.separator
      const bytes = encoder.encode(separator + event.event) as Uint8Array<ArrayBuffer>
      const as = this.#lastSeq + 1
      this.#core.call((core) => core.requeue(as, bytes.length - separator.length, timeMs))
      this.#lastSeq = as
      this.#counts.quarantined -= 1
      this.#kept.add(single(as, event.id, timeMs, bytes))
      if (seq !== undefined) this.#spool.note({ do: 'released', seq, as })
      this.wait(true)
    })
  }

  /** Gives up events in quarantine: that one, or all of them. They count as dropped. Gives how many. */
  discard(id: string | undefined): number {
    return this.#quarantine.take(id, ({ event, seq }) => {
      this.#core.call((core) => core.discard())
      this.#counts.quarantined -= 1
      this.#counts.dropped += 1
      if (seq !== undefined) this.#spool.note({ do: 'settled', seqs: [seq, seq] })
      this.#events.emit('dropped', { ids: [event.id] })
    })
  }

  /** Takes over what another client left, under the next numbers here. */
  #inherit({ events, corrupt }: Left): number[] | undefined {
    this.#drain()
    const count = this.#kept.count + events.length
    const bytes = events.reduce((sum, event) => sum + event.bytes.length, this.#kept.bytes)
    if (this.#kept.count > 0 && (count > QUEUE_EVENTS_MAX || bytes > QUEUE_BYTES_MAX)) return undefined
    const first = this.#lastSeq + 1
    const numbered = events.map((event, i) => ({ ...event, seq: first + i }))
    this.#takeOver({ events: numbered, lastSeq: this.#lastSeq + events.length, corrupt })
    return numbered.map(({ seq }) => seq)
  }

  #takeOver({ events, lastSeq, corrupt }: Left): void {
    if (corrupt > 0) {
      const error = new TaximeterError('spool_corrupt', `${corrupt} records of the spool were not whole`)
      // When somebody can listen.
      queueMicrotask(() => this.#events.emit('error', error))
    }
    for (const event of events) this.#takeOverOne(event)
    this.#lastSeq = lastSeq
    this.#core.call((core) => core.continueAfter(lastSeq, this.#lastBatch))
    if (this.#kept.count > 0) this.wait(true)
  }

  #takeOverOne({ seq, id, timeMs, bytes, ambiguousAt, reason }: LeftEvent): void {
    this.#counts.recorded += 1
    this.inherited += 1
    // It is usage that the vendor will know of.
    if (!this.#core.call((core) => core.inherit(id, bytes, Date.now()))) this.isUncounted = true
    if (reason) {
      const { code, status, text } = reason
      this.#counts.quarantined += 1
      this.#quarantine.add({
        seq,
        timeMs,
        event: quarantinedEvent(id, code, status, text, new TextDecoder().decode(bytes)),
      })
      return
    }
    this.#core.call((core) => core.restore(seq, bytes.length, timeMs, ambiguousAt))
    const separator = encoder.encode(this.#core.request.separator)
    const whole = new Uint8Array(separator.length + bytes.length)
    whole.set(separator)
    whole.set(bytes, separator.length)
    this.#kept.add(single(seq, id, timeMs, whole))
    if (ambiguousAt !== undefined) this.#kept.markAmbiguous([seq, seq], ambiguousAt)
  }

  /** Another client has these now: they are not this one's to send or to count. */
  #lose(seqs: Runs): void {
    const [first = 0, last = 0] = Array.from(seqs)
    const aside = this.#quarantine.forget(first, last)
    this.#counts.recorded -= this.#forget(seqs) + aside
    this.#counts.quarantined -= aside
    this.#tellWaiters()
  }

  /** All that is here, for a spool that has lost it or begins. */
  #entries(): Entry[] {
    const entries: Entry[] = []
    const add = (seq: number, { id, timeMs, text }: { id: string; timeMs: number; text: string }) =>
      entries.push({ do: 'event', seq, id, timeMs, bytes: encoder.encode(text) })
    this.#kept.each((seq, _bytes, _timeMs, ambiguousAt) => {
      const event = this.#kept.get(seq)
      if (event) add(seq, event)
      if (ambiguousAt !== undefined) entries.push({ do: 'ambiguous', at: ambiguousAt, seqs: [seq, seq] })
    })
    for (const { seq, timeMs, event } of this.#quarantine.all) {
      if (seq === undefined) continue
      const { id, code, status, text } = event
      add(seq, { id, timeMs, text: event.event })
      entries.push({ do: 'quarantined', seq, code, status, text })
    }
    for (const { seqs, at } of this.#flying.values()) entries.push({ do: 'sent', at, seqs })
    return entries
  }

  stats(): Omit<Stats, 'refused' | 'unmetered'> {
    this.#drain()
    return {
      ...this.#counts,
      pending: this.#kept.count,
      queueBytes: this.#kept.bytes,
      inFlight: this.#flying.size,
      spool: this.#spool.state,
      state: this.#core.call((c) => c.state()) as Stats['state'],
    }
  }

  result(): FlushResult {
    const { delivered, quarantined, dropped } = this.#counts
    return { delivered, pending: this.#kept.count, quarantined, dropped }
  }

  /**
   * Sends what waits, and resolves when everything recorded before the call is settled, or at the deadline. Calls may
   * overlap: each waits for what was recorded before it.
   */
  flush(deadlineMs: number, isExtension = false): Promise<FlushResult> {
    this.#extension.isFlushed = true
    const flushed = this.#flushNow(deadlineMs, isExtension)
    const { opening } = this.#spool
    if (opening === undefined) return flushed
    const start = now()
    const opened = new Promise<void>((resolve) => {
      opening.then(resolve).then(timeout(deadlineMs, resolve, true))
    })
    return opened.then(() => this.#flushNow(deadlineMs - (now() - start), isExtension))
  }

  async #flushNow(deadlineMs: number, isExtension: boolean): Promise<FlushResult> {
    this.#drain()
    this.#core.call((c) => c.flush())
    this.#pump()
    const last = this.#lastSeq
    if (!this.#isLetGo && !this.#isSettled(last)) {
      await this.#flushes.wait(last, deadlineMs, isExtension ? () => this.#pump() : undefined)
    }
    return this.result()
  }

  /** What is pending holds up the end of the process no longer; in a spool it is there for the next one. */
  async letGo(): Promise<void> {
    forgetEnd(this.#leave)
    if (!this.#spool.exists) return
    this.#isLetGo = true
    this.#wake?.cancel()
    await this.#spool.close()
  }

  #isSettled(last: number): boolean {
    return (this.#kept.first ?? Number.POSITIVE_INFINITY) > last
  }

  #wakeAt(at: number): void {
    // What is in the spool may be another client's now.
    if (this.#isLetGo || (this.#wake !== undefined && this.#wake.at <= at)) return
    this.#wake?.cancel()
    this.#wake = { at, cancel: timeout(at - now(), () => this.#pump()) }
  }

  #pump(): void {
    for (const { until, expire } of [...this.#flying.values()]) if (until < now()) expire()
    this.#settleOutcomes()
    this.#perform((core) => core.poll(now(), Date.now(), random()))
  }

  #settleOutcomes(): void {
    for (const settle of this.#outcomes.splice(0)) settle()
  }

  /** Lets the core decide and does it. A failure of ours stays ours: it is reported, and the events stay pending. */
  #perform(decide: (core: Core) => Float64Array): void {
    if (this.#isLetGo) return
    try {
      this.#drain()
      this.#wake?.cancel()
      this.#wake = undefined
      const numbers = this.#core.call(decide)
      // Taken before anything is done: what is done may make the core decide again.
      const texts: string[] = numbers[0] ? JSON.parse(this.#core.call((core) => core.texts())) : []
      const text = () => texts.shift() ?? ''
      for (let at = 1; at + 1 < numbers.length; ) {
        const from = at + 2
        const to = from + (numbers[at + 1] as number)
        this.#do(numbers[at] as number, numbers.subarray(from, to), text)
        at = to
      }
    } catch (error) {
      this.#core.report(error)
    }
    this.#spool.settle()
    this.#tellWaiters()
  }

  #tellWaiters(): void {
    this.#flushes.tell((last) => this.#isSettled(last))
  }

  /** See `src/delivery/action.rs` for what the numbers are. */
  #do(kind: number, numbers: Float64Array, text: () => string): void {
    const [first = 0, second = 0] = numbers
    switch (kind) {
      case SEND:
        this.#send(first, second, numbers.subarray(2))
        break
      case ACKED:
        this.#settle(numbers, 'delivered')
        break
      case DROPPED:
        this.#settle(numbers, 'dropped')
        break
      case AMBIGUOUS:
        this.#kept.markAmbiguous(numbers.subarray(1), first)
        this.#spool.note({ do: 'ambiguous', at: first, seqs: numbers.subarray(1) })
        break
      case WAKE:
        this.#wakeAt(first)
        break
      case QUARANTINE: {
        const [code, said] = [text(), text()]
        const kept = this.#kept.get(first)
        if (kept === undefined) break
        this.#forget([first, first])
        const status = second || undefined
        this.#spool.note({ do: 'quarantined', seq: first, code, status, text: said || undefined })
        this.#putAside({
          seq: first,
          timeMs: kept.timeMs,
          event: quarantinedEvent(kept.id, code, status, said, kept.text),
        })
        break
      }
      case NOTICE: {
        const ids = numbers.length > 0 ? { ids: this.#kept.ids(numbers) } : {}
        this.#events.emit('sink-state', { code: text(), text: text(), ...ids })
      }
    }
  }

  #send(batch: number, deadlineMs: number, seqs: Runs): void {
    const flying = { seqs, at: Date.now(), until: Number.POSITIVE_INFINITY, expire: () => {} }
    this.#flying.set(batch, flying)
    this.#lastBatch = batch
    const over = (outcome: Outcome) => {
      this.#flying.delete(batch)
      // Together with what comes of it.
      this.#spool.later({ do: 'returned', seqs })
      // A core that was made meanwhile does not know the batch, and has its events back already.
      const ids = this.#core.request.namesIds && 'status' in outcome ? this.#kept.ids(seqs) : []
      this.#outcomes.push(() => this.#perform((core) => tell(core, batch, outcome, ids)))
      // What is sent next belongs to a request that lives on: to the last one that waits.
      if (!this.#flushes.wake()) this.#settleOutcomes()
    }
    const go = () => {
      if (!this.#ready.delete(go)) return
      const body = this.#kept.body(seqs, this.#prefix, this.#suffix)
      if (body === undefined) return over({ ...NOTHING, status: this.#core.request.accepted[0] as number })
      this.#counts.requests += 1
      flying.until = now() + deadlineMs + OVERDUE_MS
      flying.expire = send(this.#transport, body, deadlineMs, over)
    }
    const written = this.#spool.note({ do: 'sent', at: Date.now(), seqs })
    this.#ready.add(go)
    if (written === undefined || this.#isLeaving) go()
    else written.then(go)
  }

  #putAside(aside: PutAside): void {
    this.#counts.quarantined += 1
    this.#quarantine.add(aside)
    this.#events.emit('quarantined', aside.event)
  }

  #forget(seqs: Runs, ids?: string[]): number {
    const count = this.#kept.settle(seqs, ids)
    if (this.#kept.count === 0) forgetEnd(this.#leave)
    return count
  }

  /** What only a listener sees is made for listeners only: an id is text that is made late. */
  #settle(seqs: Runs, as: 'delivered' | 'dropped'): void {
    this.#spool.note({ do: 'settled', seqs })
    const ids: string[] | undefined = this.#events.has(as) ? [] : undefined
    this.#counts[as] += this.#forget(seqs, ids)
    if (ids !== undefined) this.#events.emit(as, { ids })
  }

  /** The process ends, or the page may: nothing is waited for. */
  readonly #leave = () => {
    this.#isLeaving = true
    void this.flush(FLUSH_DEADLINE_MS)
    for (const go of this.#ready) go()
    const bytes = outlivingBytes()
    if (bytes > 0) this.#perform((core) => core.leave(bytes, now(), Date.now()))
    this.#isLeaving = false
  }
}

/** What the core makes of an event; without a number it is known already. */
export type Taken =
  | { seq: number; id: string; text: string; bytes: number; timeMs: number; dropped: number[]; due: boolean }
  | { id: string }

/** The answer for a request none of whose events are this client's any more. */
const NOTHING = { contentType: undefined, retryAfter: undefined, date: undefined, body: '' }

/** Tells the core what came of a request. */
function tell(core: Core, batch: number, outcome: Outcome, ids: string[]): Float64Array {
  const isAnswer = 'status' in outcome
  const lines = isAnswer
    ? [outcome.contentType, outcome.retryAfter, outcome.date, outcome.hint, ids.join(' '), outcome.body]
    : [outcome.error, outcome.text]
  const [status, unsent] = isAnswer ? [outcome.status, false] : [undefined, outcome.unsent]
  return core.outcome(batch, status, unsent, lines.join('\n'), now(), Date.now(), random())
}
