interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

/** Node's channel of that name, for who watches a process and does not have the client. */
function channel(name: string): Channel | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(id: string): unknown } }
  const module = process?.getBuiltinModule?.('node:diagnostics_channel') as
    | { channel(name: string): Channel }
    | undefined
  return module?.channel(`taximeter:${name}`)
}

/** Where something is told. */
export type Teller<Events> = Pick<Emitter<Events>, 'has' | 'emit'>

/** Listeners by name. A listener that throws is reported on the console and hurts nobody else. */
export class Emitter<Events> {
  readonly #channels = new Map<keyof Events, Channel | undefined>()
  readonly #listeners = new Map<keyof Events, Set<(detail: never) => void>>()

  /** Adds a listener; the function that is returned takes it away. */
  on<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => void): () => void {
    const set = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, set)
    set.add(listener)
    return () => void set.delete(listener)
  }

  /** Whether anybody listens: what only a listener sees need not be made. */
  has(name: keyof Events): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0 || this.#channel(name)?.hasSubscribers === true
  }

  #channel(name: keyof Events): Channel | undefined {
    // Looked up once: many events ask for it.
    if (!this.#channels.has(name)) this.#channels.set(name, channel(String(name)))
    return this.#channels.get(name)
  }

  emit<Name extends keyof Events>(name: Name, detail: Events[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        ;(listener as (detail: Events[Name]) => void)(detail)
      } catch (error) {
        console.error(`taximeter: a listener of '${String(name)}' threw`, error)
      }
    }
    // Its subscribers' errors are reported by the platform.
    this.#channel(name)?.publish(detail)
  }
}
