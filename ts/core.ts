import type { RequestShape } from './driver'
import { type Core, enter, generation, newCore } from './engine'
import { TaximeterError } from './errors'

/**
 * The client's core, which outlives the WebAssembly instance it runs in.
 *
 * After a trap the instance's memory is unknown, so the engine replaces it; then the core is made anew from the settings
 * and the owner registers what it keeps. The call that trapped is tried once more; if it traps again it is refused.
 */
export class CoreHandle {
  /** How the sink's requests look. */
  readonly request: RequestShape
  #settings: string
  readonly #onReset: (core: Core) => void
  readonly #onError: (error: TaximeterError) => void
  #core: Core
  #generation: number
  #seeded = false

  /** Throws what is wrong with the settings. */
  constructor(settings: object, onReset: (core: Core) => void, onError: (error: TaximeterError) => void) {
    this.#settings = JSON.stringify(settings)
    this.#onReset = onReset
    this.#onError = onError
    this.#core = newCore(this.#settings)
    this.#generation = generation()
    this.request = JSON.parse(enter(() => this.#core.request()))
  }

  /** Calls the core. Its errors come as {@link TaximeterError}. */
  call<T>(fn: (core: Core) => T): T {
    this.#renew()
    try {
      return enter(() => fn(this.#core))
    } catch (error) {
      if (this.#generation === generation()) throw error
      this.#renew()
      return enter(() => fn(this.#core))
    }
  }

  /** Changes a setting, also of the cores that will take this one's place. Throws what is wrong with it; then nothing changes. */
  change(settings: object, fn: (core: Core) => void): void {
    this.call(fn)
    this.#settings = JSON.stringify(settings)
  }

  /** Entropy is drawn at the first event, never when a module loads: Workers refuse it, and a snapshot would repeat it. */
  seed(): void {
    if (this.#seeded) return
    this.call((core) => core.seed(entropy()))
    // Not before: without entropy no event is taken, for its id would be another's.
    this.#seeded = true
  }

  /** A failure of ours that must not reach the user's own call. */
  report(error: unknown): void {
    this.#onError(toError(error))
  }

  #renew(): void {
    if (this.#generation === generation()) return
    this.#core = newCore(this.#settings)
    this.#generation = generation()
    try {
      enter(() => {
        if (this.#seeded) this.#core.seed(entropy())
        this.#onReset(this.#core)
      })
    } catch (error) {
      // The next call begins anew: nothing that is kept was lost.
      this.#generation = -1
      throw error
    }
  }
}

const entropy = (): Uint8Array => crypto.getRandomValues(new Uint8Array(16))

/** Whatever was thrown, as the SDK's own error. */
export function toError(error: unknown): TaximeterError {
  if (error instanceof TaximeterError) return error
  return new TaximeterError('internal', error instanceof Error ? error.message : String(error), { cause: error })
}
