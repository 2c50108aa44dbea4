/** `langsmith/wrappers`: `wrapOpenAI(client)`, `wrapAnthropic(client)`. */
import { Client } from 'langsmith'
import { wrapOpenAI } from 'langsmith/wrappers'
import { wrapAnthropic } from 'langsmith/wrappers/anthropic'

export const how = 'copy of the client'
export const hasCustomers = true

export function start(url) {
  const client = new Client({ apiUrl: url, apiKey: 'key', autoBatchTracing: false })
  const options = { client, tracingEnabled: true }
  return {
    openai: (bare, customer) => wrapOpenAI(bare, { ...options, metadata: { customer } }),
    anthropic: (bare, customer) => wrapAnthropic(bare, { ...options, metadata: { customer } }),
    flush: () => client.awaitPendingTraceBatches(),
  }
}

/** A run is posted when it begins, and patched when it ends. */
export function records(received) {
  const runs = new Map()
  for (const { body, path } of received) {
    const id = body?.id ?? path.split('/').pop()
    if (body) runs.set(id, { ...runs.get(id), ...body })
  }
  return [...runs.values()].map(({ outputs, extra }) => {
    const usage = outputs?.usage_metadata ?? extra?.metadata?.usage_metadata
    return {
      input: usage?.input_tokens,
      output: usage?.output_tokens,
      cacheRead: usage?.input_token_details?.cache_read,
      cacheWrite: written(usage?.input_token_details ?? {}),
      reasoning: usage?.output_token_details?.reasoning,
      customer: extra?.metadata?.customer,
    }
  })
}

const written = ({ cache_creation, ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long }) =>
  cache_creation ?? (short === undefined && long === undefined ? undefined : (short ?? 0) + (long ?? 0))
