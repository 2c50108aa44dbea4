import type { Ending, UsageCall, UsageContext, UsageHost } from './host'

/** Answers that callers may leave open without a word; beyond it the oldest of them are reported. */
const LEFT_OPEN_MAX = 10_000
/** A caller that has not read for this long is taken to have left. One that is only slow would be billed a part. */
const IDLE_MS = 30_000

const NOTHING = new Uint8Array(0)

/** One answer on its way to the caller: the scanner sees its bytes, and what it counts is reported once. */
export class MeteredCall {
  /** A read is under way: somebody waits for this answer. */
  reading = false
  readAtMs = Date.now()
  readonly #host: UsageHost
  readonly #context: Partial<UsageContext>
  readonly #open: OpenCalls
  readonly #signal: AbortSignal | null | undefined
  #scanner: UsageCall | undefined
  /** What the scanner holds back, in case it fails before it gives it out. */
  #held: Uint8Array = NOTHING

  constructor(
    scanner: UsageCall,
    host: UsageHost,
    context: Partial<UsageContext>,
    open: OpenCalls,
    signal: AbortSignal | null | undefined,
  ) {
    this.#scanner = scanner
    this.#host = host
    this.#context = context
    this.#open = open
    this.#signal = signal
    open.add(this)
    // An aborted answer may never be read again, so reading alone would not notice.
    signal?.addEventListener('abort', this.#onAbort)
  }

  /** The bytes to hand to the caller for the next bytes of the answer. */
  push(chunk: Uint8Array): Uint8Array {
    const scanner = this.#scanner
    if (scanner === undefined) return join(this.rest(), chunk)
    try {
      const shown = scanner.push(chunk)
      if (shown === undefined) return chunk
      const held = scanner.held
      this.#held = held === 0 ? NOTHING : join(this.#held, chunk).slice(-held)
      return shown
    } catch {
      this.discard()
      return join(this.rest(), chunk)
    }
  }

  /** What was held back and is not needed any more to tell what to hide. */
  rest(): Uint8Array {
    const rest = this.#held
    this.#held = NOTHING
    return rest
  }

  /**
   * Reports the answer if all of its usage has been seen: many clients do not read on to the end. It stays open, since
   * some gateways send a second answer in the same stream.
   */
  reportIfFinal(): void {
    try {
      if (this.#scanner?.final) this.#report(this.#scanner, 'flush')
    } catch {
      this.discard()
    }
  }

  /** Reports what is not reported yet, and ends metering. The first ending counts. */
  settle(how: Ending): void {
    const scanner = this.#close()
    try {
      if (scanner !== undefined) this.#report(scanner, how)
    } catch {
      // The host tells what goes wrong in it; the caller's answer goes on.
    }
    release(scanner)
  }

  /** Metering of this answer has failed: it goes on without. */
  discard(): void {
    release(this.#close())
  }

  #report(scanner: UsageCall, how: Ending): void {
    const records = scanner.finish(how)
    if (records !== '[]') this.#host.usage(records, this.#context)
  }

  #close(): UsageCall | undefined {
    const scanner = this.#scanner
    this.#scanner = undefined
    this.#open.delete(this)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    return scanner
  }

  readonly #onAbort = () => this.settle('abort')
}

let made = 0

/** The answers of one meter that are not reported yet, oldest first. */
export class OpenCalls {
  /** Tells the meter from others. */
  readonly id: number
  readonly #calls = new Set<MeteredCall>()

  constructor() {
    made += 1
    this.id = made
  }

  add(call: MeteredCall): void {
    this.#calls.add(call)
    if (this.#calls.size <= LEFT_OPEN_MAX) return
    for (const left of this.#calls) {
      if (left.reading || left === call) continue
      left.settle('flush')
      break
    }
  }

  delete(call: MeteredCall): void {
    this.#calls.delete(call)
  }

  /** Reports the answers that nobody reads any more, with what was seen of them. Those being read go on. */
  finishIdle(): void {
    const longAgo = Date.now() - IDLE_MS
    for (const call of [...this.#calls]) if (!call.reading && call.readAtMs <= longAgo) call.settle('flush')
  }

  /** Reports every answer with what was seen of it: nothing is counted after this. */
  finishAll(): void {
    for (const call of [...this.#calls]) call.settle('flush')
  }
}

function release(scanner: UsageCall | undefined): void {
  try {
    scanner?.free()
  } catch {
    // A scanner whose WebAssembly instance is gone has nothing left to free.
  }
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second
  const whole = new Uint8Array(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}
