// OpenTelemetry's own meter, and our own client, are what the adapter takes.
import { metrics } from '@opentelemetry/api'
import { openmeter, Taximeter } from 'taximeter'
import { observeMetrics } from '../../ts/opentelemetry'
import { flushOnSignals } from '../../ts/signals'

const meter = new Taximeter({ source: 'types', sink: openmeter({ url: 'https://meters.example' }) })
export const stops: (() => void)[] = [
  observeMetrics(meter, metrics.getMeter('taximeter'), { instance: 'a' }),
  flushOnSignals(meter, { signals: ['SIGTERM'], deadlineMs: 1000 }),
]
