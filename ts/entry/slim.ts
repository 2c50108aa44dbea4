import { boot, setLoader } from '../engine'
import { TaximeterError } from '../errors'

setLoader({
  sync() {
    throw new TaximeterError('core_not_loaded', 'taximeter/slim brings no WebAssembly of its own.', {
      help: 'Call `await init(source)` or `initSync(source)` first, with `taximeter/core.wasm`.',
    })
  },
})

/** The core's WebAssembly: where it is, what it holds, or the module compiled from it. */
export type CoreSource = string | URL | Request | Response | BufferSource | WebAssembly.Module

/** Starts the core. Once is enough: later calls change nothing. */
export async function init(source: CoreSource | Promise<CoreSource>): Promise<void> {
  let given = await source
  if (typeof given === 'string' || kind(given) === 'URL' || kind(given) === 'Request') {
    given = await fetch(given as string | URL | Request)
  }
  if (kind(given) === 'Response') {
    const response = given as Response
    if (!response.ok) {
      throw new TaximeterError('core_not_loaded', `Fetching the core failed: ${response.status} ${response.url}`)
    }
    given = await response.arrayBuffer()
  }
  boot(isModule(given) ? given : await WebAssembly.compile(given as BufferSource))
}

/** Starts the core with bytes or a module at hand. */
export function initSync(source: BufferSource | WebAssembly.Module): void {
  boot(isModule(source) ? source : new WebAssembly.Module(source))
}

const isModule = (value: unknown): value is WebAssembly.Module => kind(value) === 'WebAssembly.Module'

/** The name of a host class, whatever realm it is of. */
const kind = (value: unknown) => Object.prototype.toString.call(value).slice(8, -1)

export * from '../index'
