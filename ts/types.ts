import type { TaximeterError } from './errors'
import type { PriceBookData, PriceBookOptions, PriceFlag } from './price/book'
import type { Explanation } from './price/plan'
import type { Currency, Decimal, Price } from './price/types'

/** A value that an event's `data` may hold. See `record()` for how each one is written. */
export type Json = string | number | boolean | null | Date | Json[] | { [key: string]: Json | undefined }

/** What `record()` takes. */
export interface UsageEvent {
  /** What happened, e.g. `request` or `llm.usage`; meters match it exactly. */
  type: string
  /** Whose usage it is: the customer. */
  subject: string
  /** Quantities and dimensions, e.g. `{ tokens: 1284, model: 'gpt-4o' }`. */
  data?: { [key: string]: Json | undefined }
  /** Unique within the source. Made by the client if absent; give one to make a retry of your own code harmless. */
  id?: string
  /** Who reports it; the client's `source` if absent. */
  source?: string
  /** When it happened, a Date or RFC 3339 text; now if absent. */
  time?: Date | string
}

/** What `record()` gives: the event's id, or why it was refused. */
export type Recorded =
  | { readonly id: string; readonly error?: undefined }
  | { readonly id?: undefined; readonly error: TaximeterError }

/** A meter, with the names of OpenMeter's API. */
export interface Meter {
  /** 1 to 64 characters: lower-case words of letters and digits joined by `_`. */
  slug: string
  /** Matches an event's `type` exactly. */
  eventType: string
  aggregation: 'SUM' | 'COUNT' | 'UNIQUE_COUNT' | 'AVG' | 'MIN' | 'MAX' | 'LATEST'
  /** JSONPath of the value in `data`, e.g. `$.tokens`; absent for COUNT, required for all others. */
  valueProperty?: string
  /** Name of a dimension → its JSONPath in `data`. */
  groupBy?: Record<string, string>
  /**
   * `rfc9535` for paths of RFC 9535 (`$..tokens`, `$.items[?@.kind == 'call'].n`), without `match()` and `search()`. Needs
   * `taximeter/full`, and is for previews and costs alone: a meter server knows no such paths.
   */
  dialect?: 'rfc9535'
  /** Earlier events are not counted (RFC 3339). */
  eventFrom?: string
  name?: string
  description?: string
}

/** A meter, with the names of OpenMeter's v3 API. */
export interface MeterV3 {
  /** As {@link Meter.slug}. */
  key: string
  event_type: string
  aggregation: Lowercase<Meter['aggregation']>
  value_property?: string
  dimensions?: Record<string, string>
  events_from?: string
  name?: string
  description?: string
}

/** A meter of Dodo Payments, as its API takes it. Documented behaviour: there was no server to compare with. */
export interface DodoMeter {
  /** Matches an event's `type` exactly. */
  event_name: string
  /** `key` is a member of `data`; absent for `count`, required for all others. */
  aggregation: { type: 'count' | 'sum' | 'max' | 'last'; key?: string | null }
  /** What queries and prices call it; the event's name if absent. */
  name?: string
  /** A label: nothing is converted. */
  measurement_unit?: string
  filter?: DodoFilter | null
  description?: string | null
  id?: string
}

/** Conditions, or filters of conditions up to three levels down. */
export interface DodoFilter {
  conjunction: 'and' | 'or'
  clauses: (DodoCondition | DodoFilter)[]
}

/** An event without the member is left out, whatever the operator. */
export interface DodoCondition {
  key: string
  operator:
    | 'equals'
    | 'not_equals'
    | 'greater_than'
    | 'greater_than_or_equals'
    | 'less_than'
    | 'less_than_or_equals'
    | 'contains'
    | 'does_not_contain'
  value: string | number | boolean
}

/** A meter in the words of its vendor. */
export type AnyMeter = Meter | MeterV3 | DodoMeter

/** A filter of a group-by dimension, with OpenMeter's operators (`$eq`, `$in`, `$like`, `$gt`, `$and` …). */
export type Filter = { [operator: string]: unknown }

/** What `preview()` asks of a meter, with the names of OpenMeter's API. */
export interface Query {
  /** Inclusive, RFC 3339. */
  from?: string
  /** Exclusive, RFC 3339. */
  to?: string
  windowSize?: 'MINUTE' | 'HOUR' | 'DAY' | 'MONTH'
  /** IANA name; UTC if absent. */
  windowTimeZone?: string
  /** Filters by subject, and groups by it. */
  subject?: string[]
  filterCustomerId?: string[]
  /** `subject`, `customer_id` or dimensions of the meter. */
  groupBy?: string[]
  filterGroupBy?: Record<string, string | string[]>
  advancedMeterGroupByFilters?: Record<string, Filter>
}

/** A question in the names of OpenMeter's v3 API; one of them makes it one, and its answer a {@link MeterResultV3}. */
export interface QueryV3 {
  /** Inclusive, RFC 3339. */
  from?: string
  /** Exclusive, RFC 3339. */
  to?: string
  granularity?: 'PT1M' | 'PT1H' | 'P1D' | 'P1M'
  /** IANA name; UTC if absent. */
  time_zone?: string
  group_by_dimensions?: string[]
  /** At most 10 dimensions; `subject` and `customer_id` take `eq` and `in`, and group too. */
  filters?: { dimensions?: Record<string, Filter> }
}

/** One row of an answer. */
export interface Row {
  value: number
  /** The exact value, in decimal mode. */
  valueDecimal?: string
  /** RFC 3339, UTC. */
  windowStart: string
  windowEnd: string
  subject: string | null
  customerId?: string
  groupBy: Record<string, string>
}

/** The answer to a query, in the form of OpenMeter's API. */
export interface MeterResult {
  from?: string
  to?: string
  windowSize?: string
  data: Row[]
  /** The rows are not the whole: a limit was reached, or a client's core was started afresh (`engine-reset`). */
  incomplete?: true
  /** Events on which a path of RFC 9535 took too many steps, whenever they happened: no row counts them. */
  excluded?: number
}

/** The answer to a {@link QueryV3}. */
export interface MeterResultV3 {
  from?: string
  to?: string
  /** A value is a decimal text. */
  data: { value: string; from: string; to: string; dimensions: Record<string, string> }[]
  incomplete?: true
}

/** What is billed and what it costs. */
export interface Prices extends PriceBookOptions {
  /** ISO 4217; `USD` if absent. */
  currency?: Currency
  /**
   * What a dollar, in which LLM providers charge, is in the currency: `{ USDEUR: '0.92' }`. Rates are never fetched.
   * Without it there is no margin in another currency.
   */
  rates?: Record<string, Decimal>
  /** A meter's slug → its price. */
  meters?: Record<string, Price>
  /** What LLM providers charge: `import book from 'taximeter/prices'`. */
  book?: PriceBookData
}

/** A billing period: its bounds (RFC 3339, `to` exclusive), or the one of its kind around a time. */
export type Period =
  | { from: string; to: string }
  | {
      every: 'month' | 'year' | 'week' | 'day'
      /**
       * When such a period began, RFC 3339. If absent, months begin on the first day, weeks on Monday, at 00:00 UTC. In a
       * month that lacks the anchor's day, a period begins on the last.
       */
      anchor?: string
      /** A time in the period; now if absent. */
      at?: string
    }

/** Whom and what time a question is about: one customer, a period, or all that was recorded. */
export interface Scope {
  subject?: string
  period?: Period
  /** Inclusive, RFC 3339; instead of a period. */
  from?: string
  /** Exclusive, RFC 3339. */
  to?: string
}

/** What `cost()` asks for. */
export interface CostQuery extends Scope {
  /** Explains each line; for one customer, and in `taximeter/full`. */
  explain?: boolean
}

/** What `margin()` asks for. */
export interface MarginQuery extends Scope {
  /** `customer` (if absent), `model`, `provider`, or a `groupBy` key of a meter that has a price. */
  by?: string
}

/** What is billed, what the providers charge, and what is left. Decimals; negative where it costs more than it brings. */
export interface Earned {
  bill: string
  provider: string
  margin: string
  /** Calls whose charge is known, and those for which no price is: they are not in the margin. */
  calls: number
  unpriced: number
  /** Of both, those whose answer was left early: they may have come to more. */
  partial: number
  flags: ('unpriced' | 'negative_margin')[]
}

/** Bill and charge by a key; `""` is what belongs to no key. */
export interface Margin extends Earned {
  currency: string
  by: string
  rows: ({ key: string } & Earned)[]
  incomplete?: true
  /** The providers' charges were changed into the currency, by the rate that was given. */
  converted?: true
}

/** What `project()` asks for; it needs a period. */
export interface ProjectQuery extends Scope {
  /** RFC 3339; the present if absent. */
  now?: string
  /** An amount of money, to be told the first day on which the mid projection is beyond it. */
  limit?: Decimal
  /** Credits in money, to be told when they will be used up. */
  credits?: Decimal
  /** Prepaid units by meter, to be told when they will be used up. */
  balance?: Record<string, Decimal>
}

/** How a period will end. Units are projected, each customer's by itself, and then priced: money is never scaled. */
export type ProjectedCost = {
  currency: string
  period: { from: string; to: string }
} & (
  | { tooEarly: true }
  | {
      tooEarly?: undefined
      low: { total: string; totalMinor: string }
      mid: { total: string; totalMinor: string }
      high: { total: string; totalMinor: string }
      lines: {
        meter: string
        low: ProjectedLine
        mid: ProjectedLine
        high: ProjectedLine
        exhausted?: string | null
      }[]
      breach?: string | null
      exhausted?: string | null
      flags: ('estimated' | 'unpriced')[]
      incomplete?: true
    }
)

/** A line at the end of a period. */
export interface ProjectedLine {
  quantity: string
  amount: string
  amountMinor: string
}

/** What `whatIf()` asks for. */
export interface WhatIfQuery extends Scope {
  subject: string
  /** A meter: from which quantity of it on is another plan cheaper? */
  breakEven?: string
}

/** One line of a bill: a meter and its price. Amounts are decimal strings. */
export interface CostLine {
  meter: string
  quantity: string
  /** Exact, not rounded. */
  amount: string
  /** Rounded to the currency's minor unit, in minor units. */
  amountMinor: string
  /** Tiers, effective and marginal price, the way to the next tier. */
  explain?: Explanation
}

/** What a customer will be billed, and what the providers charge for it. */
export interface Cost {
  currency: string
  /** The period that was asked for. */
  period?: { from: string; to: string }
  /** The exact sum of the lines. */
  total: string
  /** The sum of the rounded lines, in minor units (cents): what an invoice would say. */
  totalMinor: string
  lines: CostLine[]
  /** What LLM providers charge for the same events; absent without a price book. */
  provider?: {
    currency: 'USD'
    total: string
    models: { provider: string; model: string; total: string; calls: number; flags?: PriceFlag[] }[]
    /** Calls that no price is known for. They are not in the total. */
    unpriced: { provider: string; model: string; reason: string; calls: number }[]
    /** Calls, of both, whose answer was left early: they may have come to more. */
    partial: number
  }
  /** `total` less the provider's total; absent when a call is unpriced, or the currencies differ and no rate is given. */
  margin?: string
  /** For the margin the provider's total was changed into the currency, by the rate that was given. */
  converted?: true
  /** A group of a matrix has no price: it is not in the total. */
  unpriced?: true
  /** The sums are not the whole: a limit was reached, or the core was started afresh (`engine-reset`). */
  incomplete?: true
}

/** The form of the events that LLM answers become. */
export interface LlmEvents {
  /** The events' `type`; `llm.usage` if absent. */
  eventType?: string
  /**
   * `one` (if absent): one event an answer, with all its counts. `per-type`: one for each type of token, with `type`
   * (`input`, `cache_read`, `cache_write`, `output` or `reasoning`) and `tokens`; each token is in one of them.
   */
  events?: 'one' | 'per-type'
  /** Other names of members of `data`, e.g. `{ input_tokens: 'prompt_tokens' }`; `null` leaves one out. */
  fields?: Record<string, string | null>
}

/** The form of the events that a wrapped S3 client makes. */
export interface StorageEvents {
  /** The events' `type`; `storage.usage` if absent. */
  eventType?: string
  /** Other names of members of `data`, e.g. `{ bucket: 'container' }`. */
  fields?: Readonly<Record<string, string>>
  /** Only what sends bytes becomes an event: `PutObject`, `UploadPart`. For a meter that sums `bytes` of uploads. */
  uploadsOnly?: boolean
}

/** What became of everything recorded so far. The four states sum to `recorded`. */
export interface FlushResult {
  delivered: number
  pending: number
  quarantined: number
  dropped: number
}

/** Counters of the client. */
export interface Stats {
  /** Events that `record()` and the wrapped clients accepted: the sum of delivered, pending, quarantined, dropped. */
  recorded: number
  delivered: number
  pending: number
  quarantined: number
  dropped: number
  /** Events that were never accepted: `record()` returned an error. */
  refused: number
  /** Requests of wrapped clients to where no usage is known: unknown hosts, free endpoints. They passed untouched. */
  unmetered: number
  /** Bytes of the pending events. */
  queueBytes: number
  /** Requests that have no answer yet. */
  inFlight: number
  /** Requests sent to the sink. */
  requests: number
  /** Whether what waits outlives the process: `degraded` means that the spool fails, and it waits in memory. */
  spool: 'none' | 'ok' | 'degraded'
  /** What the sink is doing. */
  state: 'idle' | 'sending' | 'backoff' | 'held'
  /** Those of each sink of a `tee`, in order: the others are sums of these, in which an event counts once for each sink. */
  sinks?: SinkStats[]
}

/** Counters of one sink of a `tee`. */
export interface SinkStats extends Omit<Stats, 'unmetered' | 'sinks'> {
  /** Which it is, e.g. `openmeter` or `stripe-v1`. */
  sink: string
}

/** An event that the vendor refused for good: kept, never sent again by itself. */
export interface QuarantinedEvent {
  id: string
  /** `rejected`, `too_large`, `expired` or `dedup_window_expired`. */
  code: string
  /** HTTP status of the answer, if there was one. */
  status?: number
  /** What the vendor said, shortened. */
  text?: string
  /** The event as the vendor was sent it (JSON text). */
  event: string
  /** Whose refusal it was: the place in a `tee`. */
  sink?: number
}

/** What `on()` can listen to, with what the listener is given; `sink` is the place in a `tee`. */
export interface TaximeterEvents {
  /** An event was refused, or the SDK itself failed at something. The user's own call was not affected. */
  error: TaximeterError
  /** Ids that the sink has accepted. */
  delivered: { ids: string[]; sink?: number }
  quarantined: QuarantinedEvent
  dropped: { ids: string[]; sink?: number }
  /**
   * What the sink says of itself: `hold_started`, `hold_ended` (it stopped taking events, takes them again), `clock_skew`,
   * `quarantine_full`. And of events that count as delivered, with the vendor's words: `duplicate_id` (the vendor had the
   * id before it was sent here: another event's, or another process sent it), `unverified` (sent again, and the vendor says
   * that it has the id, or is about to: Autumn), `vendor_warning` (it took them and warns, e.g. that no meter counts them:
   * Creem). `ids` are those of the events, if the vendor names them.
   */
  'sink-state': { code: string; text: string; ids?: string[]; sink?: number }
  /** The WebAssembly instance was replaced; nothing was lost. */
  'engine-reset': { generation: number }
}
