import type { Piece } from '../kept'
import type { Segment } from './segment'

/** Bytes that a drain writes at most, unless one event has more. */
export const DRAINED_BYTES_MAX = 64 * 1024
/** Ends and times of the events in one chunk. */
const NUMBERS = 2048

/** Chunks that wait to be used again: with the one in use as many bytes as a large request has. */
const SPARE_MAX = 3

/** Buffers that many drains share: one of its own for each costs the collector more than its bytes. */
class Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly numbers = new Uint32Array(NUMBERS)
  bytesAt = 0
  numbersAt = 0
  /** What is still needed of it. */
  pieces = 0

  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes)
  }

  hasRoom(bytes: number, numbers: number): boolean {
    return this.bytesAt + bytes <= this.bytes.length && this.numbersAt + numbers <= NUMBERS
  }
}

/** Where the bytes of drained events are kept: in memory that is used again. */
export class Chunks {
  #current: Chunk | undefined
  readonly #spare: Chunk[] = []

  /** Room for so many bytes and numbers. */
  take(bytes: number, numbers: number): { chunk: Chunk; bytes: Uint8Array<ArrayBuffer>; numbers: Uint32Array } {
    let chunk = this.#current
    if (!chunk?.hasRoom(bytes, numbers)) {
      const isUsual = bytes <= DRAINED_BYTES_MAX
      chunk = (isUsual && this.#spare.pop()) || new Chunk(isUsual ? DRAINED_BYTES_MAX : bytes)
      this.#current = chunk
    }
    const from = chunk.bytesAt
    const first = chunk.numbersAt
    chunk.bytesAt += bytes
    chunk.numbersAt += numbers
    chunk.pieces += 1
    return {
      chunk,
      bytes: chunk.bytes.subarray(from, from + bytes),
      numbers: chunk.numbers.subarray(first, first + numbers),
    }
  }

  /** A piece of a chunk is not needed any more. */
  giveBack(chunk: Chunk): void {
    chunk.pieces -= 1
    if (chunk.pieces > 0) return
    chunk.bytesAt = 0
    chunk.numbersAt = 0
    if (chunk === this.#current || chunk.bytes.length !== DRAINED_BYTES_MAX) return
    if (this.#spare.length < SPARE_MAX) this.#spare.push(chunk)
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
    private readonly chunks: Chunks,
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
    this.chunks.giveBack(this.chunk)
  }
}
