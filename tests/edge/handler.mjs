// What runs at Vercel's edge. Its `waitUntil` is found in the request's context.
/* global env */
import OpenAI from 'openai'
import { openmeter, Taximeter } from 'taximeter'

export async function chat() {
  const meter = new Taximeter({ source: 'edge', sink: openmeter({ url: env.VENDOR }), provider: () => 'openai' })
  const openai = meter.wrap(new OpenAI({ apiKey: 'k', baseURL: env.OPENAI, maxRetries: 0 }), { subject: 'c' })
  const messages = [{ role: 'user', content: 'Hi' }]
  const { choices } = await openai.chat.completions.create({ model: 'gpt-5.5', messages })
  return choices[0].message.content
}
