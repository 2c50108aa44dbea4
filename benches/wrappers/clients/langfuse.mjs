/**
 * `@langfuse/openai`: `observeOpenAI(client)`. Its input is what remains when the details are taken off; here they are added
 * again. Its customers travel by a span processor of its own, which is not set up here: they are not asked for.
 */
import { observeOpenAI } from '@langfuse/openai'
import { setLangfuseTracerProvider } from '@langfuse/tracing'
import { spans, tracerProvider } from '../otlp.mjs'

export const how = 'Proxy'

export function start(url) {
  const provider = tracerProvider(url)
  setLangfuseTracerProvider(provider)
  return {
    openai: (client) => observeOpenAI(client),
    flush: () => provider.forceFlush(),
  }
}

export const records = (received) =>
  spans(received).map((span) => {
    const usage = JSON.parse(span['langfuse.observation.usage_details'] ?? '{}')
    const part = (word) => {
      const names = Object.keys(usage).filter((name) => name.startsWith(word))
      return names.length > 0 ? names.reduce((sum, name) => sum + usage[name], 0) : undefined
    }
    return {
      input: part('input'),
      output: part('output'),
      cacheRead: usage.input_cached_tokens,
      cacheWrite: usage.input_cache_write_tokens,
      reasoning: usage.output_reasoning_tokens,
    }
  })
