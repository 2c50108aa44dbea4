// A route handler of Next: app/api/chat/route.ts. In a serverless function, flush before it is frozen: hand the flush to
// Next's `after()`, or await it.
import { meter, model, openai } from './meter.mjs'

export async function POST(request) {
  const { prompt } = await request.json()
  const answer = await openai.chat.completions.create(
    { model, messages: [{ role: 'user', content: prompt }] },
    // Works on every platform, also without AsyncLocalStorage. The provider never sees it.
    {
      headers: { 'taximeter-context': new URLSearchParams({ subject: request.headers.get('x-customer') }).toString() },
    },
  )
  await meter.flush()
  return Response.json({ text: answer.choices[0].message.content })
}
