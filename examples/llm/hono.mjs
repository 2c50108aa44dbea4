// Hono, as it runs on Node, Deno, Bun, Cloudflare Workers and Vercel edge.
import { Hono } from 'hono'
import { stream } from 'hono/streaming'
import { meter, model, openai } from './meter.mjs'

export const app = new Hono()
app.use((c, next) => meter.run({ subject: c.req.header('x-customer') }, next))

app.post('/chat', async (c) => {
  const { prompt } = await c.req.json()
  const answer = await openai.responses.create({ model, input: prompt, stream: true })
  return stream(c, async (out) => {
    for await (const event of answer) if (event.type === 'response.output_text.delta') await out.write(event.delta)
  })
})
