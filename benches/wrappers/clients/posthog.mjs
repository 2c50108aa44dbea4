/** `@posthog/ai`: classes of its own, made instead of the SDK's; the customer is a parameter of each call. */
import { Anthropic } from '@posthog/ai/anthropic'
import { OpenAI } from '@posthog/ai/openai'
import { PostHog } from 'posthog-node'

export const how = 'subclass'
export const hasCustomers = true

export function start(url) {
  const posthog = new PostHog('key', { host: url })
  return {
    openai: (_client, _customer, options) => new OpenAI({ ...options, posthog }),
    anthropic: (_client, _customer, options) => new Anthropic({ ...options, posthog }),
    parameters: (customer) => ({ posthogDistinctId: customer }),
    flush: () => posthog.flush(),
  }
}

export const records = (received) =>
  received
    .flatMap(({ body }) => body?.batch ?? [])
    .filter(({ event }) => event === '$ai_generation' || event === '$ai_embedding')
    .map(({ distinct_id, properties }) => ({
      input: properties.$ai_input_tokens,
      output: properties.$ai_output_tokens,
      cacheRead: properties.$ai_cache_read_input_tokens,
      cacheWrite: properties.$ai_cache_creation_input_tokens,
      reasoning: properties.$ai_reasoning_tokens,
      customer: distinct_id,
    }))
