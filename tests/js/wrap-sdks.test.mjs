// The other SDKs: a wrapped client is of the same class, answers as the bare one, and is counted once.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createOpenAI } from '@ai-sdk/openai'
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk'
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk'
import { ConverseStreamCommand, InvokeModelCommand } from '@aws-sdk/client-bedrock-runtime'
import { embed, generateText, streamText, wrapEmbeddingModel, wrapLanguageModel } from 'ai'
import { testMeter } from '../llm/meter.mjs'
import { callFixture, clientFor, FOLDERS, PROVIDERS } from '../llm/run-fixture.mjs'
import { startSimulator } from '../llm/simulator.mjs'

const customer = { subject: 'customer-1' }
const message = { model: 'anthropic.claude-x', max_tokens: 64, messages: [{ role: 'user', content: 'Hi' }] }

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

const statuses = async () => (await meter.events()).map(({ data }) => data.status)
const subjects = async () => (await meter.events()).map(({ subject }) => subject)

describe('every SDK', () => {
  for (const provider of PROVIDERS) {
    const basic = () =>
      [...simulator.fixtures.values()].find(
        ({ provider: name, response, expect }) => name === provider && !response.stream && expect.records.length > 0,
      )

    test(`${provider}: same class, own copy, the bare one is left alone`, async () => {
      const bare = clientFor(simulator, basic())
      const keys = Object.keys(bare).sort()
      const wrapped = meter.wrap(bare, customer)
      assert.notEqual(wrapped, bare)
      assert.equal(Object.getPrototypeOf(wrapped), Object.getPrototypeOf(bare))
      assert.deepEqual(Object.keys(wrapped).sort(), keys)
      assert.equal(await callFixture(bare, basic()), undefined)
      assert.deepEqual(await statuses(), [])
      assert.equal(await callFixture(wrapped, basic()), undefined)
      assert.deepEqual(await statuses(), ['complete'])
      const sent = simulator.requests.map(({ method, path, body, headers }) => {
        const { date: _, authorization, 'x-amz-date': _d, 'amz-sdk-invocation-id': _i, ...rest } = headers
        return { method, path, body, rest, signed: typeof authorization }
      })
      assert.deepEqual(sent[1], sent[0])
    })

    test(`${provider}: wrapped twice is counted once, for the last`, async () => {
      const once = meter.wrap(clientFor(simulator, basic()), customer)
      const twice = meter.wrap(once, { subject: 'customer-2' })
      await callFixture(twice, basic())
      assert.deepEqual(await subjects(), ['customer-2'])
    })

    test(`${provider}: two meters count one each`, async () => {
      const other = testMeter()
      await callFixture(other.wrap(meter.wrap(clientFor(simulator, basic()), customer), customer), basic())
      assert.deepEqual([(await meter.events()).length, (await other.events()).length], [1, 1])
    })
  }

  for (const id of ['http-400', 'http-500']) {
    for (const provider of PROVIDERS) {
      test(`${provider}: ${id} throws the same and counts nothing`, async () => {
        const fixture = { ...simulator.fixtures.get(id), provider, path: '/chat', response: {} }
        const bare = clientFor(simulator, fixture)
        const expected = await callFixture(bare, fixture)
        const got = await callFixture(meter.wrap(bare, customer), fixture)
        assert.equal(got?.constructor, expected?.constructor)
        assert.equal(got?.message, expected?.message)
        assert.ok(expected instanceof Error)
        assert.deepEqual(await statuses(), [])
      })
    }
  }

  for (const provider of PROVIDERS) {
    const stream = () =>
      [...simulator.fixtures.values()].find((f) => f.provider === provider && f.response.stream && f.default)
    test(`${provider}: a stream gives the same chunks`, async () => {
      const fixture = stream()
      const chunks = async (client) => {
        const seen = []
        const error = await callFixture(client, fixture, (chunk) => seen.push(JSON.stringify(chunk)))
        assert.equal(error, undefined)
        return seen.map((text) => text.replaceAll(',"usage":null', ''))
      }
      const bare = clientFor(simulator, fixture)
      const [expected, got] = [await chunks(bare), await chunks(meter.wrap(bare, customer))]
      const fresh = (text) => text.replace(/"(created_?[aA]t?|id|responseId)":("[^"]*"|\d+)|"date":"[^"]*"/g, '')
      assert.deepEqual(got.map(fresh), expected.filter((text) => !isUsageOnly(text)).map(fresh))
      assert.deepEqual(await statuses(), ['complete'])
    })
  }
})

const isUsageOnly = (text) => /"choices":\[\]/.test(text) && /"usage":\{/.test(text)

describe('Anthropic elsewhere', () => {
  test('on Vertex', async () => {
    const bare = new AnthropicVertex({
      region: 'eu',
      projectId: 'p',
      baseURL: `${simulator.root}/f/anthropic-basic/google`,
      maxRetries: 0,
      authClient: { getRequestHeaders: async () => new Headers({ authorization: 'Bearer t' }), projectId: 'p' },
    })
    const wrapped = meter.wrap(bare, customer)
    assert.ok(wrapped instanceof AnthropicVertex)
    assert.equal(wrapped.region, 'eu')
    const answer = await wrapped.messages.create(message)
    assert.equal(answer.type, 'message')
    const [{ data }] = await meter.events()
    assert.deepEqual([data.provider, data.api, data.status], ['google', 'messages', 'complete'])
  })

  const bedrock = (id) =>
    new AnthropicBedrock({
      awsRegion: 'eu-west-1',
      awsAccessKey: 'k',
      awsSecretKey: 's',
      baseURL: `${simulator.root}/f/${id}/bedrock`,
      maxRetries: 0,
    })

  test('on Bedrock', async () => {
    const wrapped = meter.wrap(bedrock('anthropic-basic'), customer)
    assert.ok(wrapped instanceof AnthropicBedrock)
    assert.equal((await wrapped.messages.create(message)).type, 'message')
    const [{ data }] = await meter.events()
    assert.deepEqual([data.provider, data.api, data.status], ['bedrock', 'invoke', 'complete'])
  })

  test('on Bedrock, streamed in binary frames', async () => {
    const bare = bedrock('bedrock-anthropic-stream')
    const read = async (client) => {
      const events = []
      for await (const event of await client.messages.create({ ...message, stream: true })) events.push(event)
      return events.map(({ type }) => type)
    }
    const expected = await read(bare)
    assert.deepEqual(await read(meter.wrap(bare, customer)), expected)
    const [{ data }] = await meter.events()
    assert.deepEqual(
      [data.provider, data.status, data.model, data.input_tokens, data.output_tokens],
      ['bedrock', 'complete', 'claude-x', 25, 15],
    )
  })
})

describe('interactions of Google', () => {
  const client = (ids) => clientFor(simulator, { id: ids, provider: 'google' })
  const ask = { model: 'gemini-3.5-flash', input: 'Hi' }

  test('wrapped twice, called twice: each answer is counted once, for the last', async () => {
    const wrapped = meter.wrap(meter.wrap(client('google-interactions'), customer), { subject: 'customer-2' })
    await wrapped.interactions.create(ask)
    assert.equal(wrapped.interactions, wrapped.interactions)
    await wrapped.interactions.get('v1_ia-1')
    assert.ok((await subjects()).every((subject) => subject === 'customer-2'))
  })

  test('in the background: counted when it is done', async () => {
    const wrapped = meter.wrap(client(['google-interactions-queued', 'google-interactions']), customer)
    await wrapped.interactions.create({ ...ask, background: true })
    assert.deepEqual(await statuses(), [])
    await wrapped.interactions.get('v1_ia-3')
    assert.deepEqual(await statuses(), ['complete'])
  })

  test('the class stays whole', () => {
    const bare = client('google-interactions')
    const wrapped = meter.wrap(bare, customer)
    assert.equal(wrapped.interactions.constructor, bare.interactions.constructor)
    assert.equal(wrapped.agents.constructor, bare.agents.constructor)
  })
})

describe('AWS', () => {
  const bedrock = () => clientFor(simulator, simulator.fixtures.get('bedrock-converse-stream'))
  const input = { modelId: 'amazon.nova-pro-v1:0', messages: [{ role: 'user', content: [{ text: 'Hi' }] }] }

  test('a stream that is left early', async () => {
    const { stream } = await meter.wrap(bedrock(), customer).send(new ConverseStreamCommand(input))
    for await (const event of stream) if (event.contentBlockDelta) break
    assert.deepEqual(await statuses(), ['unreported'])
  })

  test('InvokeModel with a model of Anthropic', async () => {
    const client = clientFor(simulator, { id: 'anthropic-basic', provider: 'bedrock' })
    const command = new InvokeModelCommand({
      modelId: 'anthropic.claude-x',
      body: '{}',
      contentType: 'application/json',
    })
    const { body } = await meter.wrap(client, customer).send(command)
    assert.ok(body.length > 0)
    assert.deepEqual(await statuses(), ['complete'])
  })

  test('connections are shared, and middleware added later to one is not in the other', async () => {
    const bare = bedrock()
    const wrapped = meter.wrap(bare, customer)
    assert.equal(wrapped.config, bare.config)
    assert.notEqual(wrapped.middlewareStack, bare.middlewareStack)
    assert.deepEqual(wrapped.middlewareStack.identify().filter((name) => name.startsWith('taximeter')).length, 1)
  })
})

describe('AI SDK', () => {
  const openai = (ids, fetch) => createOpenAI({ apiKey: 'k', baseURL: simulator.url('openai', ids), fetch })
  const ask = { prompt: 'Hi', maxRetries: 0 }

  test('createOpenAI({ fetch }) with the customer of the request', async () => {
    const model = openai('openai-chat-basic', meter.meter.fetch).chat('gpt-5.5')
    await meter.meter.run(customer, () => generateText({ model, ...ask }))
    assert.deepEqual(await subjects(), ['customer-1'])
  })

  test('a fetch of a customer', async () => {
    const model = openai('openai-responses-basic', meter.wrap(fetch, customer))('gpt-5.5')
    await generateText({ model, ...ask })
    assert.deepEqual(await statuses(), ['complete'])
  })

  test('a model, streamed', async () => {
    const bare = openai('openai-chat-stream').chat('gpt-5.5')
    const model = meter.wrap(bare, customer)
    assert.equal(Object.getPrototypeOf(model), Object.getPrototypeOf(bare))
    const texts = []
    for (const use of [bare, model]) texts.push(await streamText({ model: use, ...ask }).text)
    assert.equal(texts[1], texts[0])
    assert.deepEqual(await statuses(), ['complete'])
  })

  test('embeddings', async () => {
    const model = meter.wrap(openai('openai-embeddings-float').embedding('text-embedding-3-small'), customer)
    await embed({ model, value: 'Hi', maxRetries: 0 })
    assert.deepEqual(await statuses(), ['complete'])
  })

  test('a stream left by break is counted by flush({ open: true })', async () => {
    const model = meter.wrap(openai('openai-chat-stream-hang').chat('gpt-5.5'), customer)
    for await (const text of streamText({ model, ...ask }).textStream) if (text) break
    await meter.meter.flush()
    assert.equal(meter.meter.stats().recorded, 0)
    await meter.meter.flush({ open: true })
    assert.deepEqual(await statuses(), ['unreported'])
  })

  test('middleware counts what no fetch counts', async () => {
    const model = wrapLanguageModel({
      model: openai('openai-chat-basic').chat('gpt-5.5'),
      middleware: meter.meter.middleware(customer),
    })
    await generateText({ model, ...ask })
    const [{ data }] = await meter.events()
    assert.deepEqual(
      [data.provider, data.model, data.status, data.input_tokens, data.cache_read_tokens, data.output_tokens],
      ['openai', 'gpt-5.5-2026-08-01', 'complete', 1200, 1024, 345],
    )
  })

  test('middleware of a model of embeddings counts what no fetch counts', async () => {
    const middleware = meter.meter.middleware(customer)
    const bare = () => openai('openai-embeddings-float').embedding('text-embedding-3-small')
    const results = []
    for (const model of [bare(), wrapEmbeddingModel({ model: bare(), middleware })]) {
      results.push(await embed({ model, value: 'Hi', maxRetries: 0 }))
    }
    assert.deepEqual(results[1].embedding, results[0].embedding)
    const [{ data }, ...more] = await meter.events()
    assert.deepEqual(
      [data.provider, data.model, data.status, data.input_tokens, more.length],
      ['openai', 'text-embedding-3-small', 'complete', results[0].usage.tokens, 0],
    )
    await embed({ model: wrapEmbeddingModel({ model: meter.wrap(bare(), customer), middleware }), value: 'Hi' })
    assert.equal((await meter.events()).length, 2)
  })

  test('middleware, streamed', async () => {
    const model = wrapLanguageModel({
      model: openai('openai-chat-stream').chat('gpt-5.5'),
      middleware: meter.meter.middleware(customer),
    })
    await streamText({ model, ...ask }).text
    assert.deepEqual(await statuses(), ['complete'])
  })

  test('telemetry counts what no other layer counts, as version 7 of the SDK calls it', async () => {
    const telemetry = meter.meter.telemetry({ ...customer, feature: 'chat' })
    const chatOf = (layer) =>
      wrapLanguageModel({ model: openai('openai-chat-basic').chat('gpt-5.5'), middleware: layer })
    const models = [
      openai('openai-chat-basic').chat('gpt-5.5'),
      openai('openai-chat-basic', meter.wrap(fetch, customer)).chat('gpt-5.5'),
      chatOf(meter.meter.middleware(customer)),
    ]
    for (const [n, model] of models.entries()) {
      const about = { callId: `call-${n}`, provider: model.provider, modelId: model.modelId }
      const { response } = await telemetry.executeLanguageModelCall({
        ...about,
        execute: () => generateText({ model, ...ask }),
      })
      // Flat, as it is told there.
      const usage = {
        inputTokens: 1200,
        inputTokenDetails: { noCacheTokens: 176, cacheReadTokens: 1024, cacheWriteTokens: undefined },
        outputTokens: 345,
        outputTokenDetails: { textTokens: 89, reasoningTokens: 256 },
        totalTokens: 1545,
      }
      telemetry.onLanguageModelCallEnd({ ...about, modelId: response.modelId, responseId: response.id, usage })
    }
    const events = await meter.events()
    assert.deepEqual(
      events.map(({ data }) => [data.feature, data.input_tokens, data.cache_read_tokens, data.output_reasoning_tokens]),
      [
        ['chat', 1200, 1024, 256],
        [undefined, 1200, 1024, 256],
        [undefined, 1200, 1024, 256],
      ],
    )
    await assert.rejects(
      telemetry.executeLanguageModelCall({ callId: 'c', execute: () => Promise.reject(new TypeError('no')) }),
      TypeError,
    )
    telemetry.onLanguageModelCallEnd({ callId: 'unknown', usage: {} })
    assert.equal((await meter.events()).length, 3)
  })

  test('middleware on a metered fetch: counted once', async () => {
    const middleware = meter.meter.middleware(customer)
    for (const model of [
      openai('openai-chat-basic', meter.wrap(fetch, customer)).chat('gpt-5.5'),
      meter.wrap(openai('openai-chat-basic').chat('gpt-5.5'), customer),
    ]) {
      await generateText({ model: wrapLanguageModel({ model, middleware }), ...ask })
    }
    assert.deepEqual(await statuses(), ['complete', 'complete'])
  })
})

describe('what cannot be wrapped', () => {
  for (const [what, client] of Object.entries({
    'an object': {},
    nothing: null,
    'a text': 'client',
    'a class': class Client {},
    'an AI SDK provider': createOpenAI({ apiKey: 'k' }),
    'a client of LangChain': { lc_serializable: true, client: {}, clientConfig: {} },
    'a client with a fetcher of its own': { _options: { token: 't', fetcher: () => {} } },
  })) {
    test(what, () => assert.throws(() => meter.wrap(client, customer), { code: 'cannot_wrap' }))
  }
})
