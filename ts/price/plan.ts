import { calculate } from './rate'
import type { Currency, Decimal, Invoice, Price, PricedLine, Usage } from './types'

/** Where a quantity stands in its price. */
export interface Standing {
  /** The amount a unit, on average; null at 0. */
  effective: string | null
  /** What one more unit costs; null for a matrix, whose units are those of its groups. */
  marginal: string | null
  /** The end of the free quantity or of the tier, and what is billed there and one unit beyond. */
  next: { at: string; left: string; amountAt: string; amountAfter: string } | null
  flags: 'cheaper_with_more'[]
}

/** A price explained: what is billed, tier by tier, and where the quantity stands. */
export interface Explanation extends Standing {
  line: PricedLine
  /** The groups of a matrix, each in its own price. */
  groups?: (Partial<Standing> & { group: Record<string, string> })[]
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
 * Explains a price: tiers, effective and marginal price, how far it is to the next tier or to the end of what is free.
 * Needs `taximeter/full`.
 *
 * @example
 * explain({ type: 'unit', amount: '0.001', free: 10_000 }, 9_000).next // { at: '10000', left: '1000', … }
 */
export function explain(price: Price, used: Decimal | Usage, options: { currency?: Currency } = {}): Explanation {
  const usage = typeof used === 'object' ? { usage: used } : { quantity: used }
  return calculate('explain', { ...options, price, ...usage })
}

/** Projects a period's units to its end and prices them; money is never scaled. Needs `taximeter/full`. */
export function project(request: Projection): Forecast {
  return calculate('project', request)
}

/** Plans compared. */
export interface Comparison {
  /** `missing` are meters that were used and have no price in the plan. */
  plans: { id: string; invoice: Invoice; missing: string[] }[]
  /** Null if no plan has a price for everything. */
  cheapest: string | null
  /** From which quantity of the meter on which plan is the cheapest; the first is the one at 0. */
  breakEven?: { at: string; cheapest: string }[]
}

/**
 * The same usage, by meter, through several plans. A plan that has no price for a meter is not the cheapest, nor is one
 * in another currency than the first. `breakEven` names a meter: from which quantity of it on is another plan cheaper?
 * Needs `taximeter/full`.
 */
export function whatIf(plans: Plan[], usage: Record<string, Usage>, options: { breakEven?: string } = {}): Comparison {
  return calculate('whatIf', { ...options, plans, usage })
}

/** What a {@link Budget} is made of. */
export interface BudgetOptions {
  /** In the currency of what is spent. */
  limit: Decimal
  /** Parts of the limit; 0.5, 0.8 and 1 if absent. */
  thresholds?: Decimal[]
}

/**
 * A budget with thresholds. A soft cap: it tells, what crosses it is done. Needs `taximeter/full`.
 *
 * A client's own ({@link Taximeter.budget}) knows what has been spent, and begins anew with each period.
 *
 * @example
 * const budget = new Budget({ limit: 100 })
 * for (const threshold of budget.update(spent)) warn(`${threshold} of the budget are used`)
 * if (budget.wouldExceed(estimated)) refuse()
 */
export class Budget {
  readonly #limit: Decimal
  readonly #thresholds: Decimal[]
  readonly #ask: (() => { total: string; period?: { from: string } }) | undefined
  #fired: string[] = []
  #spent: Decimal = 0
  #period: string | undefined

  constructor(options: BudgetOptions, ask?: () => { total: string; period?: { from: string } }) {
    this.#limit = options.limit
    this.#thresholds = options.thresholds ?? ['0.5', '0.8', '1']
    this.#ask = ask
    this.#calculate({})
  }

  /** Takes what has been spent (a client's budget asks itself), and gives the thresholds that are reached anew. */
  update(spent?: Decimal): string[] {
    this.#refresh()
    if (spent !== undefined) this.#spent = spent
    const { fire, fired } = this.#calculate({})
    this.#fired = fired
    return fire
  }

  /** Whether this much more would be beyond the limit. */
  wouldExceed(estimate: Decimal): boolean {
    this.#refresh()
    return this.#calculate({ estimate }).wouldExceed
  }

  #refresh() {
    const known = this.#ask?.()
    if (known === undefined) return
    this.#spent = known.total
    if (known.period?.from !== this.#period) this.#fired = []
    this.#period = known.period?.from
  }

  #calculate(more: { estimate?: Decimal }) {
    const request = { limit: this.#limit, thresholds: this.#thresholds, fired: this.#fired, spent: this.#spent }
    return calculate('budget', { ...request, ...more })
  }
}
