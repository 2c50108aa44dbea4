import { TaximeterError } from '../errors'
import type { UsageContext } from './host'

/** The header that attributes one request: `subject=customer-1&feature=summary`. It is taken off before sending. */
const HEADER = 'taximeter-context'

/** Dimensions of a call; who is billed may come from elsewhere. */
type Context = Partial<UsageContext>

interface Storage<Store> {
  run<T>(store: Store, fn: () => T): T
  getStore(): Store | undefined
}

/** A call of which several layers may know: the lowest that counts its answer says so. */
export interface LayeredCall {
  isCounted: boolean
}

/** Who uses what, for calls of a meter that are made within {@link run}. */
export class Contexts {
  #storage: Storage<Context> | undefined
  #calls: Storage<LayeredCall> | undefined

  /** Runs a function, and all that it starts, for a customer. */
  run<T>(context: Context, fn: () => T): T {
    this.#storage ??= newStorage('run()')
    return this.#storage.run({ ...this.current(), ...context }, fn)
  }

  /** For a layer that is told of calls and sees no answers: throws where no layer below could tell that it counts. */
  layer(): (call: LayeredCall, fn: () => unknown) => unknown {
    this.#calls ??= newStorage('telemetry()')
    return this.#calls.run.bind(this.#calls)
  }

  /** The answer of the call under way is counted here. */
  counted(): void {
    const call = this.#calls?.getStore()
    if (call !== undefined) call.isCounted = true
  }

  current(): Context | undefined {
    return this.#storage?.getStore()
  }
}

/** Made only when asked for: browsers have none, and an import of Node's modules would not load in them. */
function newStorage<Store>(what: string): Storage<Store> {
  type Maker = new () => Storage<Store>
  const host = globalThis as {
    AsyncLocalStorage?: Maker
    process?: { getBuiltinModule?(name: string): { AsyncLocalStorage?: Maker } | undefined }
  }
  const Storage = host.AsyncLocalStorage ?? host.process?.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage
  if (Storage !== undefined) return new Storage()
  throw new TaximeterError('no_async_context', `${what} needs AsyncLocalStorage, which this platform does not have`, {
    help: `Node has it from 20.16 and 22.3 on. Elsewhere wrap the client for each customer, or send the header '${HEADER}'`,
  })
}

/** The request without the header that attributes it, and what that header said. */
export function takeHeader<Input extends Parameters<typeof fetch>[0]>(
  input: Input,
  init: RequestInit | undefined,
): [Input | Request, RequestInit | undefined, Context | undefined] {
  const given = init?.headers ?? (typeof input === 'object' && 'headers' in input ? input.headers : undefined)
  const headers = given === undefined ? undefined : new Headers(given)
  const said = headers?.get(HEADER) ?? null
  if (headers === undefined || said === null) return [input, init, undefined]
  headers.delete(HEADER)
  return [input, { ...init, headers }, Object.fromEntries(new URLSearchParams(said))]
}
