import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PriceBook } from 'taximeter'
import { masked } from '../../scripts/prices/masks.mjs'
import { same } from './compare.mjs'

/** A book that lies beside the vectors is the one they are for; else ours, as it was generated. */
const PINNED = 'pricebook.genai-0.2.3.json'
const GENERATED = new URL('../../prices/book.json', import.meta.url)

/**
 * Each case twice: with its prices as they are given, and out of a price book, where it must also find the model and its
 * prices. What does not end is compared by its first 18 significant digits.
 */
export function* cases(path) {
  const pinned = join(dirname(path), PINNED)
  const book = new PriceBook(existsSync(pinned) ? withMasks(read(pinned)) : read(GENERATED))
  for (const one of read(path)) {
    const { id, provider, model, at, context = {}, usage, resolved, prices, rule, expected, exact } = one
    const shown = (amounts) => amounts && cut(amounts, exact !== false)
    if (prices) {
      const want = shown(expected)
      yield {
        id: `${id} prices`,
        want,
        run: () => shown(cost(own(prices, rule), { model: 'own', at: at ?? '2026-11-01T00:00:00Z', usage })),
      }
    }
    if (resolved?.custom) continue
    const request = { provider, model, at, context }
    const want = resolved && { resolved, prices, ...shown(expected) }
    const run = () => found(book, request) && { ...found(book, request), ...shown(cost(book, { ...request, usage })) }
    yield { id: `${id} book`, want, run, accepts: (got) => same(got, want) }
  }
}

const read = (file) => JSON.parse(readFileSync(file, 'utf8'))

/** A book with nothing but these prices. */
function own(prices, rule) {
  const model = { id: 'own', m: { eq: 'own' }, p: compact(prices) }
  if (rule) model.min = { audio_seconds: /[\d.]+/.exec(rule)[0] }
  return new PriceBook({ source: 'own', providers: [{ id: 'own', mm: { eq: 'own' }, models: [model] }] })
}

function cost(book, record) {
  const { status, reason, input, output, total } = book.cost(record)
  return status === 'priced' ? { input, output, total } : { error: reason }
}

function found(book, request) {
  try {
    const { provider, model, prices } = book.find(request)
    const tiered = ([base, ...tiers]) => ({
      base,
      tiers: tiers.map(([above, price]) => ({ above: Number(above), price })),
    })
    const entries = Object.entries(prices).map(([key, price]) => [
      key,
      typeof price === 'string' ? price : tiered(price),
    ])
    return { resolved: { provider, model }, prices: Object.fromEntries(entries) }
  } catch (error) {
    if (/^unknown_/.test(error.code)) return null
    throw error
  }
}

const compact = (prices) =>
  Object.fromEntries(
    Object.entries(prices).map(([key, price]) => [
      key,
      price.tiers ? [price.base, ...price.tiers.map((tier) => [tier.above, tier.price])] : price,
    ]),
  )

function cut({ error, message: _, ...amounts }, whole) {
  if (error) return { error }
  const digits = (text) => (whole ? text : text.slice(0, text.search(/[1-9]/) + 18))
  return Object.fromEntries(Object.entries(amounts).map(([key, text]) => [key, digits(text)]))
}

/** The source's book in the form that is shipped; what upstream has in code is added. */
function withMasks(book) {
  for (const provider of book.providers) {
    for (const key of ['pm', 'mm']) if (provider[key]) provider[key] = masked(provider[key])
    for (const model of provider.models) {
      model.m = masked(model.m)
      if (provider.id === 'groq' && /^whisper-large-v3/.test(model.id)) model.min = { audio_seconds: '10' }
    }
  }
  return book
}
