import type { Stats } from './types'

/** What is used of a client. */
export interface Observed {
  stats(): Stats
  on(name: 'error' | 'engine-reset', listener: (detail: object) => void): () => void
}

/** What is used of OpenTelemetry's `Meter`, so that nothing has to be installed for it. */
export interface OpenTelemetryMeter {
  createCounter(name: string, options?: InstrumentOptions): { add(value: number, attributes?: Attributes): void }
  createObservableCounter(name: string, options?: InstrumentOptions): object
  createObservableUpDownCounter(name: string, options?: InstrumentOptions): object
  addBatchObservableCallback(callback: (result: Result) => void, instruments: never[]): void
  removeBatchObservableCallback(callback: (result: Result) => void, instruments: never[]): void
}

type Attributes = Record<string, string>
type InstrumentOptions = { unit?: string; description?: string }
type Result = { observe(instrument: never, value: number, attributes?: Attributes): void }

const EVENT = '{event}'
const REQUEST = '{request}'
const STATES = ['idle', 'sending', 'backoff', 'held']

/** Of {@link Stats}: what only grows. */
const COUNTERS: [name: string, member: keyof Stats, unit: string, description: string][] = [
  ['taximeter.event.recorded', 'recorded', EVENT, 'Events that were taken'],
  ['taximeter.event.delivered', 'delivered', EVENT, 'Events that the vendor has accepted'],
  ['taximeter.event.dropped', 'dropped', EVENT, 'Events that were given up'],
  ['taximeter.event.refused', 'refused', EVENT, 'Events that were not taken'],
  ['taximeter.request.sent', 'requests', REQUEST, 'Requests to the vendor'],
  ['taximeter.llm.unmetered', 'unmetered', REQUEST, 'Requests of wrapped clients to where no usage is known'],
]

/** And what grows and shrinks. */
const LEVELS: typeof COUNTERS = [
  ['taximeter.event.pending', 'pending', EVENT, 'Events that are not settled'],
  ['taximeter.event.quarantined', 'quarantined', EVENT, 'Events that the vendor refused, and that are kept'],
  ['taximeter.queue.size', 'queueBytes', 'By', 'Bytes of the events that are not settled'],
  ['taximeter.request.active', 'inFlight', REQUEST, 'Requests that have no answer yet'],
]

/**
 * Shows a client's counters as metrics of OpenTelemetry. Gives what takes it back.
 *
 * The counters are read when they are collected. Besides there are `taximeter.sink.state`, which is 1 for the state that
 * the attribute `taximeter.sink.state` names; `taximeter.error`, by `error.type`, the error's code; and
 * `taximeter.engine.reset`.
 *
 * @example
 * import { metrics } from '@opentelemetry/api'
 * observeMetrics(meter, metrics.getMeter('taximeter'))
 */
export function observeMetrics(
  client: Observed,
  meter: OpenTelemetryMeter,
  /** Of every metric: where a process has several clients, what tells them apart. */
  attributes: Attributes = {},
): () => void {
  const counters = COUNTERS.map(([name, member, unit, description]) => {
    return { member, instrument: meter.createObservableCounter(name, { unit, description }) as never }
  })
  const levels = LEVELS.map(([name, member, unit, description]) => {
    return { member, instrument: meter.createObservableUpDownCounter(name, { unit, description }) as never }
  })
  const state = meter.createObservableUpDownCounter('taximeter.sink.state', {
    unit: '1',
    description: 'What the sink is doing',
  }) as never
  const observed = [...counters, ...levels]
  const observe = (result: Result) => {
    const stats = client.stats()
    for (const { member, instrument } of observed) result.observe(instrument, Number(stats[member]), attributes)
    for (const name of STATES) {
      result.observe(state, Number(stats.state === name), { ...attributes, 'taximeter.sink.state': name })
    }
  }
  const instruments = [...observed.map(({ instrument }) => instrument), state]
  meter.addBatchObservableCallback(observe, instruments)
  const errors = meter.createCounter('taximeter.error', { unit: '{error}', description: 'Errors of the client' })
  const resets = meter.createCounter('taximeter.engine.reset', {
    unit: '{reset}',
    description: 'Cores that were replaced',
  })
  const quiet = [
    client.on('error', (error) => errors.add(1, { ...attributes, 'error.type': (error as { code: string }).code })),
    client.on('engine-reset', () => resets.add(1, attributes)),
  ]
  return () => {
    meter.removeBatchObservableCallback(observe, instruments)
    for (const stop of quiet) stop()
  }
}
