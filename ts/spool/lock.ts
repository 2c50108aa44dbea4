import { linkSync, readFileSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
// The whole of it: Deno has no export for each of its members.
import process from 'node:process'

/** How often the holder says that it lives, and after how long without that it is held for dead. */
const BEAT_MS = 10_000
const DEAD_MS = 60_000

/** Processes of one number that began further apart are not the same: a container's is always the first. */
const SAME_START_MS = 5000

/**
 * A file that says who may write. Whoever is dead holds nothing: on this machine that is known by the process; on another
 * one (a volume that moved) by the time of the last beat.
 */
export class Lock {
  readonly #path: string
  #beat: ReturnType<typeof setInterval> | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Throws `spool_locked` if another one holds it. */
  take(): void {
    if (!this.#create() && !(this.#isStale() && this.#create())) {
      throw Object.assign(new Error(`another client writes to the spool: see ${this.#path}`), { code: 'spool_locked' })
    }
    this.#beat = setInterval(() => this.#live(), BEAT_MS)
    this.#beat.unref?.()
  }

  release(): void {
    if (this.#beat === undefined) return
    clearInterval(this.#beat)
    this.#beat = undefined
    try {
      unlinkSync(this.#path)
    } catch {
      // Somebody has removed it.
    }
  }

  #create(): boolean {
    try {
      writeFileSync(this.#path, `${process.pid} ${Math.round(startedMs())} ${hostname()}\n`, {
        flag: 'wx',
        mode: 0o600,
      })
      return true
    } catch (error) {
      if ((error as { code?: unknown }).code === 'EEXIST') return false
      throw error
    }
  }

  /** Clears away the lock of a dead process. Of several that see it, one does. */
  #isStale(): boolean {
    const found = this.#read()
    if (found === undefined) return true
    const [, id, started, host] = /^(\d+) (\d+) (.*)\n$/.exec(found.text) ?? []
    const isHeld = host === hostname() ? isAlive(Number(id), Number(started)) : Date.now() - found.ms < DEAD_MS
    if (isHeld) return false
    const aside = `${this.#path}.${process.pid}`
    try {
      renameSync(this.#path, aside)
      // If another one was faster, this is its new lock: it goes back.
      const isSame = readFileSync(aside, 'utf8') === found.text
      if (!isSame) linkSync(aside, this.#path)
      unlinkSync(aside)
      return isSame
    } catch {
      return false
    }
  }

  #read(): { text: string; ms: number } | undefined {
    try {
      return { text: readFileSync(this.#path, 'utf8'), ms: statSync(this.#path).mtimeMs }
    } catch {
      return undefined
    }
  }

  #live(): void {
    try {
      utimesSync(this.#path, new Date(), new Date())
    } catch {
      // Somebody has removed it; the next one to come takes it.
    }
  }
}

/** When this process began, all its threads included. */
const startedMs = (): number => Date.now() - process.uptime() * 1000

function isAlive(id: number, started: number): boolean {
  if (id === process.pid) return Math.abs(started - startedMs()) < SAME_START_MS
  try {
    process.kill(id, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
}
