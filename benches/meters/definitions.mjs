/** The three meters and the price that M11 computes, live. */

const tokens = { eventType: 'llm.usage', aggregation: 'SUM', valueProperty: '$.tokens' }
export const METERS = [
  { slug: 'tokens_total', ...tokens, groupBy: { model: '$.model', type: '$.type' } },
  { slug: 'tokens_by_model', ...tokens, groupBy: { model: '$.model' } },
  { slug: 'calls', eventType: 'llm.usage', aggregation: 'COUNT', groupBy: { type: '$.type' } },
]
export const PRICED = 'tokens_total'
export const PRICE = '0.00002'
export const HOUR_MS = 3_600_000
