/** Everything a user of `taximeter/replay` may name. */
export { TaximeterError } from '../../errors'
export type { PreviewOptions } from '../../preview'
export { type BadLine, type EventStream, type Replayed, type ReplayOptions, ready, replay } from '../../replay'
export type {
  AnyMeter,
  DodoMeter,
  Filter,
  Meter,
  MeterResult,
  MeterResultV3,
  MeterV3,
  Query,
  QueryV3,
  Row,
} from '../../types'
