import type { Piece } from '../kept'
import type { Segment } from './segment'

/** Bytes that a drain writes at most, unless one event has more. */
export const DRAINED_BYTES_MAX = 64 * 1024
/** Ends and times of the events in one chunk. */
const NUMBERS = 2048

/** Buffers that many drains share: one of its own for each costs the collector more than its bytes. */
export class Chunk {
  readonly #bytes: Uint8Array<ArrayBuffer>
  readonly #numbers = new Uint32Array(NUMBERS)
  #bytesAt = 0
  #numbersAt = 0
  #pieces = 0

  constructor(bytes = 0) {
    this.#bytes = new Uint8Array(Math.max(bytes, DRAINED_BYTES_MAX))
  }

  /** Room for so many bytes and numbers, if it has it. With nothing kept in it any more it begins anew. */
  take(bytes: number, numbers: number): { bytes: Uint8Array<ArrayBuffer>; numbers: Uint32Array } | undefined {
    if (this.#pieces === 0) {
      this.#bytesAt = 0
      this.#numbersAt = 0
    }
    const from = this.#bytesAt
    const first = this.#numbersAt
    if (from + bytes > this.#bytes.length || first + numbers > NUMBERS) return undefined
    this.#bytesAt += bytes
    this.#numbersAt += numbers
    this.#pieces += 1
    return {
      bytes: this.#bytes.subarray(from, from + bytes),
      numbers: this.#numbers.subarray(first, first + numbers),
    }
  }

  /** A piece of it is not needed any more. */
  giveBack(): void {
    this.#pieces -= 1
  }
}

/** Events that were drained together. */
export class Drained implements Piece {
  constructor(
    readonly first: number,
    readonly bytes: Uint8Array<ArrayBuffer>,
    readonly ends: Uint32Array,
    /** Milliseconds since the segment's base. */
    private readonly times: Uint32Array,
    private readonly segment: Segment,
    /** The first event's place in the segment. */
    private readonly offset: number,
    private readonly chunk: Chunk,
    /** Whether to poll at once. */
    readonly due: boolean,
  ) {}

  id(index: number): string {
    return this.segment.id(this.offset + index, this.times[index] as number)
  }

  timeMs(index: number): number {
    return this.segment.baseMs + (this.times[index] as number)
  }

  release(): void {
    this.chunk.giveBack()
  }
}
