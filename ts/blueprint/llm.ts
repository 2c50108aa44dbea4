import type { Meter } from '../types'
import { blueprint, type MeterOf } from './blueprint'

const GROUP_BY = ['provider', 'model', 'status'] as const

/** A meter's slug → the member that it sums. */
const SUMS = {
  tokens_total: 'total_tokens',
  input_tokens: 'input_tokens',
  output_tokens: 'output_tokens',
  cache_read_tokens: 'cache_read_tokens',
  cache_write_tokens: 'cache_write_tokens',
  output_reasoning_tokens: 'output_reasoning_tokens',
  llm_requests: 'requests',
} as const

/**
 * The LLM blueprint: the events that wrapped LLM clients make, and meters for them.
 *
 * An event's type is `llm.usage`. Its data has `provider`, `model`, `api`, `status`, `requests` (1 an answer) and the
 * counts as reported: `input_tokens` and `output_tokens` include their parts (`cache_read_tokens`, `cache_write_tokens`,
 * `output_reasoning_tokens`, …); `total_tokens` is their sum.
 *
 * With a builder of events, meters for Dodo and an example price it is in `taximeter/blueprints`.
 *
 * @example
 * new Taximeter({ source: 'chat-app', sink, meters: llm.meters, prices: { meters: { tokens_total: { type: 'unit', amount: '0.000002' } } } })
 */
export const llm: { readonly eventType: 'llm.usage'; readonly meters: Meter[] } = {
  eventType: 'llm.usage',
  meters: Object.entries(SUMS).map(([slug, of]) => ({
    slug,
    eventType: 'llm.usage',
    aggregation: 'SUM',
    valueProperty: `$.${of}`,
    groupBy: Object.fromEntries(GROUP_BY.map((name) => [name, `$.${name}`])),
  })),
}

type Slug = keyof typeof SUMS

function meters() {
  const sum = (slug: Slug): MeterOf<(typeof SUMS)[Slug] | (typeof GROUP_BY)[number]> => ({
    aggregation: 'SUM',
    of: SUMS[slug],
    groupBy: GROUP_BY,
    unit: slug === 'llm_requests' ? 'requests' : 'tokens',
  })
  const slugs = Object.keys(SUMS) as Slug[]
  return Object.fromEntries(slugs.map((slug) => [slug, sum(slug)])) as Record<Slug, ReturnType<typeof sum>>
}

/** The whole blueprint, as `taximeter/blueprints` has it. */
export const llmBlueprint = /* @__PURE__ */ blueprint({
  name: 'llm',
  about: 'answers of language models',
  eventType: 'llm.usage',
  fields: {
    provider: { type: 'text', about: 'who answered, e.g. openai' },
    model: { type: 'text', required: true, about: 'the model, as the provider names it' },
    api: { type: 'text', about: 'which of its APIs' },
    status: { type: 'text', about: 'complete, partial (left early) or unreported' },
    requests: { type: 'integer', about: '1 for an answer, 0 for a part of one' },
    input_tokens: { type: 'integer', about: 'with all of their parts, cached ones too' },
    output_tokens: { type: 'integer', about: 'with all of their parts, reasoning too' },
    total_tokens: { type: 'integer', about: 'input and output' },
    cache_read_tokens: { type: 'integer', about: 'of the input: read from a cache' },
    cache_write_tokens: { type: 'integer', about: 'of the input: written to a cache' },
    output_reasoning_tokens: { type: 'integer', about: 'of the output: reasoning' },
    provider_cost: { type: 'number', about: 'what the provider charges, in dollars' },
  },
  meters: /* @__PURE__ */ meters(),
  prices: {
    input_tokens: { type: 'unit', amount: '0.000003' },
    output_tokens: { type: 'unit', amount: '0.000015' },
  },
})
