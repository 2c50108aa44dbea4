import type { Meter } from '../types'

const groupBy = { provider: '$.provider', model: '$.model', status: '$.status' }
const sum = (slug: string): Meter => ({
  slug,
  eventType: 'llm.usage',
  aggregation: 'SUM',
  valueProperty: `$.${slug}`,
  groupBy,
})

/**
 * The LLM blueprint: the events that wrapped LLM clients make, and meters for them.
 *
 * An event's type is `llm.usage`. Its data has `provider`, `model`, `api`, `status`, `requests` (1 an answer) and the
 * counts as reported: `input_tokens` and `output_tokens` include their parts (`cache_read_tokens`, `cache_write_tokens`,
 * `output_reasoning_tokens`, …); `total_tokens` is their sum.
 *
 * @example
 * new Taximeter({ source: 'chat-app', sink, meters: llm.meters, prices: { meters: { tokens_total: { type: 'unit', amount: '0.000002' } } } })
 */
export const llm: { readonly eventType: 'llm.usage'; readonly meters: Meter[] } = {
  eventType: 'llm.usage',
  meters: [
    { ...sum('tokens_total'), valueProperty: '$.total_tokens' },
    sum('input_tokens'),
    sum('output_tokens'),
    sum('cache_read_tokens'),
    sum('cache_write_tokens'),
    sum('output_reasoning_tokens'),
    { ...sum('llm_requests'), valueProperty: '$.requests' },
  ],
}
