/** Prices that people publish, vendors' prices as ours, estimates, and the README's examples. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { build } from 'esbuild'
import { encode } from 'gpt-tokenizer'
import * as taximeter from 'taximeter'
import { invoice, PriceBook, rate } from 'taximeter'
import * as billing from 'taximeter/billing'
import {
  estimate,
  extend,
  format,
  fromDodo,
  fromLago,
  fromOpenMeter,
  fromStripe,
  heuristicTokens,
  refresh,
} from 'taximeter/billing'
import { fileSpool } from 'taximeter/file'
import { Budget, burnDown, explain, project, whatIf } from 'taximeter/full'
import core from 'taximeter/prices/core'
import { runExample } from './readme.mjs'

const amount = (price, quantity) => rate(price, { quantity }).amountExact

test('prices as people write them', () => {
  // $0.001 a call after 10,000 free ones.
  const calls = { type: 'unit', amount: '0.001', free: 10_000 }
  assert.deepEqual(
    [0, 10_000, 10_001, 250_000].map((n) => amount(calls, n)),
    ['0', '0', '0.001', '240'],
  )
  // $0.04 a standard image, $0.08 in HD.
  const cell = (quality, price) => ({ when: { quality }, price: { type: 'unit', amount: price } })
  const images = { type: 'matrix', dimensions: ['quality'], cells: [cell('standard', '0.04'), cell('hd', '0.08')] }
  const group = (quality, quantity) => ({ group: { quality }, quantity })
  assert.equal(rate(images, { groups: [group('standard', 25), group('hd', 10)] }).amount, '1.8')
  // $5 a GB after 10 GB free, metered in bytes.
  const storage = { type: 'unit', amount: 5, free: 10, quantity: { divide_by: 1024 ** 3 } }
  assert.equal(amount(storage, 12n * 1024n ** 3n), '10')
  assert.equal(amount(storage, 10n * 1024n ** 3n + 1n), '0.000000004656612873077392578125')
  // $0.01 an SMS.
  assert.equal(amount({ type: 'unit', amount: '0.01' }, 1234), '12.34')
})

test("Stripe's prices", () => {
  const unit = { currency: 'usd', billing_scheme: 'per_unit', unit_amount: null, unit_amount_decimal: '0.0015' }
  assert.deepEqual(fromStripe(unit), { currency: 'USD', price: { type: 'unit', amount: '0.000015' } })
  const tiered = {
    currency: 'usd',
    billing_scheme: 'tiered',
    tiers_mode: 'graduated',
    tiers: [
      { up_to: 5, unit_amount: 700, unit_amount_decimal: '700', flat_amount: 1000, flat_amount_decimal: '1000' },
      { up_to: null, unit_amount: 650, unit_amount_decimal: '650', flat_amount: null, flat_amount_decimal: null },
    ],
  }
  assert.equal(amount(fromStripe(tiered).price, 6), '51.5')
  const packaged = { ...unit, unit_amount_decimal: '500', transform_quantity: { divide_by: 100, round: 'up' } }
  assert.equal(amount(fromStripe(packaged).price, 201), '15')
  assert.equal(fromStripe({ ...unit, currency: 'jpy', unit_amount_decimal: '7' }).price.amount, '7')
  assert.equal(fromStripe({ ...unit, currency: 'kwd', unit_amount_decimal: '7' }).price.amount, '0.007')
  assert.throws(() => fromStripe({ ...tiered, tiers: undefined }), { code: 'invalid_price', path: 'tiers' })
  assert.throws(() => fromStripe({ ...unit, unit_amount_decimal: null }), { code: 'invalid_price' })
})

test("Lago's charges", () => {
  const charge = (charge_model, properties, more = {}) => fromLago({ charge_model, properties, ...more }).price
  const ranges = [
    { from_value: 0, to_value: 10, per_unit_amount: '10', flat_amount: '2' },
    { from_value: 11, to_value: null, per_unit_amount: '5', flat_amount: '3' },
  ]
  assert.equal(amount(charge('standard', { amount: '0.5' }), 3), '1.5')
  assert.equal(amount(charge('graduated', { graduated_ranges: ranges }), 15), '130')
  assert.equal(amount(charge('volume', { volume_ranges: ranges }), 15), '78')
  assert.equal(amount(charge('package', { amount: '100', package_size: 10, free_units: 10 }), 121), '1200')
  const percentage = charge('percentage', { rate: '1.3', fixed_amount: '2', free_units_per_events: 3 })
  assert.equal(rate(percentage, { events: [50, 100, 250, 400] }).amountExact, '7.2')
  const steps = [{ from_value: 0, to_value: null, rate: '2', flat_amount: '1' }]
  assert.equal(amount(charge('graduated_percentage', { graduated_percentage_ranges: steps }), 50), '2')
  assert.equal(rate(charge('dynamic', {}), { cost: '0.402' }).amount, '0.4')
  assert.equal(amount(charge('standard', { amount: '0.5' }, { min_amount_cents: 1000 }), 3), '10')
  const filters = [{ properties: { amount: '2' }, values: { region: ['us', 'eu'] } }]
  const filtered = charge('standard', { amount: '1' }, { filters })
  const groups = ['us', 'eu', 'jp'].map((region) => ({ group: { region }, quantity: 1 }))
  assert.equal(rate(filtered, { groups }).amount, '5')
  assert.throws(() => charge('custom', {}), { code: 'invalid_price', path: 'charge_model' })
  assert.throws(() => charge('standard', {}, { prorated: true }), { code: 'invalid_price', path: 'prorated' })
})

test("OpenMeter's rate cards and Dodo's products", () => {
  const card = (price, more) => fromOpenMeter({ price, ...more }).price
  const tier = (upToAmount, unit) => ({ upToAmount, unitPrice: { type: 'unit', amount: unit }, flatPrice: null })
  const tiers = [tier(undefined, '1'), tier('10', '2')]
  assert.equal(amount(card({ type: 'tiered', mode: 'graduated', tiers }), 15), '25')
  assert.equal(amount(card({ type: 'unit', amount: '2', minimumAmount: '50' }), 3), '50')
  const discounts = { usage: { quantity: '100' }, percentage: { percentage: '10' } }
  assert.equal(amount(card({ type: 'unit', amount: '2' }, { discounts }), 150), '90')
  assert.equal(amount(card({ type: 'package', amount: '15', quantityPerPackage: '10' }), 11), '30')
  const unitConfig = { operation: 'divide', conversionFactor: '1000', rounding: 'ceiling' }
  assert.equal(amount(card({ type: 'unit', amount: '10' }, { unitConfig }), 1400), '20')
  assert.equal(amount(card(null), 5), '0')
  assert.throws(() => card({ type: 'new' }), { code: 'invalid_price' })
  const product = {
    price: {
      type: 'usage_based_price',
      currency: 'USD',
      fixed_price: 900,
      meters: [{ meter_id: 'm1', name: 'calls', price_per_unit: '2', free_threshold: 1000 }],
    },
  }
  const { currency, meters, fixed } = fromDodo(product)
  assert.deepEqual([currency, amount(meters.calls, 2500), amount(fixed, 0)], ['USD', '30', '9'])
})

test('an estimate before a call: a range, and how it was made', () => {
  const book = new PriceBook(core)
  const ask = (more) => estimate(book, { model: 'gpt-4o', maxOutput: 1000, at: '2026-11-01T00:00:00Z', ...more })
  const { low, expected, high, method, flags } = ask({ input: 1000 })
  assert.deepEqual([low, expected, high, method, flags], ['0.0025', '0.0075', '0.0125', 'given', ['estimated']])
  const rough = ask({ input: 'Hello, world! 1234' })
  assert.equal(rough.method, 'heuristic')
  assert.ok(rough.inputTokens.low < rough.inputTokens.high)
  assert.equal(ask({ input: 'abc', tokenizer: (text) => text.length, expectedOutput: 0 }).expected, '0.0000075')
  assert.equal(ask({ input: 5, model: 'nobody-knows' }).status, 'unpriced')
  assert.throws(() => ask({ input: 5, maxOutput: Number.NaN }), { code: 'invalid_usage', path: 'maxOutput' })
  assert.deepEqual(
    ['', 'Hello world', 'internationalization', ' 12345', '你好世界', 'Привет', 'a  b'].map(heuristicTokens),
    [0, 2, 3, 3, 3, 2, 3],
  )
})

test('amounts for people keep their digits', () => {
  assert.equal(format('0.000003', 'USD'), '$0.000003')
  assert.equal(format('12345678901234567890.5', 'USD'), '$12,345,678,901,234,567,890.50')
  assert.equal(format('1234.5', 'EUR', 'de-DE').replace(/\s/g, ' '), '1.234,50 €')
  assert.equal(format('1500', 'JPY'), '¥1,500')
  for (const wrong of ['x', '', Number.NaN, null, '1e3']) {
    assert.throws(() => format(wrong, 'USD'), { code: 'decimal_invalid', path: 'amount' })
  }
})

test('what is the next unit, how will the month end, which plan is cheaper', () => {
  const tiers = [
    { up_to: 10, unit: 3 },
    { up_to: null, unit: 1 },
  ]
  const { marginal, next, flags } = explain({ type: 'volume', tiers }, 9)
  assert.deepEqual([marginal, next.left, flags], ['3', '1', ['cheaper_with_more']])
  const period = { from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z', now: '2026-11-11T00:00:00Z' }
  const forecast = project({
    price: { type: 'unit', amount: '0.5' },
    quantity: 100,
    ...period,
    days: [20, 20],
    limit: 100n,
  })
  assert.deepEqual([forecast.low.amount, forecast.mid.amount, forecast.high.amount], ['150', '200', '250'])
  assert.equal(forecast.breach, '2026-11-18T00:00:00Z')
  assert.throws(() => taximeter.explain({ type: 'free' }, 1), { code: 'calculation_unavailable' })
  const plans = [
    { id: 'pay-as-you-go', prices: { calls: { type: 'unit', amount: '0.02' } } },
    { id: 'flat', prices: { calls: { type: 'flat', amount: 15 } } },
    { id: 'committed', prices: { calls: { type: 'unit', amount: '0.001' } }, minimum_commitment: 30 },
    { id: 'other', prices: { images: { type: 'free' } } },
  ]
  const { plans: compared, cheapest } = whatIf(plans, { calls: { quantity: 1000 } })
  assert.equal(cheapest, 'flat')
  assert.deepEqual(
    compared.map(({ invoice, missing }) => [invoice.totalMinor, missing]),
    [
      ['2000', []],
      ['1500', []],
      ['3000', []],
      ['0', ['calls']],
    ],
  )
})

test('a budget tells once, and says no before', () => {
  const budget = new Budget({ limit: '100' })
  assert.deepEqual(
    [30, 81, 82, 74, 80].map((spent) => budget.update(spent)),
    [[], ['0.5', '0.8'], [], [], ['0.8']],
  )
  assert.deepEqual(
    [20, '20.01'].map((estimated) => budget.wouldExceed(estimated)),
    [false, true],
  )
  assert.throws(() => new Budget({ limit: 0 }), { code: 'invalid_price', path: 'limit' })
})

test('overrides: a correction from a day on, a discount, an uplift; the past stays', () => {
  const source = 'contract 7'
  const cost = (book, at, context = {}) => {
    const usage = { input_tokens: 1_000_000, cache_read_tokens: 0, output_tokens: 0 }
    return new PriceBook(book).cost({ provider: 'openai', model: 'gpt-4o', at, usage, context }).total
  }
  const [before, after] = ['2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z']
  const openai = { provider: 'openai', model: 'gpt-4o', source }
  const changed = extend(core, [{ ...openai, from: '2026-11-02', prices: { input_mtok: '2' } }])
  assert.deepEqual([cost(core, after), cost(changed, before), cost(changed, after)], ['2.5', '2.5', '2'])
  const discounted = extend(changed, [{ ...openai, model: '*', multiply: [{ by: '0.9' }] }])
  assert.deepEqual([cost(discounted, before), cost(discounted, after)], ['2.25', '1.8'])
  const batch = [core, discounted].map((book) => cost(book, after, { processing: 'batch' }))
  assert.deepEqual(batch, ['1.25', '1.125'])
  const uplift = extend(core, [{ ...openai, multiply: [{ when: { region: 'eu' }, by: 1.1 }] }])
  assert.deepEqual([cost(uplift, after), cost(uplift, after, { region: 'eu' })], ['2.5', '2.75'])
  for (const [override, path] of [
    [{ ...openai, source: '' }, '[0].source'],
    [{ ...openai, model: 'gpt-none' }, '[0].model'],
    [{ ...openai, from: 'soon' }, '[0].from'],
  ]) {
    assert.throws(() => extend(core, [override]), { code: 'invalid_price_book', path })
  }
})

test('a refresh keeps what there is on any failure', async () => {
  const check = (data) => new PriceBook(data)
  const ask = async (answer, more) => {
    const { book, error } = await refresh(core, {
      url: 'https://prices.test',
      check,
      fetch: async () => answer,
      ...more,
    })
    return [book === core, error?.message]
  }
  const newer = JSON.stringify({ ...core, date: '2027-01-01' })
  assert.deepEqual(await ask(new Response(newer)), [false, undefined])
  const sha256 = createHash('sha256').update(newer).digest('hex')
  assert.deepEqual(await ask(new Response(newer), { sha256 }), [false, undefined])
  for (const [answer, more] of [
    [new Response('', { status: 500 })],
    [new Response('{')],
    [new Response('{"schema":2}')],
    [new Response('{"schema":1,"providers":[{}]}')],
    [new Response(newer), { sha256: '00' }],
    [new Response(JSON.stringify({ ...core, date: '2020-01-01' }))],
    [new Response(' '.repeat(3 << 20))],
  ]) {
    const [kept, message] = await ask(answer, more)
    assert.ok(kept && message, message)
  }
})

test('a refreshed book outlives the process, and a young one is not asked for again', async () => {
  let [stored, asked] = [null, 0]
  const today = new Date().toISOString().slice(0, 10)
  const storage = {
    get: async () => stored,
    set: (text) => {
      stored = text
    },
  }
  const ask = (date, more) =>
    refresh(core, {
      url: 'https://prices.test',
      check: (data) => new PriceBook(data),
      storage,
      fetch: async () => {
        asked += 1
        return new Response(JSON.stringify({ ...core, date }))
      },
      ...more,
    })
  assert.equal((await ask('2027-01-01')).book.date, '2027-01-01')
  // The one that was stored is the one to beat, and is kept.
  const { book, error } = await ask('2026-12-31')
  assert.deepEqual([book.date, error.code, JSON.parse(stored).date], ['2027-01-01', 'refresh_failed', '2027-01-01'])
  stored = JSON.stringify({ ...core, date: today })
  asked = 0
  assert.equal((await ask('2027-01-01', { maxAgeDays: 30 })).book.date, today > core.date ? today : core.date)
  assert.equal(asked, 0)
  stored = '{"schema":2}'
  assert.equal((await ask(today, { maxAgeDays: -1 })).error, undefined)
})

test("the README's examples of prices give what they say", () => {
  assert.ok(runExample('Prices', { ...taximeter, ...billing, book: core }) >= 6)
})

test('what is no request is refused with its place', () => {
  const prices = new PriceBook(core)
  for (const [ask, code, path] of [
    [() => estimate(prices, { model: 'gpt-5.5', maxOutput: 1 }), 'invalid_usage', 'input'],
    [() => extend(core, { provider: 'openai' }), 'invalid_price_book'],
    [() => fromOpenMeter({ type: 'unit', amount: '1' }), 'invalid_price', 'price'],
    [
      () => rate({ type: 'graduated', tiers: [{ up_to: null }] }, { quantity: 1 }),
      'invalid_price',
      'price.tiers[0].unit',
    ],
    [() => fileSpool(), 'invalid_option'],
    [() => fileSpool(''), 'invalid_option'],
  ]) {
    assert.throws(ask, { name: 'TaximeterError', code, path })
  }
})

test('included credits come first, and are there anew in each cycle', () => {
  // $29 a month with $10 of credits; a call is $0.01. 1,500 calls in January, 400 in February, 3,000 in March.
  const calls = { type: 'unit', amount: '0.01' }
  const fee = { price: { type: 'flat', amount: 29 }, usage: { quantity: 0 } }
  const bill = (quantity) => {
    const { creditsAppliedMinor, totalMinor } = invoice({ lines: [{ price: calls, usage: { quantity } }], credits: 10 })
    return [creditsAppliedMinor, String(BigInt(totalMinor) + BigInt(invoice({ lines: [fee] }).totalMinor))]
  }
  assert.deepEqual([1500, 400, 3000].map(bill), [
    ['1000', '3400'],
    ['400', '2900'],
    ['1000', '4900'],
  ])
  // The same as a grant that is full again each month, with what it does not pay for invoiced at each reset.
  const days = [
    ['2026-01-10', 1500],
    ['2026-02-10', 400],
    ['2026-03-10', 3000],
  ]
  const account = {
    start: '2026-01-01T00:00:00Z',
    until: '2026-04-02T00:00:00Z',
    resets: ['2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z', '2026-04-01T00:00:00Z'],
    grants: [
      {
        id: 'included',
        amount: 10,
        effectiveAt: '2026-01-01T00:00:00Z',
        recurrence: { every: 'month', anchor: '2026-01-01T00:00:00Z' },
      },
    ],
    startBalances: { included: 10 },
    usage: days.map(([day, value]) => ({ at: `${day}T12:00:00Z`, value })),
    price: calls,
    overage: 'invoice',
  }
  const { balance, overage, invoiced, exhausted } = burnDown(account)
  assert.deepEqual([balance, overage, exhausted], ['10', '0', null])
  const early = { ...account, until: '2026-01-31T00:00:00Z', resets: [] }
  assert.equal(burnDown(early).exhausted, '2026-01-10T12:00:00Z')
  assert.deepEqual(invoiced, [
    { at: '2026-02-01T00:00:00Z', amount: '5' },
    { at: '2026-04-01T00:00:00Z', amount: '20' },
  ])
  // In units: 1,000 calls a month are included.
  const units = { ...account, price: undefined, startBalances: { included: 1000 } }
  units.grants = [{ ...account.grants[0], amount: 1000 }]
  assert.deepEqual(
    burnDown(units).invoiced.map(({ amount }) => amount),
    ['500', '2000'],
  )
  for (const [overage, left] of [
    ['forgive', '0'],
    ['carry_deficit', '25'],
    ['carry_deficit_auto_repay', '10'],
  ]) {
    assert.equal(burnDown({ ...account, overage }).overage, left, overage)
  }
  assert.throws(() => burnDown({ ...account, overage: 'ask' }), { code: 'invalid_grant', path: 'overage' })
  assert.throws(() => burnDown({ ...account, price: { type: 'unit' } }), {
    code: 'invalid_price',
    path: 'price.amount',
  })
})

test('an estimate with the tokenizer of OpenAI', () => {
  const book = new PriceBook(core)
  const input = 'Say hello to the world in twelve languages, and count the letters of each: 1234.'
  const request = { model: 'gpt-4o', input, maxOutput: 800, at: '2026-11-01T00:00:00Z' }
  const exact = estimate(book, { ...request, tokenizer: (text) => encode(text).length })
  assert.deepEqual([exact.method, exact.inputTokens.expected], ['tokenizer', encode(input).length])
  assert.equal(exact.inputTokens.low, exact.inputTokens.high)
  const rough = estimate(book, request)
  assert.deepEqual([rough.method, rough.flags], ['heuristic', ['estimated']])
  assert.ok(rough.inputTokens.low <= encode(input).length && encode(input).length <= rough.inputTokens.high)
  const source = readFileSync(new URL('./billing.test.mjs', import.meta.url), 'utf8')
  const off = heuristicTokens(source) / encode(source).length
  assert.ok(off > 0.75 && off < 1.25, `${off}`)
})

test('the rule of thumb for tokens takes less than a kilobyte', async () => {
  const { outputFiles } = await build({
    stdin: { contents: "export { heuristicTokens } from './ts/billing/estimate'", resolveDir: '.' },
    bundle: true,
    minify: true,
    format: 'esm',
    treeShaking: true,
    write: false,
    tsconfigRaw: {},
  })
  assert.ok(outputFiles[0].contents.length <= 1024, `${outputFiles[0].contents.length} bytes`)
})
