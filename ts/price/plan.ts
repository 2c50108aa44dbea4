import { calculate, invoice } from './rate'
import type { Currency, Decimal, Invoice, Price, PricedLine, Usage } from './types'

/** Where a quantity stands in its price. */
export interface Explanation {
  line: PricedLine
  /** The amount a unit, on average; null at 0. */
  effective: string | null
  /** What one more unit costs. */
  marginal: string
  /** The end of the free quantity or of the tier, and what is billed there and one unit beyond. */
  next: { at: string; left: string; amountAt: string; amountAfter: string } | null
  flags: 'cheaper_with_more'[]
}

/** What {@link project} takes: how a period went so far. */
export interface Projection {
  price: Price
  /** Units so far. */
  quantity: Decimal
  /** The period and the present, RFC 3339. */
  from: string
  to: string
  now: string
  /** Units of the last full days, at most seven. */
  days?: Decimal[]
  /** For meters that do not add up: MAX, LATEST, UNIQUE_COUNT. */
  extreme?: boolean
  currency?: Currency
  /** An amount of money, to be told when it will be passed. */
  limit?: Decimal
  /** Prepaid units that are left, to be told when they will be used up. */
  balance?: Decimal
}

/** How a period will end, or that it is too early to tell. */
export type Forecast =
  | {
      tooEarly?: undefined
      low: PricedLine
      mid: PricedLine
      high: PricedLine
      breach?: string | null
      exhausted?: string | null
    }
  | { tooEarly: true }

/** Prices by meter, as a customer could have them. */
export interface Plan {
  id: string
  currency?: Currency
  prices: Record<string, Price>
  minimum_commitment?: Decimal
  credits?: Decimal
}

/**
 * Explains a price at a quantity: tiers, effective and marginal price, how far it is to the next tier. Needs
 * `taximeter/full`.
 */
export function explain(price: Price, quantity: Decimal, options: { currency?: Currency } = {}): Explanation {
  return calculate('explain', { ...options, price, quantity })
}

/** Projects a period's units to its end and prices them; money is never scaled. Needs `taximeter/full`. */
export function project(request: Projection): Forecast {
  return calculate('project', request)
}

/**
 * The same usage through several plans. `usage` is by meter; a plan that has no price for a meter is not the cheapest,
 * nor is one in another currency than the first.
 */
export function whatIf(
  plans: Plan[],
  usage: Record<string, Usage>,
): { plans: { id: string; invoice: Invoice; missing: string[] }[]; cheapest: string | null } {
  const compared = plans.map(({ id, prices, ...plan }) => {
    const meters = Object.keys(usage)
    const lines = Object.entries(prices).map(([meter, price]) => ({
      label: meter,
      price,
      usage: usage[meter] ?? { quantity: 0 },
    }))
    return { id, invoice: invoice({ ...plan, lines }), missing: meters.filter((meter) => !(meter in prices)) }
  })
  const currency = compared[0]?.invoice.currency
  let cheapest: (typeof compared)[number] | undefined
  for (const plan of compared) {
    const { invoice: bill, missing } = plan
    if (missing.length > 0 || bill.unpriced || bill.currency !== currency) continue
    if (!cheapest || BigInt(bill.totalMinor) < BigInt(cheapest.invoice.totalMinor)) cheapest = plan
  }
  return { plans: compared, cheapest: cheapest?.id ?? null }
}

/**
 * A budget with thresholds, for one period. A soft cap: it tells, what crosses it is done. Needs `taximeter/full`.
 *
 * @example
 * const budget = new Budget({ limit: 100 })
 * for (const threshold of budget.update(meter.cost({ subject }).total)) warn(`${threshold} of the budget are used`)
 * if (budget.wouldExceed(estimated)) refuse()
 */
export class Budget {
  readonly #limit: Decimal
  readonly #thresholds: Decimal[]
  #fired: string[] = []
  #spent: Decimal = 0

  /** `thresholds` are parts of the limit; 0.5, 0.8 and 1 if absent. */
  constructor(options: { limit: Decimal; thresholds?: Decimal[] }) {
    this.#limit = options.limit
    this.#thresholds = options.thresholds ?? ['0.5', '0.8', '1']
    this.#ask({})
  }

  /** Takes what has been spent, and gives the thresholds that are reached anew. */
  update(spent: Decimal): string[] {
    const { fire, fired } = this.#ask({ spent })
    this.#spent = spent
    this.#fired = fired
    return fire
  }

  /** Whether this much more would be beyond the limit. */
  wouldExceed(estimate: Decimal): boolean {
    return this.#ask({ estimate }).wouldExceed
  }

  #ask(more: { spent?: Decimal; estimate?: Decimal }) {
    return calculate('budget', {
      limit: this.#limit,
      thresholds: this.#thresholds,
      fired: this.#fired,
      spent: this.#spent,
      ...more,
    })
  }
}
