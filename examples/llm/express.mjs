// Express: middleware says whose request it is; the handlers know nothing of metering.
import express from 'express'
import { meter, model, openai } from './meter.mjs'

export const app = express()
app.use(express.json())
app.use((request, _response, next) => meter.run({ subject: request.get('x-customer') }, next))

app.post('/chat', async (request, response) => {
  const messages = [{ role: 'user', content: request.body.prompt }]
  const stream = await openai.chat.completions.create({ model, messages, stream: true })
  for await (const { choices } of stream) response.write(choices[0]?.delta.content ?? '')
  response.end()
})
