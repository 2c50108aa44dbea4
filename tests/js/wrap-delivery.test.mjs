// What happens behind a wrapped client, with its server or with the events, is nothing to the call.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import OpenAI from 'openai'
import { testMeter } from '../llm/meter.mjs'
import { startSimulator } from '../llm/simulator.mjs'

const chat = { model: 'gpt-5.5', messages: [{ role: 'user', content: 'Hi' }] }
const customer = { subject: 'customer-1' }

let simulator
before(async () => {
  simulator = await startSimulator()
})
after(() => simulator.close())
beforeEach(() => simulator.reset())

const openai = (id) => new OpenAI({ apiKey: 'k', baseURL: simulator.url('openai', id), maxRetries: 0 })

describe('a call whose meter server', () => {
  const servers = {
    'is down': () => Promise.reject(new TypeError('fetch failed')),
    throws: () => {
      throw new Error('no fetch here')
    },
    'never answers': () => new Promise(() => {}),
    'answers 500': async () => new Response('no', { status: 500 }),
    'answers 401': async () => new Response('no', { status: 401 }),
    'answers garbage': async () => new Response('<html>', { status: 200 }),
  }
  for (const [what, server] of Object.entries(servers)) {
    test(`${what} is answered as ever`, async () => {
      const { meter, wrap } = testMeter(server)
      const bare = openai()
      const wrapped = wrap(bare, customer)
      assert.deepEqual(await wrapped.chat.completions.create(chat), await bare.chat.completions.create(chat))
      const contents = []
      for await (const { choices } of await wrapped.chat.completions.create({ ...chat, stream: true })) {
        contents.push(choices[0].delta.content)
      }
      assert.deepEqual(contents, ['', 'Hel', 'lo – ünïcode', undefined])
      assert.equal(meter.stats().recorded, 2)
      const { delivered } = await meter.close({ deadlineMs: 50 })
      assert.equal(delivered, 0)
    })
  }

  test('is closed', async () => {
    const { meter, wrap } = testMeter()
    const wrapped = wrap(openai(), customer)
    await meter.close()
    assert.equal((await wrapped.chat.completions.create(chat)).id, 'chatcmpl-m1')
    assert.equal(meter.stats().recorded, 0)
    assert.equal(meter.stats().refused, 1)
  })
})

describe('the events', () => {
  test('are of the customer, with its dimensions, and say what was used', async () => {
    const { wrap, events } = testMeter()
    await wrap(openai(), { subject: 'customer-1', feature: 'summary' }).chat.completions.create(chat)
    const [{ subject, type, data }] = await events()
    assert.deepEqual([subject, type], ['customer-1', 'llm.usage'])
    assert.deepEqual(
      [data.feature, data.provider, data.model, data.input_tokens, data.output_tokens, data.cache_read_tokens],
      ['summary', 'openai', 'gpt-5.5-2026-08-01', 1200, 345, 1024],
    )
  })

  test('of one answer, fetched again, are one', async () => {
    const { wrap, events } = testMeter()
    const wrapped = wrap(openai('openai-responses-basic'), customer)
    await wrapped.responses.create({ model: 'gpt-5.5', input: 'Hi' })
    await wrapped.responses.retrieve('resp-1')
    await wrapped.responses.retrieve('resp-1')
    assert.equal(new Set((await events()).map(({ id }) => id)).size, 1)
  })

  test('of many customers at once do not mix', async () => {
    await simulator.close()
    simulator = await startSimulator({ freshIds: true })
    const { wrap, events } = testMeter()
    const bare = openai()
    const subjects = Array.from({ length: 50 }, (_, n) => `customer-${n}`)
    const ids = await Promise.all(
      subjects.map(
        async (subject) => (await wrap(bare, { subject }).chat.completions.create({ ...chat, user: subject })).id,
      ),
    )
    const got = await events()
    assert.deepEqual(got.map((event) => event.subject).sort(), subjects.toSorted())
    assert.equal(new Set(ids).size, 50)
    assert.equal(new Set(got.map((event) => event.id)).size, 50)
  })

  test('know nothing of prompts and answers', async () => {
    const { wrap, events } = testMeter()
    const secret = 'marker-of-a-prompt'
    await wrap(openai(), customer).chat.completions.create({ ...chat, messages: [{ role: 'user', content: secret }] })
    const text = JSON.stringify(await events())
    assert.ok(!text.includes(secret) && !text.includes('Hello there'))
  })
})
