/** `braintrust`: `wrapOpenAI(client)`, `wrapAnthropic(client)`; it has no customers. */
import { initLogger, wrapAnthropic, wrapOpenAI } from 'braintrust'

export const how = 'Proxy'

export function start(url) {
  const logger = initLogger({ projectName: 'wrappers', apiKey: 'key', appUrl: url, forceLogin: true })
  return { openai: wrapOpenAI, anthropic: wrapAnthropic, flush: () => logger.flush() }
}

/** What its server says of the account before anything is sent. */
export const answer = (url) => ({
  org_info: [{ id: 'org', name: 'org', api_url: url, proxy_url: url }],
  project: { id: 'project', name: 'wrappers' },
})

/** A span is sent in pieces. */
export function records(received) {
  const spans = new Map()
  for (const row of received.flatMap(({ body }) => body?.rows ?? [])) {
    const { metrics } = spans.get(row.id) ?? {}
    spans.set(row.id, { metrics: { ...metrics, ...row.metrics } })
  }
  return [...spans.values()].map(({ metrics }) => ({
    input: metrics.prompt_tokens,
    output: metrics.completion_tokens,
    cacheRead: metrics.prompt_cached_tokens,
    cacheWrite: metrics.prompt_cache_creation_tokens ?? written(metrics),
    reasoning: metrics.completion_reasoning_tokens,
  }))
}

const written = ({ prompt_cache_creation_5m_tokens: short, prompt_cache_creation_1h_tokens: long }) =>
  short === undefined && long === undefined ? undefined : (short ?? 0) + (long ?? 0)
