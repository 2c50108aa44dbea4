type Process = Pick<NodeJS.Process, 'once' | 'off'>

/** What is to be flushed when the process has nothing more to do. */
const unsent = new Set<() => void>()

/** A web page. */
export const isPage = (): boolean => typeof globalThis.document === 'object' && isBrowser()

/** A web page or a worker of one, where everything is seen by its visitor. */
export function isBrowser(): boolean {
  const { document, navigator, process } = globalThis as Partial<typeof globalThis>
  return (typeof document === 'object' || /^Mozilla\//.test(navigator?.userAgent ?? '')) && !process?.versions?.node
}

/** Hands a promise to the platform, which keeps the request's work alive until it is settled. */
export type WaitUntil = (promise: Promise<unknown>) => void

/** What the platform itself offers: Vercel keeps it in the request's context. */
function platformWaitUntil(): WaitUntil | undefined {
  const context = (globalThis as Record<symbol, { get?(): { waitUntil?: WaitUntil } | undefined } | undefined>)[
    Symbol.for('@vercel/request-context')
  ]?.get?.()
  return context?.waitUntil?.bind(context)
}

let isWarned = false

/** Where the platform ends all work with the answer: says once that something has to be done about it. */
function warnAtEdge(): void {
  const { navigator, EdgeRuntime } = globalThis as { navigator?: { userAgent?: string }; EdgeRuntime?: unknown }
  const isEdge = navigator?.userAgent === 'Cloudflare-Workers' || EdgeRuntime !== undefined
  if (!isEdge || isWarned) return
  isWarned = true
  console.warn(
    'taximeter: events may be lost when the answer is given: pass `waitUntil`, or await flush() in each request',
  )
}

/** How long a request is kept alive for its events: a slow vendor's answer and one more try; Cloudflare gives 30 s. */
const EXTEND_MS = 15_000

/** Keeps a request's work alive until what it recorded is sent, where there is a platform to ask for that. */
export class Extension {
  readonly #waitUntil: WaitUntil | undefined
  readonly #flush: (deadlineMs: number) => Promise<unknown>
  readonly #report: (error: unknown) => void
  /** The platform keeps a flush alive. */
  #isAsked = false
  /** Somebody flushes, and needs no warning. */
  isFlushed = false

  constructor(
    waitUntil: WaitUntil | undefined,
    flush: (deadlineMs: number) => Promise<unknown>,
    report: (error: unknown) => void,
  ) {
    this.#waitUntil = waitUntil
    this.#flush = flush
    this.#report = report
  }

  ask(): void {
    if (this.#isAsked) return
    const waitUntil = this.#waitUntil ?? platformWaitUntil()
    if (waitUntil === undefined) {
      if (!this.isFlushed) warnAtEdge()
      return
    }
    this.#isAsked = true
    // Not within the call that records: it has not ended yet. The next turn may be that of another request, which needs
    // to be kept alive for itself.
    const flushed = Promise.resolve()
      .then(() => {
        this.#isAsked = false
        return this.#flush(EXTEND_MS)
      })
      .catch(this.#report)
    try {
      waitUntil(flushed)
    } catch (error) {
      // Outside of a request there is nothing to extend; it is sent all the same.
      this.#report(error)
    }
  }
}

/**
 * Sends what is left when a Node, Deno or Bun process runs out of work: once, so that a sink that is down cannot keep the
 * process alive. Ends nothing and swallows nothing. In a page, whenever it is hidden: it may not come back.
 */
export function flushAtEnd(flush: () => void): void {
  if (unsent.size === 0) listen('once', 'addEventListener')
  unsent.add(flush)
}

/** Nothing is left to send. A client that is idle leaves no trace in the process. */
export function forgetEnd(flush: () => void): void {
  if (unsent.delete(flush) && unsent.size === 0) listen('off', 'removeEventListener')
}

function listen(atProcess: 'once' | 'off', atPage: 'addEventListener' | 'removeEventListener'): void {
  host()?.[atProcess]('beforeExit', flushAll)
  if (!isPage()) return
  const page = globalThis as unknown as EventTarget & { document: EventTarget }
  page.document[atPage]('visibilitychange', flushHidden)
  page[atPage]('pagehide', flushHidden)
}

function flushHidden({ type }: { type: string }): void {
  const { document } = globalThis as unknown as { document: { visibilityState: string } }
  if (type === 'pagehide' || document.visibilityState === 'hidden') for (const flush of unsent) flush()
}

function flushAll(): void {
  // Cleared afterwards: what a flush itself makes pending must not ask for another one.
  for (const flush of [...unsent]) flush()
  unsent.clear()
}

function host(): Process | undefined {
  const { process } = globalThis as { process?: Process }
  return typeof process?.once === 'function' && typeof process.off === 'function' ? process : undefined
}
