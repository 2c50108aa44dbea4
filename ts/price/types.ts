/**
 * A decimal number: `"0.000003"`, `"3e-6"`, `12n`, or a number by its shortest digits. NaN, ±Infinity and integers beyond
 * ±2⁵³ are refused. Results are always strings, without exponent and trailing zeros.
 */
export type Decimal = string | number | bigint

/** How digits are cut off. `half_up` is half away from zero; `up` is away from zero, `down` towards it. */
export type Rounding = 'half_up' | 'half_even' | 'up' | 'down'

/** ISO 4217 (`USD`), or a unit of your own with its digits behind the point. */
export type Currency = string | { code: string; digits: number }

/** A tier of units. Its bound belongs to it; the last one is open. `package` counts packages of that size instead. */
export interface Tier {
  up_to: Decimal | null
  unit?: Decimal
  flat?: Decimal
  package?: Decimal
}

/** What every price may have beside its type. */
export interface PriceRules {
  /** Units to billed units: `{ divide_by: 3600, round: 'up' }` bills seconds as hours. Negative quantities count 0. */
  quantity?: {
    multiply_by?: Decimal
    divide_by?: Decimal
    round?: Rounding | 'none'
    clamp_negative?: boolean
  }
  /** In this order: units off, part of the period (flat prices, minimum, maximum), amount off, percent off, bounds. */
  adjust?: {
    usage_discount?: Decimal
    prorate?: [days: Decimal, of: Decimal]
    amount_discount?: Decimal
    percent_discount?: Decimal
    minimum?: Decimal
    maximum?: Decimal
  }
  /** Of the line, to the currency's minor unit; `half_up` if absent. */
  rounding?: Rounding
}

/** A price, in major units (dollars). Rates are in percent. */
export type Price = PriceRules &
  (
    | { type: 'free' }
    | { type: 'flat'; amount: Decimal }
    /** `amount` a unit, after `free` units. */
    | { type: 'unit'; amount: Decimal; free?: Decimal }
    /** Graduated: each tier prices what lies in it. Volume: the tier that is reached prices all. */
    | { type: 'graduated' | 'volume'; tiers: Tier[]; free?: Decimal; flat_on_zero?: boolean }
    /** `amount` for each `size` units or part of it. */
    | { type: 'package'; size: Decimal; amount: Decimal; free?: Decimal; round?: 'up' | 'down' }
    /** Of the value of each event. */
    | {
        type: 'percentage'
        rate: Decimal
        fixed?: Decimal
        free_events?: Decimal
        free_amount?: Decimal
        min?: Decimal
        max?: Decimal
      }
    | {
        type: 'graduated_percentage'
        tiers: { up_to: Decimal | null; rate: Decimal; flat?: Decimal }[]
        flat_on_zero?: boolean
      }
    /** By dimensions: the first cell that matches, else `default`, else the group is unpriced. */
    | {
        type: 'matrix'
        dimensions: string[]
        cells: { when: Record<string, string>; price: Price }[]
        default?: Price
      }
    /** Cost × multiplier + quantity × unit_fee. */
    | { type: 'cost_plus'; multiplier?: Decimal; unit_fee?: Decimal }
  )

/** What was used: a quantity; events for `percentage`; groups for `matrix`; a cost for `cost_plus`. */
export type Usage =
  | { quantity: Decimal }
  | { events: Decimal[] }
  | { groups: { group: Record<string, string>; quantity: Decimal }[] }
  | { cost: Decimal; quantity?: Decimal }

/** A priced line. All are decimal strings; minor units are whole, as `BigInt()` takes them. */
export interface PricedLine {
  /** What was billed, after conversion and units off. */
  quantity: string
  /** What the price function gave. */
  subtotal: string
  /** After all adjustments, before rounding; null if its digits do not end. */
  amountExact: string | null
  /** Rounded, once. */
  amount: string
  amountMinor: string
  tiers?: { upTo: string | null; quantity: string; amount: string }[]
  groups?: { group: Record<string, string>; amount: string | null }[]
  /** A group has no price: it is not in the amount. */
  unpriced?: true
}

/** Lines to add up. */
export interface InvoiceRequest {
  /** `USD` if absent. */
  currency?: Currency
  lines: { price: Price; usage: Usage; label?: string; currency?: Currency }[]
  /** Your own exchange rates, for lines in another currency: `{ EURUSD: '1.08' }`. None is ever fetched. */
  rates?: Record<string, Decimal>
  minimum_commitment?: Decimal
  credits?: Decimal
  tax_percent?: Decimal
  /** `before_credits` if absent. */
  tax_on?: 'before_credits' | 'after_credits'
}

/** An invoice, in minor units as whole numbers in strings. Tax is an estimate for display. */
export interface Invoice {
  currency: string
  lines: PricedLine[]
  subtotalMinor: string
  /** What the lines lack of the commitment; with a commitment only. */
  trueUpMinor?: string
  creditsAppliedMinor: string
  taxMinor: string
  totalMinor: string
  /** The same in major units. */
  total: string
  unpriced?: true
  /** A line was converted by a given rate. */
  converted?: true
}

/** One invoice line of OpenMeter, in the words of its API. */
export interface OpenMeterLine {
  price: {
    type: 'flat' | 'unit' | 'package' | 'dynamic' | 'tiered'
    amount?: Decimal
    paymentTerm?: 'in_advance' | 'in_arrears'
    quantityPerPackage?: Decimal
    multiplier?: Decimal
    mode?: 'graduated' | 'volume'
    tiers?: { upToAmount?: Decimal | null; flatPrice?: Decimal | null; unitPrice?: Decimal | null }[]
    minimumAmount?: Decimal
    maximumAmount?: Decimal
  }
  /** Whether it is the period's only line, its last, or one before the last. */
  lineMode: 'single' | 'mid' | 'last'
  usage?: { quantity?: Decimal; preLinePeriodQuantity?: Decimal }
  previouslyBilledAmount?: Decimal
  discounts?: { percentage?: Decimal; usage?: Decimal }
  credits?: Decimal[]
  /** Digits of the currency; 2 if absent. */
  precision?: number
  unitConfig?: {
    operation: 'multiply' | 'divide'
    conversionFactor: Decimal
    rounding?: 'none' | 'ceiling' | 'floor' | 'half_up'
    precision?: number
  }
  options?: { ignoreMinimumCommitment?: boolean; disableCredits?: boolean; unitConfigDisabled?: boolean }
}

/** The detailed lines that OpenMeter makes of an invoice line. */
export interface OpenMeterRating {
  lines: {
    ref: string
    quantity: string
    perUnitAmount: string
    paymentTerm: 'in_advance' | 'in_arrears'
    category: 'regular' | 'commitment'
    discounts: string[]
    credits: string[]
    totals: { amount: string; charges: string; discounts: string; credits: string; total: string }
  }[]
  total: string
}

/** Prepaid units, in the words of OpenMeter's API. Times are RFC 3339; what happens, happens at full minutes. */
export interface Grant {
  id: string
  amount: Decimal
  /** The lower burns first; 0 if absent. */
  priority?: number
  effectiveAt: string
  expiresAt?: string
  voidedAt?: string
  deletedAt?: string
  createdAt?: string
  /** Full again every so often: every so many seconds, or with every period of the calendar. */
  recurrence?: { everySeconds: number; anchor: string } | { every: 'month' | 'year' | 'week' | 'day'; anchor: string }
  /** At a reset `min(maxRollover, max(minRollover, balance))` stays; both are 0 if absent. */
  maxRollover?: Decimal
  minRollover?: Decimal
}

/** Grants, and the usage that burns them. */
export interface GrantAccount {
  start: string
  until: string
  grants: Grant[]
  /** One for each grant. */
  startBalances: Record<string, Decimal>
  startOverage?: Decimal
  usage: { at: string; value: Decimal }[]
  aggregation?: 'SUM' | 'COUNT' | 'LATEST' | 'UNIQUE_COUNT'
  resets?: string[]
  /** Whether a reset keeps the overage and burns it at once. */
  preserveOverage?: boolean
  /**
   * Instead of it, what becomes of usage that no grant paid for, as Dodo's credits have it: at a reset it is forgotten, or
   * told as `invoiced`; or it stays, and is paid by no grant, or by the next ones.
   */
  overage?: 'forgive' | 'invoice' | 'carry_deficit' | 'carry_deficit_auto_repay'
  /** Grants are money then: each usage takes what it adds to the amount since the last reset. */
  price?: Price
}

/** What is left of grants. */
export interface GrantBalances {
  balances: Record<string, string>
  balance: string
  /** Usage that no grant paid for. */
  overage: string
  usageSinceReset: string
  /** With the policy `invoice`: what is to be billed at each reset. */
  invoiced?: { at: string; amount: string }[]
  /** Since when nothing is left, RFC 3339: the usage that took the last, or the end of the last grant. When it will be: `project()`. */
  exhausted: string | null
}
