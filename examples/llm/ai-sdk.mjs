// The AI SDK: a chat that streams. The provider's fetch is metered, so every step and every retry counts as what it is.
import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai'
import { meter, model } from './meter.mjs'

const openai = createOpenAI({
  apiKey: process.env.OPENAI_API_KEY ?? 'test',
  baseURL: process.env.OPENAI_BASE_URL,
  fetch: meter.fetch,
})

export async function POST(request) {
  const { prompt } = await request.json()
  return meter.run({ subject: request.headers.get('x-customer'), feature: 'chat' }, () =>
    streamText({ model: openai.chat(model), prompt }).toTextStreamResponse(),
  )
}
