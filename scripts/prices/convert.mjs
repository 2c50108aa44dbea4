// The data of genai-prices (Pydantic, MIT) in the compact form of our price book.

import { masked } from './masks.mjs'

/** What the source has in code instead of data: Groq bills at least ten seconds of audio. */
const MINIMUM = { provider: 'groq', model: /^whisper-large-v3(-turbo)?$/, min: { audio_seconds: '10' } }

/** `[provider]` of the source, as `genai.py` prints it → `[{ id, pm?, mm?, fb?, models }]`. */
export function providersOf(source) {
  return source.map(({ id, provider_match, model_match, fallback_model_providers, models }) => ({
    id,
    ...(provider_match && { pm: masked(clause(provider_match)) }),
    ...(model_match && { mm: masked(clause(model_match)) }),
    ...(fallback_model_providers && { fb: fallback_model_providers }),
    models: models.map((model) => modelOf(id, model)),
  }))
}

function modelOf(provider, { id, match, prices, price_variants }) {
  return {
    id,
    m: masked(clause(match)),
    p: Array.isArray(prices) ? prices.map(entry) : pricesOf(prices),
    ...(price_variants?.length && { v: price_variants.map(({ when, ...rest }) => ({ w: when, ...entry(rest) })) }),
    ...(provider === MINIMUM.provider && MINIMUM.model.test(id) && { min: MINIMUM.min }),
  }
}

function entry({ prices, constraint }) {
  const { is: _, ...c } = constraint ?? {}
  return { p: pricesOf(prices), ...(constraint && { c }) }
}

/** The price keys, and tiers as `[base, [above, price], …]`. */
function pricesOf({ is: _, ...prices }) {
  const compact = (price) =>
    typeof price === 'string' ? price : [price.base, ...price.tiers.map((tier) => [tier.start, tier.price])]
  return Object.fromEntries(Object.entries(prices).map(([key, price]) => [key, compact(price)]))
}

/** A clause of the source; names that are equal come together, for there are many. */
function clause(c) {
  switch (c.is) {
    case 'ClauseEquals':
      return { eq: c.equals }
    case 'ClauseStartsWith':
      return { sw: c.starts_with }
    case 'ClauseEndsWith':
      return { ew: c.ends_with }
    case 'ClauseContains':
      return { ct: c.contains }
    case 'ClauseRegex':
      return { re: c.regex }
    case 'ClauseAnd':
      return { and: c.and_.map(clause) }
    case 'ClauseOr': {
      const eq = c.or_.filter((one) => one.is === 'ClauseEquals').map((one) => one.equals)
      const or = c.or_.filter((one) => one.is !== 'ClauseEquals').map(clause)
      return { ...(eq.length > 0 && { eq }), ...(or.length > 0 && { or }) }
    }
    default:
      throw new Error(`genai-prices has a new kind of match: ${JSON.stringify(c)}`)
  }
}

/**
 * The JSON form of the source, which its repository and its npm package have, as `genai.py` prints the Python one. Numbers
 * become their shortest digits.
 */
export function fromJson(providers) {
  return providers.map(({ models, provider_match, model_match, ...provider }) => ({
    ...provider,
    provider_match: provider_match && named(provider_match),
    model_match: model_match && named(model_match),
    models: models.map(({ match, prices, price_variants, ...model }) => ({
      ...model,
      match: named(match),
      prices: Array.isArray(prices) ? prices.map(conditional) : texts(prices),
      price_variants: price_variants?.map(conditional),
    })),
  }))
}

const NAMES = {
  equals: 'Equals',
  starts_with: 'StartsWith',
  ends_with: 'EndsWith',
  contains: 'Contains',
  regex: 'Regex',
}

function named(match) {
  const [[key, value]] = Object.entries(match)
  if (key === 'or') return { is: 'ClauseOr', or_: value.map(named) }
  if (key === 'and') return { is: 'ClauseAnd', and_: value.map(named) }
  return { is: `Clause${NAMES[key]}`, [key]: value }
}

function conditional({ prices, constraint, ...rest }) {
  if (!constraint) return { ...rest, prices: texts(prices) }
  const { type: _, ...c } = constraint
  for (const key of ['start_time', 'end_time']) if (c[key]) c[key] = c[key].replace(/Z$/, '+00:00')
  return { ...rest, prices: texts(prices), constraint: c }
}

function texts(prices) {
  const text = (price) =>
    typeof price === 'object'
      ? { base: decimal(price.base), tiers: price.tiers.map(({ start, price }) => ({ start, price: decimal(price) })) }
      : decimal(price)
  return Object.fromEntries(Object.entries(prices).map(([key, price]) => [key, text(price)]))
}

/** Its shortest digits, without an exponent. */
function decimal(price) {
  const [, digits, exponent] = /^(?:(\d+(?:\.\d+)?)e-(\d+))$/.exec(String(price)) ?? []
  if (digits === undefined) return String(price)
  const places = Number(exponent) + (digits.split('.')[1]?.length ?? 0)
  return price.toFixed(places)
}
