// A script: a client wrapped for one customer.
import OpenAI from 'openai'
import { meter, model } from './meter.mjs'

const openai = meter.wrap(new OpenAI({ apiKey: process.env.OPENAI_API_KEY ?? 'test' }), { subject: 'acme' })

export async function main() {
  const answer = await openai.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello' }] })
  await meter.flush()
  return answer.choices[0].message.content
}
