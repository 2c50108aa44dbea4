import type { CoreHandle } from './core'
import { type Outcome, send, timeout } from './driver'
import type { Emitter } from './emitter'
import type { Core } from './engine'
import { Kept, type Piece, type Runs } from './kept'
import { flushAtProcessEnd, forgetProcessEnd } from './lifecycle'
import type { Sink } from './sink'
import type { FlushResult, QuarantinedEvent, Stats, TaximeterEvents } from './types'

/** How long a flush waits if not told otherwise. */
export const FLUSH_DEADLINE_MS = 5000

/** What the core wants done. */
type Action =
  | { do: 'send'; batch: number; seqs: Runs; deadlineMs: number }
  | { do: 'acked'; seqs: Runs }
  | { do: 'quarantine'; seq: number; code: string; status?: number; text?: string }
  | { do: 'dropped'; seqs: Runs }
  | { do: 'ambiguous'; seqs: Runs; at: number }
  | { do: 'wake'; at: number }
  | { do: 'notice'; code: string; text: string }

/**
 * Keeps every event that is not settled yet, and does what the core decides: send, wait, acknowledge, put aside.
 *
 * The bytes and the counters live here, not in WebAssembly: a lost instance loses bookkeeping, never an event.
 */
export class Outbox {
  readonly #core: CoreHandle
  readonly #sink: Sink
  readonly #fetch: typeof globalThis.fetch
  readonly #events: Emitter<TaximeterEvents>
  /** Makes pending what is staged. */
  readonly #drain: () => void
  readonly #kept: Kept
  /** Requests that have no outcome yet, and their events. */
  readonly #flying = new Map<number, { seqs: Runs; at: number }>()
  readonly #quarantined: QuarantinedEvent[] = []
  readonly #counts = { recorded: 0, delivered: 0, quarantined: 0, dropped: 0, requests: 0 }
  readonly #waiting = new Set<() => void>()
  #lastSeq = 0
  #lastBatch = 0
  #wake: { at: number; cancel(): void } | undefined

  constructor(
    core: CoreHandle,
    sink: Sink,
    fetch: typeof globalThis.fetch,
    events: Emitter<TaximeterEvents>,
    drain: () => void,
  ) {
    this.#core = core
    this.#sink = sink
    this.#fetch = fetch
    this.#events = events
    this.#drain = drain
    this.#kept = new Kept(core.request.separator.length)
  }

  /** Takes events that the core has accepted. */
  add(piece: Piece, dropped: number[], due: boolean): void {
    this.#kept.add(piece)
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
    flushAtProcessEnd(this.#atProcessEnd)
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
    this.#putAside(event)
  }

  /** Registers every pending event with a core that has just been made anew. */
  restore(core: Core): void {
    // The answer to a request of the old core will be nobody's.
    for (const { seqs, at } of this.#flying.values()) this.#kept.markAmbiguous(seqs, at)
    this.#kept.each((seq, bytes, timeMs, ambiguousAt) => core.restore(seq, bytes, timeMs, ambiguousAt))
    core.continueAfter(this.#lastSeq, this.#lastBatch)
    this.#wakeAt(now())
  }

  quarantined(): QuarantinedEvent[] {
    return [...this.#quarantined]
  }

  stats(): Omit<Stats, 'refused'> {
    this.#drain()
    return {
      ...this.#counts,
      pending: this.#kept.count,
      queueBytes: this.#kept.bytes,
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
  async flush(deadlineMs: number): Promise<FlushResult> {
    this.#drain()
    const last = this.#lastSeq
    const deadline = timeout(deadlineMs, true)
    let late = false
    void deadline.then(() => {
      late = true
      this.#settledSomething()
    })
    this.#core.call((c) => c.flush())
    this.#pump()
    while (!late && (this.#kept.first ?? Number.POSITIVE_INFINITY) <= last)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    deadline.cancel()
    return this.result()
  }

  #settledSomething(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const resolve of waiting) resolve()
  }

  #wakeAt(at: number): void {
    if (this.#wake !== undefined && this.#wake.at <= at) return
    this.#wake?.cancel()
    const timer = timeout(at - now())
    this.#wake = { at, cancel: timer.cancel }
    const mine = this.#wake
    void timer.then(() => {
      if (this.#wake === mine) this.#pump()
    })
  }

  #pump(): void {
    this.#wake?.cancel()
    this.#wake = undefined
    this.#drain()
    this.#perform(() => this.#core.call((c) => c.poll(now(), Date.now(), random())))
  }

  /** A failure of ours stays ours: it is reported, and the events stay pending. */
  #perform(decide: () => string): void {
    try {
      for (const action of JSON.parse(decide()) as Action[]) this.#do(action)
    } catch (error) {
      this.#core.report(error)
    }
    this.#settledSomething()
  }

  #do(action: Action): void {
    switch (action.do) {
      case 'send':
        void this.#send(action.batch, action.seqs, action.deadlineMs)
        break
      case 'acked':
        this.#settle(action.seqs, 'delivered')
        break
      case 'dropped':
        this.#settle(action.seqs, 'dropped')
        break
      case 'quarantine': {
        const { seq, code, status, text } = action
        const kept = this.#kept.get(seq)
        if (kept === undefined) break
        this.#forget([seq, seq])
        this.#putAside({
          id: kept.id,
          code,
          event: kept.text,
          ...(status !== undefined && { status }),
          ...(text !== undefined && { text }),
        })
        break
      }
      case 'ambiguous':
        this.#kept.markAmbiguous(action.seqs, action.at)
        break
      case 'wake':
        this.#wakeAt(action.at)
        break
      case 'notice':
        this.#events.emit('sink-state', { code: action.code, text: action.text })
    }
  }

  async #send(batch: number, seqs: Runs, deadlineMs: number): Promise<void> {
    const { request } = this.#core
    this.#flying.set(batch, { seqs, at: Date.now() })
    this.#lastBatch = batch
    this.#counts.requests += 1
    const body = this.#kept.body(seqs, request.prefix, request.suffix)
    const outcome: Outcome = await send(this.#fetch, this.#sink, request, body, deadlineMs)
    this.#flying.delete(batch)
    // A core that was made meanwhile does not know the batch, and has its events back already.
    this.#perform(() => this.#core.call((c) => c.outcome(batch, JSON.stringify(outcome), now(), Date.now(), random())))
    this.#pump()
  }

  #putAside(event: QuarantinedEvent): void {
    this.#counts.quarantined += 1
    this.#quarantined.push(event)
    this.#events.emit('quarantined', event)
  }

  #forget(seqs: Runs, ids?: string[]): number {
    const count = this.#kept.settle(seqs, ids)
    if (this.#kept.count === 0) forgetProcessEnd(this.#atProcessEnd)
    return count
  }

  /** What only a listener sees is made for listeners only: an id is text that is made late. */
  #settle(seqs: Runs, as: 'delivered' | 'dropped'): void {
    const ids: string[] | undefined = this.#events.has(as) ? [] : undefined
    this.#counts[as] += this.#forget(seqs, ids)
    if (ids !== undefined) this.#events.emit(as, { ids })
  }

  readonly #atProcessEnd = () => void this.flush(FLUSH_DEADLINE_MS)
}

/** Milliseconds on a clock that no one sets: schedules must not follow the wall clock's jumps. */
export const now = (): number => performance.now()

/** Jitter: it spreads clients and guards no secret. */
const random = (): number => Math.floor(Math.random() * 2 ** 32)
