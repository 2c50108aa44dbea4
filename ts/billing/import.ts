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
  const currency = String(price.currency).toUpperCase()
  const places = STRIPE_DIGITS[currency] ?? 2
  const amount = (object: Json, name: string) => {
    const minor = object[`${name}_decimal`] ?? object[name]
    return minor === null || minor === undefined ? undefined : shift(minor, places)
  }
  const rules = price.transform_quantity && {
    quantity: { divide_by: price.transform_quantity.divide_by, round: price.transform_quantity.round },
  }
  if (price.billing_scheme === 'tiered') {
    if (!Array.isArray(price.tiers)) throw refused('the tiers are missing', 'tiers', "fetch it with expand: ['tiers']")
    const tiers: Tier[] = price.tiers.map((tier: Json) =>
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
 * Throws `invalid_price` for what has no counterpart (prorated charges, custom aggregation).
 */
export function fromLago(charge: Json, options: { currency?: string; flatOnZero?: boolean } = {}): Imported {
  const { currency = 'USD', flatOnZero = true } = options
  if (charge.prorated) throw refused('a charge that is prorated by event has no counterpart', 'prorated')
  const model = (properties: Json): Price => lagoModel(charge.charge_model, properties, flatOnZero)
  const base = model(charge.properties ?? {})
  const minimum =
    Number(charge.min_amount_cents ?? 0) === 0
      ? undefined
      : shift(charge.min_amount_cents, STRIPE_DIGITS[currency] ?? 2)
  const rules = minimum === undefined ? {} : { adjust: { minimum } }
  const filters: Json[] = charge.filters ?? []
  if (filters.length === 0) return { currency, price: { ...base, ...rules } }
  const cells = filters.flatMap((filter) =>
    combinations(filter.values).map((when) => ({ when, price: model(filter.properties ?? {}) })),
  )
  const dimensions = [...new Set(filters.flatMap((filter) => Object.keys(filter.values)))]
  return { currency, price: { type: 'matrix', dimensions, cells, default: base, ...rules } }
}

function lagoModel(name: string, p: Json, flat_on_zero: boolean): Price {
  const tiers = (ranges: Json[]): Tier[] =>
    ranges.map((range) => given({ up_to: range.to_value, unit: range.per_unit_amount, flat: range.flat_amount }))
  switch (name) {
    case 'standard':
      return { type: 'unit', amount: p.amount }
    case 'graduated':
      return { type: 'graduated', tiers: tiers(p.graduated_ranges), flat_on_zero }
    case 'volume':
      return { type: 'volume', tiers: tiers(p.volume_ranges), flat_on_zero }
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
        tiers: p.graduated_percentage_ranges.map((range: Json) =>
          given({ up_to: range.to_value, rate: range.rate, flat: range.flat_amount }),
        ),
        flat_on_zero,
      }
    case 'dynamic':
      return { type: 'cost_plus' }
    default:
      throw refused(`the charge model ${name} has no counterpart`, 'charge_model')
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
  const { price, discounts } = card
  const adjust = given({
    usage_discount: discounts?.usage?.quantity,
    percent_discount: discounts?.percentage?.percentage,
    minimum: price?.minimumAmount,
    maximum: price?.maximumAmount,
  })
  const rules = Object.keys(adjust).length > 0 ? { adjust } : {}
  const unit = card.unitConfig && {
    quantity: given({
      [card.unitConfig.operation === 'divide' ? 'divide_by' : 'multiply_by']: card.unitConfig.conversionFactor,
      round: OPENMETER_ROUNDING[card.unitConfig.rounding ?? 'none'],
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
      const tiers: Tier[] = price.tiers.map((tier: Json) =>
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

/** A product of Dodo Payments as prices by meter, and what it costs without usage. Its amounts are minor units. */
export function fromDodo(product: Json): { currency: string; meters: Record<string, Price>; fixed?: Price } {
  const { price } = product
  const currency = String(price.currency).toUpperCase()
  const places = STRIPE_DIGITS[currency] ?? 2
  const percent = price.discount_bps ? shift(price.discount_bps, 2) : price.discount
  const rules = percent && Number(percent) !== 0 ? { adjust: { percent_discount: percent } } : {}
  const meters = (price.meters ?? []).map((meter: Json) => [
    meter.name ?? meter.meter_id,
    given({ type: 'unit', amount: shift(meter.price_per_unit, places), free: meter.free_threshold, ...rules }),
  ])
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

function oneOf<T extends string>(object: Json, key: string, known: T[]): T {
  if (known.includes(object[key])) return object[key]
  throw refused(`there is no such ${key}`, key, known.join(', '))
}

function refused(message: string, path: string, help?: string): TaximeterError {
  return new TaximeterError('invalid_price', message, { path, ...(help !== undefined && { help }) })
}
