/** `@dodopayments/ingestion-blueprints`: `createLLMTracker(…).wrap({ client, customerId })`. */
import { createLLMTracker } from '@dodopayments/ingestion-blueprints'

export const how = 'Proxy'
export const hasCustomers = true

export function start(url) {
  const { fetch } = globalThis
  // It knows no server but the vendor's own, and takes the `fetch` that is there when it is made.
  globalThis.fetch = (input, init) => fetch(String(input).replace(/^https:\/\/[^/]*dodopayments\.com/, url), init)
  const tracker = createLLMTracker({ apiKey: 'key', environment: 'test_mode', eventName: 'llm' })
  globalThis.fetch = fetch
  const wrap = (client, customer) => tracker.wrap({ client, customerId: customer })
  return { openai: wrap, anthropic: wrap, flush: async () => {} }
}

export const records = (received) =>
  received
    .flatMap(({ body }) => body?.events ?? [])
    .map(({ customer_id, metadata }) => ({
      input: metadata.inputTokens,
      output: metadata.outputTokens,
      customer: customer_id,
    }))
