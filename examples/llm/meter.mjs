// What all examples share: one meter, one wrapped client. Whose usage it is, each request says by `meter.run()`.
import OpenAI from 'openai'
import { openmeter, Taximeter } from 'taximeter'

export const meter = new Taximeter({
  source: 'examples',
  sink: openmeter({ url: process.env.OPENMETER_URL ?? 'http://localhost:8888' }),
  // Only for the simulator, whose address says nothing of the provider it plays.
  ...(process.env.OPENAI_BASE_URL && { provider: () => 'openai' }),
})

export const openai = meter.wrap(new OpenAI({ apiKey: process.env.OPENAI_API_KEY ?? 'test' }))
export const model = 'gpt-5.5'
