import type { CoreHandle } from '../core'
import { enter, LlmCall, llmInspect, llmRoute } from '../engine'
import type { CallInfo, Ending, Inspected, OnAbort, Route, UsageCall, UsageContext, UsageHost } from './host'

/** The wrapper's host: the core's routes and scanner, and the client that takes the records. */
export function usageHost(
  core: CoreHandle,
  provider: ((url: URL) => string | undefined) | undefined,
  usage: (records: string, context: Partial<UsageContext>) => void,
  onAbort: OnAbort = 'partial',
  unmetered = () => {},
): UsageHost {
  return {
    usage,
    unmetered,
    onAbort,
    route: (method, url, given) => {
      const named = given ?? provider?.(new URL(url))
      const route = core.call(() => llmRoute(method, url, named))
      return route === undefined ? undefined : (JSON.parse(route) as Route)
    },
    inspect: (route, body) => JSON.parse(core.call(() => llmInspect(JSON.stringify(route), body))) as Inspected,
    open: (info) => new Scanner({ ...info, ...(onAbort === 'estimate' && { estimate: true }) }),
  }
}

/** The core's scanner. If WebAssembly is started afresh meanwhile, it throws: that one answer goes on unmetered. */
class Scanner implements UsageCall {
  readonly #call: LlmCall
  readonly #hide: boolean

  constructor(info: CallInfo & { estimate?: true }) {
    this.#call = enter(() => new LlmCall(JSON.stringify(info)))
    this.#hide = info.hide
  }

  push(chunk: Uint8Array): Uint8Array | undefined {
    enter(() => this.#call.push(chunk))
    return this.#hide ? enter(() => this.#call.output()) : undefined
  }

  get held(): number {
    return enter(() => this.#call.held)
  }

  get final(): boolean {
    return enter(() => this.#call.final)
  }

  finish(how: Ending): string {
    return enter(() => this.#call.finish(how, Date.now()))
  }

  free(): void {
    this.#call.free()
  }
}
