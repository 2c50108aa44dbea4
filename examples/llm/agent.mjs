// An agent: the model calls tools until it has an answer. Each turn is an answer of its own, and one event.
import { meter, model, openai } from './meter.mjs'

const add = {
  type: 'function',
  function: {
    name: 'add',
    description: 'Adds two numbers.',
    parameters: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } },
    parse: JSON.parse,
    function: ({ a, b }) => String(a + b),
  },
}

export async function main() {
  const messages = [{ role: 'user', content: 'What is 2 + 3?' }]
  const text = await meter.run({ subject: 'acme', feature: 'agent' }, () =>
    openai.chat.completions.runTools({ model, messages, tools: [add] }).finalContent(),
  )
  await meter.flush()
  return text
}
