/** Spans: their events sum to the elapsed time exactly once, whatever happens meanwhile. */
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { preview } from 'taximeter'
import { dodoNames, gpuTime, podExecution, timeRange } from 'taximeter/blueprints'
import { client } from './blueprints-client.mjs'
import { internals } from './internals.mjs'

const total = (events, member) => events.reduce((sum, { data }) => sum + data[member], 0)

/** Runs with a clock of its own: `pass(ms)` lets time pass, and timers fire as it does. */
async function withClock(use) {
  let at = 1000.125
  mock.timers.enable({ apis: ['setTimeout'] })
  const clock = mock.method(performance, 'now', () => at)
  try {
    return await use((ms) => {
      at += ms
      mock.timers.tick(Math.floor(ms))
    })
  } finally {
    clock.mock.restore()
    mock.timers.reset()
  }
}

/** A generator of numbers that a seed repeats. */
function random(seed) {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const { Span } = await internals('span')

test('heartbeats sum to the elapsed time, in whole milliseconds, whatever was refused: 500 random lives', async () => {
  for (let seed = 1; seed <= 500; seed++) {
    const pick = random(seed)
    const parallel = 1 + pick(8)
    const sent = []
    let fails = false
    const record = (event) => {
      if (fails) return { error: new Error('on purpose') }
      sent.push({ specversion: '1.0', id: `${sent.length}`, source: 's', ...event() })
      return { id: '1' }
    }
    let ends = 0
    const elapsed = await withClock((pass) => {
      const span = new Span(record, { subject: 'acme', everyMs: 1 + pick(5000), parallel }, () => {
        ends += 1
      })
      let all = 0
      for (let step = pick(40); step > 0; step--) {
        fails = pick(4) === 0
        const ms = pick(3) === 0 ? pick(1000) / 1024 : pick(20_000)
        pass(ms)
        all += ms
        if (pick(3) === 0) span.beat()
      }
      fails = false
      span.end()
      span.end()
      pass(100_000)
      span.beat()
      return all
    })
    const ran = Math.floor(elapsed) * parallel
    assert.equal(total(sent, 'duration_ms'), ran, `seed ${seed}`)
    assert.deepEqual([total(sent, 'spans'), ends, sent.at(-1).data.status], [1, 1, 'complete'], `seed ${seed}`)
    for (const { data } of sent.slice(0, -1)) assert.ok(data.duration_ms > 0)
    const asked = preview(timeRange.meters, sent, { meter: 'time_duration_seconds' }, { numeric: 'decimal' })
    const { valueDecimal } = asked.result.data[0]
    const [whole, part = ''] = valueDecimal.split('.')
    assert.equal(Number(whole + part.padEnd(3, '0')), ran, `seed ${seed}: ${valueDecimal}`)
  }
})

test('a crash loses at most one period: what ran before the last heartbeat is told', async () => {
  const sent = []
  const record = (event) => ({ id: `${sent.push(event())}` })
  await withClock((pass) => {
    new Span(record, { subject: 'acme', everyMs: 10_000 }, () => {})
    for (let i = 0; i < 35; i++) pass(1000)
  })
  assert.deepEqual(
    sent.map(({ data }) => [data.duration_ms, data.status, data.spans]),
    Array(3).fill([10_000, 'running', 0]),
  )
})

test('a function is measured: its value, its promise, its errors and its kind of promise are its own', async () => {
  const { meter, events, errors } = client()
  const who = { subject: 'acme', data: { task: 'render' } }
  const statuses = async () => (await events()).map(({ data }) => data.status)
  assert.equal(
    meter.time(() => 42, who),
    42,
  )
  assert.equal(await meter.time(async () => 43, who), 43)
  const thrown = new Error('on purpose')
  const fail = () => {
    throw thrown
  }
  assert.throws(
    () => meter.time(fail, who),
    (error) => error === thrown,
  )
  await assert.rejects(
    meter.time(async () => fail(), who),
    (error) => error === thrown,
  )
  class Job extends Promise {
    id = 7
  }
  const job = new Job((resolve) => setTimeout(resolve, 5, 'done'))
  assert.equal(
    meter.time(() => job, who),
    job,
  )
  assert.equal(await job, 'done')
  // biome-ignore lint/suspicious/noThenProperty: a promise of another kind
  const lazy = { then: (resolve) => resolve('lazy') }
  assert.equal(
    meter.time(() => lazy, who),
    lazy,
  )
  assert.deepEqual(await statuses(), ['complete', 'complete', 'error', 'error', 'complete', 'complete'])
  assert.deepEqual(errors, [])
  const [{ type, subject, data }] = await events()
  assert.deepEqual([type, subject, data.task, data.spans], ['time.usage', 'acme', 'render', 1])
})

test('a span ends with its block, and says how it went; run() says for whom', async () => {
  const { meter, events } = client()
  meter.run({ subject: 'acme', feature: 'export' }, () => {
    const span = meter.span({ data: { step: 1 } })
    span[Symbol.dispose]()
    meter.span({ subject: 'globex' }).end('cancelled')
  })
  const open = meter.span({ subject: 'initech' })
  await meter.close()
  open.end()
  assert.deepEqual(
    (await events()).map(({ subject, data: { status, feature, step } }) => [subject, status, feature, step]),
    [
      ['acme', 'complete', 'export', 1],
      ['globex', 'cancelled', 'export', undefined],
      ['initech', 'closed', undefined, undefined],
    ],
  )
})

test('a span of nobody, of a strict client or with data that throws disturbs nobody', async () => {
  const { meter, errors } = client({ strict: true })
  const fail = () => {
    throw new Error('on purpose')
  }
  assert.equal(
    meter.time(() => 1),
    1,
  )
  assert.equal(
    meter.time(() => 2, { subject: 'acme', data: fail }),
    2,
  )
  assert.equal(
    meter.time(() => 3, { subject: 'acme', totals: fail }),
    3,
  )
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['invalid_event', 'internal', 'internal'],
  )
  for (const options of [{ everyMs: 0 }, { everyMs: Number.NaN }, { parallel: 1.5 }, { parallel: 0 }]) {
    assert.throws(() => meter.span({ subject: 'acme', ...options }), { code: 'invalid_option' })
  }
})

test('GPU seconds and pods, as OpenMeter has them; the names of Dodo', async () => {
  const { meter, events } = client()
  await withClock((pass) => {
    const data = { hostname: 'h', region: 'us-east-1', gpu_type: 'nvidia_A100' }
    const gpu = meter.span({ subject: 'acme', type: gpuTime.eventType, parallel: 8, data })
    const pod = meter.span({
      subject: 'acme',
      type: podExecution.eventType,
      data: { pod_name: 'p', pod_namespace: 'n' },
    })
    const { eventType, fields } = dodoNames.timeRange
    const span = meter.span({ subject: 'acme', type: eventType, fields })
    pass(1500)
    for (const one of [gpu, pod, span]) one.end()
  })
  const got = await events()
  const ask = (meters, meterName, groupBy) =>
    preview(meters, got, { meter: meterName, groupBy }).result.data.map(({ value, groupBy }) => [value, groupBy])
  assert.deepEqual(ask(gpuTime.meters, 'gpu_execution_duration_seconds', ['gpu_type']), [
    [12, { gpu_type: 'nvidia_A100' }],
  ])
  assert.deepEqual(ask(podExecution.meters, 'pod_execution_time', ['pod_name']), [[1.5, { pod_name: 'p' }]])
  const dodo = timeRange.as(dodoNames.timeRange).dodoMeters
  assert.deepEqual(ask(dodo, 'time_duration_ms'), [[1500, {}]])
  assert.deepEqual(got[2].data, { status: 'complete', spans: 1, durationMs: 1500, durationSeconds: 1.5 })
})
