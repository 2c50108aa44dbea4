// The package where requests end with their answer: in Cloudflare's runtime and in Vercel's, each with its own entry.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { edgeLight } from '../edge/edge-light.mjs'
import { startWorkerd } from '../edge/workerd.mjs'
import { FOLDERS } from '../llm/run-fixture.mjs'
import { startSimulator } from '../llm/simulator.mjs'
import { until } from '../until.mjs'

/** A meter server that takes its time, or answers no sooner than it is let. */
const vendor = { events: [], delayMs: 0, isHeld: false }
const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  await sleep(vendor.delayMs)
  await until(() => !vendor.isHeld)
  vendor.events.push(...JSON.parse(body))
  response.writeHead(204).end()
})

let simulator
before(async () => {
  simulator = await startSimulator({ dirs: FOLDERS, freshIds: true })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  vendor.url = `http://127.0.0.1:${server.address().port}`
})
after(async () => {
  server.closeAllConnections()
  server.close()
  await simulator.close()
})
beforeEach(() => {
  vendor.events = []
  vendor.delayMs = 150
  vendor.isHeld = false
})

/** What the meter server has been told, when it is that many events; sorted, since customers are at once. */
async function told(count) {
  vendor.isHeld = false
  await until(() => vendor.events.length >= count)
  // None comes after them.
  await sleep(50)
  return vendor.events.map(({ subject, data }) => [subject, data?.status, data?.output_tokens]).sort()
}

describe('Cloudflare Workers', () => {
  let worker
  before(async () => {
    worker = await startWorkerd('worker.mjs', { VENDOR: vendor.url, OPENAI: simulator.url('openai') })
  })
  after(() => worker.stop())
  const ask = async (path) => {
    const response = await fetch(worker.url + path)
    assert.equal(response.status, 200, worker.printed().slice(0, 500))
    return response.text()
  }

  test('the answer is given first, and its event comes after it', async () => {
    vendor.isHeld = true
    assert.equal(await ask('/chat?subject=c'), 'Hello there.')
    assert.deepEqual(vendor.events, [])
    assert.deepEqual(await told(1), [['c', 'complete', 345]])
  })

  test('requests that overlap each see to their own events, in whichever the last one is sent', async () => {
    const subjects = Array.from({ length: 12 }, (_, n) => `c-${String(n).padStart(2, '0')}`)
    await Promise.all(subjects.map((subject, n) => sleep(n * 25).then(() => ask(`/chat?subject=${subject}`))))
    assert.deepEqual(
      (await told(12)).map(([subject]) => subject),
      subjects,
    )
  })

  test('streams are passed on as they come, and left early', async () => {
    const chunks = (await ask('/stream?subject=c-1')).trim().split('\n').map(JSON.parse)
    assert.equal(chunks.length, 4)
    assert.equal(await ask('/break?subject=c-2'), 'Hel')
    assert.deepEqual(await told(2), [
      ['c-1', 'complete', 77],
      ['c-2', 'unreported', undefined],
    ])
  })

  test('the AI SDK', async () => {
    assert.match(await ask('/ai?subject=c'), /^Hello/)
    assert.deepEqual(await told(1), [['c', 'complete', 77]])
  })

  test('a meter of the request, with the waitUntil of its context', async () => {
    await ask('/own')
    assert.deepEqual(await told(2), [
      ['own', undefined, undefined],
      ['own', 'complete', 345],
    ])
  })

  test('run() where the platform has AsyncLocalStorage', async () => {
    const texts = await Promise.all(['c-1', 'c-2', 'c-3'].map((subject) => ask(`/run?subject=${subject}`)))
    assert.deepEqual(texts, Array(3).fill('Hello there.'))
    assert.deepEqual(
      (await told(3)).map(([subject]) => subject),
      ['c-1', 'c-2', 'c-3'],
    )
  })

  test('without waitUntil: a warning, once, and an awaited flush sends what is left', async () => {
    vendor.delayMs = 0
    const before = worker.printed()
    for (let n = 0; n < 3; n += 1) await ask('/none')
    // What was on its way when its request ended is sent again after its deadline of ten seconds.
    let result
    let flushes = 0
    await until(async () => {
      result = JSON.parse(await ask('/flush'))
      flushes += 1
      return result.pending === 0
    })
    assert.equal(result.delivered, 3 + flushes)
    // What it prints goes another way than its answers.
    const warnings = () => worker.printed().slice(before.length).split('events may be lost').length - 1
    await until(() => warnings() > 0)
    assert.equal(warnings(), 1)
  })
})

test('Cloudflare Workers without AsyncLocalStorage: run() says so, the header does it', async (t) => {
  const bindings = { VENDOR: vendor.url, OPENAI: simulator.url('openai') }
  const worker = await startWorkerd('worker.mjs', bindings, ['no_nodejs_compat', 'no_nodejs_compat_v2'])
  t.after(() => worker.stop())
  assert.equal(await (await fetch(`${worker.url}/run?subject=c`)).text(), 'no_async_context')
  assert.equal(await (await fetch(`${worker.url}/chat?subject=c`)).text(), 'Hello there.')
  assert.deepEqual(await told(1), [['c', 'complete', 345]])
})

test('Vercel edge: no code of strings or bytes, waitUntil of the request’s context', async () => {
  vendor.isHeld = true
  const { run, waited } = await edgeLight({ VENDOR: vendor.url, OPENAI: simulator.url('openai') })
  assert.equal(await run('chat'), 'Hello there.')
  assert.deepEqual(vendor.events, [])
  vendor.isHeld = false
  await Promise.all(waited)
  assert.deepEqual(await told(1), [['c', 'complete', 345]])
})
