import * as core from '../pkg/core.js'
import { instance } from './instance'

const own = instance(core)

export const { setLoader, boot, enter, generation } = own

/** Compiles the core ahead of the first call, without blocking where the host can. Optional, and safe to repeat. */
export const ready: () => Promise<void> = own.ready

/** The version of the core. */
export function version(): string {
  return enter(core.version)
}

/** A new core of the present generation. See `core.ts` for one that outlives it. */
export function newCore(settings: string): Core {
  return enter(() => new core.Core(settings))
}

/** The core's functions, to be called within {@link enter}. */
export const { calculate, linearMemory, LlmCall, llmInspect, llmRoute, preview: previewCore, timeRange } = core
export const pricesCore = (settings: string): PricesCore => new core.Prices(settings)
export type Core = core.Core
export type LlmCall = core.LlmCall
export type PricesCore = core.Prices
