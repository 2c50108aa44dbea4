import { timeout } from './driver'

/** A flush that waits. */
interface Waiter {
  /** The number of the last event that it waits for. */
  readonly last: number
  done(): void
  /** Goes on in the request that this flush keeps alive. */
  wake?: () => void
}

/** Flushes that wait for events to be settled. Calls may overlap: each waits for what was recorded before it. */
export class Flushes {
  #waiting: Waiter[] = []

  /**
   * Resolves when `tell` finds everything up to the last event settled, or at the deadline. With `goOn`, what wakes it is
   * done in the request that it keeps alive.
   */
  wait(last: number, deadlineMs: number, goOn?: () => void): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        this.#waiting = this.#waiting.filter((other) => other !== waiter)
        resolve()
      }
      const cancel = timeout(deadlineMs, done, true)
      const waiter: Waiter = { last, done }
      this.#waiting.push(waiter)
      if (goOn) this.#wakeHere(waiter, goOn)
    })
  }

  tell(isSettled: (last: number) => boolean): void {
    for (const waiter of this.#waiting) if (isSettled(waiter.last)) waiter.done()
  }

  /** Goes on in a request that lives on: that of the last flush which keeps one alive. Gives whether there is one. */
  wake(): boolean {
    const heir = this.#waiting.filter(({ wake }) => wake).at(-1)
    heir?.wake?.()
    return heir !== undefined
  }

  /** What a promise that is made here does, it does in this request, whichever one resolves it. */
  #wakeHere(waiter: Waiter, goOn: () => void): void {
    new Promise<void>((wake) => {
      waiter.wake = wake
    }).then(() => {
      if (this.#waiting.includes(waiter)) this.#wakeHere(waiter, goOn)
      goOn()
    })
  }
}
