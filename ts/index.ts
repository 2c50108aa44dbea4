/** Everything a user may name. */
export { llm } from './blueprint/llm'
export { ready, version } from './engine'
export { TaximeterError } from './errors'
export { type Finding, type LintOptions, lint } from './lint'
export type { TaximeterOptions } from './options'
export { type Diagnostic, type Preview, type PreviewOptions, preview, type Verdict } from './preview'
export {
  type ModelPrices,
  PriceBook,
  type PriceBookData,
  type PriceBookOptions,
  type PriceFlag,
  type ProviderCost,
  type ProviderUsage,
} from './price/book'
export {
  Budget,
  type BudgetOptions,
  type Comparison,
  type Explanation,
  explain,
  type Forecast,
  type Plan,
  type Projection,
  project,
  type Standing,
  whatIf,
} from './price/plan'
export { burnDown, invoice, rate, rateOpenMeter } from './price/rate'
export type * from './price/types'
export {
  type CloudEvent,
  type CustomOptions,
  consoleSink,
  custom,
  type MemorySink,
  memory,
  type Send,
} from './sink/custom'
export type { BatchOptions, Sink } from './sink/sink'
export { type TeeMember, tee } from './sink/tee'
export {
  type AutumnOptions,
  autumn,
  type CreemOptions,
  creem,
  type DodoOptions,
  dodo,
  flexprice,
  lago,
  metronome,
  type OpenMeterOptions,
  type OrbOptions,
  openmeter,
  orb,
  type PolarOptions,
  polar,
  type SchematicOptions,
  type StripeOptions,
  schematic,
  stripe,
  type VendorOptions,
} from './sink/vendors'
export { type WebhookOptions, webhook } from './sink/webhook'
export type { Span, SpanOptions, SpanStatus } from './span'
export type { Spool } from './spool/journal'
export { Taximeter } from './taximeter'
export type * from './types'
export type { UsageContext } from './wrap/host'
