import type { QuarantinedEvent } from './types'

/** An event in quarantine; one without a number was never in the queue. */
export interface PutAside {
  readonly seq: number | undefined
  readonly timeMs: number
  readonly event: QuarantinedEvent
}

/** Events that the vendor refused for good, with the reason, until they are released or discarded. */
export class Quarantine {
  #all: PutAside[] = []

  get all(): readonly PutAside[] {
    return this.#all
  }

  add(event: PutAside): void {
    this.#all.push(event)
  }

  /** Takes out that event, or all; what throws leaves the event where it is. Gives how many. */
  take(id: string | undefined, how: (event: PutAside) => void): number {
    const wanted = this.#all.filter(({ event }) => id === undefined || event.id === id)
    for (const event of wanted) {
      how(event)
      this.#all = this.#all.filter((other) => other !== event)
    }
    return wanted.length
  }

  /** Forgets the events of these numbers. Gives how many. */
  forget(first: number, last: number): number {
    const before = this.#all.length
    this.#all = this.#all.filter(({ seq = 0 }) => seq < first || last < seq)
    return before - this.#all.length
  }
}

/** An event in quarantine as its owner sees it. */
export function quarantinedEvent(
  id: string,
  code: string,
  status: number | undefined,
  text: string | undefined,
  event: string,
): QuarantinedEvent {
  return { id, code, event, ...(status && { status }), ...(text && { text }) }
}
