/** `taximeter/blueprints`: events, meters and example prices for what is often metered, and what meters it. */
export { apiGateway, type FetchRoutes, type HonoContext } from './api-gateway'
export {
  type Blueprint,
  type BlueprintDefinition,
  blueprint,
  type DataOf,
  type Field,
  type MeterOf,
  type Names,
} from './blueprint'
export { dodoNames } from './dodo'
export type { ApiOptions } from './gateway/call'
export { llmBlueprint as llm } from './llm'
export { type ListedPage, objectStorage, type SnapshotOptions, type Stored, storageSnapshot } from './object-storage'
export type { Recorder } from './recorder'
export {
  type NodeStream,
  type SpanMeter,
  type Streamed,
  type StreamOptions,
  StreamSession,
  stream,
  streamConcurrency,
  streamQuality,
} from './stream'
export { gpuTime, podExecution, timeRange } from './time-range'
