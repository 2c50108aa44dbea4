import type { Piece } from '../kept'
import type { Segment } from './segment'

/** Bytes that a drain writes at most, unless one event has more. */
export const DRAINED_BYTES_MAX = 64 * 1024
/** A chunk that comes while another is in use: events pile up, and in a large one less is left over. */
const LARGE_BYTES = 256 * 1024
/** An event has two numbers, and more bytes than twice these. */
const BYTES_PER_NUMBER = 64

/** Buffers that many drains share: one of its own for each costs the collector more than its bytes. */
class Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly numbers: Uint32Array
  bytesAt = 0
  numbersAt = 0
  /** What is still needed of it. */
  pieces = 0

  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes)
    this.numbers = new Uint32Array(bytes / BYTES_PER_NUMBER)
  }

  hasRoom(bytes: number, numbers: number): boolean {
    return this.bytesAt + bytes <= this.bytes.length && this.numbersAt + numbers <= this.numbers.length
  }
}

/** Where the bytes of drained events are kept: in memory that is used again. */
export class Chunks {
  #current: Chunk | undefined
  /** One that waits to be used again. */
  #spare: Chunk | undefined

  /** Room for so many bytes and numbers. */
  take(bytes: number, numbers: number): { chunk: Chunk; bytes: Uint8Array<ArrayBuffer>; numbers: Uint32Array } {
    let chunk = this.#current
    if (!chunk?.hasRoom(bytes, numbers)) {
      const size = Math.max(chunk === undefined ? DRAINED_BYTES_MAX : LARGE_BYTES, bytes, numbers * BYTES_PER_NUMBER)
      chunk = this.#spare?.hasRoom(bytes, numbers) ? this.#spare : new Chunk(size)
      this.#spare = undefined
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
    if (chunk !== this.#current) this.#spare = chunk
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
