import type { Entry } from './spool/journal'

/** Runs of event numbers: first and last of each, `[1, 3, 7, 7]` for 1, 2, 3 and 7. */
export type Runs = ArrayLike<number>

/** Events that are kept in one piece. */
export interface Piece {
  /** The number of the first; the others follow it. */
  readonly first: number
  /** The events as the vendor is sent them, the same bytes on every attempt; before each one a separator. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where each event ends in the bytes. */
  readonly ends: { readonly length: number; readonly [index: number]: number }
  id(index: number): string
  /** Milliseconds since 1970. */
  timeMs(index: number): number
  /** All its events are settled: its bytes are not read any more. */
  release?(): void
}

/** In the place of one that is settled, so that it is held no longer. */
const SETTLED: Piece = { first: 0, bytes: new Uint8Array(), ends: [], id: String, timeMs: Number }

/** A piece and what is known of its events. */
class Slab {
  piece: Piece
  readonly first: number
  readonly last: number
  pending: number
  /** Which events are settled, while only some are. */
  settled: Set<number> | undefined
  /** When a send may have arrived without our being told; milliseconds since 1970. */
  ambiguousAt: Map<number, number> | undefined

  constructor(piece: Piece) {
    this.piece = piece
    this.first = piece.first
    this.pending = piece.ends.length
    this.last = piece.first + this.pending - 1
  }

  has(index: number): boolean {
    return this.pending > 0 && !this.settled?.has(index)
  }
}

/** Before they are swept out, so many may be settled, or half of all if that is less: the others are not moved for each. */
const SETTLED_SLABS_MIN = 8
const SETTLED_SLABS_MAX = 1000

/** Every event that is not settled yet. */
export class Kept {
  readonly #separatorBytes: number
  /** In the order of their numbers; some are settled wholly, and wait to be swept out. */
  #slabs: Slab[] = []
  /** The place of the first that has an event that is pending. */
  #front = 0
  #settledSlabs = 0
  /** Pending events. */
  count = 0
  /** Bytes of the pending events. */
  bytes = 0

  constructor(separatorBytes: number) {
    this.#separatorBytes = separatorBytes
  }

  add(piece: Piece): void {
    const slab = new Slab(piece)
    this.#slabs.push(slab)
    this.count += slab.pending
    this.bytes += piece.bytes.length - slab.pending * this.#separatorBytes
  }

  /** Pieces in memory, with those that wait to be swept out. */
  get pieces(): number {
    return this.#slabs.length
  }

  /** The number of the first pending event. */
  get first(): number | undefined {
    const slab = this.#slabs[this.#front]
    if (slab === undefined) return undefined
    let index = 0
    while (!slab.has(index)) index += 1
    return slab.first + index
  }

  /** The pending event of that number. */
  get(seq: number): { id: string; text: string; timeMs: number } | undefined {
    let found: { id: string; text: string; timeMs: number } | undefined
    this.#eachOf([seq, seq], ({ piece }, index) => {
      const bytes = piece.bytes.subarray(this.#start(piece, index) + this.#separatorBytes, piece.ends[index])
      found = { id: piece.id(index), text: new TextDecoder().decode(bytes), timeMs: piece.timeMs(index) }
    })
    return found
  }

  /** Calls back for each pending event. */
  each(back: (seq: number, bytes: number, timeMs: number, ambiguousAt: number | undefined) => void): void {
    for (const slab of this.#slabs.slice(this.#front)) {
      const { first, last } = slab
      const { ends } = slab.piece
      this.#eachOf([first, last], ({ piece }, index) => {
        const bytes = (ends[index] as number) - this.#start(piece, index) - this.#separatorBytes
        back(first + index, bytes, piece.timeMs(index), slab.ambiguousAt?.get(index))
      })
    }
  }

  /** These may have arrived at that time, if none is known that is earlier. */
  markAmbiguous(runs: Runs, at: number): void {
    this.#eachOf(runs, (slab, index) => {
      slab.ambiguousAt ??= new Map()
      if (!slab.ambiguousAt.has(index)) slab.ambiguousAt.set(index, at)
    })
  }

  /** Their ids, in order; a hyphen for what is not kept any more. */
  ids(runs: Runs): string[] {
    const ids: string[] = []
    for (let i = 0; i + 1 < runs.length; i += 2) {
      for (let seq = runs[i] as number; seq <= (runs[i + 1] as number); seq++) {
        const piece = this.#slabs[this.#find(seq)]?.piece
        ids.push(piece === undefined || piece.first > seq ? '-' : piece.id(seq - piece.first))
      }
    }
    return ids
  }

  /** A request's body with those of these events that are pending, if any is. */
  body(runs: Runs, prefix: Uint8Array, suffix: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const parts = [prefix]
    const add = ({ piece }: Slab, from: number, to: number) => {
      // The separator before the first event has the prefix in its place.
      const start = this.#start(piece, from) + (parts.length === 1 ? this.#separatorBytes : 0)
      parts.push(piece.bytes.subarray(start, piece.ends[to]))
    }
    this.#runs(runs, (slab, from, to) => {
      if (slab.settled === undefined) add(slab, from, to)
      else for (let i = from; i <= to; i++) if (slab.has(i)) add(slab, i, i)
    })
    if (parts.length === 1) return undefined
    parts.push(suffix)
    const body = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      body.set(part, at)
      at += part.length
    }
    return body
  }

  /** Forgets events; gives how many of them were pending, and their ids if they are wanted. */
  settle(runs: Runs, ids?: string[]): number {
    const before = this.count
    this.#runs(runs, (slab, from, to) => {
      const { piece } = slab
      if (ids !== undefined) for (let i = from; i <= to; i++) if (slab.has(i)) ids.push(piece.id(i))
      if (slab.settled === undefined && to - from + 1 === slab.pending) {
        this.#forget(slab, slab.pending, piece.bytes.length)
        return
      }
      slab.settled ??= new Set()
      for (let i = from; i <= to; i++) {
        if (!slab.has(i)) continue
        slab.settled.add(i)
        this.#forget(slab, 1, (piece.ends[i] as number) - this.#start(piece, i))
      }
    })
    while (this.#slabs[this.#front]?.pending === 0) this.#front += 1
    // Wherever they lie: of a queue that is full for long, events leave at its end or in its middle too.
    const settledMax = Math.max(SETTLED_SLABS_MIN, Math.min(SETTLED_SLABS_MAX, this.#slabs.length / 2))
    if (this.#settledSlabs > settledMax) {
      this.#slabs = this.#slabs.filter((slab) => slab.pending > 0)
      this.#front = 0
      this.#settledSlabs = 0
    }
    return before - this.count
  }

  #forget(slab: Slab, events: number, bytes: number): void {
    slab.pending -= events
    if (slab.pending === 0) {
      this.#settledSlabs += 1
      slab.piece.release?.()
      slab.piece = SETTLED
    }
    this.count -= events
    this.bytes -= bytes - events * this.#separatorBytes
  }

  #start(piece: Piece, index: number): number {
    return index === 0 ? 0 : (piece.ends[index - 1] as number)
  }

  #eachOf(runs: Runs, back: (slab: Slab, index: number) => void): void {
    this.#runs(runs, (slab, from, to) => {
      for (let i = from; i <= to; i++) if (slab.has(i)) back(slab, i)
    })
  }

  /** Each run cut where the pieces end. */
  #runs(runs: Runs, back: (slab: Slab, from: number, to: number) => void): void {
    for (let i = 0; i + 1 < runs.length; i += 2) {
      const first = runs[i] as number
      const last = runs[i + 1] as number
      for (let at = this.#find(first); at < this.#slabs.length; at++) {
        const slab = this.#slabs[at] as Slab
        if (slab.first > last) break
        if (slab.pending === 0) continue
        back(slab, Math.max(first, slab.first) - slab.first, Math.min(last, slab.last) - slab.first)
      }
    }
  }

  /** The place of the first piece that ends at or behind an event. */
  #find(seq: number): number {
    let low = this.#front
    let high = this.#slabs.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#slabs[middle] as Slab).last < seq) low = middle + 1
      else high = middle
    }
    return low
  }
}

export const encoder = new TextEncoder()

/** An event alone. */
export function single(first: number, id: string, timeMs: number, bytes: Uint8Array<ArrayBuffer>): Piece {
  return { first, bytes, ends: [bytes.length], id: () => id, timeMs: () => timeMs }
}

/** Events as the spool keeps them. */
export function entriesOf(piece: Piece, separatorBytes: number): Extract<Entry, { do: 'event' }>[] {
  const { first, bytes, ends } = piece
  return Array.from(ends, (end, index) => ({
    do: 'event',
    seq: first + index,
    timeMs: piece.timeMs(index),
    id: piece.id(index),
    bytes: bytes.subarray((index === 0 ? 0 : (ends[index - 1] as number)) + separatorBytes, end),
  }))
}
