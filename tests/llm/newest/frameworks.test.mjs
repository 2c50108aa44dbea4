// Frameworks above the SDKs: metered through the clients they call with, one event an answer; their own sums are not read.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { ChatAnthropic } from '@langchain/anthropic'
import { ChatGoogleGenerativeAI } from '@langchain/google-genai'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import {
  Agent,
  OpenAIChatCompletionsModel,
  OpenAIResponsesModel,
  Runner,
  run,
  setTracingDisabled,
  tool,
} from '@openai/agents'
import OpenAI from 'openai'
import { testMeter } from '../meter.mjs'
import { FOLDERS } from '../run-fixture.mjs'
import { startSimulator } from '../simulator.mjs'

const customer = { subject: 'customer-1' }
setTracingDisabled(true)

let simulator
let meter
before(async () => {
  simulator = await startSimulator({ dirs: FOLDERS, freshIds: true })
})
after(() => simulator.close())
beforeEach(() => {
  meter = testMeter()
})

const counts = async () =>
  (await meter.events()).map(({ subject, data }) => [subject, data.provider, data.status, data.output_tokens])

describe('LangChain', () => {
  const openai = (ids, more) =>
    new ChatOpenAI({
      model: 'gpt-5.5',
      apiKey: 'k',
      maxRetries: 0,
      configuration: { baseURL: simulator.url('openai', ids), fetch: meter.wrap(fetch, customer) },
      ...more,
    })

  test('ChatOpenAI, by `configuration.fetch`', async () => {
    await openai('openai-chat-basic').invoke('Hi')
    assert.deepEqual(await counts(), [['customer-1', 'openai', 'complete', 345]])
  })

  test('ChatOpenAI, streamed', async () => {
    let text = ''
    for await (const { content } of await openai('openai-chat-stream').stream('Hi')) text += content
    assert.match(text, /^Hello/)
    assert.deepEqual(await counts(), [['customer-1', 'openai', 'complete', 77]])
  })

  test('ChatOpenAI with the Responses API', async () => {
    await openai('openai-responses-basic', { useResponsesApi: true }).invoke('Hi')
    assert.equal((await counts()).length, 1)
  })

  test('OpenAIEmbeddings', async () => {
    const embeddings = new OpenAIEmbeddings({
      apiKey: 'k',
      model: 'text-embedding-3-small',
      configuration: { baseURL: simulator.url('openai', 'openai-embeddings'), fetch: meter.wrap(fetch, customer) },
    })
    await embeddings.embedQuery('Hi')
    assert.equal((await counts()).length, 1)
  })

  test('each run is its customer’s', async () => {
    const model = openai('openai-chat-basic', {
      configuration: { baseURL: simulator.url('openai', 'openai-chat-basic'), fetch: meter.meter.fetch },
    })
    const subjects = ['c-1', 'c-2', 'c-3']
    await Promise.all(subjects.map((subject) => meter.meter.run({ subject }, () => model.invoke('Hi'))))
    assert.deepEqual((await counts()).map(([subject]) => subject).sort(), subjects)
  })

  for (const [what, id] of [
    ['', 'anthropic-basic'],
    [', streamed', 'anthropic-stream'],
  ]) {
    test(`ChatAnthropic, by \`createClient\`${what}`, async () => {
      const model = new ChatAnthropic({
        model: 'claude-sonnet-5-5',
        apiKey: 'k',
        maxRetries: 0,
        anthropicApiUrl: simulator.url('anthropic', id),
        createClient: (options) => meter.wrap(new Anthropic(options), customer),
      })
      if (what) for await (const _ of await model.stream('Hi'));
      else await model.invoke('Hi')
      const [[subject, provider, status, tokens]] = await counts()
      assert.deepEqual([subject, provider, status], ['customer-1', 'anthropic', 'complete'])
      assert.ok(tokens > 0)
    })
  }

  test('ChatGoogleGenerativeAI has no client or fetch to give, and says so', () => {
    const model = new ChatGoogleGenerativeAI({ model: 'gemini-3.5-flash', apiKey: 'k' })
    assert.throws(() => meter.wrap(model, customer), { code: 'cannot_wrap' })
  })

  test('a model of LangChain itself is not wrapped, and says so', () => {
    assert.throws(() => meter.wrap(openai('openai-chat-basic'), customer), { code: 'cannot_wrap' })
  })
})

describe('OpenAI Agents', () => {
  const client = (ids) =>
    meter.wrap(new OpenAI({ apiKey: 'k', baseURL: simulator.url('openai', ids), maxRetries: 0 }), customer)
  const add = tool({
    name: 'add',
    description: 'Adds.',
    parameters: { type: 'object', properties: {}, required: [], additionalProperties: true },
    strict: false,
    execute: () => '5',
  })

  test('an agent with a tool: two answers, two events', async () => {
    const model = new OpenAIChatCompletionsModel(client(['openai-chat-toolcall', 'openai-chat-basic']), 'gpt-5.5')
    const result = await run(new Agent({ name: 'a', instructions: 'Add.', model, tools: [add] }), 'What is 2 + 3?')
    assert.equal(result.finalOutput, 'Hello there.')
    assert.equal((await counts()).length, 2)
  })

  test('with the Responses API, streamed', async () => {
    const model = new OpenAIResponsesModel(client('openai-responses-stream'), 'gpt-5.5')
    const result = await new Runner().run(new Agent({ name: 'a', model }), 'Hi', { stream: true })
    for await (const _ of result);
    await result.completed
    assert.equal((await counts()).length, 1)
  })
})
