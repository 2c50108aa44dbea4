/** Everything a user may name. */
export { llm } from './blueprint/llm'
export { ready, version } from './engine'
export { TaximeterError } from './errors'
export { type Diagnostic, type Preview, type PreviewOptions, preview, type Verdict } from './preview'
export { type BatchOptions, type DodoOptions, dodo, type OpenMeterOptions, openmeter, type Sink } from './sink'
export { Taximeter, type TaximeterOptions } from './taximeter'
export type * from './types'
export type { UsageContext } from './wrap/host'
