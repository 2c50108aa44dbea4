// What a user does with the package, on whichever runtime this is: `client.mjs URL FOLDER`. Prints what it saw as JSON.

import { createRequire } from 'node:module'
import { openmeter, preview, Taximeter } from 'taximeter'
import { fileSpool } from 'taximeter/file'
import * as full from 'taximeter/full'
import { replay } from 'taximeter/replay'

const [url, folder] = process.argv.slice(2)
const meters = [
  {
    slug: 'tokens',
    eventType: 'request',
    aggregation: 'SUM',
    valueProperty: '$.tokens',
    groupBy: { model: '$.model' },
  },
  { slug: 'calls', eventType: 'llm.usage', aggregation: 'COUNT' },
]
const meter = new Taximeter({
  source: 'runtimes',
  sink: openmeter({ url }),
  meters,
  prices: { meters: { tokens: { type: 'unit', amount: '0.001' } } },
  spool: fileSpool(`${folder}/usage.spool`),
  provider: () => 'openai',
})
const ids = []
for (let i = 0; i < 300; i++) {
  ids.push(meter.record({ type: 'request', subject: 'größe', data: { tokens: i, model: `m${i % 2}` } }).id)
}
ids.push(meter.record({ type: 'request', subject: 'nested', data: { tokens: '0.1', deep: { list: [1, null] } } }).id)
const answer = await meter.wrap(fetch, { subject: 'customer-1' })(`${url}/v1/chat/completions`, {
  method: 'POST',
  body: '{"model":"gpt-4o"}',
})
const { usage } = await answer.json()
const stats = await meter.flush({ deadlineMs: 60_000 })
const refused = meter.record({ type: 'request', subject: 'c', data: { tokens: Number.NaN } }).error.code

const line = (id, v) =>
  JSON.stringify({ specversion: '1.0', id, source: 's', type: 'request', subject: 'c', data: { v } })
const sum = [{ slug: 'sum', eventType: 'request', aggregation: 'SUM', valueProperty: '$.v' }]
const lines = `${line('1', 1)}\n${line('2', 0.5)}\n`
const required = createRequire(import.meta.url)('taximeter')
// What is not sent when the work runs out is sent then.
meter.record({ type: 'last', subject: 'c' })

console.log(
  JSON.stringify({
    unique: new Set(ids).size,
    usage,
    stats,
    refused,
    preview: meter.preview('tokens', { groupBy: ['subject', 'model'] }).data,
    calls: meter.preview('calls').data[0].value,
    cost: meter.cost().total,
    pure: preview(sum, lines, { meter: 'sum' }).result.data[0].value,
    replayed: (await replay(lines, { meters: sum })).results[0].data[0].value,
    lint: full.lint(lines, { meters }).length,
    version: required.version(),
  }),
)
