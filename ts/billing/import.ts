import { TaximeterError } from '../errors'
import type { Decimal, Price, Tier } from '../price/types'

/** A price of a vendor, as ours. */
export interface Imported {
  /** ISO 4217, as far as the vendor says it. */
  currency?: string
  price: Price
}

// biome-ignore lint/suspicious/noExplicitAny: what the API of a vendor answers, read as it comes
type Json = { [key: string]: any }

/**
 * A Stripe Price (with `tiers` expanded) as ours. Its amounts are minor units, `*_decimal` with up to 12 digits.
 *
 * Throws `invalid_price` for what has no counterpart (`custom_unit_amount`, tiers that were not expanded).
 */
export function fromStripe(price: Json): Imported {
  needs(price, '')
  refuse(price, { custom_unit_amount: 'a price that the customer chooses is no price of usage' })
  const currency = String(price.currency).toUpperCase()
  const places = STRIPE_DIGITS[currency] ?? 2
  const amount = (object: Json, name: string) => {
    const minor = object[`${name}_decimal`] ?? object[name]
    return minor === null || minor === undefined ? undefined : shift(minor, places)
  }
  const rules = price.transform_quantity && {
    quantity: { divide_by: price.transform_quantity.divide_by, round: price.transform_quantity.round },
  }
  if (oneOf(price, 'billing_scheme', ['per_unit', 'tiered']) === 'tiered') {
    const tiers: Tier[] = list(price, 'tiers', "fetch it with expand: ['tiers']").map((tier) =>
      given({ up_to: tier.up_to, unit: amount(tier, 'unit_amount'), flat: amount(tier, 'flat_amount') }),
    )
    return { currency, price: { type: oneOf(price, 'tiers_mode', ['graduated', 'volume']), tiers, ...rules } }
  }
  const unit = amount(price, 'unit_amount')
  if (unit === undefined) throw refused('a price that the customer chooses is no price of usage', 'unit_amount')
  return { currency, price: { type: 'unit', amount: unit, ...rules } }
}

/** Digits of Stripe's minor units where they are not two. */
const STRIPE_DIGITS: Record<string, number> = Object.fromEntries([
  ...'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' ').map((code) => [code, 0]),
  ...'BHD JOD KWD OMR TND'.split(' ').map((code) => [code, 3]),
])

/**
 * A charge of a Lago plan as ours. Filters become the cells of a matrix; Lago bills each as a line of its own, which we
 * round once. `currency` is the plan's, for the minimum, which Lago has in minor units.
 *
 * Throws `invalid_price` for what has no counterpart (prorated charges, custom aggregation, pricing units, groups that are
 * priced each by itself).
 */
export function fromLago(charge: Json, options: { currency?: string; flatOnZero?: boolean } = {}): Imported {
  const { currency = 'USD', flatOnZero = true } = options
  needs(charge, '')
  refuse(charge, {
    prorated: 'a charge that is prorated by event has no counterpart',
    applied_pricing_unit: 'a charge in units of its own has no counterpart',
  })
  const name = oneOf(charge, 'charge_model', LAGO_MODELS)
  const model = (properties: Json, path: string): Price => {
    const grouped = 'what is priced for each group by itself has no counterpart'
    return within(path, () => {
      refuse(properties, { pricing_group_keys: grouped, grouped_by: grouped })
      return lagoModel(name, properties, flatOnZero)
    })
  }
  const base = model(charge.properties ?? {}, 'properties')
  const minimum =
    Number(charge.min_amount_cents ?? 0) === 0
      ? undefined
      : shift(charge.min_amount_cents, STRIPE_DIGITS[currency] ?? 2)
  const rules = minimum === undefined ? {} : { adjust: { minimum } }
  const filters: Json[] = charge.filters ?? []
  if (filters.length === 0) return { currency, price: { ...base, ...rules } }
  if (base.type === 'percentage' || base.type === 'cost_plus') {
    throw refused(`a charge of events one by one (${name}) has no counterpart with filters`, 'filters')
  }
  const cells = filters.flatMap((filter, at) => {
    const every = Object.entries<string[]>(filter.values).find(([, values]) => values.includes(ALL_VALUES))
    if (every) throw refused('a filter of all values has no counterpart', `filters[${at}].values.${every[0]}`)
    const price = model(filter.properties ?? {}, `filters[${at}].properties`)
    return combinations(filter.values).map((when) => ({ when, price }))
  })
  const dimensions = [...new Set(filters.flatMap((filter) => Object.keys(filter.values)))]
  return { currency, price: { type: 'matrix', dimensions, cells, default: base, ...rules } }
}

/** What Lago writes for any of a filter's values. */
const ALL_VALUES = '__ALL_FILTER_VALUES__'

const LAGO_MODELS = 'standard graduated volume package percentage graduated_percentage dynamic'.split(' ')

function lagoModel(name: string, p: Json, flat_on_zero: boolean): Price {
  const tiers = (name: string): Tier[] =>
    list(p, name).map((range) => given({ up_to: range.to_value, unit: range.per_unit_amount, flat: range.flat_amount }))
  switch (name) {
    case 'standard':
      return { type: 'unit', amount: there(p, 'amount') }
    case 'graduated':
      return { type: 'graduated', tiers: tiers('graduated_ranges'), flat_on_zero }
    case 'volume':
      return { type: 'volume', tiers: tiers('volume_ranges'), flat_on_zero }
    case 'package':
      return given({ type: 'package', amount: p.amount, size: p.package_size, free: p.free_units })
    case 'percentage':
      return given({
        type: 'percentage',
        rate: p.rate,
        fixed: p.fixed_amount,
        free_events: p.free_units_per_events,
        free_amount: p.free_units_per_total_aggregation,
        min: p.per_transaction_min_amount,
        max: p.per_transaction_max_amount,
      })
    case 'graduated_percentage':
      return {
        type: 'graduated_percentage',
        tiers: list(p, 'graduated_percentage_ranges').map((range) =>
          given({ up_to: range.to_value, rate: range.rate, flat: range.flat_amount }),
        ),
        flat_on_zero,
      }
    default:
      return { type: 'cost_plus' }
  }
}

/** Each key with one of its values, in all ways. */
function combinations(values: Record<string, string[]>): Record<string, string>[] {
  return Object.entries(values).reduce<Record<string, string>[]>(
    (all, [key, each]) => all.flatMap((one) => each.map((value) => ({ ...one, [key]: value }))),
    [{}],
  )
}

/**
 * A rate card of OpenMeter's product catalog as ours. Ours is rounded once a line and has the minimum before the maximum;
 * for OpenMeter's own figures, line by line, there is `rateOpenMeter`.
 */
export function fromOpenMeter(card: Json): Imported {
  needs(card, '')
  const { price, discounts } = card
  if (price === undefined) throw refused('the rate card has no price; null is one that is free', 'price')
  known(discounts ?? {}, ['usage', 'percentage'], 'discounts')
  if (card.unitConfig?.precision)
    throw refused('a conversion that is rounded to digits has no counterpart', 'unitConfig.precision')
  const adjust = given({
    usage_discount: discounts?.usage?.quantity,
    percent_discount: discounts?.percentage?.percentage,
    minimum: price?.minimumAmount,
    maximum: price?.maximumAmount,
  })
  const rules = Object.keys(adjust).length > 0 ? { adjust } : {}
  const unit = card.unitConfig && {
    quantity: given({
      [oneOf(card.unitConfig, 'operation', ['divide', 'multiply']) === 'divide' ? 'divide_by' : 'multiply_by']:
        card.unitConfig.conversionFactor,
      round:
        OPENMETER_ROUNDING[
          oneOf({ rounding: 'none', ...card.unitConfig }, 'rounding', Object.keys(OPENMETER_ROUNDING))
        ],
    }),
  }
  const currency = given({ currency: card.currency as string | undefined })
  return { ...currency, price: { ...openMeterPrice(price), ...rules, ...unit } }
}

const OPENMETER_ROUNDING: Record<string, 'none' | 'up' | 'down' | 'half_up'> = {
  none: 'none',
  ceiling: 'up',
  floor: 'down',
  half_up: 'half_up',
}

function openMeterPrice(price: Json | null | undefined): Price {
  if (!price) return { type: 'free' }
  switch (price.type) {
    case 'flat':
      return { type: 'flat', amount: price.amount }
    case 'unit':
      return { type: 'unit', amount: price.amount }
    case 'package':
      return { type: 'package', amount: price.amount, size: price.quantityPerPackage }
    case 'dynamic':
      return given({ type: 'cost_plus', multiplier: price.multiplier })
    case 'tiered': {
      const tiers: Tier[] = list(price, 'tiers').map((tier) =>
        given({ up_to: tier.upToAmount ?? null, unit: tier.unitPrice?.amount, flat: tier.flatPrice?.amount }),
      )
      // They may come in any order; ours ascend.
      tiers.sort((a, b) => (a.up_to === null ? 1 : b.up_to === null ? -1 : Number(a.up_to) - Number(b.up_to)))
      return { type: oneOf(price, 'mode', ['graduated', 'volume']), tiers }
    }
    default:
      throw refused(`the price type ${price.type} has no counterpart`, 'price.type')
  }
}

/**
 * A product of Dodo Payments as prices by meter, and what it costs without usage. Its amounts are minor units.
 *
 * Throws `invalid_price` for what has no counterpart (prices that the customer or his country decides, meters that take
 * credits instead of money, credits that come with the product).
 */
export function fromDodo(product: Json): { currency: string; meters: Record<string, Price>; fixed?: Price } {
  needs(product, '')
  const price = needs(product.price, 'price')
  within('price', () => {
    oneOf(price, 'type', ['one_time_price', 'recurring_price', 'usage_based_price'])
    refuse(price, {
      pay_what_you_want: 'a price that the customer chooses is no price of usage',
      purchasing_power_parity: "a price that goes by the customer's country has no counterpart",
    })
  })
  refuse(product, { credit_entitlements: 'credits that come with a product are not in its price: see burnDown()' })
  const currency = String(price.currency).toUpperCase()
  const places = STRIPE_DIGITS[currency] ?? 2
  const percent = price.discount_bps ? shift(price.discount_bps, 2) : price.discount
  const rules = percent && Number(percent) !== 0 ? { adjust: { percent_discount: percent } } : {}
  const meters = ((price.meters ?? []) as Json[]).map((meter, at) =>
    within(`price.meters[${at}]`, () => {
      refuse(meter, { credit_entitlement_id: 'a meter that takes credits has no price in money: see burnDown()' })
      const amount = shift(there(meter, 'price_per_unit'), places)
      return [meter.name ?? meter.meter_id, given({ type: 'unit', amount, free: meter.free_threshold, ...rules })]
    }),
  )
  const flat = price.fixed_price ?? (price.type === 'usage_based_price' ? 0 : price.price)
  const fixed = flat ? { fixed: { type: 'flat' as const, amount: shift(flat, places), ...rules } } : {}
  return { currency, meters: Object.fromEntries(meters), ...fixed }
}

/** A decimal with its point moved to the left, exactly. */
export function shift(value: Decimal, places: number): string {
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)(\d*)\.?(\d*)$/.exec(String(value)) ?? []
  if (whole + fraction === '') throw refused(`${value} is not a decimal number`, 'amount')
  const digits = whole.padStart(places + 1, '0')
  const at = digits.length - places
  const behind = (digits.slice(at) + fraction).replace(/0+$/, '')
  const before = digits.slice(0, at).replace(/^0+(?=\d)/, '')
  return `${sign === '-' ? '-' : ''}${before}${behind && '.'}${behind}`
}

/** An object without the members that are not there. `up_to: null` says that a tier is open. */
// biome-ignore lint/suspicious/noExplicitAny: what is left is what the caller says
function given(object: object): any {
  return Object.fromEntries(
    Object.entries(object).filter(([key, value]) => value !== undefined && (value !== null || key === 'up_to')),
  )
}

/** An object, or the error that there is none. */
function needs(object: Json | null | undefined, path: string): Json {
  if (object === null || typeof object !== 'object')
    throw refused("an object of the vendor's API is needed", path || 'price')
  return object
}

/** A member, or the error that it is missing. */
function there(object: Json, key: string): Decimal {
  if (object[key] === undefined || object[key] === null) throw refused('this is missing', key)
  return object[key]
}

/** A list with something in it, or the error that it is missing. */
function list(object: Json, key: string, help?: string): Json[] {
  if (Array.isArray(object[key]) && object[key].length > 0) return object[key]
  throw refused(`the ${key} are missing`, key, help)
}

/** Throws for members that say something, but nothing that we have: they change what is billed. */
function refuse(object: Json, members: Record<string, string>): void {
  for (const [key, why] of Object.entries(members)) {
    const value = object[key]
    if (value && !(Array.isArray(value) && value.length === 0)) throw refused(why, key)
  }
}

function known(object: Json, keys: string[], path: string): void {
  const other = Object.keys(object).find((key) => !keys.includes(key) && object[key] !== null)
  if (other !== undefined)
    throw refused('this has no counterpart', `${path}.${other}`, `known here: ${keys.join(', ')}`)
}

/** Adds where it was to what is thrown. */
function within<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof TaximeterError ? error.at(path) : error
  }
}

function oneOf<T extends string>(object: Json, key: string, known: T[]): T {
  if (known.includes(object[key])) return object[key]
  throw refused(`there is no such ${key}`, key, known.join(', '))
}

function refused(message: string, path: string, help?: string): TaximeterError {
  return new TaximeterError('invalid_price', message, { path, ...(help !== undefined && { help }) })
}
