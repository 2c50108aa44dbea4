import { enter, generation, type PricesCore, pricesCore } from '../engine'
import { dataText } from '../json'
import type { Decimal } from './types'

/** The data of a price book, as `taximeter/prices` exports it. */
export interface PriceBookData {
  source: unknown
  version?: string
  /** The form of the data; 1. */
  schema?: number
  /** The day it was made. */
  date?: string
  providers: unknown[]
}

/** A provider's usage to price. A record of a wrapped client's answer is one. */
export interface ProviderUsage {
  /** Found by the model alone if absent. */
  provider?: string | null
  model: string
  /** When it was used, RFC 3339: prices are those of that time. */
  at: string
  /** Counts by usage key (`input_tokens`, `cache_read_tokens`, …), the whole including its parts. */
  usage: Record<string, Decimal>
  /** What else the price depends on: `{ service_tier: 'flex' }`, `{ processing: 'batch' }`, `{ region: 'eu' }`. */
  context?: Record<string, string>
}

/** How a book is read. */
export interface PriceBookOptions {
  /** Other names of models, e.g. of your deployments → the name in the book. */
  aliases?: Record<string, string>
  /** Only a name that is in the book is priced: one that begins like it is `unpriced`, the reason `matched_loosely`. */
  strict?: boolean
  /** Days after the book's date from which on what is priced is flagged `stale_book`; 45 if absent. */
  staleDays?: number
}

/**
 * What is to be known about a price: a new model may be priced as an older one (`matched_loosely`); the book was too old
 * for it (`stale_book`); nothing in the book depends on the context given (`context_unmatched`); the provider does not
 * charge for such an answer (`not_charged`).
 */
export type PriceFlag = 'matched_loosely' | 'stale_book' | 'context_unmatched' | 'not_charged'

/** What a provider charges. What has no known price is `unpriced`, never 0. */
export type ProviderCost =
  | {
      status: 'priced'
      total: string
      input?: string
      output?: string
      currency: 'USD'
      /** Whether the digits end; else there are 28. */
      exact: boolean
      source: 'computed' | 'reported'
      provider?: string
      model?: string
      /** `prefix` and `loose` may price a new model as an older one: then the flag `matched_loosely` is set. */
      matchedBy?: 'exact' | 'prefix' | 'loose'
      bookVersion?: string
      lines: { unit: string; quantity: string; rate: string; per: number; amount: string }[]
      flags: PriceFlag[]
    }
  | { status: 'unpriced'; reason: string; detail: string }

/** What a book knows of a model. */
export interface ModelPrices {
  provider: string
  model: string
  matchedBy: 'exact' | 'prefix' | 'loose'
  viaFallback?: true
  viaDateRewrite?: true
  /** Price key → USD, or `[base, [above, price], …]` by the input tokens of the request. */
  prices: Record<string, string | [string, ...[string, string][]]>
}

/**
 * What LLM providers charge.
 *
 * @example
 * import book from 'taximeter/prices'
 * new PriceBook(book).cost({ model: 'gpt-5.5', at: '2026-11-01T00:00:00Z', usage: { input_tokens: 1200, output_tokens: 80 } })
 */
export class PriceBook {
  readonly #settings: string
  #core: PricesCore | undefined
  #generation = -1

  /** Throws `invalid_price_book`, `invalid_option` with the path. */
  constructor(book: PriceBookData, options: PriceBookOptions = {}) {
    this.#settings = dataText({ ...options, book })
    enter(() => this.#open())
  }

  /** What one usage record costs. */
  cost(record: ProviderUsage): ProviderCost {
    return this.#ask('cost', record)
  }

  /** The prices of a model at a time. Throws `unknown_provider`, `unknown_model`. */
  find(query: Omit<ProviderUsage, 'usage'>): ModelPrices {
    return this.#ask('find', query)
  }

  #ask(name: string, request: object) {
    const text = dataText(request)
    return JSON.parse(enter(() => this.#open().ask(name, text)))
  }

  /** After the core was started afresh, the book is read again. */
  #open(): PricesCore {
    if (this.#core === undefined || this.#generation !== generation()) {
      this.#core = pricesCore(this.#settings)
      this.#generation = generation()
    }
    return this.#core
  }
}
