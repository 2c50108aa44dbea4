/** What the blueprints are made of: events by builders, meters that the core takes, prices that it can rate. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { llm as llmInCore, preview, TaximeterError } from 'taximeter'
import * as blueprints from 'taximeter/blueprints'
import { lint } from 'taximeter/full'
import { client } from './blueprints-client.mjs'

const { apiGateway, blueprint, dodoNames, gpuTime, llm, objectStorage, podExecution, stream, timeRange } = blueprints
const ALL = Object.values(blueprints).filter(({ meters }) => meters)

const text = { type: 'text', required: true, about: 'a name' }
const integer = { type: 'integer', about: 'a quantity' }

test('every blueprint: its meters count what its builder builds, for both vendors, and its prices rate it', async () => {
  assert.equal(ALL.length, 10)
  for (const { name, fields, meters, dodoMeters, prices, event } of ALL) {
    const value = { text: 'a', integer: 2, number: 2.5, boolean: true }
    const data = Object.fromEntries(Object.entries(fields).map(([field, { type }]) => [field, value[type]]))
    const built = { specversion: '1.0', id: '1', source: 's', ...event('acme', data) }
    assert.deepEqual(lint([built], { meters }), [], name)
    for (const definitions of [meters, dodoMeters]) {
      for (const { slug, name: key } of definitions) {
        const { result } = preview(definitions, [built], { meter: slug ?? key })
        assert.ok([1, 2, 2.5].includes(result.data[0].value), `${name} ${slug ?? key}`)
      }
    }
    const { meter } = client({ meters, prices: { meters: prices } })
    assert.ok(meter.record(event('acme', data)).id)
    assert.deepEqual(
      meter
        .cost()
        .lines.map((line) => line.meter)
        .sort(),
      Object.keys(prices).sort(),
      name,
    )
    await meter.close()
  }
  assert.deepEqual(llm.meters, llmInCore.meters)
})

test('a builder says which member is wrong, and record() gives it back', () => {
  const wrong = [
    [{ method: 'GET' }, 'data.route', /a text: the template/],
    [{ method: 'GET', route: '/', status: '20x' }, 'data.status', /a whole number/],
    [{ method: 'GET', route: '/', duration_ms: Number.NaN }, 'data.duration_ms', /a number/],
  ]
  for (const [data, path, help] of wrong) {
    assert.throws(() => apiGateway.event('acme', data), { name: 'TaximeterError', code: 'invalid_event', path, help })
    const { meter, errors } = client()
    const { error } = meter.record(() => apiGateway.event('acme', data))
    assert.deepEqual([error.code, error.path, errors], ['invalid_event', path, [error]])
    assert.ok(error instanceof TaximeterError)
  }
})

/** OpenMeter's examples by id: the blueprint, and what its builder is given. */
const session = blueprint({
  name: 'session',
  about: 'logins',
  eventType: 'login',
  fields: { session_id: text },
  meters: { unique_sessions_total: { aggregation: 'UNIQUE_COUNT', of: 'session_id' } },
})
const workflow = (state, meter) =>
  blueprint({
    name: meter,
    about: 'tasks',
    eventType: `workflow_${state}`,
    fields: { task_type: text },
    meters: { [meter]: { aggregation: 'COUNT', groupBy: ['task_type'] } },
  })
const request = (meters) =>
  blueprint({
    name: 'request',
    about: 'requests',
    eventType: 'request',
    fields: { method: text, route: text, duration_seconds: integer, ingress_bytes: integer, egress_bytes: integer },
    meters,
  })
const groupBy = ['method', 'route']
const OPENMETER = {
  'llm-tokens': [
    blueprint({
      name: 'prompt',
      about: 'prompts',
      eventType: 'prompt',
      fields: { tokens: integer, model: text, type: text },
      meters: { tokens_total: { aggregation: 'SUM', of: 'tokens', groupBy: ['model', 'type'] } },
    }),
  ],
  'gpu-time': [gpuTime],
  'request-count': [request({ api_requests_total: { aggregation: 'COUNT', groupBy } })],
  'request-duration': [request({ api_request_duration: { aggregation: 'SUM', of: 'duration_seconds', groupBy } })],
  'pod-execution': [podExecution],
  'unique-sessions': [session],
  'several-meters': [
    request({
      api_requests_total: { aggregation: 'COUNT', groupBy },
      api_request_duration_seconds: { aggregation: 'SUM', of: 'duration_seconds', groupBy },
      api_request_ingress_bytes: { aggregation: 'SUM', of: 'ingress_bytes', groupBy },
    }),
  ],
  'state-changes': [
    workflow('create', 'workflow_created'),
    workflow('success', 'workflow_succeeded'),
    workflow('fail', 'workflow_failed'),
  ],
  'translate-ai': [
    blueprint({
      name: 'translation',
      about: 'texts that are translated',
      eventType: 'translate',
      fields: { model: text, pages: integer, words: integer, tokens: integer },
      meters: {
        pages_total: { aggregation: 'SUM', of: 'pages' },
        words_total: { aggregation: 'SUM', of: 'words' },
        tokens_total: { aggregation: 'SUM', of: 'tokens', groupBy: ['model'] },
      },
    }),
  ],
}

test('the nine examples of OpenMeter, meters and events, by builders', async (t) => {
  const file = new URL('../contract/openmeter-examples.json', import.meta.url)
  const { examples } = JSON.parse(readFileSync(file, 'utf8'))
  assert.deepEqual(examples.map(({ id }) => id).sort(), Object.keys(OPENMETER).sort())
  for (const { id, meters, events } of examples) {
    await t.test(id, () => {
      const parts = OPENMETER[id]
      assert.deepEqual(
        parts.flatMap((part) => part.meters),
        meters,
      )
      for (const { specversion, datacontenttype, type, subject, data, ...more } of events) {
        const part = parts.find(({ eventType }) => eventType === type) ?? parts[0]
        // Two of them are wrong as they were published: of a type that no meter counts, and with a member misnamed.
        const mended = id === 'state-changes' ? { task_type: data.task_type ?? data.type } : data
        if (data.type && id === 'state-changes') {
          assert.throws(() => part.event(subject, data), { code: 'invalid_event', path: 'data.task_type' })
        }
        const built = { specversion, ...part.event(subject, mended, more) }
        const { type: _, ...rest } = built
        assert.deepEqual(rest, { specversion, subject, data: mended, ...more })
        assert.equal(built.type, id === 'unique-sessions' ? 'login' : type)
        const counted = part.meters.map(({ slug }) => preview(meters, [built], { meter: slug }).result.data[0].value)
        assert.ok(counted.every((value) => value > 0))
      }
    })
  }
})

/** What Dodo's documentation says its blueprints are for: in its names, with the meter it makes and what that counts. */
const DODO = [
  ['LLM: tokens', llm, 'llm', { model: 'gpt-4', inputTokens: 10, outputTokens: 5, totalTokens: 15 }, 'totalTokens', 15],
  ['API as a service', apiGateway, 'apiGateway', { endpoint: '/api/v1/users', method: 'GET' }, undefined, 1],
  ['rate limiting', apiGateway, 'apiGateway', { endpoint: '/v1', method: 'GET', status_code: 429 }, undefined, 1],
  ['performance', apiGateway, 'apiGateway', { endpoint: '/v1', method: 'GET', response_time_ms: 45 }, undefined, 1],
  ['multi-tenant SaaS', apiGateway, 'apiGateway', { endpoint: '/v1', method: 'GET', tenant: 't' }, undefined, 1],
  ['file hosting', objectStorage, 'objectStorage', { bytes: 1000, bucket: 'my-bucket' }, 'bytes', 1000],
  ['backup', objectStorage, 'objectStorage', { bytes: '12345678901', bucket: 'backup' }, 'bytes', 12345678901],
  ['media CDN', objectStorage, 'objectStorage', { bytes: 5, bucket: 'media' }, 'bytes', 5],
  ['documents', objectStorage, 'objectStorage', { bytes: 7, bucket: 'documents' }, 'bytes', 7],
  ['video', stream, 'stream', { bytes: 10485760, stream_type: 'video', quality: '1080p' }, 'bytes', 10485760],
  ['music', stream, 'stream', { bytes: 4096, stream_type: 'audio' }, 'bytes', 4096],
  ['live events', stream, 'stream', { bytes: 4096, stream_type: 'live' }, 'bytes', 4096],
  ['real-time data', stream, 'stream', { bytes: 64, stream_type: 'telemetry' }, 'bytes', 64],
  ['serverless functions', timeRange, 'timeRange', { durationMs: 120, memory_mb: 512 }, 'durationMs', 120],
  ['containers', timeRange, 'timeRange', { durationMs: 2500, durationSeconds: 2.5 }, 'durationSeconds', 2.5],
  ['compute instances', timeRange, 'timeRange', { durationMs: 60000, durationSeconds: 60 }, 'durationSeconds', 60],
  ['background jobs', timeRange, 'timeRange', { durationMs: 1, job: 'export' }, 'durationMs', 1],
]

test("the use cases of Dodo's blueprints, by builders, under its own names", async (t) => {
  for (const [useCase, ours, names, data, key, value] of DODO) {
    await t.test(useCase, () => {
      const named = ours.as(dodoNames[names])
      const built = named.event('cus_1', data, { id: 'e-1', time: '2026-11-21T02:00:00Z' })
      assert.equal(built.type, dodoNames[names].eventType)
      const wanted = { type: key ? 'sum' : 'count', ...(key && { key }) }
      const found = named.dodoMeters.find(({ aggregation: a }) => a.type === wanted.type && a.key === wanted.key)
      assert.ok(found)
      const event = {
        event_id: 'e-1',
        customer_id: 'cus_1',
        event_name: built.type,
        timestamp: built.time,
        metadata: data,
      }
      for (const one of [event, { specversion: '1.0', source: 's', ...built }]) {
        assert.equal(preview([found], [one], { meter: found.name }).result.data[0].value, value)
      }
    })
  }
})

test("LLM clients make events under Dodo's names", async () => {
  const { dodoMeters } = llm.as(dodoNames.llm)
  const { meter, events } = client({ llm: dodoNames.llm, meters: dodoMeters })
  const answer = { id: 'r', model: 'gpt-4o', usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } }
  meter.observe({ object: 'chat.completion', ...answer }, { provider: 'openai', subject: 'cus_1' })
  const [{ type, data }] = await events(1)
  assert.deepEqual([type, data.inputTokens, data.outputTokens, data.totalTokens], ['llm.chat_completion', 3, 5, 8])
  assert.equal(meter.preview('tokens_total').data[0].value, 8)
})

test('a name that Dodo has no meter for is left out, not made another', () => {
  const { dodoMeters, meters } = blueprints.storageSnapshot
  assert.deepEqual(
    dodoMeters.map(({ name, aggregation }) => [name, aggregation.type]),
    [
      ['storage_bytes', 'last'],
      ['storage_bytes_peak', 'max'],
      ['storage_objects', 'last'],
    ],
  )
  assert.equal(meters.length, 4)
})
