import { toError } from '../core'
import { TaximeterError } from '../errors'
import type { Entry, Holder, Left, Spool } from './journal'

/** Writes into a client's spool, if it has one. What fails is told once; the events stay in memory. */
export class SpoolWriter {
  readonly #spool: Spool | undefined
  readonly #tell: (error: TaximeterError) => void
  /** What goes into the spool with the next entries. */
  #unwritten: Entry[] = []
  #isDegraded = false
  /** The spool has not handed over yet what is left in it. */
  #opening: Promise<void> | undefined

  constructor(spool: Spool | undefined, tell: (error: TaximeterError) => void) {
    this.#spool = spool
    this.#tell = tell
  }

  get exists(): boolean {
    return this.#spool !== undefined
  }

  get state(): 'none' | 'degraded' | 'ok' {
    if (this.#spool === undefined) return 'none'
    return this.#isDegraded ? 'degraded' : 'ok'
  }

  /** Resolves when the spool has handed over what was left in it; absent when it has. */
  get opening(): Promise<void> | undefined {
    return this.#opening
  }

  /**
   * Gives what an earlier process left; a spool that has to wait hands it to the holder. Throws `spool_locked`,
   * `spool_other_sink`, `spool_failed`.
   */
  open(sink: string, holder: Holder): Left | undefined {
    let left: Left | Promise<void> | undefined
    try {
      left = this.#spool?.open(sink, holder)
    } catch (error) {
      throw spoolError(error, 'spool_failed')
    }
    if (left === undefined || 'events' in left) return left
    const over = (error?: unknown) => {
      this.#opening = undefined
      if (error !== undefined) this.#degraded(error)
    }
    this.#opening = left.then(over, over)
    return undefined
  }

  /** Writes entries down. A spool that has to wait says when they are kept. */
  note(...entries: Entry[]): Promise<void> | undefined {
    if (!this.#spool) return undefined
    const all = [...this.#unwritten, ...entries]
    this.#unwritten = []
    const written = () => {
      this.#isDegraded = false
    }
    try {
      const writing = this.#spool.write(all)
      if (writing) return writing.then(written, (error) => this.#degraded(error))
      written()
    } catch (error) {
      this.#degraded(error)
    }
    return undefined
  }

  /** Writes an entry down together with those that come of it, or by {@link settle}. */
  later(entry: Entry): void {
    if (this.#spool) this.#unwritten.push(entry)
  }

  settle(): void {
    if (this.#unwritten.length > 0) this.note()
  }

  async close(): Promise<void> {
    await this.#spool?.close()
  }

  #degraded(error: unknown): void {
    if (!this.#isDegraded) this.#tell(spoolError(error, 'spool_degraded'))
    this.#isDegraded = true
  }
}

function spoolError(error: unknown, otherwise: string): TaximeterError {
  const { code } = Object(error)
  const isOurs = typeof code === 'string' && code.startsWith('spool_')
  return new TaximeterError(isOurs ? code : otherwise, toError(error).message, { path: 'spool', cause: error })
}
