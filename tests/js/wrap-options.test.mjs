// Whose usage it is, what becomes of streams that are left early, which form events have, and what comes without HTTP.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Anthropic from '@anthropic-ai/sdk'
import { Mistral } from '@mistralai/mistralai'
import OpenAI from 'openai'
import { testMeter } from '../llm/meter.mjs'
import { clientFor, FOLDERS } from '../llm/run-fixture.mjs'
import { startSimulator } from '../llm/simulator.mjs'
import { until } from '../until.mjs'

const chat = { model: 'gpt-5.5', messages: [{ role: 'user', content: 'Hi' }] }
const message = { model: 'claude-sonnet-5-5', max_tokens: 64, messages: chat.messages }
const customer = { subject: 'customer-1' }

let simulator
before(async () => {
  simulator = await startSimulator({ dirs: FOLDERS, freshIds: true })
})
after(() => simulator.close())
beforeEach(() => simulator.reset())

const meterWith = (options) => testMeter(undefined, options)
const openai = (ids) => new OpenAI({ apiKey: 'k', baseURL: simulator.url('openai', ids), maxRetries: 0 })
const anthropic = (ids) => new Anthropic({ apiKey: 'k', baseURL: simulator.url('anthropic', ids), maxRetries: 0 })

describe('whose usage it is', () => {
  test('run() says it, also for calls that are made later on, and 50 customers at once do not mix', async () => {
    const { meter, wrap, events } = meterWith()
    const client = wrap(openai('openai-chat-basic'))
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        meter.run({ subject: `customer-${n}`, turn: n }, async () => {
          await sleep(Math.random() * 20)
          await client.chat.completions.create({ ...chat, user: `customer-${n}` })
          const stream = await client.chat.completions.create({ ...chat, user: `customer-${n}` })
          return stream
        }),
      ),
    )
    const got = await events()
    assert.equal(got.length, 100)
    const asked = new Map(simulator.requests.map(({ n, body }) => [`openai/chatcmpl-m1-${n}`, body.user]))
    for (const { id, subject, data } of got) {
      assert.equal(subject, asked.get(id))
      assert.equal(`customer-${data.turn}`, subject)
    }
  })

  test('inner run() adds to the outer, and wins', async () => {
    const { meter, wrap, events } = meterWith()
    const client = wrap(openai('openai-chat-basic'), { subject: 'default', plan: 'free' })
    await meter.run({ subject: 'customer-1', feature: 'a' }, () =>
      meter.run({ feature: 'b' }, () => client.chat.completions.create(chat)),
    )
    const [{ subject, data }] = await events()
    assert.deepEqual([subject, data.feature, data.plan], ['customer-1', 'b', 'free'])
  })

  for (const [what, headers] of Object.entries({
    'an object': { 'Taximeter-Context': 'subject=customer+9&feature=%C3%BC', 'x-own': '1' },
    Headers: new Headers({ 'taximeter-context': 'subject=customer+9&feature=%C3%BC', 'x-own': '1' }),
  })) {
    test(`a header says it, and is not sent: ${what}`, async () => {
      const { wrap, events } = meterWith()
      const client = wrap(openai('openai-chat-basic'), { subject: 'default', plan: 'free' })
      await client.chat.completions.create(chat, { headers })
      const [{ subject, data }] = await events()
      assert.deepEqual([subject, data.feature, data.plan], ['customer 9', 'ü', 'free'])
      const sent = simulator.requests[0].headers
      assert.equal(sent['taximeter-context'], undefined)
      assert.equal(sent['x-own'], '1')
    })
  }

  test('a header of a request object, and of one that is not metered', async () => {
    const { meter, wrap, events } = meterWith()
    const client = wrap(new Mistral({ apiKey: 'k', serverURL: simulator.url('mistral', 'mistral-chat-basic') }))
    const options = { headers: { 'taximeter-context': 'subject=customer-3' } }
    await client.chat.complete({ model: 'm', messages: chat.messages }, options)
    assert.deepEqual(
      (await events()).map(({ subject }) => subject),
      ['customer-3'],
    )
    await meter.fetch(`${simulator.root}/elsewhere`, options)
    assert.ok(simulator.requests.every(({ headers }) => headers['taximeter-context'] === undefined))
    assert.equal(simulator.requests[0].body.model, 'm')
  })

  test('usage of nobody is refused, told, and does not fail the call', async () => {
    const { meter, wrap, events } = meterWith()
    const errors = []
    meter.on('error', (error) => errors.push(error.code))
    assert.equal((await wrap(openai('openai-chat-basic')).chat.completions.create(chat)).object, 'chat.completion')
    assert.deepEqual([await events(), errors, meter.stats().refused], [[], ['invalid_event'], 1])
  })

  test('without AsyncLocalStorage run() says so', () => {
    const { meter } = meterWith()
    const { getBuiltinModule } = process
    process.getBuiltinModule = undefined
    try {
      assert.throws(() => meter.run(customer, () => {}), { code: 'no_async_context' })
    } finally {
      process.getBuiltinModule = getBuiltinModule
    }
  })
})

describe('a stream that is left early', () => {
  const leave = {
    break: async (client) => {
      for await (const { delta } of await client.messages.create({ ...message, stream: true })) if (delta?.text) break
    },
    abort: async (client) => {
      const controller = new AbortController()
      const stream = await client.messages.create({ ...message, stream: true }, { signal: controller.signal })
      for await (const { delta } of stream) if (delta?.text) controller.abort()
    },
  }
  const slow = 'anthropic-stream-slow'
  const wants = {
    partial: ['partial', 1, undefined],
    estimate: ['partial', 1, undefined],
    drain: ['complete', 15, undefined],
  }
  for (const [onAbort, want] of Object.entries(wants)) {
    for (const [how, use] of Object.entries(leave)) {
      test(`${onAbort}, ${how}`, async () => {
        const { meter, wrap, events } = meterWith({ onAbort })
        await use(wrap(anthropic(slow), customer))
        await until(() => meter.stats().recorded === 1)
        const [{ data }] = await events()
        assert.deepEqual([data.status, data.output_tokens, data.estimated], want)
        if (onAbort === 'drain') assert.equal(simulator.requests[0].clientGone, false)
        else await until(() => simulator.requests[0].clientGone)
      })
    }
  }

  test('estimate: OpenAI, where nothing is told', async () => {
    const { wrap, events } = meterWith({ onAbort: 'estimate' })
    const client = wrap(openai('openai-chat-stream-hang'), customer)
    let text = ''
    for await (const { choices } of await client.chat.completions.create({ ...chat, stream: true })) {
      text += choices[0].delta.content ?? ''
      if (text.length > 2) break
    }
    const [{ data }] = await events()
    assert.deepEqual(
      [data.status, data.output_tokens, data.estimated],
      ['unreported', Math.ceil(Buffer.byteLength(text) / 4), true],
    )
  })

  test('drain: an abort before the answer is an abort, and the caller sees the same error', async () => {
    const { wrap, events } = meterWith({ onAbort: 'drain' })
    const signal = AbortSignal.abort()
    const failed = (client) =>
      client.messages.create({ ...message, stream: true }, { signal }).then(assert.fail, (error) => error.constructor)
    assert.equal(await failed(wrap(anthropic(slow), customer)), await failed(anthropic(slow)))
    assert.deepEqual(await events(), [])
  })

  test('an unknown way is refused', () => {
    assert.throws(() => meterWith({ onAbort: 'guess' }), { code: 'invalid_option', path: 'onAbort' })
  })
})

describe('the form of events', () => {
  const once = async (llm, options) => {
    const { meter, wrap, events } = meterWith({ llm, ...options })
    await wrap(openai('openai-chat-basic'), customer).chat.completions.create(chat)
    return { meter, events: await events() }
  }

  test('one event a type of token, of the names that were chosen', async () => {
    const { events } = await once({ eventType: 'prompt', events: 'per-type', fields: { tokens: 'count', api: null } })
    assert.deepEqual(
      events.map(({ type, data }) => [type, data.type, data.count, data.requests, data.model, data.api]),
      [
        ['prompt', 'input', 176, 1, 'gpt-5.5-2026-08-01', undefined],
        ['prompt', 'cache_read', 1024, 0, 'gpt-5.5-2026-08-01', undefined],
        ['prompt', 'output', 89, 0, 'gpt-5.5-2026-08-01', undefined],
        ['prompt', 'reasoning', 256, 0, 'gpt-5.5-2026-08-01', undefined],
      ],
    )
    assert.equal(new Set(events.map(({ id }) => id)).size, 4)
  })

  test('costs the same in every form', async () => {
    const { default: book } = await import('taximeter/prices')
    const costs = []
    for (const llm of [
      undefined,
      { events: 'per-type' },
      { eventType: 'prompt', fields: { provider_cost: 'usd', model: 'name', provider: 'vendor' } },
    ]) {
      const { meter } = await once(llm, { prices: { book, aliases: { 'gpt-5.5-2026-08-01': 'gpt-5' } } })
      const { total, models, unpriced } = meter.cost().provider
      assert.deepEqual(unpriced, [])
      costs.push({ total, models })
    }
    assert.notEqual(costs[0].total, '0')
    assert.deepEqual(costs[1], costs[0])
    assert.deepEqual(costs[2], costs[0])
  })

  test('an unpriced answer is one call in every form', async () => {
    const { default: book } = await import('taximeter/prices')
    for (const events of ['one', 'per-type']) {
      const { meter, wrap } = meterWith({ prices: { book }, llm: { events } })
      await wrap(clientFor(simulator, simulator.fixtures.get('ollama-chat-basic')), customer).chat({
        model: 'm',
        messages: chat.messages,
      })
      const { unpriced, models } = meter.cost().provider
      assert.deepEqual([unpriced.map(({ calls }) => calls), models], [[1], []], events)
    }
  })

  test('a form that is none is refused', () => {
    assert.throws(() => meterWith({ llm: { events: 'many' } }), { code: 'invalid_option', path: 'llm.events' })
    assert.throws(() => meterWith({ llm: { field: {} } }), { code: 'unknown_option' })
  })
})

describe('observe()', () => {
  const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 }
  const about = { provider: 'openai', ...customer, feature: 'voice' }

  test('an event of a realtime connection, once', async () => {
    const { meter, events } = meterWith()
    const done = { type: 'response.done', response: { id: 'resp_1', status: 'completed', usage } }
    assert.equal(meter.observe({ type: 'response.created', response: { id: 'resp_1', usage: null } }, about), 0)
    assert.equal(meter.observe({ type: 'session.created' }, about), 0)
    assert.equal(meter.observe(done, { ...about, model: 'gpt-realtime-2' }), 1)
    meter.observe(JSON.stringify(done), { ...about, model: 'gpt-realtime-2' })
    const got = await events()
    assert.equal(got.length, 1)
    const [{ id, subject, data }] = got
    assert.deepEqual(
      [id, subject, data.feature, data.provider, data.model],
      ['openai/resp_1', 'customer-1', 'voice', 'openai', 'gpt-realtime-2'],
    )
    assert.deepEqual([data.status, data.input_tokens, data.output_tokens], ['complete', 10, 5])
  })

  test("a batch's output file, of OpenAI and of Anthropic", async () => {
    const { meter, events } = meterWith()
    const chatUsage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
    const lines = Array.from({ length: 2000 }, (_, n) =>
      JSON.stringify({
        id: `b${n}`,
        custom_id: `c${n}`,
        response: {
          status_code: 200,
          request_id: `r${n}`,
          body: { id: `chatcmpl-${n}`, model: 'gpt-5.5', usage: chatUsage },
        },
        error: null,
      }),
    )
    lines.splice(7, 0, JSON.stringify({ id: 'x', custom_id: 'x', response: null, error: { message: 'no' } }), '')
    assert.equal(meter.observe(lines.join('\n'), about), 2000)
    const results = ['succeeded', 'errored', 'succeeded'].map((type, n) =>
      JSON.stringify({
        custom_id: `${n}`,
        result: { type, message: { id: `msg_${n}`, model: 'claude', type: 'message', usage } },
      }),
    )
    assert.equal(meter.observe(`${results.join('\n')}\n`, { ...about, provider: 'anthropic' }), 2)
    assert.equal(new Set((await events()).map(({ id }) => id)).size, 2002)
  })

  test('what is no usage is nothing', () => {
    const { meter } = meterWith()
    const errors = []
    meter.on('error', (error) => errors.push(error.code))
    for (const text of ['', 'nonsense', '{"usage":', '[]', '{}']) assert.equal(meter.observe(text, about), 0)
    assert.equal(meter.observe('{}', { ...about, provider: '' }), 0)
    const cyclic = {}
    cyclic.self = cyclic
    assert.equal(meter.observe(cyclic, about), 0)
    assert.deepEqual(errors, ['cyclic'])
  })
})

test('requests to where nothing is known pass, and are counted', async () => {
  const { meter } = meterWith({ provider: undefined })
  const client = meter.wrap(openai('openai-chat-basic'), customer)
  assert.equal((await client.chat.completions.create(chat)).object, 'chat.completion')
  assert.equal(meter.stats().unmetered, 1)
  assert.equal(meter.stats().recorded, 0)
})
