/** Prices through the built package: the vectors, numbers in and out, errors, the price book. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { burnDown, invoice, openmeter, PriceBook, rate, rateOpenMeter, Taximeter } from 'taximeter'
import * as full from 'taximeter/full'
import book from 'taximeter/prices'
import all from 'taximeter/prices/all'
import core from 'taximeter/prices/core'
import * as billing from '../conformance/billing.mjs'
import { same } from '../conformance/compare.mjs'
import * as llmCost from '../conformance/llm-cost.mjs'
import * as openmeterPricing from '../conformance/openmeter-pricing.mjs'

const contract = (name) => new URL(`../contract/${name}`, import.meta.url).pathname
const text = (name) => readFileSync(contract(name), 'utf8')

for (const [name, cases, count] of [
  ['billing', () => billing.cases(text('billing-price.json')), 141],
  ['openmeter-pricing', () => openmeterPricing.cases(text('openmeter-pricing.json')), 166],
  ['llm-cost', () => llmCost.cases(contract('llm-cost.json')), 346],
]) {
  test(`${name}: every vector passes to the digit`, () => {
    let ran = 0
    for (const { id, want, run } of cases()) {
      const got = run()
      assert.ok(same(got, want), `${id}: want ${JSON.stringify(want)} got ${JSON.stringify(got)}`)
      ran += 1
    }
    assert.equal(ran, count)
  })
}

test('decimals come in as strings, bigints and numbers, and go out as strings', () => {
  const price = (amount) => rate({ type: 'unit', amount }, { quantity: '3' }).amountExact
  assert.deepEqual(['1e-7', 0.1, 2n, '9007199254740993.000000001', 1e-7].map(price), [
    '0.0000003',
    '0.3',
    '6',
    '27021597764222979.000000003',
    '0.0000003',
  ])
  assert.equal(BigInt(rate({ type: 'flat', amount: '12.345' }, { quantity: 0 }).amountMinor), 1235n)
  for (const [amount, code, path] of [
    [Number.NaN, 'not_finite', 'price.amount'],
    [Number.POSITIVE_INFINITY, 'not_finite', 'price.amount'],
    [2 ** 53, 'unsafe_integer', 'price.amount'],
    ['1,5', 'invalid_price', 'price.amount'],
    ['', 'invalid_price', 'price.amount'],
    [-1, 'invalid_price', 'price.amount'],
    [null, 'invalid_price', 'price.amount'],
  ]) {
    assert.throws(() => price(amount), { code, path }, String(amount))
  }
})

test('wrong prices, usage and invoices are refused with the place', () => {
  const tiers = (...bounds) => ({ type: 'volume', tiers: bounds.map((up_to) => ({ up_to, unit: 1 })) })
  const one = { quantity: 1 }
  for (const [price, usage, code, path, message] of [
    [tiers(10, 10, null), one, 'invalid_price', 'price.tiers[1].up_to', 'tiers must ascend'],
    [tiers(10, null, null), one, 'invalid_price', 'price.tiers[1].up_to', 'tiers must ascend'],
    [tiers(0, null), one, 'invalid_price', 'price.tiers[0].up_to', 'tiers must ascend'],
    [tiers(10, 20), one, 'invalid_price', 'price.tiers[1].up_to', 'last tier must be open (up_to null)'],
    [tiers(), one, 'invalid_price', 'price.tiers', 'last tier must be open (up_to null)'],
    [{ type: 'package', amount: 1, size: 0 }, one, 'invalid_price', 'price.size'],
    [{ type: 'unit', amount: 1, tier: 2 }, one, 'unknown_option', 'price.tier'],
    [{ type: 'percentage', rate: 1, quantity: { divide_by: 2 } }, one, 'unknown_option', 'price.quantity'],
    [{ type: 'percentage', rate: 1 }, one, 'invalid_usage', 'usage.events'],
    [{ type: 'percentage', rate: 1 }, { events: [1, 'x'] }, 'invalid_usage', 'usage.events[1].value'],
    [{ type: 'cost_plus' }, one, 'invalid_usage', 'usage.cost'],
    [{ type: 'unit', amount: 1 }, { quantity: 'many' }, 'invalid_usage', 'usage.quantity'],
    [{ type: 'unit', amount: 1 }, undefined, 'invalid_usage', 'usage'],
    [{ type: 'unit', amount: '1e30' }, { quantity: '1e30' }, 'overflow', 'usage'],
    [
      { type: 'matrix', dimensions: ['a'], cells: [{ when: { b: 'x' }, price: { type: 'free' } }] },
      { groups: [] },
      'invalid_price',
      'price.cells[0].when.b',
    ],
    [
      { type: 'matrix', dimensions: ['a'], cells: [{ when: {}, price: { type: 'cost_plus' } }] },
      { groups: [] },
      'invalid_price',
      'price.cells[0].price.type',
    ],
  ]) {
    assert.throws(() => rate(price, usage), { code, path, ...(message && { message }) }, JSON.stringify([price, usage]))
  }
  assert.throws(() => rate({ type: 'free' }, one, { currency: 'BTC' }), { code: 'unknown_currency', path: 'currency' })
  assert.equal(
    rate({ type: 'unit', amount: '0.3' }, one, { currency: { code: 'BTC', digits: 8 } }).amountMinor,
    '30000000',
  )
  const line = { price: { type: 'flat', amount: 10 }, usage: one }
  assert.throws(() => invoice({ lines: [line, { ...line, currency: 'EUR' }] }), {
    code: 'currency_mismatch',
    path: 'lines[1].currency',
  })
  const { totalMinor, converted } = invoice({ lines: [line, { ...line, currency: 'EUR' }], rates: { EURUSD: '1.08' } })
  assert.deepEqual([totalMinor, converted], ['2080', true])
  assert.throws(() => full.rateOpenMeter({ price: { type: 'unit' }, lineMode: 'single' }), { code: 'invalid_price' })
  assert.throws(() => rateOpenMeter({}), { code: 'calculation_unavailable' })
  assert.throws(() => full.burnDown({ start: 'now' }), { code: 'time_invalid', path: 'start' })
  assert.throws(() => burnDown({}), { code: 'calculation_unavailable' })
})

test('an invoice: commitment, then credits, then tax', () => {
  const lines = [{ price: { type: 'unit', amount: '0.5' }, usage: { quantity: 120 } }]
  const { lines: _, ...rest } = invoice({ lines, minimum_commitment: 100, credits: '30.005', tax_percent: '8.25' })
  assert.deepEqual(rest, {
    currency: 'USD',
    subtotalMinor: '6000',
    trueUpMinor: '4000',
    creditsAppliedMinor: '3001',
    taxMinor: '825',
    totalMinor: '7824',
    total: '78.24',
  })
  assert.equal(invoice({ lines, credits: 10, tax_percent: 10, tax_on: 'after_credits' }).taxMinor, '500')
})

test('the price book: three sizes of one book, prices of a time, aliases', () => {
  assert.deepEqual(
    [core, book, all].map((one) => one.providers.length),
    [3, 18, 47],
  )
  const prices = new PriceBook(core, { aliases: { 'my-deployment': 'gpt-4o' } })
  const at = '2026-11-01T00:00:00Z'
  const usage = { input_tokens: 1000n, output_tokens: '10' }
  assert.equal(prices.cost({ provider: 'openai', model: 'my-deployment', at, usage }).total, '0.0026')
  assert.deepEqual(prices.find({ model: 'claude-sonnet-5-5-20260901', at }).model, 'claude-sonnet-5-5')
  assert.equal(prices.cost({ provider: 'nobody', model: 'x', at, usage }).reason, 'unknown_provider')
  assert.throws(() => prices.find({ model: 'x', at }), { code: 'unknown_provider' })
  assert.throws(() => new PriceBook({ ...core, schema: 2 }), { code: 'invalid_price_book', path: 'book.schema' })
  assert.throws(() => new PriceBook({ providers: [{}] }), { code: 'invalid_price_book', path: 'book.providers[0].id' })
})

test('a meter billed by tiers, by a matrix, and with a minimum for who used nothing', async () => {
  const meters = [
    { slug: 'calls', eventType: 'call', aggregation: 'COUNT' },
    { slug: 'images', eventType: 'image', aggregation: 'COUNT', groupBy: { quality: '$.quality' } },
  ]
  const cell = (quality, amount) => ({ when: { quality }, price: { type: 'unit', amount } })
  const prices = {
    calls: {
      type: 'graduated',
      tiers: [
        { up_to: 2n, unit: '1' },
        { up_to: null, unit: 0.5 },
      ],
      adjust: { minimum: 1 },
    },
    images: { type: 'matrix', dimensions: ['quality'], cells: [cell('standard', '0.04'), cell('hd', '0.08')] },
  }
  const meter = (more) =>
    new Taximeter({
      source: 'test',
      sink: openmeter({ url: 'http://127.0.0.1:1' }),
      fetch: async () => new Response(null, { status: 204 }),
      meters,
      prices: { meters: { ...prices, ...more } },
    })
  const client = meter()
  for (let i = 0; i < 3; i++) client.record({ type: 'call', subject: 'a' })
  for (const quality of ['standard', 'hd', 'hd']) client.record({ type: 'image', subject: 'b', data: { quality } })
  assert.deepEqual(
    client.cost().lines.map(({ meter, quantity, amount }) => [meter, quantity, amount]),
    [
      ['calls', '3', '3.5'],
      ['images', '3', '0.2'],
    ],
  )
  assert.equal(client.cost({ subject: 'b' }).totalMinor, '120')
  client.record({ type: 'image', subject: 'b', data: { quality: 'vast' } })
  assert.deepEqual([client.cost().unpriced, client.cost().totalMinor], [true, '370'])
  await client.close()
  const wrong = (price) => () => meter({ calls: price })
  assert.throws(wrong({ type: 'percentage', rate: 1 }), { code: 'invalid_price', path: 'prices.meters.calls.type' })
  assert.throws(wrong({ type: 'matrix', dimensions: ['x'], cells: [] }), { path: 'prices.meters.calls.dimensions' })
  assert.throws(wrong({ type: 'unit', amount: Number.NaN }), { code: 'not_finite' })
})

test('a number that is none, or does not fit, is never a price, a quantity or a silent 0', () => {
  const unit = { type: 'unit', amount: '0.01' }
  const long = '0.1234567890123456789012345678901234567891'
  for (const [quantity, code] of [
    [Number.NaN, 'not_finite'],
    [Number.NEGATIVE_INFINITY, 'not_finite'],
    [2 ** 60, 'unsafe_integer'],
    ['NaN', 'invalid_usage'],
    ['Infinity', 'invalid_usage'],
    ['0x10', 'invalid_usage'],
    ['', 'invalid_usage'],
    [true, 'invalid_usage'],
    [[], 'invalid_usage'],
    ['1e400', 'invalid_usage'],
    [`${'9'.repeat(40)}`, 'invalid_usage'],
    [long, 'invalid_usage'],
  ]) {
    assert.throws(() => rate(unit, { quantity }), { code, path: 'usage.quantity' }, String(quantity))
  }
  for (const amount of [long, '1e99', 'a', [], {}, true]) {
    assert.throws(() => rate({ ...unit, amount }, { quantity: 1 }), { code: 'invalid_price', path: 'price.amount' })
  }
  // What fits each by itself, but not together.
  const huge = { price: { type: 'flat', amount: '1e36' }, usage: { quantity: 1 } }
  assert.throws(() => invoice({ lines: [huge, huge] }), { code: 'overflow' })
  for (const [request, path] of [
    [{ lines: [{ ...huge, currency: 'XXX' }] }, 'lines[0].currency'],
    [{ lines: [{ ...huge, usage: {} }] }, 'lines[0].usage.quantity'],
    [{ lines: [], credits: -1 }, 'credits'],
    [{ lines: [{ ...huge, currency: 'EUR' }], rates: { EURUSD: 0 } }, /rates\.EURUSD$/],
    [{ lines: [{ ...huge, currency: 'EUR' }], rates: { EURUSD: 'x' } }, /rates\.EURUSD$/],
  ]) {
    assert.throws(() => invoice(request), { path }, JSON.stringify(request))
  }
  // Gaps and overlaps of tiers, also within a matrix and of a percentage.
  const tiers = [
    { up_to: 10, unit: 1 },
    { up_to: 5, unit: 2 },
    { up_to: null, unit: 3 },
  ]
  const cells = [{ when: {}, price: { type: 'graduated', tiers } }]
  assert.throws(() => rate({ type: 'matrix', dimensions: [], cells }, { groups: [] }), {
    code: 'invalid_price',
    path: 'price.cells[0].price.tiers[1].up_to',
  })
  const rates = tiers.map(({ up_to }) => ({ up_to, rate: 1 }))
  assert.throws(() => rate({ type: 'graduated_percentage', tiers: rates }, { quantity: 1 }), {
    path: 'price.tiers[1].up_to',
  })
  const provider = new PriceBook(core)
  const record = { model: 'gpt-4o', at: '2026-11-01T00:00:00Z' }
  for (const input_tokens of [-1, 'many', '1e99', true]) {
    assert.throws(() => provider.cost({ ...record, usage: { input_tokens } }), {
      code: 'invalid_usage',
      path: 'usage.input_tokens',
    })
  }
  assert.equal(provider.cost({ ...record, usage: {} }).total, '0')
  assert.equal(provider.cost({ ...record, usage: { cache_read_tokens: 5 } }).reason, 'usage_missing')
})
