import type { Runs } from '../kept'

/** An event that an earlier process left, pending or in quarantine. */
export interface LeftEvent {
  readonly seq: number
  readonly id: string
  readonly timeMs: number
  /** As the vendor is sent it. */
  readonly bytes: Uint8Array
  /** When it may first have arrived without our being told; milliseconds since 1970. */
  ambiguousAt?: number | undefined
  /** Why it is in quarantine. */
  reason?: { code: string; status?: number | undefined; text?: string | undefined } | undefined
}

/** What happened to events. */
export type Entry =
  | { do: 'event'; seq: number; timeMs: number; id: string; bytes: Uint8Array }
  /** They are about to be sent. */
  | { do: 'sent'; at: number; seqs: Runs }
  /** The request they were in has an outcome. */
  | { do: 'returned'; seqs: Runs }
  | { do: 'ambiguous'; at: number; seqs: Runs }
  /** Delivered or given up: they are forgotten. */
  | { do: 'settled'; seqs: Runs }
  | { do: 'quarantined'; seq: number; code: string; status?: number | undefined; text?: string | undefined }
  /** It leaves quarantine under another number. */
  | { do: 'released'; seq: number; as: number }

/**
 * Where events wait that have to outlive the process: what happens to them is written down before it happens.
 *
 * What `write` throws or rejects with is reported, and the client goes on in memory.
 */
export interface Spool {
  /**
   * Opens it for the events of one sink, and gives what an earlier process left. Throws `spool_locked`,
   * `spool_other_sink` or what the platform says. One that has to wait hands that to the holder instead, now and later.
   */
  open(sink: string, holder: Holder): Left | Promise<void>
  /** Keeps these entries, in this order, all or none of them after a crash. One that has to wait says when they are kept. */
  write(entries: Entry[]): void | Promise<void>
  close(): void | Promise<void>
}

/** The client that a spool is open for: what a spool asks of it that others share. */
export interface Holder {
  /** Takes over what another one left; gives each event's number here, or nothing if there is no room for them. */
  inherit(left: Left): number[] | undefined
  /** These are another one's now. */
  lose(seqs: Runs): void
  /** What brings about all that it holds. */
  entries(): Entry[]
  /** The page is left and may not come back: sends what it can. */
  leave(): void
}

/** What an earlier process left. */
export interface Left {
  /** In the order of their numbers. */
  readonly events: LeftEvent[]
  /** The largest of their numbers. */
  readonly lastSeq: number
  /** Records that were torn or changed, and skipped. */
  readonly corrupt: number
}

/** What a journal comes to. */
export class State {
  readonly #events = new Map<number, LeftEvent>()
  readonly #sentAt = new Map<number, number>()

  apply(entry: Entry): void {
    switch (entry.do) {
      case 'event': {
        const { seq, timeMs, id, bytes } = entry
        this.#events.set(seq, { seq, timeMs, id, bytes })
        break
      }
      case 'sent':
        each(entry.seqs, (seq) => this.#events.has(seq) && this.#sentAt.set(seq, entry.at))
        break
      case 'returned':
        each(entry.seqs, (seq) => this.#sentAt.delete(seq))
        break
      case 'ambiguous':
        each(entry.seqs, (seq) => {
          const event = this.#events.get(seq)
          if (event) event.ambiguousAt ??= entry.at
        })
        break
      case 'settled':
        each(entry.seqs, (seq) => {
          this.#events.delete(seq)
          this.#sentAt.delete(seq)
        })
        break
      case 'quarantined': {
        const event = this.#events.get(entry.seq)
        const { code, status, text } = entry
        if (event) event.reason = { code, status, text }
        break
      }
      case 'released': {
        const event = this.#events.get(entry.seq)
        if (!event) break
        const { id, timeMs, bytes } = event
        this.#events.delete(entry.seq)
        this.#events.set(entry.as, { seq: entry.as, id, timeMs, bytes })
      }
    }
  }

  /** What is left. A request without an outcome may have arrived. */
  left(corrupt: number): Left {
    const events = [...this.#events.values()].sort((a, b) => a.seq - b.seq)
    for (const event of events) event.ambiguousAt ??= this.#sentAt.get(event.seq)
    return { events, lastSeq: events.at(-1)?.seq ?? 0, corrupt }
  }
}

/** The entries that bring about what is left. */
export function entriesOf({ events }: Left): Entry[] {
  return events.flatMap(({ seq, timeMs, id, bytes, ambiguousAt, reason }) => {
    const entries: Entry[] = [{ do: 'event', seq, timeMs, id, bytes }]
    if (ambiguousAt !== undefined) entries.push({ do: 'ambiguous', at: ambiguousAt, seqs: [seq, seq] })
    if (reason) entries.push({ do: 'quarantined', seq, ...reason })
    return entries
  })
}

export function each(runs: Runs, back: (seq: number) => void): void {
  for (let i = 0; i + 1 < runs.length; i += 2) {
    for (let seq = runs[i] as number; seq <= (runs[i + 1] as number); seq++) back(seq)
  }
}

/** How many events runs have. */
export function count(runs: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i + 1 < runs.length; i += 2) sum += (runs[i + 1] as number) - (runs[i] as number) + 1
  return sum
}
