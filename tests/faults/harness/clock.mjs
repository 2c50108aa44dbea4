/** Time that passes when it is told to: schedules of hours are tested in moments, and by the millisecond. */
const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  dateNow: Date.now,
  performanceNow: performance.now,
  random: Math.random,
}

/** A real pause, for sockets. */
export const pause = (ms) => new Promise((resolve) => real.setTimeout(resolve, ms))

export class Clock {
  /** Milliseconds since it was installed. */
  ms = 0
  /** How far the wall clock of this machine is from the true time. */
  wallAheadMs = 0
  #began = real.dateNow()
  #timers = new Map()
  #next = 1

  /** Puts itself in the place of timers, clocks and randomness. Sockets keep the platform's own. */
  install(seed) {
    globalThis.setTimeout = (back, ms = 0, ...args) => {
      // The platform's HTTP client and server keep their own time, like the sockets.
      if (/\b(node|internal|ext):/.test(new Error().stack.split('\n')[2])) return real.setTimeout(back, ms, ...args)
      // As the platform does it: what it cannot count fires at once.
      const waits = ms > 2 ** 31 - 1 ? 1 : Math.max(ms, 1)
      const timer = { at: this.ms + waits, back, held: true, n: this.#next++ }
      this.#timers.set(timer.n, timer)
      return {
        n: timer.n,
        unref() {
          timer.held = false
        },
      }
    }
    globalThis.clearTimeout = (timer) =>
      timer?.n === undefined ? real.clearTimeout(timer) : this.#timers.delete(timer.n)
    Date.now = () => Math.floor(this.trueMs + this.wallAheadMs)
    performance.now = () => this.ms
    let state = seed
    Math.random = () => {
      state = (state + 0x6d2b79f5) | 0
      let z = Math.imul(state ^ (state >>> 15), 1 | state)
      z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z
      return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32
    }
  }

  remove() {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout })
    Date.now = real.dateNow
    performance.now = real.performanceNow
    Math.random = real.random
  }

  /** Milliseconds since 1970, whatever this machine's clock shows. */
  get trueMs() {
    return this.#began + this.ms
  }

  /** Timers that would keep the process alive. */
  get held() {
    return [...this.#timers.values()].filter((timer) => timer.held).length
  }

  /** A timer of the world, which no one here may see. */
  after(ms, back) {
    const n = this.#next++
    this.#timers.set(n, { at: this.ms + ms, back, held: false, n })
    return () => this.#timers.delete(n)
  }

  /** Lets so much time pass, from one timer to the next, or until `done`. `quiet` waits for the sockets in between. */
  async pass(ms, quiet, done = () => false) {
    const end = this.ms + ms
    await quiet()
    while (!done()) {
      const due = [...this.#timers.values()].filter((timer) => timer.at <= end)
      const next = due.sort((a, b) => a.at - b.at || a.n - b.n)[0]
      if (next === undefined) {
        this.ms = end
        return
      }
      this.#timers.delete(next.n)
      this.ms = Math.max(this.ms, next.at)
      next.back()
      await quiet()
    }
  }
}
