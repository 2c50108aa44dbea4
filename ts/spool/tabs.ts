import { timeout } from '../driver'

/** Between two looks for what closed tabs have left. */
const LOOK_MS = 15_000

/**
 * Which of the clients that share a store live. Each holds a Web Lock while it has events, which the browser takes back
 * however it ends; one of all is the heir, who looks now and then for clients whose lock is free.
 *
 * A page that is left may be frozen and come back. It must hold no lock then, or the browser would not keep it.
 */
export class Tabs {
  readonly #prefix: string
  /** Locks that are held or asked for, and what gives them back. */
  readonly #locks = new Map<string, { granted: Promise<void>; release(): void }>()
  #heir: AbortController | undefined

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** Says that a client lives, until {@link release}. */
  hold(id: string): Promise<void> {
    let lock = this.#locks.get(id)
    if (lock === undefined) {
      let release = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      const granted = new Promise<void>((resolve, reject) => {
        const held = () => {
          resolve()
          return released
        }
        const manager = locks()
        if (manager === undefined) resolve()
        else manager.request(this.#prefix + id, held).catch(reject)
      })
      lock = { granted, release }
      this.#locks.set(id, lock)
    }
    return lock.granted
  }

  release(id: string): void {
    this.#locks.get(id)?.release()
    this.#locks.delete(id)
  }

  /** Holds nothing any more. */
  releaseAll(): void {
    this.#heir?.abort()
    this.#heir = undefined
    for (const id of this.#locks.keys()) this.release(id)
  }

  /** Does something about a client that does not hold its lock, which keeps all others from doing it. */
  async ifFree(id: string, back: () => Promise<void>): Promise<void> {
    const manager = locks()
    if (manager === undefined) return back()
    await manager.request(this.#prefix + id, { ifAvailable: true }, (lock) => (lock === null ? undefined : back()))
  }

  /** Looks now and then while this is the heir. */
  inherit(look: () => void): void {
    if (this.#heir !== undefined) return
    const heir = new AbortController()
    this.#heir = heir
    const reign = () =>
      new Promise<void>((end) => {
        let cancel = () => {}
        const again = () => {
          cancel = timeout(LOOK_MS, again)
          look()
        }
        heir.signal.addEventListener('abort', () => {
          cancel()
          end()
        })
        again()
      })
    const manager = locks()
    if (manager === undefined) void reign()
    else manager.request(`${this.#prefix}heir`, { signal: heir.signal }, reign).catch(() => {})
  }
}

/** Pages without https and old browsers have none: there a client lives as long as it says so. */
export const locks = (): LockManager | undefined => globalThis.navigator?.locks
