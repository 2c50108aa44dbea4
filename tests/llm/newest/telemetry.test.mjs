// The AI SDK's telemetry as a layer that counts: it, middleware and a metering fetch together count an answer once.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, isStepCount, jsonSchema, registerTelemetry, streamText, tool, wrapLanguageModel } from 'ai'
import { testMeter } from '../meter.mjs'
import { FOLDERS } from '../run-fixture.mjs'
import { startSimulator } from '../simulator.mjs'

const customer = { subject: 'customer-1' }

let simulator
let meter
before(async () => {
  simulator = await startSimulator({ dirs: FOLDERS, freshIds: true })
})
after(() => simulator.close())
beforeEach(() => {
  meter = testMeter()
  globalThis.AI_SDK_TELEMETRY_INTEGRATIONS = undefined
})

const openai = (ids, fetch) => createOpenAI({ apiKey: 'k', baseURL: simulator.url('openai', ids), fetch })
const ask = { prompt: 'Hi', maxRetries: 0 }
const counts = async () =>
  (await meter.events()).map(({ subject, data }) => [subject, data.model, data.input_tokens, data.output_tokens])
const BASIC = ['customer-1', 'gpt-5.5-2026-08-01', 1200, 345]

describe('telemetry', () => {
  test('counts what nothing else counts, with all of its parts', async () => {
    registerTelemetry(meter.meter.telemetry(customer))
    await generateText({ model: openai('openai-chat-basic').chat('gpt-5.5'), ...ask })
    const [{ data, id }] = await meter.events()
    assert.deepEqual([data.provider, data.status, data.cache_read_tokens], ['openai', 'complete', 1024])
    assert.match(id, /^openai\/chatcmpl-/)
    assert.deepEqual(await counts(), [BASIC])
  })

  test('of one call', async () => {
    const telemetry = { integrations: [meter.meter.telemetry()] }
    const model = openai('openai-chat-basic').chat('gpt-5.5')
    await meter.meter.run(customer, () => generateText({ model, telemetry, ...ask }))
    assert.deepEqual(await counts(), [BASIC])
  })

  test('of streams, one event a step', async () => {
    registerTelemetry(meter.meter.telemetry(customer))
    const model = openai(['openai-chat-toolcall', 'openai-chat-basic']).chat('gpt-5.5')
    const add = tool({ inputSchema: jsonSchema({ type: 'object' }), execute: () => 5 })
    await streamText({ model: openai('openai-chat-stream').chat('gpt-5.5'), ...ask }).text
    assert.equal((await counts()).length, 1)
    await generateText({ model, tools: { add }, stopWhen: isStepCount(2), ...ask })
    assert.equal((await counts()).length, 3)
  })

  test('of an answer after a retry', async () => {
    registerTelemetry(meter.meter.telemetry(customer))
    const model = openai(['http-500', 'openai-chat-basic']).chat('gpt-5.5')
    await generateText({ model, ...ask, maxRetries: 1 })
    assert.deepEqual(await counts(), [BASIC])
  })

  const layers = {
    'a metering fetch': () => openai('openai-chat-basic', meter.wrap(fetch, customer)).chat('gpt-5.5'),
    'a model that is wrapped': () => meter.wrap(openai('openai-chat-basic').chat('gpt-5.5'), customer),
    middleware: () =>
      wrapLanguageModel({
        model: openai('openai-chat-basic').chat('gpt-5.5'),
        middleware: meter.meter.middleware(customer),
      }),
    'all of them': () =>
      wrapLanguageModel({
        model: meter.wrap(openai('openai-chat-basic', meter.wrap(fetch, customer)).chat('gpt-5.5'), customer),
        middleware: meter.meter.middleware(customer),
      }),
  }
  for (const [what, model] of Object.entries(layers)) {
    test(`above ${what}: counted once`, async () => {
      registerTelemetry(meter.meter.telemetry({ subject: 'telemetry' }))
      await Promise.all(Array.from({ length: 5 }, () => generateText({ model: model(), ...ask })))
      assert.deepEqual(await counts(), Array(5).fill(BASIC))
    })
  }

  test('above a metering fetch, streamed: counted once', async () => {
    registerTelemetry(meter.meter.telemetry({ subject: 'telemetry' }))
    const model = openai('openai-chat-stream', meter.wrap(fetch, customer)).chat('gpt-5.5')
    await streamText({ model, ...ask }).text
    assert.deepEqual(
      (await counts()).map(([subject]) => subject),
      ['customer-1'],
    )
  })
})
