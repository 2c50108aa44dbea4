/** Listeners by name. A listener that throws is reported on the console and hurts nobody else. */
export class Emitter<Events> {
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
    return (this.#listeners.get(name)?.size ?? 0) > 0
  }

  emit<Name extends keyof Events>(name: Name, detail: Events[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        ;(listener as (detail: Events[Name]) => void)(detail)
      } catch (error) {
        console.error(`taximeter: a listener of '${String(name)}' threw`, error)
      }
    }
  }
}
