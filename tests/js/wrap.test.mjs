// A wrapped client next to a bare one: whatever the caller can see is the same, and every answer is counted once.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI, { AzureOpenAI } from 'openai'
import OpenAI7 from 'openai-7'
import { testMeter } from '../llm/meter.mjs'
import { FOLDERS } from '../llm/run-fixture.mjs'
import { startSimulator } from '../llm/simulator.mjs'
import { until } from '../until.mjs'

const chat = { model: 'gpt-5.5', messages: [{ role: 'user', content: 'Hi' }] }
const ask = { model: 'gpt-5.5', input: 'Hi' }
const message = { model: 'claude-sonnet-5-5', max_tokens: 64, messages: [{ role: 'user', content: 'Hi' }] }
const usageAsked = { stream: true, stream_options: { include_usage: true } }
const schema = { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } }

let simulator
let meter
before(async () => {
  simulator = await startSimulator({ dirs: FOLDERS, freshIds: true })
})
after(() => simulator.close())
beforeEach(() => {
  simulator.reset()
  meter = testMeter()
})

/** Everything that a stream gives. */
async function all(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

/** What can be seen of a response, but for the date. */
function seen(response) {
  const { status, statusText, url, type, redirected, ok, bodyUsed } = response
  const headers = [...response.headers].filter(([name]) => name !== 'date')
  return { status, statusText, url, type, redirected, ok, bodyUsed, headers }
}

/** What the provider can see of a request, but for the wish for usage. */
function sent({ method, path, headers: { 'content-length': _length, 'content-type': type = '', ...headers }, body }) {
  // A form draws a boundary of its own each time.
  if (type.startsWith('multipart')) return { method, path, headers }
  const { stream_options, ...asked } = body ?? {}
  return { method, path, headers, type, asked }
}

/** The message and the class of what a call throws. */
async function thrown(promise) {
  const error = await promise.then(
    () => assert.fail('did not throw'),
    (e) => e,
  )
  return {
    name: error.constructor.name,
    message: error.message,
    status: error.status,
    code: error.code,
    body: error.error,
  }
}

/** Runs the same with the bare and with the wrapped client, and compares what the caller and the provider saw. */
async function same(make, statuses, use) {
  const bare = make()
  const expected = await use(bare)
  const requests = simulator.requests.map(sent)
  simulator.reset()
  const got = await use(meter.wrap(bare, { subject: 'customer-1' }))
  assert.deepEqual(plain(got), plain(expected))
  assert.deepEqual(simulator.requests.map(sent), requests)
  assert.deepEqual(
    (await meter.events()).map((event) => event.data.status),
    statuses,
  )
}

const plain = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))
const done = ['complete']

for (const [name, SDK] of Object.entries({ 'openai 6': OpenAI, 'openai 7': OpenAI7 })) {
  describe(name, () => {
    const on =
      (ids, options = {}) =>
      () =>
        new SDK({ apiKey: 'k', baseURL: simulator.url('openai', ids), maxRetries: 0, ...options })

    test('create', () => same(on('openai-chat-basic'), done, (c) => c.chat.completions.create(chat)))

    test('class and shape', () => {
      const bare = on()()
      const wrapped = meter.wrap(bare, { subject: 'customer-1' })
      assert.ok(wrapped instanceof SDK)
      assert.equal(wrapped.constructor, bare.constructor)
      assert.deepEqual(Object.keys(wrapped), Object.keys(bare))
      assert.equal(wrapped.buildURL('/models', {}), bare.buildURL('/models', {}))
    })

    test('withResponse', () =>
      same(on('openai-chat-basic'), done, async (c) => {
        const { data, response, request_id } = await c.chat.completions.create(chat).withResponse()
        return { data, request_id, response: seen(response) }
      }))

    test('asResponse', () =>
      same(on('openai-chat-basic'), done, async (c) => {
        const response = await c.chat.completions.create(chat).asResponse()
        return { before: seen(response), body: await response.text(), after: seen(response) }
      }))

    test('_request_id', () =>
      same(on('openai-chat-basic'), done, async (c) => (await c.chat.completions.create(chat))._request_id))

    test('stream, usage asked', () =>
      same(on('openai-chat-stream'), done, async (c) =>
        all(await c.chat.completions.create({ ...chat, ...usageAsked })),
      ))

    test('stream, usage not asked', () =>
      // `usage: null`, which the provider then adds to the other chunks, may stay.
      same(on('openai-chat-stream'), done, async (c) =>
        (await all(await c.chat.completions.create({ ...chat, stream: true }))).map(({ usage, ...chunk }) => {
          assert.equal(usage ?? null, null)
          return chunk
        }),
      ))

    test('stream, usage refused by the caller', () =>
      same(on('openai-chat-stream'), ['unreported'], async (c) =>
        all(await c.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: false } })),
      ))

    for (const id of ['openai-chat-stream-bytes', 'openai-chat-stream-once']) {
      test(`stream, other cuts: ${id}`, () =>
        same(on(id), done, async (c) =>
          (await all(await c.chat.completions.create({ ...chat, stream: true }))).map(({ usage, ...chunk }) => chunk),
        ))
    }

    test('stream that ends inside an event', () =>
      same(on('openai-chat-stream-unended'), ['unreported'], async (c) =>
        (await c.chat.completions.create({ ...chat, stream: true }).asResponse())
          .text()
          .then((text) => text.replaceAll(',"usage":null', '')),
      ))

    test('a provider that refuses stream_options is asked once', async () => {
      const client = meter.wrap(on(['openai-chat-refuses-usage', 'openai-chat-stream'])(), { subject: 'customer-1' })
      assert.equal((await all(await client.chat.completions.create({ ...chat, stream: true }))).length, 4)
      assert.equal((await all(await client.chat.completions.create({ ...chat, stream: true }))).length, 4)
      assert.deepEqual(
        simulator.requests.map(({ body }) => body.stream_options),
        [{ include_usage: true }, undefined, undefined],
      )
    })

    test('stream methods', () =>
      same(on('openai-chat-stream'), done, async (c) => {
        const stream = await c.chat.completions.create({ ...chat, ...usageAsked })
        await all(stream)
        return [
          typeof stream.tee,
          typeof stream.toReadableStream,
          stream.controller instanceof AbortController,
          stream.constructor.name,
        ]
      }))

    test('stream.tee()', () =>
      same(on('openai-chat-stream'), done, async (c) => {
        const [left, right] = (await c.chat.completions.create({ ...chat, ...usageAsked })).tee()
        return Promise.all([all(left), all(right)])
      }))

    test('toReadableStream()', () =>
      same(on('openai-chat-stream'), done, async (c) =>
        new Response((await c.chat.completions.create({ ...chat, ...usageAsked })).toReadableStream()).text(),
      ))

    test('stream withResponse', () =>
      same(on('openai-chat-stream'), done, async (c) => {
        const { data, response, request_id } = await c.chat.completions
          .create({ ...chat, ...usageAsked })
          .withResponse()
        return { response: seen(response), request_id, chunks: await all(data) }
      }))

    test('chat.completions.stream()', () =>
      same(on('openai-chat-stream'), done, async (c) => {
        const stream = c.chat.completions.stream(chat)
        const events = []
        stream.on('content', (delta) => events.push(delta)).on('chunk', (chunk) => events.push(chunk.choices))
        const { usage, ...completion } = await stream.finalChatCompletion()
        return { events, completion }
      }))

    test('chat.completions.parse()', () =>
      same(on('openai-chat-basic'), done, (c) =>
        c.chat.completions.parse({ ...chat, response_format: { type: 'text' } }),
      ))

    test('parse() keeps options.signal', () =>
      same(on('openai-chat-basic'), [], (c) =>
        thrown(c.chat.completions.parse({ ...chat, response_format: schema }, { signal: AbortSignal.abort() })),
      ))

    test('runTools() with two answers', () =>
      same(on(['openai-chat-toolcall', 'openai-chat-basic']), ['complete', 'complete'], (c) => {
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
        return c.chat.completions.runTools({ ...chat, tools: [add] }).finalContent()
      }))

    test('completions', () =>
      same(on('openai-completions-basic'), done, (c) => c.completions.create({ model: 'm', prompt: 'Hi' })))

    test('responses.create', () => same(on('openai-responses-basic'), done, (c) => c.responses.create(ask)))

    test('responses.create, stream', () =>
      same(on('openai-responses-stream'), done, async (c) => all(await c.responses.create({ ...ask, stream: true }))))

    test('responses.stream()', () =>
      same(on('openai-responses-stream'), done, async (c) => {
        const stream = c.responses.stream(ask)
        return { events: await all(stream), final: await stream.finalResponse() }
      }))

    test('responses.parse()', () => same(on('openai-responses-basic'), done, (c) => c.responses.parse(ask)))

    test('embeddings', () =>
      same(on('openai-embeddings'), done, (c) => c.embeddings.create({ model: 'text-embedding-3-small', input: 'Hi' })))

    test('images', () =>
      same(on('openai-images'), done, (c) => c.images.generate({ model: 'gpt-image-2', prompt: 'a cat' })))

    test('transcription, a form', () =>
      same(on('openai-transcription-tokens'), done, (c) =>
        c.audio.transcriptions.create({ model: 'gpt-4o-transcribe', file: new File(['x'], 'a.wav') }),
      ))

    test('withOptions() clone of a wrapped client', () =>
      same(on('openai-chat-basic'), done, (c) => c.withOptions({ timeout: 60_000 }).chat.completions.create(chat)))

    test('wrapped twice: counted once, for the one wrapped for last', async () => {
      const first = meter.wrap(on('openai-chat-basic')(), { subject: 'customer-1' })
      const second = meter.wrap(first, { subject: 'customer-2' })
      await second.chat.completions.create(chat)
      await first.chat.completions.create(chat)
      assert.deepEqual(
        (await meter.events()).map((event) => event.subject),
        ['customer-2', 'customer-1'],
      )
    })

    test('the client that was wrapped stays as it was, and can be shared', async () => {
      const bare = on('openai-chat-basic')()
      const clients = Array.from({ length: 10 }, (_, n) => meter.wrap(bare, { subject: `customer-${n}` }))
      await Promise.all([bare, ...clients].map((c) => c.chat.completions.create(chat)))
      assert.deepEqual(
        (await meter.events()).map((event) => event.subject).sort(),
        clients.map((_, n) => `customer-${n}`),
      )
    })

    test('early break reaches the provider', async () => {
      const client = meter.wrap(on('openai-chat-stream-hang')(), { subject: 'customer-1' })
      for await (const chunk of await client.chat.completions.create({ ...chat, stream: true })) {
        if (chunk.choices[0].delta.content) break
      }
      // The answer never ends by itself.
      await until(() => simulator.requests[0].clientGone)
      assert.deepEqual(
        (await meter.events()).map((event) => event.data.status),
        ['unreported'],
      )
    })

    test('abort signal', () =>
      same(on('openai-chat-stream-hang'), ['unreported'], async (c) => {
        const controller = new AbortController()
        const stream = await c.chat.completions.create({ ...chat, stream: true }, { signal: controller.signal })
        const contents = []
        for await (const chunk of stream) {
          contents.push(chunk.choices[0].delta.content)
          if (chunk.choices[0].delta.content) controller.abort()
        }
        return contents
      }))

    test('connection reset', () =>
      same(on('openai-chat-stream-reset'), ['unreported'], async (c) => {
        const contents = []
        const error = await thrown(
          (async () => {
            for await (const chunk of await c.chat.completions.create({ ...chat, stream: true }))
              contents.push(chunk.choices[0].delta.content)
          })(),
        )
        return { contents, error }
      }))

    test('slow consumer: no read-ahead', async () => {
      const client = meter.wrap(on('openai-chat-stream-large')(), { subject: 'customer-1' })
      const chunks = (await client.chat.completions.create({ ...chat, stream: true }))[Symbol.asyncIterator]()
      await chunks.next()
      await chunks.next()
      await sleep(300)
      // Of 40 MB, only what the sockets of the system hold: 4 MB, with a bare client too.
      const { written } = simulator.requests[0]
      assert.ok(written < 10_000_000, `${written} bytes read ahead`)
      await chunks.return()
    })

    test('error of a 400', () => same(on('http-400'), [], (c) => thrown(c.chat.completions.create(chat))))
    test('error of a 400, stream', () =>
      same(on('http-400'), [], (c) => thrown(c.chat.completions.create({ ...chat, stream: true }))))

    test('429, 500, 200: one record', () =>
      same(on(['http-429', 'http-500', 'openai-chat-basic'], { maxRetries: 2 }), done, (c) =>
        c.chat.completions.create(chat),
      ))

    test('timeout', () =>
      same(on('openai-chat-late', { timeout: 1000 }), [], (c) => thrown(c.chat.completions.create(chat))))

    test('a page of a proxy is not counted', () =>
      same(on('openai-chat-html'), [], (c) => c.chat.completions.create(chat)))

    test('other endpoints pass', () => same(on('openai-chat-basic'), [], (c) => c.models.retrieve('m')))
  })
}

describe('AzureOpenAI', () => {
  const azure = (id, options) => () =>
    new AzureOpenAI({
      apiKey: 'k',
      endpoint: simulator.url('azure', id),
      apiVersion: '2026-01-01',
      maxRetries: 0,
      ...options,
    })

  test('create, with deployment and api-version', () =>
    same(azure('azure-chat-basic', { deployment: 'prod' }), done, (c) => c.chat.completions.create(chat)))

  test('token provider', () =>
    same(azure('azure-chat-basic', { apiKey: undefined, azureADTokenProvider: async () => 't' }), done, (c) =>
      c.chat.completions.create(chat),
    ))

  test('stream, usage not asked', () =>
    same(azure('azure-chat-stream'), done, async (c) =>
      (await all(await c.chat.completions.create({ ...chat, stream: true }))).map(({ usage, ...chunk }) => chunk),
    ))
})

describe('anthropic', () => {
  const on =
    (id, options = {}) =>
    () =>
      new Anthropic({ apiKey: 'k', baseURL: simulator.url('anthropic', id), maxRetries: 0, ...options })

  test('create', () => same(on('anthropic-basic'), done, (c) => c.messages.create(message)))

  test('withResponse', () =>
    same(on('anthropic-basic'), done, async (c) => {
      const { data, response, request_id } = await c.messages.create(message).withResponse()
      return { data, request_id, own: data._request_id, response: seen(response) }
    }))

  test('create, stream', () =>
    same(on('anthropic-stream'), done, async (c) => all(await c.messages.create({ ...message, stream: true }))))

  test('messages.stream()', () =>
    same(on('anthropic-stream'), done, async (c) => {
      const stream = c.messages.stream(message)
      const texts = []
      stream.on('text', (text) => texts.push(text))
      return { final: await stream.finalMessage(), texts, request: stream.request_id }
    }))

  test('messages.stream() left early', () =>
    same(on('anthropic-stream-hang'), ['partial'], async (c) => {
      for await (const event of c.messages.stream(message)) if (event.type === 'content_block_delta') break
    }))

  test('connection reset', () =>
    same(on('anthropic-stream-reset'), ['partial'], (c) => thrown(c.messages.stream(message).finalMessage())))

  test('error event', () =>
    same(on('anthropic-stream-error'), ['partial'], (c) => thrown(c.messages.stream(message).finalMessage())))

  test('two records of one answer', () =>
    same(on('anthropic-iterations'), ['complete', 'complete'], (c) => c.messages.create(message)))

  test('counting tokens is free', () => same(on('anthropic-count-tokens'), [], (c) => c.messages.countTokens(message)))

  test('middleware of the client is kept', () =>
    same(on('anthropic-basic', { middleware: [(request, next) => next(request)] }), done, (c) =>
      c.messages.create(message),
    ))

  test('an overloaded provider, then an answer', () =>
    same(on(['http-500', 'anthropic-basic'], { maxRetries: 1 }), done, (c) => c.messages.create(message)))
})

describe('what cannot be wrapped', () => {
  for (const [what, client] of Object.entries({
    'an object without fetch': { withOptions() {} },
    'an older client': { fetch() {} },
    'a client that refuses another fetch': {
      fetch() {},
      withOptions() {
        throw new Error('no')
      },
    },
    'a client that ignores it': {
      fetch() {},
      withOptions() {
        return this
      },
    },
    nothing: undefined,
  })) {
    test(what, () => {
      assert.throws(() => meter.wrap(client, { subject: 'customer-1' }), {
        name: 'TaximeterError',
        code: 'cannot_wrap',
        help: /openai/,
      })
    })
  }
})
