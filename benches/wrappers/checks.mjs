/**
 * What is asked of every wrapper, the same code for all. A check uses a client as its author would and gives back what a
 * caller can see; that, and what the provider saw, must be as with the bare SDK, and `counts` (input and output tokens)
 * must be what the wrapper reported, no answer more and none less.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** In every prompt; it may be in nothing that is reported. */
export const MARKER = 'canary-of-a-prompt'

const messages = [{ role: 'user', content: MARKER }]
const chat = { model: 'gpt-5.5', messages }
const ask = { model: 'gpt-5.5', input: MARKER }
const message = { model: 'claude-sonnet-5-5', max_tokens: 64, messages }
const streamed = { ...chat, stream: true }
const asked = { ...streamed, stream_options: { include_usage: true } }
const schema = { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } }

const BASIC = [1200, 345]
const STREAM = [830, 77]

async function all(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

/** The provider adds `usage: null` to the other chunks when it is asked for usage; that may be seen. */
const withoutNull = (chunks) =>
  chunks.map(({ usage, ...chunk }) => (usage === null || usage === undefined ? chunk : { ...chunk, usage }))

const thrown = (promise) =>
  promise.then(
    () => 'did not throw',
    (e) => ({ name: e.constructor.name, message: e.message, status: e.status, code: e.code }),
  )

const add = {
  type: 'function',
  function: {
    name: 'add',
    description: '',
    parse: JSON.parse,
    parameters: { type: 'object' },
    function: ({ a, b }) => `${a + b}`,
  },
}

/** Until the provider sees that the client is gone, at most ten seconds. */
async function gone(simulator) {
  for (let n = 0; n < 500 && !simulator.requests[0].clientGone; n += 1) await sleep(20)
  return simulator.requests[0].clientGone
}

/** On the openai package. */
const OPENAI = [
  {
    name: 'create',
    says: 'an answer is counted',
    on: 'openai-chat-basic',
    use: (c) => c.chat.completions.create(chat),
    counts: [BASIC],
  },
  {
    name: 'instanceof',
    says: 'the client is still an `OpenAI`, and `buildURL()` gives a URL',
    on: 'openai-chat-basic',
    use: (c, { OpenAI }) => [c instanceof OpenAI, c.buildURL('/models', {}).endsWith('/models')],
    counts: [],
  },
  {
    name: 'withResponse',
    says: '`.withResponse()` gives data, response and request id',
    on: 'openai-chat-basic',
    async use(c) {
      const { data, response, request_id } = await c.chat.completions.create(chat).withResponse()
      return { data, request_id, status: response.status, type: response.headers.get('content-type') }
    },
    counts: [BASIC],
  },
  {
    name: 'asResponse',
    says: '`.asResponse()` gives a response whose body is unread',
    on: 'openai-chat-basic',
    use: async (c) => (await c.chat.completions.create(chat).asResponse()).text(),
    counts: [BASIC],
  },
  {
    name: '_request_id',
    says: 'the answer keeps `_request_id`',
    on: 'openai-chat-basic',
    use: async (c) => (await c.chat.completions.create(chat))._request_id,
    counts: [BASIC],
  },
  {
    name: 'stream, usage asked',
    says: 'a stream whose usage the caller asked for is counted, every chunk comes',
    on: 'openai-chat-stream',
    use: async (c) => all(await c.chat.completions.create(asked)),
    counts: [STREAM],
  },
  {
    name: 'stream, not asked',
    says: 'a stream is counted though the caller did not ask for usage, who sees no chunk more',
    on: 'openai-chat-stream',
    use: async (c) => withoutNull(await all(await c.chat.completions.create(streamed))),
    counts: [STREAM],
  },
  {
    name: 'stream methods',
    says: 'a stream has `tee`, `toReadableStream` and `controller`; the latter two work',
    on: 'openai-chat-stream',
    async use(c) {
      const stream = await c.chat.completions.create(asked)
      const shape = [typeof stream.tee, stream.controller instanceof AbortController]
      return [shape, await new Response(stream.toReadableStream()).text()]
    },
    counts: [STREAM],
  },
  {
    name: 'tee()',
    says: 'both halves of `stream.tee()` give every chunk, counted once',
    on: 'openai-chat-stream',
    async use(c) {
      const halves = (await c.chat.completions.create(asked)).tee()
      return Promise.all(halves.map(all))
    },
    counts: [STREAM],
  },
  {
    name: 'stream, withResponse',
    says: '`.withResponse()` of a stream gives the stream and the response',
    on: 'openai-chat-stream',
    async use(c) {
      const { data, response, request_id } = await c.chat.completions.create(asked).withResponse()
      return { status: response.status, request_id, chunks: await all(data) }
    },
    counts: [STREAM],
  },
  {
    name: 'chat stream()',
    says: '`chat.completions.stream()` gives its events and its final completion',
    on: 'openai-chat-stream',
    async use(c) {
      const stream = c.chat.completions.stream({ ...chat, stream_options: { include_usage: true } })
      const deltas = []
      stream.on('content', (delta) => deltas.push(delta))
      return { final: await stream.finalChatCompletion(), deltas }
    },
    counts: [STREAM],
  },
  {
    name: 'chat parse()',
    says: '`chat.completions.parse()` gives the parsed completion',
    on: 'openai-chat-basic',
    use: (c) => c.chat.completions.parse({ ...chat, response_format: { type: 'text' } }),
    counts: [BASIC],
  },
  {
    name: 'parse(), signal',
    says: '`parse()` with an aborted signal is aborted',
    on: 'openai-chat-basic',
    use: (c) => thrown(c.chat.completions.parse({ ...chat, response_format: schema }, { signal: AbortSignal.abort() })),
    counts: [],
  },
  {
    name: 'runTools()',
    says: 'two answers of `runTools()` are two records',
    on: ['openai-chat-toolcall', 'openai-chat-basic'],
    use: (c) => c.chat.completions.runTools({ ...chat, tools: [add] }).finalContent(),
    counts: [[90, 21], BASIC],
  },
  {
    name: 'responses',
    says: '`responses.create()` is counted',
    on: 'openai-responses-basic',
    use: (c) => c.responses.create(ask),
    counts: [[5000, 640]],
  },
  {
    name: 'responses, stream',
    says: 'a stream of `responses.create()` is counted',
    on: 'openai-responses-stream',
    use: async (c) => all(await c.responses.create({ ...ask, stream: true })),
    counts: [[321, 99]],
  },
  {
    name: 'responses stream()',
    says: '`responses.stream()` gives its events and its final response',
    on: 'openai-responses-stream',
    async use(c) {
      const stream = c.responses.stream(ask)
      return { events: await all(stream), final: await stream.finalResponse() }
    },
    counts: [[321, 99]],
  },
  {
    name: 'responses parse()',
    says: '`responses.parse()` gives the parsed response',
    on: 'openai-responses-basic',
    use: (c) => c.responses.parse(ask),
    counts: [[5000, 640]],
  },
  {
    name: 'embeddings',
    says: 'embeddings are counted',
    on: 'openai-embeddings',
    use: (c) => c.embeddings.create({ model: 'text-embedding-3-small', input: MARKER }),
    counts: [[44, 0]],
  },
  {
    name: 'images',
    says: 'an image is counted',
    on: 'openai-images',
    use: (c) => c.images.generate({ model: 'gpt-image-2', prompt: MARKER }),
    counts: [[50, 4160]],
  },
  {
    name: 'withOptions()',
    says: 'a clone made by `withOptions()` is counted too',
    on: 'openai-chat-basic',
    use: (c) => c.withOptions({ timeout: 5000 }).chat.completions.create(chat),
    counts: [BASIC],
  },
  {
    name: 'early break',
    says: 'leaving a stream hangs up on the provider, and there is a record of it',
    on: 'openai-chat-stream-hang',
    async use(c, { simulator }) {
      for await (const chunk of await c.chat.completions.create(streamed)) {
        if (chunk.choices[0].delta.content) break
      }
      return gone(simulator)
    },
    counts: 'one',
  },
  {
    name: 'slow consumer',
    says: 'of 40 MB, what nobody reads is not fetched (below 10 MB)',
    on: 'openai-chat-stream-large',
    async use(c, { simulator }) {
      const chunks = (await c.chat.completions.create(streamed))[Symbol.asyncIterator]()
      await chunks.next()
      await chunks.next()
      await sleep(300)
      const isSmall = simulator.requests[0].written < 10_000_000
      await chunks.return()
      return isSmall
    },
  },
  {
    name: 'error of a 400',
    says: 'an error has the same class, status and message, and is not counted',
    on: 'http-400',
    use: (c) => thrown(c.chat.completions.create(chat)),
    counts: [],
  },
]

/** What else is promised to whoever bills by it. */
const FURTHER = [
  {
    name: 'cache tokens',
    says: 'cached tokens are told apart, within the input',
    on: 'openai-chat-basic',
    use: (c) => c.chat.completions.create(chat),
    counts: [BASIC],
    details: { cacheRead: 1024 },
  },
  {
    name: 'reasoning tokens',
    says: 'reasoning tokens are told apart, within the output',
    on: 'openai-chat-basic',
    use: (c) => c.chat.completions.create(chat),
    counts: [BASIC],
    details: { reasoning: 256 },
  },
  {
    name: 'abort',
    says: 'a stream aborted by its signal ends as ever, and there is a record of it',
    on: 'openai-chat-stream-hang',
    async use(c) {
      const controller = new AbortController()
      const contents = []
      for await (const chunk of await c.chat.completions.create(streamed, { signal: controller.signal })) {
        contents.push(chunk.choices[0].delta.content)
        if (chunk.choices[0].delta.content) controller.abort()
      }
      return contents
    },
    counts: 'one',
  },
  {
    name: 'retries',
    says: '429, 500, then an answer: one record',
    on: ['http-429', 'http-500', 'openai-chat-basic'],
    options: { maxRetries: 2 },
    use: (c) => c.chat.completions.create(chat),
    counts: [BASIC],
  },
  {
    name: 'wrapped twice',
    says: 'a client that is wrapped twice is counted once',
    on: 'openai-chat-basic',
    needs: 'wrap',
    use: (c, { wrap }) => wrap(c).chat.completions.create(chat),
    counts: [BASIC],
  },
  {
    name: 'customers',
    says: '20 customers at once, each with its own record',
    on: 'openai-chat-basic',
    needs: 'customers',
    async use(_, { clientOf, parameters }) {
      const customers = Array.from({ length: 20 }, (_, n) => `customer-${n}`)
      await Promise.all(customers.map((id) => clientOf(id).chat.completions.create({ ...chat, ...parameters(id) })))
      return customers.length
    },
    counts: Array(20).fill(BASIC),
    customers: Array.from({ length: 20 }, (_, n) => `customer-${n}`),
  },
  {
    name: 'vendor refuses',
    says: 'the meter’s server answers 503: the call is answered as ever, within a second, nothing is rejected',
    on: 'openai-chat-basic',
    sink: 'refuses',
    use: (c) => c.chat.completions.create(chat),
  },
  {
    name: 'vendor hangs',
    says: 'the meter’s server never answers: the call is answered as ever, within a second, nothing is rejected',
    on: 'openai-chat-basic',
    sink: 'hangs',
    use: (c) => c.chat.completions.create(chat),
  },
  {
    name: 'prompts stay',
    says: 'nothing of the prompt is in what is reported, by default settings (tools that trace report it on purpose)',
    on: 'openai-chat-basic',
    use: (c) => c.chat.completions.create(chat),
    counts: [BASIC],
    isPrivate: true,
  },
  {
    name: 'Anthropic',
    says: 'a message of Anthropic is counted; input, cache reads and cache writes can be told',
    provider: 'anthropic',
    on: 'anthropic-basic',
    use: (c) => c.messages.create(message),
    counts: [[10_600, 420]],
    details: { cacheRead: 8000, cacheWrite: 2500 },
  },
  {
    name: 'Anthropic, stream',
    says: 'the same of a stream',
    provider: 'anthropic',
    on: 'anthropic-stream',
    use: async (c) => all(await c.messages.create({ ...message, stream: true })),
    counts: [[1225, 15]],
    details: { cacheRead: 1000, cacheWrite: 200 },
  },
  {
    name: 'Anthropic stream()',
    says: 'the same of `messages.stream()`, whose final message comes',
    provider: 'anthropic',
    on: 'anthropic-stream',
    use: (c) => c.messages.stream(message).finalMessage(),
    counts: [[1225, 15]],
    details: { cacheRead: 1000, cacheWrite: 200 },
  },
]

export const groups = { openai: OPENAI, further: FURTHER }
export const checks = Object.values(groups).flat()
