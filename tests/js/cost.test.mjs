/** A client's costs: of a billing period, explained, projected, set against what providers charge and other plans. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as taximeter from 'taximeter'
import { extend } from 'taximeter/billing'
import * as full from 'taximeter/full'
import book from 'taximeter/prices/core'

const DAY = 86_400_000
const sink = (from) => from.openmeter({ url: 'http://127.0.0.1:1' })

function client(prices, { from = full, meters = METERS } = {}) {
  return new from.Taximeter({
    source: 'test',
    sink: sink(from),
    fetch: async () => new Response(null, { status: 204 }),
    meters,
    prices,
  })
}

const METERS = [
  { slug: 'calls', eventType: 'call', aggregation: 'COUNT', groupBy: { feature: '$.feature' } },
  { slug: 'peak', eventType: 'call', aggregation: 'MAX', valueProperty: '$.open' },
  {
    slug: 'tokens',
    eventType: 'llm.usage',
    aggregation: 'SUM',
    valueProperty: '$.total_tokens',
    groupBy: { model: '$.model', feature: '$.feature' },
  },
]
const CALLS = { type: 'unit', amount: '0.5', free: 10 }

/** So many calls of a customer at noon of each day of a month. */
function record(meter, subject, days, each, data = {}) {
  for (const day of days) {
    const time = new Date(Date.UTC(2026, 9, day, 12)).toISOString()
    for (let i = 0; i < each; i++) meter.record({ type: 'call', subject, time, data })
  }
}
const upTo = (n) => Array.from({ length: n }, (_, at) => at + 1)
const october = { from: '2026-10-01T00:00:00Z', to: '2026-11-01T00:00:00Z' }

test('a billing period, by its bounds or around a time', async () => {
  const meter = client({ meters: { calls: CALLS } }, { from: taximeter })
  record(meter, 'a', upTo(31), 1)
  const cost = (period) => meter.cost({ subject: 'a', period })
  assert.deepEqual([cost(october).total, cost(october).period], ['10.5', october])
  const at = '2026-10-20T00:00:00Z'
  assert.equal(cost({ every: 'month', at }).total, '10.5')
  const anchored = cost({ every: 'month', anchor: '2026-01-15T00:00:00Z', at })
  assert.deepEqual(anchored.period, { from: '2026-10-15T00:00:00Z', to: '2026-11-15T00:00:00Z' })
  assert.equal(anchored.total, '3.5')
  assert.equal(cost({ every: 'week', at }).lines[0].quantity, '7')
  const now = cost({ every: 'day' }).period
  assert.ok(Date.parse(now.from) <= Date.now() && Date.now() < Date.parse(now.to) + DAY)
  for (const [query, code, path] of [
    [{ period: { every: 'moon' } }, 'invalid_period', 'period.every'],
    [{ period: { from: 'x', to: at } }, 'time_invalid', 'period.from'],
    [{ period: { from: at, to: at } }, 'invalid_period', 'period.from'],
    [{ period: october, from: at }, 'unknown_option', 'from'],
  ]) {
    assert.throws(() => meter.cost(query), { code, path })
  }
  await meter.close()
})

test('each line explained: tiers, effective and marginal price, the way to the next tier', async () => {
  const tiers = [
    { up_to: 10, unit: '0.5' },
    { up_to: 100, unit: '0.4', flat: 1 },
    { up_to: null, unit: '0.3' },
  ]
  const cells = [{ when: { feature: 'chat' }, price: { type: 'unit', amount: 2, free: 5 } }]
  const meter = client({ meters: { calls: { type: 'graduated', tiers } } })
  record(meter, 'a', upTo(4), 5, { feature: 'chat' })
  const [line] = meter.cost({ subject: 'a', period: october, explain: true }).lines
  assert.equal(line.amount, '10')
  assert.deepEqual(line.explain.line.tiers, [
    { upTo: '10', quantity: '10', amount: '5' },
    { upTo: '100', quantity: '10', amount: '5' },
  ])
  const { effective, marginal, next, flags } = line.explain
  assert.deepEqual([effective, marginal, flags], ['0.5', '0.4', []])
  assert.deepEqual(next, { at: '100', left: '80', amountAt: '42', amountAfter: '42.3' })
  await meter.close()
  const matrix = client({ meters: { calls: { type: 'matrix', dimensions: ['feature'], cells } } })
  record(matrix, 'a', [1], 3, { feature: 'chat' })
  const [{ explain }] = matrix.cost({ subject: 'a', explain: true }).lines
  assert.deepEqual(explain.groups[0].next, { at: '5', left: '2', amountAt: '0', amountAfter: '2' })
  assert.throws(() => matrix.cost({ explain: true }), { code: 'query_invalid', path: 'subject' })
  await matrix.close()
})

test('how a period will end: units are projected, then priced', async () => {
  const meter = client({ meters: { calls: CALLS, peak: { type: 'unit', amount: 1 } } })
  record(meter, 'a', upTo(8), 1, { open: 3 })
  record(meter, 'a', [9, 10, 11], 4, { open: 8 })
  record(meter, 'b', [1], 30)
  const ask = (more) => meter.project({ subject: 'a', period: october, now: '2026-10-12T00:00:00Z', ...more })
  const { low, mid, high, lines, flags, period } = ask()
  // 20 calls in 11 days, 16 in the last 7: 36.36…, 41.03…, 45.71… more in the 20 days to go.
  assert.deepEqual(
    [lines[0].low, lines[0].mid, lines[0].high].map(({ quantity }) => quantity),
    ['56.363636', '61.038961', '65.714286'],
  )
  assert.equal(lines[0].mid.amountMinor, '2552')
  assert.deepEqual([lines[1].low.quantity, lines[1].high.quantity], ['8', '22.545455'])
  assert.deepEqual([low.total, mid.totalMinor, high.total], ['31.181818', '4079', '50.402598'])
  assert.deepEqual([flags, period], [['estimated'], october])
  const limits = ask({ limit: 20, credits: '30', balance: { calls: 30, peak: '1000' } })
  assert.deepEqual([limits.breach, limits.exhausted], ['2026-10-18T00:00:00Z', '2026-10-25T00:00:00Z'])
  assert.match(limits.lines[0].exhausted, /^2026-10-26T14:/)
  assert.equal(limits.lines[1].exhausted, null)
  assert.equal(ask({ limit: 1000 }).breach, null)
  assert.equal(ask({ now: '2026-10-02T00:00:00Z' }).tooEarly, true)
  // All customers: each by itself, so that each has what is free.
  const all = meter.project({ period: october, now: '2026-10-12T00:00:00Z' })
  assert.ok(Number(all.mid.total) > Number(mid.total))
  for (const [query, code, path] of [
    [{ period: october, now: '2027-01-01T00:00:00Z' }, 'invalid_period', 'now'],
    [{}, 'time_invalid', 'from'],
    [{ period: october, now: '2026-10-12T00:00:00Z', limit: -1 }, 'decimal_invalid', 'limit'],
    [{ period: october, now: '2026-10-12T00:00:00Z', balance: { calls: 'x' } }, 'decimal_invalid', 'balance.calls'],
  ]) {
    assert.throws(() => meter.project(query), { code, path }, JSON.stringify(query))
  }
  await meter.close()
})

const answered = (n, model) =>
  JSON.stringify({ id: `r-${n}`, model, usage: { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 } })

test('the margin by customer, model and feature', async () => {
  const meter = client({ book, meters: { tokens: { type: 'unit', amount: '0.00001', free: 1100 }, calls: CALLS } })
  let n = 0
  const call = (subject, feature, model) =>
    meter.observe(answered(n++, model), { provider: 'openai', subject, feature })
  call('a', 'chat', 'gpt-4o')
  call('a', 'chat', 'gpt-4o-mini')
  call('a', 'search', 'gpt-4o')
  call('b', 'chat', 'nobody-knows')
  const short = (query) =>
    meter
      .margin(query)
      .rows.map(({ key, bill, provider, margin, calls, unpriced, flags }) => [
        key,
        bill,
        provider,
        margin,
        calls,
        unpriced,
        ...flags,
      ])
  // gpt-4o: 1000 × 2.5 + 100 × 10 a million; gpt-4o-mini: 1000 × 0.15 + 100 × 0.6.
  assert.deepEqual(short(), [
    ['a', '0.022', '0.00721', '0.01479', 3, 0],
    ['b', '0', '0', '0', 0, 1, 'unpriced'],
  ])
  // What a is billed for 3300 tokens belongs to the models as they were used.
  assert.deepEqual(short({ by: 'model', subject: 'a' }), [
    ['gpt-4o', '0.01466666666666666666666666667', '0.007', '0.007666666666666666666666666667', 2, 0],
    ['gpt-4o-mini', '0.007333333333333333333333333333', '0.00021', '0.007123333333333333333333333333', 1, 0],
  ])
  assert.deepEqual(short({ by: 'feature' })[1], [
    'search',
    '0.007333333333333333333333333333',
    '0.0035',
    '0.003833333333333333333333333333',
    1,
    0,
  ])
  const { bill, provider, margin, unpriced } = meter.margin({ by: 'feature' })
  assert.deepEqual([bill, provider, margin, unpriced], ['0.022', '0.00721', '0.01479', 1])
  assert.throws(() => meter.margin({ by: 'team' }), { code: 'query_invalid', path: 'by' })
  await meter.close()
  const cheap = client({ book, meters: { tokens: { type: 'unit', amount: '0.000001' } } })
  cheap.observe(answered('x', 'gpt-4o'), { provider: 'openai', subject: 'a' })
  assert.deepEqual(cheap.margin().flags, ['negative_margin'])
  await cheap.close()
  const without = client({ meters: { calls: CALLS } })
  assert.throws(() => without.margin(), { code: 'no_price_book' })
})

test('the margin in another currency: by the rate that is given, and not without', async () => {
  const prices = { book, currency: 'EUR', meters: { tokens: { type: 'unit', amount: '0.00001' } } }
  const euros = client(prices)
  assert.throws(() => euros.margin(), { code: 'currency_mismatch', path: 'prices.currency', help: /USDEUR/ })
  const answer = [answered('1', 'gpt-4o'), { provider: 'openai', subject: 'a' }]
  euros.observe(...answer)
  assert.equal('margin' in euros.cost(), false)
  await euros.close()
  const meter = client({ ...prices, rates: { USDEUR: '0.92' } })
  meter.observe(...answer)
  // 0.0035 dollars are 0.00322 euros.
  const { bill, provider, margin, currency, converted } = meter.margin()
  assert.deepEqual([bill, provider, margin, currency, converted], ['0.011', '0.00322', '0.00778', 'EUR', true])
  const cost = meter.cost()
  assert.deepEqual([cost.margin, cost.converted, cost.provider.total], ['0.00778', true, '0.0035'])
  await meter.close()
  for (const [rates, code, path] of [
    [{ EURUSD: '1.08' }, 'unknown_option', 'prices.rates.EURUSD'],
    [{ USDEUR: 0 }, 'invalid_price', 'prices.rates.USDEUR'],
    [{ USDEUR: Number.NaN }, 'not_finite', 'prices.rates.USDEUR'],
    [{ USDEUR: '-1' }, 'decimal_invalid', 'prices.rates.USDEUR'],
    ['0.92', 'invalid_option', 'prices.rates'],
  ]) {
    assert.throws(() => client({ ...prices, rates }), { code, path })
  }
})

test('answers that were left early are counted beside the sums', async () => {
  const meter = client({ book, meters: { tokens: { type: 'free' } } })
  const usage = { input_tokens: 1000, output_tokens: 1 }
  const start = (id, model) => ({ type: 'message_start', message: { id, type: 'message', model, usage } })
  const left = async (id, subject, model = 'claude-haiku-4-5') => {
    const text = `event: message_start\ndata: ${JSON.stringify(start(id, model))}\n\n`
    const headers = { 'content-type': 'text/event-stream' }
    const fetch = meter.wrap(async () => new Response(new TextEncoder().encode(text), { headers }), { subject })
    const url = 'https://api.anthropic.com/v1/messages'
    await (await fetch(url, { method: 'POST', body: JSON.stringify({ model, stream: true }) })).text()
  }
  await left('m-1', 'a')
  await left('m-2', 'b')
  await left('m-3', 'b', 'nobody-knows')
  meter.observe(answered('m-4', 'gpt-4o'), { provider: 'openai', subject: 'b' })
  const { partial, models, unpriced } = meter.cost().provider
  assert.deepEqual([partial, models.length, unpriced.length], [3, 2, 1])
  assert.equal(meter.cost({ subject: 'a' }).provider.partial, 1)
  const rows = (by) => meter.margin({ by }).rows.map((row) => [row.key, row.calls, row.unpriced, row.partial])
  assert.deepEqual(rows('customer'), [
    ['a', 1, 0, 1],
    ['b', 2, 1, 2],
  ])
  assert.deepEqual(
    rows('model').sort((a, b) => (a[0] < b[0] ? -1 : 1)),
    [
      ['claude-haiku-4-5', 2, 0, 2],
      ['gpt-4o', 1, 0, 0],
      ['nobody-knows', 0, 1, 1],
    ],
  )
  assert.deepEqual(
    rows('provider').sort((a, b) => (a[0] < b[0] ? -1 : 1)),
    [
      ['anthropic', 2, 1, 3],
      ['openai', 1, 0, 0],
    ],
  )
  assert.equal(meter.margin().partial, 3)
  await meter.close()
})

test('a client takes another price book while it runs', async () => {
  const meter = client({ book, aliases: { mine: 'gpt-4o' }, meters: { tokens: { type: 'free' } } }, { from: taximeter })
  const call = (n) => meter.observe(answered(n, 'mine'), { provider: 'openai', subject: 'a' })
  call('1')
  assert.equal(meter.cost().provider.total, '0.0035')
  const source = 'a contract'
  const dearer = extend(book, [{ provider: 'openai', model: 'gpt-4o', source, multiply: [{ by: 2 }] }])
  meter.useBook(dearer)
  call('2')
  // What was charged stays.
  assert.equal(meter.cost().provider.total, '0.0105')
  assert.throws(() => meter.useBook({ source: 'x', providers: 'y' }), { code: 'invalid_price_book' })
  assert.throws(() => meter.useBook({ ...book, schema: 9 }), { code: 'invalid_price_book', path: 'book.schema' })
  call('3')
  assert.equal(meter.cost().provider.total, '0.0175')
  await meter.close()
  const without = client({ meters: {} })
  assert.throws(() => without.useBook(book), { code: 'no_price_book' })
})

test('what is no price is refused, and never a price of 0', () => {
  for (const [prices, path] of [
    ['x', 'prices'],
    [[], 'prices'],
    [{ meters: [] }, 'prices.meters'],
    [{ meters: 'calls' }, 'prices.meters'],
    [{ book, aliases: ['x'] }, 'prices.aliases'],
  ]) {
    assert.throws(() => client(prices), { code: 'invalid_option', path })
  }
})

test('how well a price is known: the book of a record, its age, and names that only resemble one', async () => {
  const prices = { book: { ...book, date: '2020-01-01' }, meters: { tokens: { type: 'free' } } }
  const model = 'claude-haiku-4-5-20991231'
  const answer = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model,
    usage: { input_tokens: 9, output_tokens: 1 },
  }
  const call = (meter) => meter.observe(answer, { provider: 'anthropic', subject: 'a' })
  const meter = client(prices, { from: taximeter })
  call(meter)
  const [row] = meter.cost().provider.models
  assert.deepEqual([row.flags, row.calls], [['matched_loosely', 'stale_book'], 1])
  const recorded = meter.preview('tokens', { groupBy: ['model'] }).data[0]
  assert.equal(recorded.groupBy.model, model)
  await meter.close()
  const strict = client({ ...prices, strict: true, staleDays: 100_000 }, { from: taximeter })
  call(strict)
  const { models, unpriced } = strict.cost().provider
  assert.deepEqual([models, unpriced[0].reason], [[], 'matched_loosely'])
  await strict.close()
  assert.throws(() => client({ ...prices, staleDays: -1 }), { code: 'invalid_option', path: 'prices.staleDays' })
})

test('other plans for the same customer, and where they break even', async () => {
  const meter = client({ meters: { calls: CALLS } })
  record(meter, 'a', upTo(10), 10, { feature: 'chat' })
  const plans = [
    { id: 'use', prices: { calls: { type: 'unit', amount: '0.5' } } },
    { id: 'flat', prices: { calls: { type: 'flat', amount: 40 } } },
    {
      id: 'chat',
      prices: { calls: { type: 'matrix', dimensions: ['feature'], cells: [], default: { type: 'unit', amount: 1 } } },
    },
  ]
  const { plans: compared, cheapest } = meter.whatIf(plans, { subject: 'a', period: october })
  assert.deepEqual(
    compared.map(({ id, invoice }) => [id, invoice.totalMinor]),
    [
      ['use', '5000'],
      ['flat', '4000'],
      ['chat', '10000'],
    ],
  )
  assert.equal(cheapest, 'flat')
  const { breakEven } = meter.whatIf(plans.slice(0, 2), { subject: 'a', breakEven: 'calls' })
  assert.deepEqual(breakEven, [
    { at: '0', cheapest: 'use' },
    { at: '81', cheapest: 'flat' },
  ])
  assert.throws(() => meter.whatIf(plans, {}), { code: 'query_invalid', path: 'subject' })
  const wrong = [{ id: 'x', prices: { nothing: { type: 'free' } } }]
  assert.throws(() => meter.whatIf(wrong, { subject: 'a' }), {
    code: 'meter_not_found',
    path: 'plans[0].prices.nothing',
  })
  await meter.close()
})

test('a budget of a client tells each threshold once a period, and says no before', async () => {
  const meter = client({ meters: { calls: { type: 'unit', amount: 1 } } })
  let at = '2026-10-20T00:00:00Z'
  const period = {
    every: 'month',
    get at() {
      return at
    },
  }
  const budget = meter.budget({ subject: 'a', period, limit: 10 })
  record(meter, 'a', [1], 4)
  assert.deepEqual(budget.update(), [])
  record(meter, 'a', [2], 4)
  assert.deepEqual([budget.update(), budget.update()], [['0.5', '0.8'], []])
  assert.deepEqual([budget.wouldExceed(2), budget.wouldExceed('2.01')], [false, true])
  record(meter, 'a', [32], 6)
  at = '2026-11-20T00:00:00Z'
  assert.deepEqual(budget.update(), ['0.5'])
  assert.equal(budget.wouldExceed(5), true)
  await meter.close()
})

test('the default build names the one that has these', async () => {
  const meter = client({ book, meters: { calls: CALLS } }, { from: taximeter })
  const error = { code: 'calculation_unavailable', message: /taximeter\/full/ }
  for (const ask of [
    () => meter.cost({ subject: 'a', explain: true }),
    () => meter.margin(),
    () => meter.project({ period: october }),
    () => meter.whatIf([], { subject: 'a' }),
    () => meter.budget({ limit: 1 }),
    () => taximeter.whatIf([], {}),
  ]) {
    assert.throws(ask, error)
  }
  await meter.close()
})
