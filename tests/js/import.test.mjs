/** Vendors' prices as their APIs answer them: whole objects, and what of them has no counterpart is refused by name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { invoice, rate } from 'taximeter'
import { fromDodo, fromLago, fromOpenMeter, fromStripe } from 'taximeter/billing'

const amount = (price, quantity) => rate(price, { quantity }).amountExact
const refuses = (read, cases) => {
  for (const [given, path] of cases) {
    assert.throws(() => read(given), { name: 'TaximeterError', code: 'invalid_price', path }, JSON.stringify(given))
  }
}

const stripe = {
  id: 'price_1QmeterdExample',
  object: 'price',
  active: true,
  billing_scheme: 'per_unit',
  created: 1763700000,
  currency: 'usd',
  custom_unit_amount: null,
  livemode: false,
  lookup_key: null,
  metadata: {},
  nickname: 'per call',
  product: 'prod_example',
  recurring: { interval: 'month', interval_count: 1, meter: 'mtr_1', trial_period_days: null, usage_type: 'metered' },
  tax_behavior: 'unspecified',
  tiers_mode: null,
  transform_quantity: null,
  type: 'recurring',
  unit_amount: null,
  unit_amount_decimal: '0.04',
}
const stripeTiers = [
  { flat_amount: null, flat_amount_decimal: null, unit_amount: 0, unit_amount_decimal: '0', up_to: 10000 },
  { flat_amount: 500, flat_amount_decimal: '500', unit_amount: null, unit_amount_decimal: '0.1', up_to: null },
]

test('a Price of Stripe', () => {
  assert.deepEqual(fromStripe(stripe), { currency: 'USD', price: { type: 'unit', amount: '0.0004' } })
  const tiered = {
    ...stripe,
    billing_scheme: 'tiered',
    tiers_mode: 'graduated',
    tiers: stripeTiers,
    unit_amount_decimal: null,
  }
  assert.equal(amount(fromStripe(tiered).price, 12_500), '7.5')
  assert.equal(amount(fromStripe({ ...tiered, tiers_mode: 'volume' }).price, 12_500), '17.5')
  const packs = { ...stripe, unit_amount_decimal: '150', transform_quantity: { divide_by: 1000, round: 'up' } }
  assert.equal(amount(fromStripe(packs).price, 1001), '3')
  // Stripe takes these two times 100, though they have no minor units.
  assert.deepEqual(fromStripe({ ...stripe, currency: 'ugx', unit_amount_decimal: '500' }).price.amount, '5')
  refuses(fromStripe, [
    [{ ...stripe, custom_unit_amount: { minimum: 500, maximum: null, preset: null } }, 'custom_unit_amount'],
    [{ ...stripe, unit_amount_decimal: null }, 'unit_amount'],
    [{ ...tiered, tiers: undefined }, 'tiers'],
    [{ ...tiered, tiers_mode: 'block' }, 'tiers_mode'],
    [{ ...stripe, billing_scheme: 'stairs' }, 'billing_scheme'],
    [{ ...stripe, unit_amount_decimal: 'a lot' }, 'amount'],
    [null, 'price'],
  ])
})

const lago = {
  lago_id: '1a901a90-1a90-1a90-1a90-1a901a901a90',
  lago_billable_metric_id: '1a901a90-1a90-1a90-1a90-1a901a901a91',
  billable_metric_code: 'requests',
  invoice_display_name: 'Requests',
  created_at: '2026-09-14T16:35:31Z',
  charge_model: 'standard',
  invoiceable: true,
  pay_in_advance: false,
  regroup_paid_fees: null,
  prorated: false,
  min_amount_cents: 0,
  applied_pricing_unit: null,
  properties: { amount: '0.05', grouped_by: [], pricing_group_keys: [] },
  filters: [],
  taxes: [],
}

test('a charge of a plan of Lago', () => {
  const charge = (more, options) => fromLago({ ...lago, ...more }, options)
  assert.deepEqual(charge({}, { currency: 'EUR' }), { currency: 'EUR', price: { type: 'unit', amount: '0.05' } })
  const ranges = [
    { from_value: 0, to_value: 100, per_unit_amount: '0.1', flat_amount: '5' },
    { from_value: 101, to_value: null, per_unit_amount: '0.05', flat_amount: '0' },
  ]
  const graduated = { charge_model: 'graduated', properties: { graduated_ranges: ranges } }
  assert.equal(amount(charge(graduated).price, 150), '17.5')
  assert.deepEqual(
    [amount(charge(graduated).price, 0), amount(charge(graduated, { flatOnZero: false }).price, 0)],
    ['5', '0'],
  )
  const least = charge({ min_amount_cents: 1000 }).price
  assert.deepEqual([amount(least, 10), amount(least, 1000)], ['10', '50'])
  const filters = [
    {
      invoice_display_name: 'AWS',
      properties: { amount: '0.1' },
      values: { region: ['us-east-1', 'eu-1'], cloud: ['aws'] },
    },
  ]
  const groups = [
    { group: { region: 'eu-1', cloud: 'aws' }, quantity: 10 },
    { group: { region: 'eu-1', cloud: 'gcp' }, quantity: 10 },
  ]
  assert.equal(rate(charge({ filters }).price, { groups }).amount, '1.5')
  const dynamic = charge({ charge_model: 'dynamic', properties: {} }).price
  assert.equal(rate(dynamic, { cost: '1.234' }).amount, '1.23')
  const percentage = {
    charge_model: 'percentage',
    properties: { rate: '1.2', fixed_amount: '0.1', per_transaction_max_amount: '3' },
  }
  assert.equal(rate(charge(percentage).price, { events: [100, 1000] }).amount, '4.3')
  refuses(charge, [
    [{ prorated: true }, 'prorated'],
    [{ applied_pricing_unit: { code: 'credits', conversion_rate: '0.5' } }, 'applied_pricing_unit'],
    [{ charge_model: 'custom' }, 'charge_model'],
    [{ properties: { amount: '1', pricing_group_keys: ['agent'] } }, 'properties.pricing_group_keys'],
    [{ properties: { amount: '1', grouped_by: ['agent'] } }, 'properties.grouped_by'],
    [{ properties: {} }, 'properties.amount'],
    [{ charge_model: 'graduated', properties: {} }, 'properties.graduated_ranges'],
    [{ ...percentage, filters: [{ values: { a: ['x'] }, properties: percentage.properties }] }, 'filters'],
    [{ filters: [{ values: { a: ['__ALL_FILTER_VALUES__'] }, properties: { amount: '1' } }] }, 'filters[0].values.a'],
  ])
  refuses(fromLago, [[undefined, 'price']])
})

const openMeter = {
  type: 'usage_based',
  key: 'ai_tokens',
  name: 'AI tokens',
  featureKey: 'ai_tokens',
  billingCadence: 'P1M',
  entitlementTemplate: null,
  taxConfig: null,
  discounts: null,
  price: { type: 'unit', amount: '0.00002' },
}

test('a rate card of OpenMeter', () => {
  const card = (price, more) => fromOpenMeter({ ...openMeter, price, ...more })
  assert.deepEqual(fromOpenMeter(openMeter), { price: { type: 'unit', amount: '0.00002' } })
  const tier = (upToAmount, unit, flat) => ({
    ...(upToAmount && { upToAmount }),
    unitPrice: unit ? { type: 'unit', amount: unit } : null,
    flatPrice: flat ? { type: 'flat', amount: flat } : null,
  })
  const graduated = { type: 'tiered', mode: 'graduated', tiers: [tier('1000', '0'), tier(undefined, '0.01', '5')] }
  assert.equal(amount(card(graduated).price, 1500), '10')
  const committed = { ...graduated, minimumAmount: '20', maximumAmount: '100' }
  assert.deepEqual(
    [0, 1e6].map((n) => amount(card(committed).price, n)),
    ['20', '100'],
  )
  const discounts = { percentage: { percentage: 25 }, usage: { quantity: '100' } }
  assert.equal(amount(card({ type: 'unit', amount: '1' }, { discounts }).price, 300), '150')
  assert.equal(rate(card({ type: 'dynamic', multiplier: '1.2' }).price, { cost: 10 }).amount, '12')
  assert.equal(amount(card({ type: 'flat', amount: '99', paymentTerm: 'in_advance' }).price, 0), '99')
  const unitConfig = { operation: 'divide', conversionFactor: '1000000', rounding: 'ceiling' }
  assert.equal(amount(card({ type: 'unit', amount: '2' }, { unitConfig }).price, 1_000_001), '4')
  refuses(
    (more) => fromOpenMeter({ ...openMeter, ...more }),
    [
      [{ price: { type: 'matrix' } }, 'price.type'],
      [{ price: { ...graduated, mode: 'stairs' } }, 'mode'],
      [{ price: { ...graduated, tiers: [] } }, 'tiers'],
      [{ discounts: { amount: { amount: '5' } } }, 'discounts.amount'],
      [{ unitConfig: { ...unitConfig, precision: 2 } }, 'unitConfig.precision'],
      [{ unitConfig: { ...unitConfig, operation: 'log' } }, 'operation'],
      [{ unitConfig: { ...unitConfig, rounding: 'bankers' } }, 'rounding'],
    ],
  )
  refuses(fromOpenMeter, [['card', 'price']])
})

const dodo = {
  brand_id: 'bus_1',
  business_id: 'bus_1',
  product_id: 'pdt_1',
  name: 'API',
  is_recurring: true,
  license_key_enabled: false,
  tax_category: 'saas',
  metadata: {},
  addons: null,
  credit_entitlements: [],
  price: {
    type: 'usage_based_price',
    currency: 'USD',
    discount: 0,
    fixed_price: 2900,
    payment_frequency_count: 1,
    payment_frequency_interval: 'Month',
    subscription_period_count: 10,
    subscription_period_interval: 'Year',
    purchasing_power_parity: false,
    tax_inclusive: false,
    meters: [
      {
        meter_id: 'mtr_1',
        name: 'calls',
        description: null,
        free_threshold: 1000,
        measurement_unit: 'calls',
        price_per_unit: '2',
      },
      { meter_id: 'mtr_2', name: 'tokens', free_threshold: null, measurement_unit: 'tokens', price_per_unit: '0.002' },
    ],
  },
}

test('a product of Dodo', () => {
  const { currency, meters, fixed } = fromDodo(dodo)
  assert.deepEqual(meters.tokens, { type: 'unit', amount: '0.00002' })
  const lines = [
    { price: fixed, usage: { quantity: 0 } },
    { price: meters.calls, usage: { quantity: 2500 } },
    { price: meters.tokens, usage: { quantity: 1_000_000 } },
  ]
  assert.deepEqual([currency, invoice({ currency, lines }).total], ['USD', '79'])
  const price = { type: 'recurring_price', currency: 'JPY', price: 1500, discount_bps: 1000 }
  assert.equal(amount(fromDodo({ ...dodo, price }).fixed, 0), '1350')
  const of = (more) => fromDodo({ ...dodo, price: { ...dodo.price, ...more } })
  refuses(of, [
    [{ pay_what_you_want: true }, 'price.pay_what_you_want'],
    [{ purchasing_power_parity: true }, 'price.purchasing_power_parity'],
    [{ type: 'auction_price' }, 'price.type'],
    [
      { meters: [{ ...dodo.price.meters[0], credit_entitlement_id: 'cde_1' }] },
      'price.meters[0].credit_entitlement_id',
    ],
    [{ meters: [{ ...dodo.price.meters[0], price_per_unit: null }] }, 'price.meters[0].price_per_unit'],
  ])
  refuses(fromDodo, [
    [
      { ...dodo, credit_entitlements: [{ credit_entitlement_id: 'cde_1', credits_amount: '500' }] },
      'credit_entitlements',
    ],
    [{ ...dodo, price: null }, 'price'],
    [7, 'price'],
  ])
})
