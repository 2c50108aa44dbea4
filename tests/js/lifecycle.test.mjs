/** What ends: requests at the edge, pages in a browser; and who watches. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { openmeter, Taximeter } from 'taximeter'
import { startDevServer } from 'taximeter-dev'
import { usageProxy } from '../../examples/browser-proxy/proxy.mjs'
import { settled } from '../until.mjs'

const event = (n) => ({ type: 'click', subject: 'c', data: { n } })

async function setUp(t, options = {}) {
  const server = await startDevServer({ port: 0 })
  const meter = new Taximeter({ source: 'test', sink: openmeter({ url: server.url }), ...options })
  t.after(async () => {
    await meter.close({ deadlineMs: 1 })
    await server.close()
  })
  return { server, meter }
}

test('waitUntil is given a flush, once for what waits', async (t) => {
  const promises = []
  const { server, meter } = await setUp(t, { waitUntil: (promise) => promises.push(promise) })
  for (let n = 0; n < 3; n++) meter.record(event(n))
  meter.record({ ...event(3), data: { nested: {} } })
  assert.equal(promises.length, 1)
  await promises[0]
  assert.equal(server.events().length, 4)
  meter.record(event(4))
  assert.equal(promises.length, 2)
  await promises[1]
  assert.equal(server.events().length, 5)
})

test('a request that comes while another one waits is kept alive for itself', async (t) => {
  const promises = []
  const { server, meter } = await setUp(t, { waitUntil: (promise) => promises.push(promise) })
  meter.record(event(1))
  await null
  meter.record(event(2))
  assert.equal(promises.length, 2)
  await promises[1]
  assert.equal(server.events().length, 2)
})

test('a request whose timers and answer were lost with its context is over when somebody looks', async (t) => {
  const answers = [new Promise(() => {}), new Response(null, { status: 204 })]
  const meter = new Taximeter({
    source: 'test',
    sink: openmeter({ url: 'https://meter.test' }),
    fetch: async () => answers.shift(),
  })
  const { setTimeout } = globalThis
  globalThis.setTimeout = () => 0
  t.after(() => Object.assign(globalThis, { setTimeout }))
  meter.record(event(1))
  void meter.flush()
  Object.assign(globalThis, { setTimeout })
  await new Promise((later) => setTimeout(later, 5))
  assert.equal(meter.stats().inFlight, 1)
  const { now } = performance
  t.mock.method(performance, 'now', () => now.call(performance) + 12_000)
  const { delivered, pending } = await settled(meter)
  assert.deepEqual([delivered, pending, answers.length], [1, 0, 0])
})

test('Vercel’s is found in the context of the request', async (t) => {
  const promises = []
  const key = Symbol.for('@vercel/request-context')
  globalThis[key] = { get: () => ({ waitUntil: (promise) => promises.push(promise) }) }
  t.after(() => delete globalThis[key])
  const { server, meter } = await setUp(t)
  meter.record(event(1))
  await Promise.all(promises)
  assert.equal(server.events().length, 1)
})

test('a waitUntil that throws outside of a request costs nothing', async (t) => {
  const { server, meter } = await setUp(t, {
    waitUntil: () => {
      throw new Error('no request')
    },
  })
  const errors = []
  meter.on('error', ({ message }) => errors.push(message))
  assert.ok(meter.record(event(1)).id)
  await settled(meter)
  assert.deepEqual([errors, server.events().length], [['no request'], 1])
})

test('who watches the process hears the events of all clients', async (t) => {
  const { meter } = await setUp(t)
  const heard = []
  const listen = (message) => heard.push(message)
  const delivered = channel('taximeter:delivered')
  // Without `process.getBuiltinModule`, older than Node 20.16, there is none.
  if (process.getBuiltinModule === undefined) return
  delivered.subscribe(listen)
  t.after(() => delivered.unsubscribe(listen))
  const { id } = meter.record(event(1))
  await settled(meter)
  assert.deepEqual(heard, [{ ids: [id] }])
})

/** Runs code where a page's globals are and Node's are not. */
function inPage(code) {
  const page = `
    const hidden = new EventTarget(); hidden.visibilityState = 'visible'
    const { log } = console
    globalThis.document = hidden
    const listeners = new EventTarget()
    globalThis.addEventListener = listeners.addEventListener.bind(listeners)
    globalThis.removeEventListener = listeners.removeEventListener.bind(listeners)
    const sent = []
    globalThis.fetch = async (url, init) => { sent.push({ url, ...init }); return new Response(null, { status: 204 }) }
    const hide = (type) => { hidden.visibilityState = 'hidden'; (type === 'pagehide' ? listeners : hidden).dispatchEvent(new Event(type)) }
    Object.defineProperty(globalThis, 'process', { value: undefined })
    const { openmeter, dodo, Taximeter, tee } = await import('taximeter')
    const soon = () => new Promise((ok) => setTimeout(ok, 20))
    ${code}`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', page], {
    cwd: new URL('../..', import.meta.url),
  })
  assert.equal(stderr.toString().slice(0, 300), '')
  return JSON.parse(stdout.toString())
}

test('no key in a page', () => {
  const codes = inPage(`
    const code = (make) => { try { make(); return 'taken' } catch (error) { return error.code } }
    log(JSON.stringify([
      code(() => openmeter({ url: 'https://a.b', token: 'sk' })),
      code(() => dodo({ apiKey: 'sk', environment: 'test' })),
      code(() => openmeter({ url: 'https://a.b' })),
    ]))`)
  assert.deepEqual(codes, ['secret_in_browser', 'secret_in_browser', 'taken'])
})

for (const type of ['visibilitychange', 'pagehide']) {
  test(`a page that is hidden (${type}) sends what waits in a request that outlives it`, () => {
    const [before, { keepalive, method, bytes }, headers] = inPage(`
      const meter = new Taximeter({ source: 's', sink: openmeter({ url: 'https://a.b', batch: { lingerMs: 5000 } }) })
      for (let n = 0; n < 3; n++) meter.record({ type: 't', subject: 'c', data: { n } })
      await soon()
      const before = sent.length
      hide('${type}')
      await soon()
      const [{ keepalive, method, body, headers }] = sent
      log(JSON.stringify([before, { keepalive, method, bytes: body.length }, headers]))`)
    assert.deepEqual([before, keepalive, method], [0, true, 'POST'])
    assert.ok(bytes < 1000)
    assert.equal(headers.authorization, undefined)
  })
}

test('a page that is hidden sends what waits to each sink of a tee', () => {
  const sent = inPage(`
    const sink = (url) => openmeter({ url, batch: { lingerMs: 60_000 } })
    const meter = new Taximeter({ source: 's', sink: tee([sink('https://a.b'), sink('https://c.d')]) })
    meter.record({ type: 't', subject: 'c' })
    hide('pagehide')
    while (sent.length < 2) await soon()
    log(JSON.stringify(sent.map(({ url, keepalive }) => [new URL(url).host, keepalive])))`)
  assert.deepEqual(sent, [
    ['a.b', true],
    ['c.d', true],
  ])
})

test('no request of a page is larger than what outlives it, in bytes', () => {
  const sizes = inPage(`
    const meter = new Taximeter({ source: 's', sink: openmeter({ url: 'https://a.b' }) })
    for (let n = 0; n < 60; n++) meter.record({ type: 't', subject: 'c', data: { pad: '€'.repeat(1000) } })
    await meter.flush()
    log(JSON.stringify(sent.map(({ body, keepalive }) => [body.length, keepalive])))`)
  assert.ok(sizes.length >= 4)
  for (const [bytes, keepalive] of sizes) assert.ok(bytes <= 60 * 1024 && keepalive === true, `${bytes}`)
})

test('a hidden page sends beside what is under way, 60 KiB and 9 requests at once, of all clients together', () => {
  const [bytes, alone] = inPage(`
    globalThis.fetch = (url, init) => { sent.push(init); return new Promise(() => {}) }
    const client = () => new Taximeter({ source: 's', sink: openmeter({ url: 'https://a.b' }) })
    const large = client()
    const pad = (n) => ({ type: 't', subject: 'c', data: { pad: '€'.repeat(n) } })
    large.record(pad(7000))
    await soon()
    for (let n = 0; n < 20; n++) large.record(pad(1000))
    hide('pagehide')
    await soon()
    const bytes = sent.map(({ body, keepalive }) => [body.length, keepalive === true])
    for (let n = 0; n < 12; n++) { client().record(pad(1)); await soon() }
    log(JSON.stringify([bytes, sent.slice(2).map(({ keepalive }) => keepalive === true)]))`)
  assert.equal(bytes.length, 2)
  assert.ok(bytes[0][0] > 21_000 && bytes[1][0] > 30_000 && bytes[0][0] + bytes[1][0] <= 60 * 1024, `${bytes}`)
  assert.ok(bytes.every(([, keepalive]) => keepalive))
  assert.deepEqual([alone.length, alone.filter((keepalive) => keepalive).length], [12, 7])
})

test('a page’s listeners are gone with what waited', () => {
  const counts = inPage(`
    let count = 0
    for (const target of [globalThis, document]) {
      const { addEventListener, removeEventListener } = target
      target.addEventListener = (...args) => { count += 1; addEventListener.apply(target, args) }
      target.removeEventListener = (...args) => { count -= 1; removeEventListener.apply(target, args) }
    }
    const meter = new Taximeter({ source: 's', sink: openmeter({ url: 'https://a.b' }) })
    const counts = [count]
    meter.record({ type: 't', subject: 'c' })
    counts.push(count)
    await meter.flush()
    log(JSON.stringify([...counts, count]))`)
  assert.deepEqual(counts, [0, 2, 0])
})

test('the proxy sets the subject itself, and checks who, what, how large and how often', async (t) => {
  const { server, meter } = await setUp(t)
  const customer = (request) => request.headers.get('user') ?? undefined
  // All in one minute.
  const now = Date.now()
  t.mock.method(Date, 'now', () => now)
  const post = usageProxy({ meter, customer, types: ['click'], eventsPerMinute: 5 })
  const ask = async (body, user = 'anna') => {
    const headers = user ? { user } : {}
    return (await post(new Request('http://a/usage', { method: 'POST', headers, body }))).status
  }
  const events = (n, more) =>
    JSON.stringify(Array.from({ length: n }, (_, i) => ({ id: `e${i}`, type: 'click', subject: 'eve', ...more })))
  assert.equal(await ask(events(1), null), 401)
  assert.equal(await ask('{'), 400)
  assert.equal(await ask('{}'), 400)
  assert.equal(await ask('[null]'), 400)
  assert.equal(await ask(events(1, { type: 'refund' })), 400)
  assert.equal(await ask(`[${' '.repeat(300_000)}]`), 413)
  // One without an end is left.
  let pulled = 0
  const pull = (body) => {
    pulled += 1
    body.enqueue(new Uint8Array(65_536).fill(32))
  }
  const endless = new ReadableStream({ pull })
  const request = { method: 'POST', headers: { user: 'anna' }, body: endless, duplex: 'half' }
  assert.equal((await post(new Request('http://a/usage', request))).status, 413)
  assert.ok(pulled < 10, `${pulled} chunks were read`)
  assert.equal(await ask(events(2)), 204)
  assert.equal(await ask(events(2)), 204)
  assert.equal(await ask(events(2)), 429)
  await settled(meter)
  assert.deepEqual(
    server.events().map(({ id, subject }) => [id, subject]),
    [
      ['e0', 'anna'],
      ['e1', 'anna'],
    ],
  )
})
