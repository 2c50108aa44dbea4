import { TaximeterError } from '../errors'

/**
 * An amount for people, with all its digits: `Intl` takes decimal strings exactly.
 *
 * How many digits a bill has is never asked of `Intl`, which has those of display: `rate()` has rounded before.
 *
 * @example
 * format('0.000003', 'USD') // '$0.000003'
 * format('1234.5', 'EUR', 'de-DE') // '1.234,50 €'
 */
export function format(amount: string, currency: string, locale = 'en-US'): string {
  if (!/^-?\d+(\.\d+)?$/.test(amount)) {
    throw new TaximeterError('decimal_invalid', 'not a decimal number', {
      path: 'amount',
      help: 'a text of digits, as rate() and cost() give it',
    })
  }
  const digits = /\.(\d+)$/.exec(amount)?.[1]?.length ?? 0
  const least = new Intl.NumberFormat(locale, { style: 'currency', currency }).resolvedOptions().maximumFractionDigits
  const options = { style: 'currency' as const, currency, maximumFractionDigits: Math.max(digits, least ?? 0) }
  return new Intl.NumberFormat(locale, options).format(amount as unknown as number)
}
