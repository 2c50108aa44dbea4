/** Ours: `meter.wrap(client, { subject })`. */
import { openmeter, Taximeter } from '../../lib/taximeter.mjs'

export const how = 'at the transport'
export const hasCustomers = true

export function start(url) {
  const meter = new Taximeter({
    source: 'wrappers',
    sink: openmeter({ url }),
    // The simulator is local: its host does not tell which provider it plays.
    provider: ({ pathname }) => pathname.replace(/^\/f\/[^/]+/, '').split('/')[1],
  })
  const wrap = (client, customer) => meter.wrap(client, { subject: customer })
  return { openai: wrap, anthropic: wrap, flush: () => meter.flush() }
}

/** OpenMeter answers 204. */
export const answer = () => undefined

export const records = (received) =>
  received
    .flatMap(({ body }) => body ?? [])
    .map(({ subject, data }) => ({
      input: data.input_tokens,
      output: data.output_tokens,
      cacheRead: data.cache_read_tokens,
      cacheWrite: data.cache_write_tokens,
      reasoning: data.output_reasoning_tokens,
      customer: subject,
    }))
