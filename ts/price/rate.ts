import { calculate as calculateCore, enter } from '../engine'
import { dataText } from '../json'
import type {
  Currency,
  GrantAccount,
  GrantBalances,
  Invoice,
  InvoiceRequest,
  OpenMeterLine,
  OpenMeterRating,
  Price,
  PricedLine,
  Usage,
} from './types'

/** Asks the core for a calculation by name. */
export const calculate = (name: string, request: object) => {
  const text = dataText(request)
  return JSON.parse(enter(() => calculateCore(name, text)))
}

/**
 * Prices one line: a pure function, exact, rounded once to the currency's minor unit.
 *
 * Throws `invalid_price`, `invalid_usage`, `unknown_option`, `unknown_currency`, `overflow`, with the path.
 *
 * @example
 * rate({ type: 'unit', amount: '0.001', free: 10_000 }, { quantity: 12_500 }).amount // '2.5'
 */
export function rate(price: Price, usage: Usage, options: { currency?: Currency } = {}): PricedLine {
  return calculate('line', { ...options, price, usage })
}

/**
 * Adds up priced lines: commitment, credits, tax. Each line is rounded by itself.
 *
 * Throws what {@link rate} throws, and `currency_mismatch` for a line in another currency without a rate.
 */
export function invoice(request: InvoiceRequest): Invoice {
  return calculate('invoice', request)
}

/**
 * Rates one invoice line as OpenMeter's server does, which rounds each detailed line: for when OpenMeter bills. Needs
 * `taximeter/full`.
 */
export function rateOpenMeter(line: OpenMeterLine): OpenMeterRating {
  return calculate('openmeter', line)
}

/**
 * Burns prepaid grants down by usage, as OpenMeter's entitlements do, and says what is left. Needs `taximeter/full`.
 */
export function burnDown(account: GrantAccount): GrantBalances {
  return calculate('grants', account)
}
