/** The client's counters as OpenTelemetry's own SDK collects them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AggregationTemporality, DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { openmeter, Taximeter } from 'taximeter'
import { observeMetrics } from 'taximeter/opentelemetry'

class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

function setUp(t, answer) {
  const reader = new Reader({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE })
  const provider = new MeterProvider({ readers: [reader] })
  const sink = openmeter({ url: 'http://127.0.0.1:1', token: 'sk-canary' })
  const meter = new Taximeter({ source: 'test', sink, fetch: async () => answer() })
  const stop = observeMetrics(meter, provider.getMeter('taximeter'), { instance: 'a' })
  t.after(() => provider.shutdown())
  t.after(() => meter.close({ deadlineMs: 1 }))
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect()
    assert.deepEqual(errors, [])
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
  }
  return { meter, stop, collect }
}

/** `{ name: value }`, or of several points `{ 'name attribute': value }`; what is 0 is left out. */
const values = (metrics) =>
  Object.fromEntries(
    metrics.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.flatMap(({ value, attributes: { instance, ...others } }) => {
        assert.equal(instance, 'a')
        return value === 0 ? [] : [[[descriptor.name, ...Object.values(others)].join(' '), value]]
      }),
    ),
  )

test('counters and levels, with their units', async (t) => {
  let status = 503
  const { meter, collect } = setUp(t, () => new Response(null, { status }))
  for (let n = 0; n < 3; n++) meter.record({ type: 'call', subject: 'c', data: { n } })
  meter.record({ type: 'call', subject: 'c', data: { n: Number.NaN } })
  await meter.flush({ deadlineMs: 50 })
  const waiting = await collect()
  const { 'taximeter.queue.size': bytes, 'taximeter.request.sent': sent, ...counts } = values(waiting)
  assert.ok(bytes > 300 && sent >= 1)
  assert.deepEqual(counts, {
    'taximeter.event.recorded': 3,
    'taximeter.event.refused': 1,
    'taximeter.event.pending': 3,
    'taximeter.sink.state backoff': 1,
    'taximeter.error not_finite': 1,
  })
  const shapes = waiting.map(({ descriptor: { name, unit, description }, isMonotonic, dataPointType }) => {
    assert.ok(description.length > 5 && dataPointType === DataPointType.SUM)
    return `${name} ${unit}${isMonotonic ? ', grows' : ''}`
  })
  assert.deepEqual(shapes.sort(), [
    'taximeter.error {error}, grows',
    'taximeter.event.delivered {event}, grows',
    'taximeter.event.dropped {event}, grows',
    'taximeter.event.pending {event}',
    'taximeter.event.quarantined {event}',
    'taximeter.event.recorded {event}, grows',
    'taximeter.event.refused {event}, grows',
    'taximeter.llm.unmetered {request}, grows',
    'taximeter.queue.size By',
    'taximeter.request.active {request}',
    'taximeter.request.sent {request}, grows',
    'taximeter.sink.state 1',
  ])
  assert.ok(!JSON.stringify(waiting).includes('sk-canary'))

  status = 204
  await meter.flush()
  const { 'taximeter.request.sent': _, ...settled } = values(await collect())
  assert.deepEqual(settled, {
    'taximeter.event.recorded': 3,
    'taximeter.event.delivered': 3,
    'taximeter.event.refused': 1,
    'taximeter.sink.state idle': 1,
    'taximeter.error not_finite': 1,
  })
})

test('what is in quarantine shrinks when it is discarded', async (t) => {
  const { meter, collect } = setUp(t, () => new Response('{"detail":"no"}', { status: 400 }))
  meter.record({ type: 'call', subject: 'c' })
  await meter.flush()
  assert.equal(values(await collect())['taximeter.event.quarantined'], 1)
  meter.discard()
  const after = values(await collect())
  assert.deepEqual([after['taximeter.event.quarantined'], after['taximeter.event.dropped']], [undefined, 1])
})

test('taken back, it observes nothing any more', async (t) => {
  const { meter, stop, collect } = setUp(t, () => new Response(null, { status: 204 }))
  stop()
  meter.record({ type: 'call', subject: 'c', data: { n: Number.NaN } })
  assert.deepEqual(values(await collect()), {})
})
