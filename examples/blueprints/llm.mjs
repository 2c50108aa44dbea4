// A chat that is billed by tokens: the client is wrapped, and all else stays as it is.
import OpenAI from 'openai'
import { openmeter, Taximeter } from 'taximeter'
import { llm } from 'taximeter/blueprints'
import book from 'taximeter/prices'

const meter = new Taximeter({
  source: 'chat-app',
  sink: openmeter({ url: process.env.OPENMETER_URL ?? 'http://localhost:8888' }),
  meters: llm.meters,
  prices: { meters: llm.prices, book },
  // Only for a simulator, whose address says nothing of the provider it plays.
  ...(process.env.OPENAI_BASE_URL && { provider: () => 'openai' }),
})

const openai = meter.wrap(new OpenAI({ apiKey: process.env.OPENAI_API_KEY ?? 'test' }), { subject: 'acme' })
await openai.chat.completions.create({ model: 'gpt-5.5', messages: [{ role: 'user', content: 'Hello' }] })

const { total, provider, margin } = meter.cost({ subject: 'acme' })
console.log({ billed: total, provider: provider.total, margin })
await meter.close()
