import { TaximeterError } from '../errors'
import type { PriceBookData } from '../price/book'
import type { Decimal } from '../price/types'

/** Prices of a model: price key → USD, or `[base, [above, price], …]` by the input tokens of the request. */
export type Prices = Record<string, Decimal | [Decimal, ...[number, Decimal][]]>

/** A correction of a price book, or what you have agreed with a provider. */
export interface Override {
  provider: string
  /** The model's id in the book, or several; `*` for all of the provider. */
  model: string | string[]
  /** More names that mean the model, taken from any other that has them: where an alias of the provider's moved on. */
  names?: string[]
  /** From this day on (`2026-11-01`); always if absent. */
  from?: string
  /** Where it comes from: an address, a contract. */
  source: string
  /** Told to readers: it is a guess. */
  confidence?: 'low'
  /** Replaces these price keys, keeps the others. */
  prices?: Prices
  /** Prices under conditions: `[{ w: { service_tier: 'flex' }, p: { … } }]`. */
  variants?: { w: Record<string, string>; p: Prices }[]
  /**
   * Times all prices, or with `tokens` those of tokens: `{ by: '0.9' }` for a discount, `{ when: { region: 'eu' }, by:
   * '1.1' }` for an uplift; `*` is any value but `global`.
   */
  multiply?: { when?: Record<string, string>; by: Decimal; tokens?: true }[]
  /** Prices at some hours of some days; they replace those of hours that the book has. */
  windows?: Window[]
  /** What the provider bills at least: `{ audio_seconds: '10' }`. */
  min?: { audio_seconds: Decimal }
}

/** Hours of which prices hold. */
export interface Window {
  /** `09:00`, inclusive, and exclusive; they may have midnight between them. */
  start: string
  end: string
  /** The offset of those hours: `+08:00`. */
  tz: string
  /** From Monday, 1, to Sunday, 7. */
  weekdays: number[]
  /** The first day. */
  from?: string
  /** Days on which they do not hold: `2026-10-01`. */
  not_on?: string[]
  /** Replaces these price keys, keeps the others. */
  prices: Prices
}

type Constraint = { start_date?: string; start_time?: string; [key: string]: string | number[] | string[] | undefined }
type Entry = { p: Prices; c?: Constraint }
type Variant = Entry & { w: Record<string, string> }
type Match = { eq?: string | string[]; [key: string]: unknown }
type Model = {
  id: string
  m: Match
  p: Prices | Entry[]
  v?: Variant[]
  x?: { by: string; tokens?: true; w?: Record<string, string>; c?: Constraint }[]
  min?: { audio_seconds: Decimal }
}

const MEMBERS = 'provider model names from source confidence prices variants multiply windows min'.split(' ')
const DAY = /^\d{4}-\d\d-\d\d$/
const HOUR = /^\d\d:\d\d$/

/**
 * A price book with overrides: a new one, in which later overrides win. What it says of the time before `from` stays.
 *
 * Throws `invalid_price_book` for an override of what the book does not have, or without its source. Prices are checked
 * when the book is opened.
 */
export function extend(book: PriceBookData, overrides: Override[]): PriceBookData {
  if (!Array.isArray(overrides)) throw new TaximeterError('invalid_price_book', 'overrides are a list')
  const copy = structuredClone(book) as Omit<PriceBookData, 'providers'> & {
    providers: { id: string; models: Model[] }[]
  }
  overrides.forEach((override, at) => {
    const refuse = (message: string, path: string) =>
      new TaximeterError('invalid_price_book', message, { path: `[${at}].${path}` })
    const unknown = Object.keys(override).find((name) => !MEMBERS.includes(name))
    if (unknown !== undefined) throw refuse('there is no such member of an override', unknown)
    if (!override.source) throw refuse('an override says where it comes from', 'source')
    if (override.from !== undefined && !DAY.test(override.from)) throw refuse('not a day', 'from')
    override.windows?.forEach((window, i) => {
      const forms = { start: HOUR, end: HOUR, tz: /^[+-]\d\d:\d\d$/ }
      for (const name of ['start', 'end', 'tz'] as const) {
        if (!forms[name].test(window[name])) throw refuse('like 09:00, or +08:00', `windows[${i}].${name}`)
      }
    })
    const provider = copy.providers.find(({ id }) => id === override.provider)
    if (!provider) throw refuse('the book has no such provider', 'provider')
    const ids = [override.model].flat()
    const models = provider.models.filter(({ id }) => ids.includes('*') || ids.includes(id))
    const missing = ids.find((id) => id !== '*' && models.every((model) => model.id !== id))
    if (models.length === 0 || missing !== undefined) throw refuse('the book has no such model', 'model')
    for (const name of override.names ?? []) {
      for (const { m } of provider.models) if (m.eq) m.eq = [m.eq].flat().filter((eq) => eq !== name)
      for (const { m } of models) m.eq = [...[m.eq ?? []].flat(), name]
    }
    for (const model of models) apply(model, override)
  })
  return copy
}

function apply(model: Model, { from, prices, variants = [], multiply = [], windows = [], min }: Override): void {
  const begins = from === undefined ? {} : { c: { start_date: from } }
  const all: Entry[] = Array.isArray(model.p) ? model.p : [{ p: model.p }]
  const entries = windows.length > 0 ? all.filter((entry) => entry.c?.start_time === undefined) : all
  const changed = (entry: Entry) => ({ ...entry, p: { ...entry.p, ...prices } })
  const day = (entry: Entry) => entry.c?.start_date ?? ''
  if (from === undefined) model.p = entries.map(changed)
  else if (prices) {
    const before = entries.filter((entry) => day(entry) <= from)
    const copies = before.map((entry) => ({ ...changed(entry), c: { ...entry.c, start_date: from } }))
    model.p = [...before, ...copies, ...entries.filter((entry) => day(entry) > from).map(changed)]
  } else model.p = entries
  const standard = model.p.filter((entry) => entry.c?.start_time === undefined).at(-1)?.p ?? {}
  for (const { start, end, tz, weekdays, not_on, from: day = from, prices } of windows) {
    const hours = { start_time: `${start}:00${tz}`, end_time: `${end}:00${tz}`, tz, weekdays }
    const days = { ...(not_on && { not_on }), ...(day !== undefined && { start_date: day }) }
    model.p.push({ p: { ...standard, ...prices }, c: { ...hours, ...days } })
  }
  // Of variants the first that holds is taken; factors are all taken.
  if (variants.length > 0) model.v = [...variants.map(({ w, p }) => ({ w, p, ...begins })), ...(model.v ?? [])]
  for (const { when, by, tokens } of multiply) {
    model.x ??= []
    model.x.push({ by: String(by), ...(tokens && { tokens }), ...(when && { w: when }), ...begins })
  }
  if (min) model.min = min
}
