// A worker that answers with LLM calls: what users of Cloudflare Workers write, in the ways they can.

import { waitUntil } from 'cloudflare:workers'
import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai'
import OpenAI from 'openai'
import { openmeter, Taximeter } from 'taximeter'

const model = 'gpt-5.5'
const messages = [{ role: 'user', content: 'Hi' }]
const provider = () => 'openai'
let shared

/** Made once for all requests, with the module's `waitUntil`. */
function common({ VENDOR, OPENAI }) {
  if (shared) return shared
  const meter = new Taximeter({ source: 'worker', sink: openmeter({ url: VENDOR }), waitUntil, provider })
  const openai = meter.wrap(new OpenAI({ apiKey: 'k', baseURL: OPENAI, maxRetries: 0 }))
  shared = { meter, openai }
  return shared
}

let none
function unextended({ VENDOR }) {
  none ??= new Taximeter({ source: 'worker', sink: openmeter({ url: VENDOR }) })
  return none
}

const of = (request) => ({
  headers: { 'taximeter-context': `subject=${new URL(request.url).searchParams.get('subject')}` },
})

const ROUTES = {
  /** An answer, and its event after it. */
  async '/chat'(request, env) {
    const { openai } = common(env)
    const { choices } = await openai.chat.completions.create({ model, messages }, of(request))
    return new Response(choices[0].message.content)
  },
  /** A stream that is passed on as it comes. */
  async '/stream'(request, env) {
    const { openai } = common(env)
    const stream = await openai.chat.completions.create({ model, messages, stream: true }, of(request))
    return new Response(stream.toReadableStream())
  },
  /** A stream that is left early. */
  async '/break'(request, env) {
    const { openai } = common(env)
    let text = ''
    for await (const { choices } of await openai.chat.completions.create(
      { model, messages, stream: true },
      of(request),
    )) {
      text += choices[0].delta.content
      if (text) break
    }
    return new Response(text)
  },
  /** The AI SDK, with a fetch of the request's customer. */
  async '/ai'(request, env) {
    const { meter } = common(env)
    const subject = new URL(request.url).searchParams.get('subject')
    const openai = createOpenAI({ apiKey: 'k', baseURL: env.OPENAI, fetch: meter.wrap(fetch, { subject }) })
    return streamText({ model: openai.chat(model), prompt: 'Hi', maxRetries: 0 }).toTextStreamResponse()
  },
  /** A meter of the request, with the `waitUntil` of its context. */
  async '/own'(_request, env, ctx) {
    const meter = new Taximeter({
      source: 'worker',
      sink: openmeter({ url: env.VENDOR }),
      waitUntil: (promise) => ctx.waitUntil(promise),
      provider,
    })
    const openai = meter.wrap(new OpenAI({ apiKey: 'k', baseURL: env.OPENAI, maxRetries: 0 }), { subject: 'own' })
    const { choices } = await openai.chat.completions.create({ model, messages })
    meter.record({ type: 'request', subject: 'own', data: { route: '/own' } })
    return new Response(choices[0].message.content)
  },
  /** Without `waitUntil`: what is on its way when the answer is given ends with it. */
  async '/none'(_request, env) {
    const meter = unextended(env)
    meter.record({ type: 'request', subject: 'none' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    return new Response('recorded')
  },
  /** Without `waitUntil`, but awaited: with what requests before it have left. */
  async '/flush'(_request, env) {
    const meter = unextended(env)
    meter.record({ type: 'request', subject: 'flush' })
    return Response.json(await meter.flush({ deadlineMs: 3000 }))
  },
  '/stats': async (_request, env) => Response.json([common(env).meter.stats(), none?.stats()]),
  /** Whose usage it is, by the platform's AsyncLocalStorage. */
  async '/run'(request, env) {
    const { meter, openai } = common(env)
    const subject = new URL(request.url).searchParams.get('subject')
    try {
      const { choices } = await meter.run({ subject }, () => openai.chat.completions.create({ model, messages }))
      return new Response(choices[0].message.content)
    } catch (error) {
      return new Response(error.code)
    }
  },
}

export default {
  fetch: (request, env, ctx) => ROUTES[new URL(request.url).pathname](request, env, ctx),
}
