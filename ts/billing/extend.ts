import { TaximeterError } from '../errors'
import type { PriceBookData } from '../price/book'
import type { Decimal } from '../price/types'

/** Prices of a model: price key → USD, or `[base, [above, price], …]` by the input tokens of the request. */
export type Prices = Record<string, Decimal | [Decimal, ...[number, Decimal][]]>

/** A correction of a price book, or what you have agreed with a provider. */
export interface Override {
  provider: string
  /** The model's id in the book; `*` for all of the provider. */
  model: string
  /** From this day on (`2026-11-01`); always if absent. */
  from?: string
  /** Where it comes from: an address, a contract. */
  source: string
  /** Replaces these price keys, keeps the others. */
  prices?: Prices
  /** Prices under conditions: `[{ w: { service_tier: 'flex' }, p: { … } }]`. */
  variants?: { w: Record<string, string>; p: Prices }[]
  /** Times all prices: `{ by: '0.9' }` for a discount, `{ when: { region: 'eu' }, by: '1.1' }` for an uplift. */
  multiply?: { when?: Record<string, string>; by: Decimal }[]
}

type Entry = { p: Prices; c?: Record<string, string> }
type Variant = Entry & { w: Record<string, string> }
type Model = { id: string; p: Prices | Entry[]; v?: Variant[] }

/**
 * A price book with overrides: a new one, in which later overrides win. What it says of the time before `from` stays.
 *
 * Throws `invalid_price_book` for an override of what the book does not have, or without its source.
 */
export function extend(book: PriceBookData, overrides: Override[]): PriceBookData {
  const copy = structuredClone(book) as Omit<PriceBookData, 'providers'> & {
    providers: { id: string; models: Model[] }[]
  }
  overrides.forEach((override, at) => {
    const refuse = (message: string, path: string) =>
      new TaximeterError('invalid_price_book', message, { path: `[${at}].${path}` })
    if (!override.source) throw refuse('an override says where it comes from', 'source')
    if (override.from !== undefined && !/^\d{4}-\d\d-\d\d$/.test(override.from)) throw refuse('not a day', 'from')
    const provider = copy.providers.find(({ id }) => id === override.provider)
    if (!provider) throw refuse('the book has no such provider', 'provider')
    const models = provider.models.filter(({ id }) => override.model === '*' || override.model === id)
    if (models.length === 0) throw refuse('the book has no such model', 'model')
    for (const model of models) apply(model, override)
  })
  return copy
}

function apply(model: Model, { from, prices, variants = [], multiply = [] }: Override): void {
  const c = from === undefined ? {} : { start_date: from }
  const begins = from === undefined ? {} : { c }
  const entries: Entry[] = Array.isArray(model.p) ? model.p : [{ p: model.p }]
  const always = multiply.filter(({ when = {} }) => Object.keys(when).length === 0)
  const repriced = (p: Prices) => always.reduce((all, { by }) => times(all, by), p)
  const changed = (p: Prices) => repriced({ ...p, ...prices })
  const day = (entry: Entry) => entry.c?.start_date ?? ''
  const later = (a: string, b: string) => (a > b ? a : b)
  if (from === undefined) {
    model.p = entries.map((entry) => ({ ...entry, p: changed(entry.p) }))
  } else {
    const before = entries.filter((entry) => day(entry) <= from)
    const copies = before.map((entry) => ({ p: changed(entry.p), c: { ...entry.c, ...c } }))
    const after = entries.filter((entry) => day(entry) > from).map((entry) => ({ ...entry, p: changed(entry.p) }))
    model.p = [...before, ...copies, ...after]
  }
  const standard = model.p.at(-1)?.p ?? {}
  const conditional: Variant[] = [
    ...variants.map(({ w, p }) => ({ w, p: repriced(p), ...begins })),
    ...multiply.flatMap(({ when = {}, by }) =>
      Object.keys(when).length > 0 ? [{ w: when, p: times(standard, by), ...begins }] : [],
    ),
  ]
  const there = model.v ?? []
  const known = always.length === 0 ? [] : there.map((variant) => ({ ...variant, p: repriced(variant.p) }))
  if (from === undefined) model.v = [...conditional, ...(always.length === 0 ? there : known)]
  else {
    const begun = known.map((variant) => ({ ...variant, c: { ...variant.c, start_date: later(day(variant), from) } }))
    model.v = [...conditional, ...begun, ...there]
  }
  if (model.v.length === 0) delete model.v
}

function times(prices: Prices, by: Decimal): Prices {
  const one = (price: Decimal) => product(price, by)
  return Object.fromEntries(
    Object.entries(prices).map(([key, price]) => {
      if (!Array.isArray(price)) return [key, one(price)]
      const [base, ...tiers] = price
      return [key, [one(base), ...tiers.map(([above, rate]): [number, Decimal] => [above, one(rate)])]]
    }),
  )
}

/** The product of two decimals, exactly. */
function product(a: Decimal, b: Decimal): string {
  const parts = [a, b].map((value) => {
    const [text, whole = '', fraction = ''] = /^(\d+)(?:\.(\d+))?$/.exec(String(value)) ?? []
    if (text === undefined) {
      throw new TaximeterError('invalid_price_book', `${value} is not a decimal number, 0 or more`, {
        path: 'multiply',
      })
    }
    return { digits: BigInt(whole + fraction), scale: fraction.length }
  }) as [{ digits: bigint; scale: number }, { digits: bigint; scale: number }]
  const scale = parts[0].scale + parts[1].scale
  const digits = String(parts[0].digits * parts[1].digits).padStart(scale + 1, '0')
  const at = digits.length - scale
  return `${digits.slice(0, at)}.${digits.slice(at)}`.replace(/\.?0*$/, '')
}
