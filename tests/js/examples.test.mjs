// The examples run, answer, and each answer of the provider is one event of the customer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../../examples/llm/run.mjs'

test('examples of LLM clients', async (t) => {
  for (const { example, text, events } of await run()) {
    await t.test(example, () => {
      assert.match(text, /Hel/)
      const answers = example === 'agent' ? 2 : 1
      assert.deepEqual(
        events.map(({ type, subject, data }) => [type, subject, data.status, data.provider]),
        Array(answers).fill(['llm.usage', 'acme', 'complete', 'openai']),
      )
    })
  }
})
