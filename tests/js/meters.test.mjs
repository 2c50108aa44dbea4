/** Meters in the words of other vendors and versions: Dodo's, and OpenMeter's v3 API. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as taximeter from 'taximeter'
import { lint } from 'taximeter/full'
import { same } from '../conformance/compare.mjs'
import { cases } from '../conformance/dodo-meters.mjs'
import { runExample } from './readme.mjs'

const { dodo, openmeter, preview, Taximeter } = taximeter

const taken = async () => new Response('{}', { status: 200 })

test('every documented case of Dodo passes through the built package', async () => {
  const vectors = readFileSync(new URL('../contract/dodo-meters.json', import.meta.url), 'utf8')
  let ran = 0
  for (const { id, want, run } of cases(vectors)) {
    ran += 1
    assert.ok(same(await run(), want), id)
  }
  assert.equal(ran, 11)
})

test('a client whose sink is Dodo previews Dodo meters, a customer at a time', async () => {
  const meter = new Taximeter({
    source: 'test',
    sink: dodo({ apiKey: 'k', url: 'http://127.0.0.1:1' }),
    fetch: taken,
    meters: [
      {
        event_name: 'upload',
        name: 'large files',
        aggregation: { type: 'sum', key: 'mb' },
        measurement_unit: 'MB',
        filter: { conjunction: 'and', clauses: [{ key: 'mb', operator: 'greater_than', value: 10 }] },
      },
      { event_name: 'upload', aggregation: { type: 'last', key: 'mb' } },
    ],
  })
  const upload = (subject, data, time) => meter.record({ type: 'upload', subject, data, time })
  upload('a', { mb: 10 }, '2026-01-01T00:00:00.500Z')
  upload('a', { mb: 10.1 }, '2026-01-01T00:00:00.400Z')
  upload('a', { mb: 0.2 }, '2026-01-01T00:00:00.300Z')
  upload('b', { mb: 11.2 }, '2026-01-01T00:00:00.200Z')
  assert.equal(upload('b', { nested: {} }).error.code, 'field_limit')
  const values = (name, query) => meter.preview(name, query).data.map((row) => [row.subject, row.valueDecimal])
  assert.deepEqual(values('large files', { subject: [] }), [
    ['a', '10.1'],
    ['b', '11.2'],
  ])
  assert.deepEqual(values('large files'), [[null, '21.3']])
  assert.deepEqual(values('upload', { subject: ['a'] }), [['a', '10']])
  assert.deepEqual(values('upload', { subject: ['nobody'] }), [])
  await meter.close()
  assert.throws(() => new Taximeter({ source: 's', sink: dodo({ apiKey: 'k', environment: 'test' }), meters: [{}] }), {
    code: 'meter_invalid',
    path: 'meters[0].slug',
  })
})

test('a query in the names of v3 is answered in its form, live and at hand', async () => {
  const meters = [
    {
      key: 'tokens',
      event_type: 'prompt',
      aggregation: 'sum',
      value_property: '$.n',
      dimensions: { model: '$.model' },
    },
  ]
  const bodies = []
  const fetch = async (_url, init) => {
    bodies.push(await new Response(init.body).text())
    return new Response(null, { status: 204 })
  }
  const meter = new Taximeter({ source: 's', sink: openmeter({ url: 'http://127.0.0.1:1' }), fetch, meters })
  const prompt = (n, time) => meter.record({ type: 'prompt', subject: 'c', time, data: { n, model: 'm' } })
  prompt(1, '2026-03-29T21:59:59Z')
  prompt(0.5, '2026-03-29T22:00:00Z')
  const query = {
    granularity: 'P1D',
    time_zone: 'Europe/Berlin',
    group_by_dimensions: ['model'],
    filters: { dimensions: { subject: { eq: 'c' }, model: { in: ['m', 'n'] } } },
  }
  const row = (value, from, to) => ({ value, from, to, dimensions: { subject: 'c', model: 'm' } })
  const want = {
    data: [
      row('1', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'),
      row('0.5', '2026-03-29T22:00:00Z', '2026-03-30T22:00:00Z'),
    ],
  }
  assert.deepEqual(meter.preview('tokens', query), want)
  await meter.close()
  const events = bodies.flatMap((body) => JSON.parse(body))
  assert.deepEqual(preview(meters, events, { meter: 'tokens', ...query }).result, want)
  assert.throws(() => meter.preview('tokens', { ...query, time_zone: 'Mars/Olympus' }), { code: 'query_invalid' })
})

test("the README's examples of meters give what they say", () => {
  assert.equal(runExample('Meters', { ...taximeter, lint }), 9)
})

test('names that objects have of their own are names like any other', async () => {
  const own = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
  const groupBy = Object.fromEntries(own.map((name) => [name, `$['${name}']`]))
  const meters = [{ slug: 'm', eventType: 't', aggregation: 'SUM', valueProperty: '$.prototype', groupBy }]
  const data = '{"prototype":2,"__proto__":"a","constructor":"b","toString":"c"}'
  const event = `{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"__proto__","data":${data}}`
  const [row] = preview(meters, event, { meter: 'm', groupBy: [...own, 'subject'] }).result.data
  assert.equal(JSON.stringify(row.groupBy), '{"__proto__":"a","constructor":"b","hasOwnProperty":"","toString":"c"}')
  assert.deepEqual([row.subject, row.value], ['__proto__', 2])
  assert.equal(Object.getPrototypeOf(row.groupBy), Object.prototype)
  assert.equal({}.a, undefined)
  const meter = new Taximeter({ source: 's', sink: openmeter({ url: 'http://127.0.0.1:1' }), fetch: taken, meters })
  assert.equal(meter.record({ type: 't', subject: 's', data: JSON.parse(data) }).error.code, 'forbidden_key')
  await meter.close()
})
