import { TaximeterError } from '../errors'
import type { UsageContext } from './host'

/** The header that attributes one request: `subject=customer-1&feature=summary`. It is taken off before sending. */
const HEADER = 'taximeter-context'

/** Dimensions of a call; who is billed may come from elsewhere. */
type Context = Partial<UsageContext>

interface Storage {
  run<T>(context: Context, fn: () => T): T
  getStore(): Context | undefined
}

/** Who uses what, for calls of a meter that are made within {@link run}. */
export class Contexts {
  #storage: Storage | undefined

  /** Runs a function, and all that it starts, for a customer. */
  run<T>(context: Context, fn: () => T): T {
    this.#storage ??= newStorage()
    return this.#storage.run({ ...this.current(), ...context }, fn)
  }

  current(): Context | undefined {
    return this.#storage?.getStore()
  }
}

/** Made only when asked for: browsers have none, and an import of Node's modules would not load in them. */
function newStorage(): Storage {
  const host = globalThis as {
    AsyncLocalStorage?: new () => Storage
    process?: { getBuiltinModule?(name: string): { AsyncLocalStorage?: new () => Storage } | undefined }
  }
  const Storage = host.AsyncLocalStorage ?? host.process?.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage
  if (Storage !== undefined) return new Storage()
  throw new TaximeterError('no_async_context', 'run() needs AsyncLocalStorage, which this platform does not have', {
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
