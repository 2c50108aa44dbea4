import { TaximeterError } from './errors'

/** How an entry comes by a compiled core. Compiling is banned while a module loads on some hosts: never then. */
export interface Loader {
  /** At the first call, or throws what the user has to do before it. */
  sync(): WebAssembly.Module
  /** For {@link ready}, where compiling need not block. */
  async?(): Promise<WebAssembly.Module>
}

/** What is generated for a core: no instance to begin with, then one at a time. */
interface Glue {
  __boot(module: WebAssembly.Module): void
  __wbg_reset_state(): void
}

/** A core's WebAssembly instance: started at the first call, replaced after a trap. */
export function instance(glue: Glue) {
  let loader: Loader
  let started = false
  let starting: Promise<void> | undefined
  let spoilt = false
  let resets = 0

  /** Called once by each entry. */
  function setLoader(entry: Loader): void {
    loader = entry
  }

  /** Starts the core with a module the user brought. */
  function boot(module: WebAssembly.Module): void {
    if (started) return
    glue.__boot(module)
    started = true
  }

  /** Compiles the core ahead of the first call, without blocking where the host can. Optional, and safe to repeat. */
  function ready(): Promise<void> {
    // A failure is forgotten, so that the next call tries again.
    starting ??= load().catch((error) => {
      starting = undefined
      throw startError(error)
    })
    return starting
  }

  async function load(): Promise<void> {
    if (!started) boot(await (loader.async ?? loader.sync)())
  }

  /**
   * Runs calls into the core; the only way in. What the core refuses is thrown as {@link TaximeterError}.
   *
   * After a trap the instance's memory is unknown: a fresh instance takes its place, {@link generation} grows, and every
   * object of the core made before is stale.
   */
  function enter<T>(calls: () => T): T {
    start()
    try {
      return calls()
    } catch (error) {
      if (typeof error === 'string') throw TaximeterError.fromCore(error)
      if (!isTrap(error)) throw error
      spoilt = true
      resets += 1
      start()
      throw new TaximeterError('core_trapped', 'The metering core failed and was started afresh.', {
        help: 'This is a defect of taximeter: please report it.',
        cause: error,
      })
    }
  }

  /** How often the core was started afresh. */
  function generation(): number {
    return resets
  }

  function start(): void {
    try {
      if (!started) boot(loader.sync())
      if (spoilt) glue.__wbg_reset_state()
      spoilt = false
    } catch (error) {
      throw startError(error)
    }
  }

  return { setLoader, boot, ready, enter, generation }
}

/** By name, never by `instanceof`: sandboxes have their own realms, each with its own error classes. */
function isTrap(error: unknown): boolean {
  const { name, message } = Object(error)
  return name === 'RuntimeError' || name === 'InternalError' || (name === 'RangeError' && /call stack/.test(message))
}

function startError(error: unknown): TaximeterError {
  if (error instanceof TaximeterError) return error
  return new TaximeterError('core_unavailable', `The metering core could not be started: ${Object(error).message}`, {
    help: "It needs WebAssembly. A Content-Security-Policy has to allow 'wasm-unsafe-eval'.",
    cause: error,
  })
}
