/** How long a segment goes on with nothing staged: a copy of the process that wakes later draws its own. */
const SEGMENT_MS = 1000
const DELTA_MS_MAX = 0xffff_ffff

/**
 * What the ids of some events are made of that follow each other: drawn from the platform's entropy at the first one,
 * never when a module loads, so that no copy of the process repeats it. Its events count on.
 */
export class Segment {
  readonly baseMs: number
  readonly node: number
  readonly counter: number
  /** Events of it that are no longer staged. */
  past = 0

  constructor(baseMs: number) {
    this.baseMs = baseMs
    const [node = 0, low = 0, high = 0] = crypto.getRandomValues(new Uint32Array(3))
    this.node = node
    // In the lower half of its 42 bits, so that it does not run over.
    this.counter = (high & 0x1ff) * 2 ** 32 + low
  }

  /** Whether an event so many milliseconds after the base can be one of its. */
  takes(ms: number, staged: number): boolean {
    return ms >= 0 && ms <= (staged === 0 ? SEGMENT_MS : DELTA_MS_MAX)
  }

  /** UUIDv7, as the core writes it. */
  id(index: number, ms: number): string {
    const counter = this.counter + index
    const time = hex(this.baseMs + ms, 12)
    const high = hex(Math.floor(counter / 2 ** 30), 3)
    const low = hex(2 ** 31 + (counter % 2 ** 30), 8)
    return `${time.slice(0, 8)}-${time.slice(8)}-7${high}-${low.slice(0, 4)}-${low.slice(4)}${hex(this.node, 8)}`
  }
}

function hex(n: number, digits: number): string {
  return n.toString(16).padStart(digits, '0')
}

/** What `record()` gives for a packed event. Its fields are TypeScript's, for `#` would cost as much as half the packing. */
export class Handle {
  declare readonly error?: undefined

  constructor(
    private readonly segment: Segment,
    private readonly index: number,
    private readonly ms: number,
  ) {}

  /** Made when it is asked for. */
  get id(): string {
    return this.segment.id(this.index, this.ms)
  }

  toJSON(): { id: string } {
    return { id: this.id }
  }
}
