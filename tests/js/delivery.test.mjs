/** From record() to a server's ledger over real HTTP, through faults. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import http from 'node:http'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { dodo, openmeter, Taximeter } from 'taximeter'
import { startDevServer } from 'taximeter-dev'
import { settled, until } from '../until.mjs'

const KEY = 'sk-canary-4711'

async function setUp(t, { server: serverOptions, sink: sinkOptions, ...options } = {}) {
  const server = await startDevServer({ port: 0, ...serverOptions })
  const meter = new Taximeter({
    source: 'test',
    sink: openmeter({ url: server.url, token: KEY, dedup: 'unlimited', ...sinkOptions }),
    ...options,
  })
  t.after(async () => {
    await meter.close({ deadlineMs: 1 })
    await server.close()
  })
  return { server, meter }
}
const record = (meter, n) =>
  Array.from({ length: n }, (_, i) => meter.record({ type: 'call', subject: `customer-${i % 3}`, data: { n: i } }).id)

test('events leave in one batch, and flush() says so', async (t) => {
  const { server, meter } = await setUp(t)
  const ids = record(meter, 250)
  assert.deepEqual(await settled(meter), { delivered: 250, pending: 0, quarantined: 0, dropped: 0 })
  assert.deepEqual(
    server
      .events()
      .map((e) => e.id)
      .sort(),
    [...ids].sort(),
  )
  assert.ok(server.stats().requests <= 3, `${server.stats().requests} requests`)
})

test('without flush() a batch leaves by itself', async (t) => {
  const { server, meter } = await setUp(t)
  record(meter, 5)
  await until(() => server.stats().events === 5)
})

test('a reply that is lost after the commit: the same bytes again, counted once', async (t) => {
  const { server, meter } = await setUp(t)
  // On a connection that has served before.
  record(meter, 1)
  await settled(meter)
  server.script([{ commit: 'all', end: 'reset' }])
  record(meter, 19)
  assert.deepEqual(await settled(meter), { delivered: 20, pending: 0, quarantined: 0, dropped: 0 })
  const attempts = new Map()
  for (const { id, sha256 } of server.requests.flatMap((request) => request.arrivals)) {
    attempts.set(id, [...(attempts.get(id) ?? []), sha256])
  }
  assert.equal(attempts.size, 20)
  for (const hashes of attempts.values()) assert.deepEqual(new Set(hashes).size, 1)
  assert.equal(server.events().length, 20)
})

test('500 after the first events were stored: nothing lost, nothing twice', async (t) => {
  const { server, meter } = await setUp(t)
  server.script([
    { status: 500, commit: 7 },
    { status: 503, commit: 'none' },
  ])
  record(meter, 20)
  const { delivered } = await settled(meter)
  assert.equal(delivered, 20)
  assert.equal(server.events().length, 20)
})

test('a sink that is down: events wait, record() goes on, and nothing is lost when it is back', async (t) => {
  const probe = http.createServer()
  await new Promise((ok) => probe.listen(0, '127.0.0.1', ok))
  const { port } = probe.address()
  await new Promise((ok) => probe.close(ok))
  const meter = new Taximeter({ source: 'test', sink: openmeter({ url: `http://127.0.0.1:${port}` }) })
  record(meter, 10)
  assert.deepEqual(await meter.flush({ deadlineMs: 300 }), { delivered: 0, pending: 10, quarantined: 0, dropped: 0 })
  record(meter, 5)
  const server = await startDevServer({ port })
  t.after(() => server.close())
  assert.deepEqual(await meter.flush({ deadlineMs: 60_000 }), { delivered: 15, pending: 0, quarantined: 0, dropped: 0 })
  await meter.close()
})

test('one bad event in a batch is put aside with the reason; the others are delivered', async (t) => {
  const { server, meter } = await setUp(t)
  const refuse = {
    status: 400,
    headers: { 'content-type': 'application/problem+json' },
    body: '{"detail":"no"}',
    commit: 'none',
  }
  const ids = record(meter, 4)
  // 4 refused, the first half refused, its first event refused; the rest is taken.
  server.script([refuse, refuse, refuse])
  const heard = []
  meter.on('quarantined', (event) => heard.push(event.id))
  const counts = await settled(meter)
  assert.deepEqual({ ...counts }, { delivered: 3, pending: 0, quarantined: 1, dropped: 0 })
  assert.deepEqual(heard, [ids[0]])
  const [{ id, code, status, text, event }] = meter.quarantined()
  assert.deepEqual({ id, code, status }, { id: ids[0], code: 'rejected', status: 400 })
  assert.match(text, /no/)
  assert.equal(JSON.parse(event).id, ids[0])
})

test('a wrong key keeps everything, says so once, and does not hammer the server', async (t) => {
  const { server, meter } = await setUp(t, { server: { token: 'another' } })
  const states = []
  meter.on('sink-state', (state) => states.push(state.code))
  record(meter, 30)
  void meter.flush()
  await until(() => states.length > 0)
  assert.deepEqual(await meter.flush({ deadlineMs: 500 }), { delivered: 0, pending: 30, quarantined: 0, dropped: 0 })
  assert.deepEqual(states, ['hold_started'])
  assert.equal(meter.stats().state, 'held')
  assert.deepEqual(
    server.requests.map((request) => request.status),
    [401],
  )
})

test('an answer that never comes is given up, and the event is sent again', async (t) => {
  const { server, meter } = await setUp(t)
  server.script([{ commit: 'none', end: 'hang' }])
  record(meter, 1)
  assert.equal((await meter.flush({ deadlineMs: 60_000 })).delivered, 1)
  assert.equal(server.events().length, 1)
})

test('Dodo: flat metadata in its own form, and its limits at record()', async (t) => {
  const server = await startDevServer({ port: 0 })
  const meter = new Taximeter({ source: 'test', sink: dodo({ url: server.url, apiKey: KEY }) })
  t.after(() => server.close())
  meter.record({ type: 'llm.tokens', subject: 'cus_42', data: { tokens: 1284, model: 'gpt-4o-mini' } })
  assert.equal(meter.record({ type: 't', subject: 'c', data: { nested: {} } }).error?.code, 'field_limit')
  assert.equal(meter.record({ type: 't', subject: 'c', data: { long: 'x'.repeat(501) } }).error?.code, 'field_limit')
  assert.equal((await settled(meter)).delivered, 1)
  const [{ type, subject, data }] = server.events()
  assert.deepEqual(
    { type, subject, data: JSON.parse(data) },
    { type: 'llm.tokens', subject: 'cus_42', data: { tokens: 1284, model: 'gpt-4o-mini' } },
  )
  await meter.close()
})

test('a full queue refuses, or drops by the policy that was chosen, and counts it', async () => {
  const down = async () => {
    throw Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) })
  }
  const sink = openmeter({ url: 'http://127.0.0.1:1' })
  for (const [onFull, want] of [
    ['reject', { pending: 10_000, dropped: 0, refused: 5 }],
    ['drop-oldest', { pending: 10_000, dropped: 5, refused: 0 }],
    ['drop-newest', { pending: 10_000, dropped: 5, refused: 0 }],
  ]) {
    const meter = new Taximeter({ source: 'test', sink, fetch: down, onFull })
    record(meter, 10_005)
    const { pending, dropped, refused, recorded, delivered, quarantined } = meter.stats()
    assert.deepEqual({ pending, dropped, refused }, want, onFull)
    assert.equal(recorded, delivered + pending + quarantined + dropped)
    await meter.close({ deadlineMs: 1 })
  }
})

test('the key is in the header and nowhere else', async (t) => {
  const seen = []
  const server = http.createServer((req, res) => {
    seen.push(req.headers.authorization)
    res.writeHead(302, { location: '/elsewhere' }).end()
  })
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok))
  t.after(() => server.close())
  const sink = openmeter({ url: `http://127.0.0.1:${server.address().port}`, token: KEY })
  const meter = new Taximeter({ source: 'test', sink })
  const heard = []
  for (const name of ['error', 'sink-state', 'quarantined']) meter.on(name, (detail) => heard.push(detail))
  record(meter, 1)
  void meter.flush()
  await until(() => heard.length > 0)
  await meter.flush({ deadlineMs: 300 })
  assert.deepEqual(seen, [`Bearer ${KEY}`]) // the redirect was not followed
  const printed = [
    inspect({ meter, sink, heard, stats: meter.stats() }, { depth: 9, showHidden: true }),
    JSON.stringify({ meter, sink, heard }),
  ]
  for (const text of printed) assert.ok(!text.includes(KEY))
  await meter.close({ deadlineMs: 1 })
})

/** Runs a script of its own process against a server; the exit code counts too, and the time from the script's end to the process's. */
function run(url, script) {
  const code = `import { openmeter, Taximeter } from 'taximeter'
const meter = new Taximeter({ source: 'child', sink: openmeter({ url: '${url}' }) })
let endedAt
process.on('exit', () => console.error(Math.round(performance.now() - endedAt)))
${script}
endedAt = performance.now()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: new URL('../..', import.meta.url),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) child[name].on('data', (text) => (said[name] += text))
  return new Promise((ok) => child.on('close', (exit) => ok({ exit, out: said.stdout, ms: Number(said.stderr) })))
}

test('a script that records and ends: the event is delivered, the exit is its own', async (t) => {
  const server = await startDevServer({ port: 0 })
  t.after(() => server.close())
  const { exit } = await run(server.url, "meter.record({ type: 'call', subject: 'c' }); process.exitCode = 3")
  assert.equal(exit, 3)
  assert.equal(server.events().length, 1)
})

test('a script that ends while the sink hangs: the process ends too, after one flush', async (t) => {
  const server = await startDevServer({ port: 0 })
  t.after(() => server.close())
  server.script(Array.from({ length: 9 }, () => ({ commit: 'none', end: 'hang' })))
  const { exit, ms } = await run(server.url, "meter.record({ type: 'call', subject: 'c' })")
  assert.equal(exit, 0)
  // A flush takes 5 s.
  assert.ok(ms < 9000, `${ms} ms`)
})

test('a connection that is kept for the next batch keeps no process alive', async (t) => {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end())
  })
  server.keepAliveTimeout = 60_000
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok))
  t.after(() => server.close())
  const { exit, ms, out } = await run(
    `http://127.0.0.1:${server.address().port}`,
    "meter.record({ type: 'call', subject: 'c' }); console.log((await meter.flush()).delivered)",
  )
  assert.deepEqual([exit, out.trim()], [0, '1'])
  assert.ok(ms < 3000, `${ms} ms`)
})

test('close() keeps its deadline: what is left then does not hold the process', async () => {
  const { exit, out, ms } = await run(
    'http://127.0.0.1:1',
    "meter.record({ type: 'call', subject: 'c' }); console.log((await meter.close({ deadlineMs: 200 })).pending)",
  )
  assert.deepEqual([exit, out.trim()], [0, '1'])
  assert.ok(ms < 3000, `${ms} ms`)
})

test('many clients leave no listeners behind', async (t) => {
  const server = await startDevServer({ port: 0 })
  t.after(() => server.close())
  const script = `
    const clients = Array.from({ length: 20 }, () => new Taximeter({ source: 's', sink: openmeter({ url: '${server.url}' }) }))
    const counts = [process.listenerCount('beforeExit')]
    for (const meter of clients) meter.record({ type: 'call', subject: 'c' })
    counts.push(process.listenerCount('beforeExit'))
    for (const meter of clients) await meter.flush()
    console.log(JSON.stringify([...counts, process.listenerCount('beforeExit')]))`
  assert.deepEqual(JSON.parse((await run(server.url, script)).out), [0, 1, 0])
})

test('a client with nothing to send keeps no process alive', async () => {
  const { exit, ms } = await run('http://127.0.0.1:1', "meter.preview; console.log('done')")
  assert.equal(exit, 0)
  assert.ok(ms < 3000, `${ms} ms`)
})

test('an awaited flush() answers at its deadline, though the sink is down', async () => {
  const { exit, out } = await run(
    'http://127.0.0.1:1',
    "meter.record({ type: 'call', subject: 'c' }); console.log(JSON.stringify(await meter.flush({ deadlineMs: 400 })))",
  )
  assert.equal(exit, 0)
  assert.deepEqual(JSON.parse(out), { delivered: 0, pending: 1, quarantined: 0, dropped: 0 })
})
