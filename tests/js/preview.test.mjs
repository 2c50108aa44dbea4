/** The live preview, the cost, and the pure preview over the same events. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openmeter, preview, Taximeter } from 'taximeter'
import { same } from '../conformance/compare.mjs'
import { cases } from '../conformance/meters.mjs'

const meters = [
  {
    slug: 'tokens',
    eventType: 'prompt',
    aggregation: 'SUM',
    valueProperty: '$.tokens',
    groupBy: { model: '$.model', type: '$.type' },
  },
  { slug: 'prompts', eventType: 'prompt', aggregation: 'COUNT' },
  { slug: 'users', eventType: 'prompt', aggregation: 'UNIQUE_COUNT', valueProperty: '$.user' },
]
const taken = async () => new Response(null, { status: 204 })
const client = (options) =>
  new Taximeter({ source: 'test', sink: openmeter({ url: 'http://127.0.0.1:1' }), fetch: taken, meters, ...options })
const prompt = (subject, tokens, more = {}) => ({
  type: 'prompt',
  subject,
  time: '2026-03-29T00:30:00Z',
  data: { tokens, model: 'm', type: 'input', user: subject },
  ...more,
})

test('rows by group, exact over numbers and numeric strings', async () => {
  const meter = client()
  meter.record(prompt('a', 10))
  meter.record(prompt('a', '0.5'))
  meter.record(prompt('b', 3, { data: { tokens: 3, model: 'n', type: 'output', user: 'a' } }))
  const row = { windowStart: '2026-03-29T00:30:00Z', windowEnd: '2026-03-29T00:31:00Z', subject: null }
  assert.deepEqual(meter.preview('tokens', { groupBy: ['model'] }), {
    data: [
      { value: 10.5, ...row, groupBy: { model: 'm' } },
      { value: 3, ...row, groupBy: { model: 'n' } },
    ],
  })
  assert.deepEqual(
    meter.preview('tokens', { subject: ['b'] }).data.map((r) => [r.subject, r.value]),
    [['b', 3]],
  )
  assert.equal(meter.preview('prompts').data[0].value, 3)
  assert.equal(meter.preview('users').data[0].value, 1)
  await meter.close()
})

test('windows in a zone with daylight saving: the day of the change has 23 hours', async () => {
  const meter = client()
  meter.record(prompt('a', 1))
  meter.record(prompt('a', 1, { time: '2026-03-29T21:59:59Z' }))
  meter.record(prompt('a', 1, { time: '2026-03-29T22:00:00Z' }))
  const { data } = meter.preview('tokens', { windowSize: 'DAY', windowTimeZone: 'Europe/Berlin' })
  assert.deepEqual(
    data.map((r) => [r.windowStart, r.windowEnd, r.value]),
    [
      ['2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', 2],
      ['2026-03-29T22:00:00Z', '2026-03-30T22:00:00Z', 1],
    ],
  )
  assert.throws(() => meter.preview('tokens', { windowSize: 'DAY', windowTimeZone: 'Mars/Olympus' }), {
    code: 'query_invalid',
    http: 400,
  })
  await meter.close()
})

test('wrong queries are errors with a code and a status', async () => {
  const meter = client()
  assert.throws(() => meter.preview('nothing'), { code: 'meter_not_found', http: 404 })
  assert.throws(() => meter.preview('tokens', { windowSize: 'WEEK' }), { code: 'query_invalid' })
  assert.throws(() => meter.preview('tokens', { groupBy: ['colour'] }), { code: 'query_invalid' })
  assert.throws(() => meter.preview('tokens', { form: '2026-01-01T00:00:00Z' }), { code: 'unknown_option' })
  await meter.close()
})

test('the live rows are those of the pure preview over the same events', async () => {
  const bodies = []
  const meter = client({ fetch: async (_url, init) => bodies.push(await new Response(init.body).text()) && taken() })
  let seed = 7
  const random = (n) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return seed % n
  }
  for (let i = 0; i < 400; i++) {
    const time = new Date(Date.UTC(2026, 0, 1 + random(60), random(24), random(60), random(60))).toISOString()
    meter.record({
      type: 'prompt',
      subject: `c${random(4)}`,
      time,
      data: {
        tokens: random(1000),
        model: `m${random(3)}`,
        type: ['input', 'output'][random(2)],
        user: `u${random(9)}`,
      },
    })
  }
  const queries = [
    {},
    { groupBy: ['model', 'type'] },
    { windowSize: 'DAY' },
    { windowSize: 'HOUR', groupBy: ['model'] },
    { windowSize: 'MONTH', windowTimeZone: 'America/New_York', subject: ['c1', 'c2'] },
    { from: '2026-01-10T00:00:00Z', to: '2026-02-01T12:00:00Z', groupBy: ['subject'] },
    { filterGroupBy: { model: ['m1'] }, windowSize: 'MINUTE' },
  ]
  /** Every meter asked every query, as far as it has the dimensions. */
  const asked = queries.flatMap((query) =>
    meters.map(({ slug, groupBy = {} }) => {
      const known = (name) => name === 'subject' || name in groupBy
      const { filterGroupBy, ...rest } = query
      return {
        ...rest,
        meter: slug,
        ...(query.groupBy && { groupBy: query.groupBy.filter(known) }),
        ...(filterGroupBy && groupBy.model && { filterGroupBy }),
      }
    }),
  )
  const live = asked.map(({ meter: slug, ...query }) => meter.preview(slug, query))
  await meter.close()
  const events = `[${bodies.map((body) => body.slice(1, -1)).join(',')}]`
  for (const [i, query] of asked.entries())
    assert.deepEqual(live[i], preview(meters, events, query).result, JSON.stringify(query))
})

test('cost: a unit price with a free threshold, per customer, exact', async () => {
  const meter = client({
    prices: {
      meters: {
        tokens: { type: 'unit', amount: '0.000003', free: '1000' },
        prompts: { type: 'unit', amount: '0.001' },
      },
    },
  })
  for (let i = 0; i < 3; i++) meter.record(prompt('a', 700))
  meter.record(prompt('b', 10))
  assert.deepEqual(meter.cost({ subject: 'a' }), {
    currency: 'USD',
    total: '0.0063',
    totalMinor: '0',
    lines: [
      { meter: 'tokens', quantity: '2100', amount: '0.0033', amountMinor: '0' },
      { meter: 'prompts', quantity: '3', amount: '0.003', amountMinor: '0' },
    ],
  })
  assert.equal(meter.cost({ subject: 'b' }).lines[0].amount, '0')
  assert.equal(meter.cost({ subject: 'nobody' }).total, '0')
  await meter.close()
})

test('every vector of the meter server passes through the built package', () => {
  const failures = []
  let ran = 0
  for (const { id, want, run, tolerant } of cases(
    readFileSync(new URL('../contract/openmeter-meters.json', import.meta.url), 'utf8'),
  )) {
    ran += 1
    const got = run()
    if (!same(got, want, tolerant)) failures.push(`${id}: want ${JSON.stringify(want)} got ${JSON.stringify(got)}`)
  }
  assert.deepEqual(failures, [])
  assert.ok(ran > 1500, `${ran} cases`)
})

test('a large text is answered or refused, whatever it holds', () => {
  const meters = [{ slug: 'm', eventType: 't', aggregation: 'COUNT' }]
  const events = (count, rest) =>
    Array.from(
      { length: count },
      (_, i) => `{"specversion":"1.0","id":"${i}","source":"s","type":"t","subject":"u"${rest}}`,
    ).join('\n')
  const ask = (text) => preview(meters, text, { meter: 'm' })
  // Two bytes a character: 20 MB.
  assert.equal(ask(events(1000, `,"data":{"v":"${'ä'.repeat(10_000)}"}`)).result.data[0].value, 1000)
  // So many events that what is said of each does not fit any more.
  assert.throws(() => ask(events(280_000, '')), { code: 'limit_exceeded' })
  assert.throws(() => ask(' '.repeat(33 << 20)), { code: 'limit_exceeded' })
})
