import { open } from 'node:fs/promises'
import { replay } from '../../dist/replay/inline.js'

const eventType = 'llm.usage'
const valueProperty = '$.tokens'
const METERS = [
  { slug: 'tokens', eventType, aggregation: 'SUM', valueProperty, groupBy: { model: '$.model', type: '$.type' } },
  { slug: 'calls', eventType, aggregation: 'COUNT' },
  { slug: 'largest', eventType, aggregation: 'MAX', valueProperty, groupBy: { type: '$.type' } },
]
const QUERIES = [
  { meter: 'tokens', groupBy: ['model', 'type'] },
  { meter: 'calls', groupBy: ['subject'] },
  { meter: 'largest', groupBy: ['type'], windowSize: 'HOUR' },
]

export function create(file, meters, dedupe) {
  return async () => {
    const options = { meters: METERS.slice(0, meters), queries: QUERIES.slice(0, meters), dedupe }
    const { results, events } = await replay(pieces(file), options)
    if (events.rejected > 0) throw new Error(`${events.rejected} events are rejected`)
    return results.flatMap(({ data }, i) =>
      data.map(({ value, subject, windowStart, groupBy }) => [
        QUERIES[i].meter,
        ...(subject === null ? [] : [subject]),
        ...Object.values(groupBy),
        ...(QUERIES[i].windowSize ? [Date.parse(windowStart) / 3_600_000] : []),
        value,
      ]),
    )
  }
}

/** The file a megabyte at a time into the same memory, as the command reads it. */
async function* pieces(path) {
  const file = await open(path)
  const buffer = Buffer.allocUnsafeSlow(1 << 20)
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
    if (bytesRead === 0) break
    yield buffer.subarray(0, bytesRead)
  }
  await file.close()
}
