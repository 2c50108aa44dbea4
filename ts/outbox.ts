import type { CoreHandle } from './core'
import { type Outcome, send, timeout } from './driver'
import type { Emitter } from './emitter'
import type { Core } from './engine'
import { flushAtProcessEnd, forgetProcessEnd } from './lifecycle'
import type { Sink } from './sink'
import type { FlushResult, QuarantinedEvent, Stats, TaximeterEvents } from './types'

/** How long a flush waits if not told otherwise. */
export const FLUSH_DEADLINE_MS = 5000

/** What the core wants done. */
type Action =
  | { do: 'send'; batch: number; seqs: number[]; deadlineMs: number }
  | { do: 'acked'; seqs: number[] }
  | { do: 'quarantine'; seq: number; code: string; status?: number; text?: string }
  | { do: 'dropped'; seqs: number[] }
  | { do: 'ambiguous'; seqs: number[]; at: number }
  | { do: 'wake'; at: number }
  | { do: 'notice'; code: string; text: string }

interface Entry {
  id: string
  /** The event as the vendor is sent it: the same bytes on every attempt. */
  text: string
  /** UTF-8 bytes of the text. */
  bytes: number
  timeMs: number
  /** When a send may have arrived without our being told; milliseconds since 1970. */
  ambiguousAt?: number
  /** It is in a request that has no outcome yet. */
  sending?: boolean
}

/**
 * Keeps every event that is not settled yet, and does what the core decides: send, wait, acknowledge, put aside.
 *
 * The texts and the counters live here, not in WebAssembly: a lost instance loses bookkeeping, never an event.
 */
export class Outbox {
  readonly #core: CoreHandle
  readonly #sink: Sink
  readonly #fetch: typeof globalThis.fetch
  readonly #events: Emitter<TaximeterEvents>
  /** Pending events in the order they were recorded. */
  readonly #entries = new Map<number, Entry>()
  readonly #quarantined = new Map<number, QuarantinedEvent>()
  readonly #counts = { recorded: 0, delivered: 0, quarantined: 0, dropped: 0, requests: 0 }
  readonly #waiting = new Set<() => void>()
  #requests = 0
  #lastSeq = 0
  #lastBatch = 0
  #wake: { at: number; cancel(): void } | undefined

  constructor(core: CoreHandle, sink: Sink, fetch: typeof globalThis.fetch, events: Emitter<TaximeterEvents>) {
    this.#core = core
    this.#sink = sink
    this.#fetch = fetch
    this.#events = events
  }

  /** Takes an event that the core has accepted. */
  add(seq: number, entry: Entry, dropped: number[], due: boolean): void {
    this.#entries.set(seq, entry)
    if (this.#entries.size === 1) flushAtProcessEnd(this.#atProcessEnd)
    this.#counts.recorded += 1
    this.#lastSeq = seq
    if (dropped.length > 0) this.#drop(dropped)
    if (due || (this.#wake === undefined && this.#requests === 0)) this.#wakeAt(now())
  }

  /** Registers every pending event with a core that has just been made anew. */
  restore(core: Core): void {
    const at = Date.now()
    for (const [seq, { bytes, timeMs, ambiguousAt, sending }] of this.#entries) {
      // The answer to a request of the old core will be nobody's.
      core.restore(seq, bytes, timeMs, ambiguousAt ?? (sending ? at : undefined))
    }
    core.continueAfter(this.#lastSeq, this.#lastBatch)
    this.#wakeAt(now())
  }

  quarantined(): QuarantinedEvent[] {
    return [...this.#quarantined.values()]
  }

  stats(): Omit<Stats, 'refused'> {
    let queueBytes = 0
    for (const { bytes } of this.#entries.values()) queueBytes += bytes
    return {
      ...this.#counts,
      pending: this.#entries.size,
      queueBytes,
      state: this.#core.call((c) => c.state()) as Stats['state'],
    }
  }

  result(): FlushResult {
    const { delivered, quarantined, dropped } = this.#counts
    return { delivered, pending: this.#entries.size, quarantined, dropped }
  }

  /**
   * Sends what waits, and resolves when everything recorded before the call is settled, or at the deadline. Calls may
   * overlap: each waits for what was recorded before it.
   */
  async flush(deadlineMs: number): Promise<FlushResult> {
    const last = this.#lastSeq
    const deadline = timeout(deadlineMs, true)
    let late = false
    void deadline.then(() => {
      late = true
      this.#settledSomething()
    })
    this.#core.call((c) => c.flush())
    this.#pump()
    while (!late && this.#pendingUpTo(last)) await new Promise<void>((resolve) => this.#waiting.add(resolve))
    deadline.cancel()
    return this.result()
  }

  #pendingUpTo(last: number): boolean {
    for (const seq of this.#entries.keys()) return seq <= last
    return false
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
        this.#counts.delivered += action.seqs.length
        this.#events.emit('delivered', { ids: this.#remove(action.seqs) })
        break
      case 'dropped':
        this.#drop(action.seqs)
        break
      case 'quarantine': {
        const { seq, code, status, text } = action
        const entry = this.#entries.get(seq)
        if (entry === undefined) break
        const event = {
          id: entry.id,
          code,
          event: entry.text,
          ...(status !== undefined && { status }),
          ...(text !== undefined && { text }),
        }
        this.#remove([seq])
        this.#counts.quarantined += 1
        this.#quarantined.set(seq, event)
        this.#events.emit('quarantined', event)
        break
      }
      case 'ambiguous':
        for (const seq of action.seqs) {
          const entry = this.#entries.get(seq)
          if (entry !== undefined) entry.ambiguousAt ??= action.at
        }
        break
      case 'wake':
        this.#wakeAt(action.at)
        break
      case 'notice':
        this.#events.emit('sink-state', { code: action.code, text: action.text })
    }
  }

  async #send(batch: number, seqs: number[], deadlineMs: number): Promise<void> {
    const entries = seqs.flatMap((seq) => this.#entries.get(seq) ?? [])
    for (const entry of entries) entry.sending = true
    this.#lastBatch = batch
    this.#counts.requests += 1
    this.#requests += 1
    const outcome: Outcome = await send(
      this.#fetch,
      this.#sink,
      this.#core.request,
      entries.map((entry) => entry.text),
      deadlineMs,
    )
    for (const entry of entries) entry.sending = false
    this.#requests -= 1
    // A core that was made meanwhile does not know the batch, and has its events back already.
    this.#perform(() => this.#core.call((c) => c.outcome(batch, JSON.stringify(outcome), now(), Date.now(), random())))
    this.#pump()
  }

  #drop(seqs: number[]): void {
    this.#counts.dropped += seqs.length
    this.#events.emit('dropped', { ids: this.#remove(seqs) })
  }

  #remove(seqs: number[]): string[] {
    const ids = seqs.flatMap((seq) => {
      const entry = this.#entries.get(seq)
      this.#entries.delete(seq)
      return entry?.id ?? []
    })
    if (this.#entries.size === 0) forgetProcessEnd(this.#atProcessEnd)
    return ids
  }

  readonly #atProcessEnd = () => void this.flush(FLUSH_DEADLINE_MS)
}

/** Milliseconds on a clock that no one sets: schedules must not follow the wall clock's jumps. */
export const now = (): number => performance.now()

/** Jitter: it spreads clients and guards no secret. */
const random = (): number => Math.floor(Math.random() * 2 ** 32)
