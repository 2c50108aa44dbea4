/** Several sinks at once, over HTTP: each with a queue, retries, quarantine and a spool of its own. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as taximeter from 'taximeter'
import { fileSpool } from 'taximeter/file'
import { startDevServer } from 'taximeter-dev'
import { realTime, Vendor } from '../faults/harness/server.mjs'
import { internals } from '../js/internals.mjs'
import { runExample } from '../js/readme.mjs'
import { settled, until } from '../until.mjs'
import { KEY, VENDORS } from './vendors.mjs'

const { custom, dodo, memory, openmeter, polar, Taximeter, tee } = taximeter
const meters = [{ slug: 'calls', eventType: 'call', aggregation: 'SUM', valueProperty: '$.n' }]
const event = (n, data) => ({ type: 'call', subject: 'cus_42', data: { n, ...data } })
const counts = ({ recorded, delivered, pending, quarantined, dropped, refused }) => [
  recorded,
  delivered,
  pending,
  quarantined,
  dropped,
  refused,
]

async function devServer(t) {
  const server = await startDevServer({ token: KEY })
  t.after(() => server.close())
  return server
}

/** Does what it is told with each request. */
async function receiver(t, handle) {
  const server = createServer((req, res) => req.resume().on('end', () => handle(res)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  t.after(close)
  return { url: `http://127.0.0.1:${server.address().port}`, close }
}

/** A vendor with a ledger. */
async function vendor(t, options) {
  const opened = await new Vendor(realTime, options).open()
  t.after(() => opened.shut())
  return opened
}

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'taximeter-tee-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

for (const names of [
  ['openmeter v1', 'stripe v1'],
  ['openmeter v1', 'lago', 'dodo'],
]) {
  test(`${names.join(' and ')} get the same events: ids, customers, values; previews and costs count once`, async (t) => {
    const servers = await Promise.all(names.map(() => devServer(t)))
    const sink = tee(names.map((name, i) => VENDORS[name].make(servers[i].url)))
    const prices = { meters: { calls: { type: 'unit', amount: '2' } } }
    const meter = new Taximeter({ source: 'sinks', sink, meters, prices, strict: true })
    const ids = [1, 2, 3].map((n) => meter.record(event(n)).id)
    // No number of the language's is exact here.
    const own = { ...event('40.000000000001'), id: 'own', time: new Date() }
    for (let again = 0; again < 3; again++) assert.equal(meter.record(own).id, 'own')
    ids.push('own')
    assert.equal(
      meter.preview('calls').data[0].valueDecimal ?? `${meter.preview('calls').data[0].value}`,
      '46.000000000001',
    )
    assert.equal(meter.preview('calls').incomplete, undefined)
    assert.equal(meter.cost().total, '92.000000000002')
    assert.deepEqual(await settled(meter), { delivered: 4 * names.length, pending: 0, quarantined: 0, dropped: 0 })
    for (const server of servers) {
      const events = server.events().sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id))
      const values = events.map(({ data }) => JSON.parse(data)).map(({ n, value }) => String(n ?? value))
      assert.deepEqual(values, ['1', '2', '3', '40.000000000001'])
      assert.deepEqual(
        events.map(({ id, type, subject }) => [id, type, subject]),
        ids.map((id) => [id, 'call', 'cus_42']),
      )
    }
    assert.deepEqual(meter.stats().sinks.map(counts), Array(names.length).fill([4, 4, 0, 0, 0, 0]))
    await meter[Symbol.asyncDispose]()
    assert.throws(() => meter.record(event(3)), { code: 'closed' })
  })
}

test('one is dead, one does not answer, one refuses: each for itself, and events say whose they are', async (t) => {
  const server = await devServer(t)
  const asked = []
  const slow = await receiver(t, (res) => asked.push(res))
  let status = 400
  const refusing = await receiver(t, (res) => res.writeHead(status).end())
  const dead = await receiver(t)
  dead.close()
  const sink = tee([dead, slow, refusing, server].map(({ url }) => openmeter({ url, token: KEY, dedup: 'unlimited' })))
  const meter = new Taximeter({ source: 'sinks', sink, meters })
  const told = []
  meter.on('delivered', ({ ids, sink }) => told.push(...ids.map(() => `${sink} delivered`)))
  meter.on('quarantined', ({ sink, code }) => told.push(`${sink} ${code}`))
  meter.on('dropped', ({ ids, sink }) => told.push(...ids.map(() => `${sink} dropped`)))
  const of = (place) => counts(meter.stats().sinks[place])
  for (let n = 1; n <= 2; n++) meter.record(event(n))
  void meter.flush()
  // While the second has not answered, the others are done with theirs.
  await until(() => asked.length > 0 && of(2)[3] === 2 && of(3)[1] === 2 && meter.stats().sinks[0].state === 'backoff')
  assert.deepEqual([of(0), of(1)], [Array.of(2, 0, 2, 0, 0, 0), Array.of(2, 0, 2, 0, 0, 0)])
  const { sinks, state, ...all } = meter.stats()
  assert.deepEqual(
    sinks.map(({ sink, state }) => `${sink} ${state}`),
    ['openmeter backoff', 'openmeter sending', 'openmeter idle', 'openmeter idle'],
  )
  assert.deepEqual([counts(all), state], [[8, 2, 4, 2, 0, 0], 'backoff'])
  assert.equal(meter.preview('calls').data[0].value, 3)

  // What one refused is in reach, and only there.
  assert.deepEqual(
    meter.quarantined().map(({ sink }) => sink),
    [2, 2],
  )
  assert.equal(meter.discard(meter.quarantined()[0].id), 1)
  status = 204
  assert.equal(meter.release(), 1)
  await until(() => {
    for (const res of asked.splice(0)) res.writeHead(204).end()
    return of(1)[1] === 2 && of(2)[1] === 1
  })
  assert.deepEqual([0, 1, 2, 3].map(of), [
    [2, 0, 2, 0, 0, 0],
    [2, 2, 0, 0, 0, 0],
    [2, 1, 0, 0, 1, 0],
    [2, 2, 0, 0, 0, 0],
  ])
  assert.deepEqual(told.sort(), [
    '1 delivered',
    '1 delivered',
    '2 delivered',
    '2 dropped',
    '2 rejected',
    '2 rejected',
    '3 delivered',
    '3 delivered',
  ])
  const { delivered, pending, dropped } = await meter.close({ deadlineMs: 0 })
  assert.deepEqual([delivered, pending, dropped, server.events().length], [5, 2, 1, 2])
})

test('what is beyond the limits of one vendor reaches the others, and is counted and told', async (t) => {
  const server = await devServer(t)
  const { url } = server
  const sink = tee([
    dodo({ url, apiKey: KEY }),
    openmeter({ url, token: KEY }),
    polar({ url: `${url}/polar`, apiKey: KEY }),
  ])
  const meter = new Taximeter({ source: 'sinks', sink, meters, strict: true })
  const errors = []
  meter.on('error', ({ code, path, sink, message }) => errors.push([code, path, sink, message.includes('(event own)')]))
  // By those that have not taken it, an event that is recorded again is looked at again.
  for (let times = 1; times <= 2; times++) {
    assert.equal(meter.record({ ...event(1, { nested: { deep: true } }), id: 'own' }).id, 'own')
    await settled(meter)
    const told = [0, 2].map((sink) => ['field_limit', 'data.nested', sink, true])
    assert.deepEqual(errors, Array(times).fill(told).flat())
    assert.deepEqual(meter.stats().sinks.map(counts), [
      [0, 0, 0, 0, 0, times],
      [1, 1, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, times],
    ])
    assert.deepEqual(counts(meter.stats()), [1, 1, 0, 0, 0, 2 * times])
  }
  assert.equal(meter.preview('calls').data[0].value, 1)
  assert.equal(server.events().length, 1)
  // What no sink could take is refused as ever, and counts once.
  assert.throws(() => meter.record({ ...event(2), subject: '' }), { code: 'invalid_event' })
  assert.equal(meter.stats().refused, 5)
  await meter.close()
})

for (const onFull of ['reject', 'drop-oldest']) {
  test(`the queue of one is full, ${onFull}: the others get all; nothing is lost without a word`, async () => {
    let open
    const opened = new Promise((resolve) => {
      open = resolve
    })
    const got = [new Set(), new Set()]
    let refuses = true
    const into = (set) => (events) => {
      if (refuses) return { refused: events.map(({ id }) => ({ id, reason: 'not yet' })) }
      for (const { id } of events) assert.ok(set.size < set.add(id).size, 'an event came twice')
    }
    const stuck = async (events, { signal }) => {
      if (!refuses) await opened
      // Past its deadline a request is made again.
      return signal.aborted ? undefined : into(got[0])(events)
    }
    const sink = tee([custom({ send: stuck }), custom({ send: into(got[1]) })])
    const meter = new Taximeter({ source: 'sinks', sink, onFull })
    const told = []
    meter.on('error', ({ code, sink }) => told.push([code, sink]))
    meter.on('dropped', ({ ids, sink }) => told.push(...ids.map((id) => [id, sink])))
    const first = meter.record(event(0)).id
    await settled(meter)
    refuses = false
    const ids = new Set()
    const sent = (holds) => meter.flush({ deadlineMs: 0 }).then(() => until(holds))
    const record = (n, id) => {
      const { id: given, error } = meter.record({ ...event(n), ...(id && { id }) })
      assert.equal(error, undefined)
      ids.add(given)
    }
    for (let n = 0; n < 10_000; n++) {
      record(n)
      if (n % 2500 === 2499) await sent(() => got[1].size === n + 1)
    }
    assert.equal(meter.stats().sinks[0].pending, 10_000)
    record(10_000, 'late')
    await sent(() => got[1].has('late'))
    const isRefused = onFull === 'reject'
    assert.equal(told.length, 1)
    const [[what, whose]] = told
    assert.deepEqual([isRefused ? what : 'dropped', whose], [isRefused ? 'queue_full' : 'dropped', 0])
    assert.deepEqual(counts(meter.stats().sinks[0]), [10_001 + !isRefused, 0, 10_000, 1, +!isRefused, +isRefused])

    // What cannot be released at one of them is released at the other.
    assert.throws(() => meter.release(), { code: 'queue_full', sink: 0 })
    await sent(() => got[1].has(first))
    open()
    await sent(() => meter.stats().pending === 0)
    assert.equal(meter.release(), 1)
    record(10_000, 'late')
    await sent(() => meter.stats().pending === 0)
    assert.deepEqual([...got[1]].sort(), [first, ...ids].sort())
    const missing = isRefused ? [] : [what]
    assert.deepEqual([...got[0], ...missing].sort(), [first, ...ids].sort())
    await meter.close()
  })
}

test('waitUntil is asked for each sink, and keeps the request alive until each has its events', async (t) => {
  const [one, two] = [await devServer(t), await devServer(t)]
  const promises = []
  const sink = tee([one, two].map(({ url }) => openmeter({ url, token: KEY })))
  const meter = new Taximeter({ source: 'sinks', sink, waitUntil: (promise) => promises.push(promise) })
  for (let n = 0; n < 3; n++) meter.record(event(n))
  meter.record(event(3, { nested: {} }))
  assert.equal(promises.length, 2)
  await Promise.all(promises)
  assert.deepEqual([one.events().length, two.events().length], [4, 4])
  await meter.close()
})

test('WebAssembly traps while one of them does not answer: each event once at each sink', async () => {
  const sdk = await internals('index', 'engine')
  sdk.boot(new WebAssembly.Module(readFileSync(new URL('../../pkg/core.wasm', import.meta.url))))
  const open = []
  const kept = sdk.memory()
  const got = []
  const send = (events) => new Promise((resolve) => open.push(() => resolve(got.push(...events.map(({ id }) => id)))))
  const meter = new sdk.Taximeter({ source: 'sinks', sink: sdk.tee([sdk.custom({ send }), kept]), meters })
  const resets = []
  meter.on('engine-reset', ({ generation }) => resets.push(generation))
  // More than the memory may grow to: the allocator gives up, for real.
  const trap = () =>
    assert.throws(() => sdk.enter(() => sdk.previewCore('x'.repeat(65 << 20))), { code: 'core_trapped' })
  const own = { ...event(1), id: 'own' }
  const ids = ['own']
  meter.record(own)
  for (let n = 0; n < 10; n++) ids.push(meter.record(event(n)).id)
  void meter.flush()
  await until(() => open.length > 0 && kept.events.length === 11)
  for (let n = 0; n < 10; n++) ids.push(meter.record(event(n)).id)
  trap()
  for (let n = 0; n < 10; n++) ids.push(meter.record(event(n)).id)
  assert.deepEqual(meter.record({ ...event(2, { nested: {} }), id: 'after' }), { id: 'after' })
  ids.push('after')
  // The request from before is nobody's, and is made again: this one has no memory for ids.
  await until(() => {
    for (const answer of open.splice(0)) answer()
    return meter.stats().pending === 0
  })
  assert.deepEqual(resets, [1])
  assert.deepEqual(meter.stats().sinks.map(counts), Array(2).fill([32, 32, 0, 0, 0, 0]))
  assert.deepEqual(kept.events.map(({ id }) => id).sort(), [...ids].sort())
  assert.deepEqual([...new Set(got)].sort(), [...ids].sort())
  assert.equal(meter.preview('calls').incomplete, true)
  await meter.close()
})

/** A process with a client of two sinks, each with its file, that records and ends in one of many ways. */
const CHILD = `
  import { writeSync } from 'node:fs'
  import { dodo, openmeter, Taximeter, tee } from 'taximeter'
  import { fileSpool } from 'taximeter/file'
  const { urls, folder, record, end } = JSON.parse(process.argv[1])
  const sinks = [openmeter({ url: urls[0], dedup: 'unlimited' }), dodo({ url: urls[1], apiKey: 'key' })]
  const spooled = (sink, i) => (folder ? { sink, spool: fileSpool(folder + '/' + i) } : sink)
  const meter = new Taximeter({ source: 'process', sink: tee(sinks.map(spooled)) })
  const tell = (what) => writeSync(1, JSON.stringify(what) + '\\n')
  const ids = []
  for (let n = 0; n < record; n++) ids.push(meter.record({ type: 'call', subject: 'c', data: { n } }).id)
  tell(ids)
  if (end === 'kill') process.kill(process.pid, 'SIGKILL')
  if (end === 'wait') setInterval(() => {}, 1000)
  if (end === 'close') {
    await meter.close({ deadlineMs: 50_000 })
    tell(meter.stats().sinks.map(({ recorded, delivered, pending }) => ({ recorded, delivered, pending })))
  }`

function start(options) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, JSON.stringify(options)], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.on('data', (data) => {
    out += data
  })
  const ended = once(child, 'close').then(([code, signal]) => ({
    code,
    signal,
    told: out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  }))
  return { child, ended }
}

/** Each event was counted once at each vendor. */
function countedOnce(vendors, ids) {
  for (const { counted } of vendors) {
    assert.deepEqual([...counted.keys()].map((key) => JSON.parse(key)[1]).sort(), [...ids].sort())
    assert.ok([...counted.values()].every((times) => times === 1))
  }
}

for (const how of ['in the very turn', 'in flight at both, stored by one']) {
  test(`SIGKILL ${how}: the next process delivers to each vendor what it has not got, once`, async (t) => {
    const vendors = [await vendor(t), await vendor(t, { dodo: true })]
    const isInFlight = how !== 'in the very turn'
    if (isInFlight) for (const [i, commit] of ['all', 'none'].entries()) vendors[i].script([{ commit, end: 'hang' }])
    const options = { urls: vendors.map(({ url }) => url), folder: folder(t) }
    const victim = start({ ...options, record: 300, end: isInFlight ? 'wait' : 'kill' })
    if (isInFlight) {
      await until(() => vendors.every(({ requests }) => requests.length > 0))
      victim.child.kill('SIGKILL')
    }
    const { signal, told } = await victim.ended
    assert.deepEqual([signal, new Set(told[0]).size], ['SIGKILL', 300])
    const next = await start({ ...options, record: 0, end: 'close' }).ended
    assert.deepEqual(next.told[1], Array(2).fill({ recorded: 300, delivered: 300, pending: 0 }))
    countedOnce(vendors, told[0])
    const last = await start({ ...options, record: 0, end: 'close' }).ended
    assert.deepEqual(last.told[1], Array(2).fill({ recorded: 0, delivered: 0, pending: 0 }))
  })
}

test('a process that has nothing more to do sends to each what waits, and ends', async (t) => {
  const vendors = [await vendor(t), await vendor(t, { dodo: true })]
  const { code, told } = await start({ urls: vendors.map(({ url }) => url), record: 3, end: '' }).ended
  assert.equal(code, 0)
  countedOnce(vendors, told[0])
})

test('what one still has to send, or has refused, is in its spool; the other one has nothing left', async (t) => {
  const server = await devServer(t)
  const path = folder(t)
  const open = (send) =>
    new Taximeter({
      source: 'sinks',
      meters,
      sink: tee([
        { sink: openmeter({ url: server.url, token: KEY }), spool: fileSpool(join(path, 'first')) },
        { sink: custom({ send, dedup: 'unlimited' }), spool: fileSpool(join(path, 'second')) },
      ]),
    })
  const before = open((events) => {
    if (events.length > 1 || events[0].id !== 'refused') throw new Error('down')
    return { refused: [{ id: 'refused', reason: 'unknown customer' }] }
  })
  before.record({ ...event(1), id: 'refused' })
  await until(() => before.stats().quarantined === 1)
  const own = { ...event(2), id: 'own' }
  before.record(own)
  assert.ok(before.stats().sinks.every(({ recorded, spool }) => recorded === 2 && spool === 'ok'))
  await until(() => before.stats().sinks[0].delivered === 2)
  await before.close({ deadlineMs: 0 })

  const got = []
  const after = open((events) => void got.push(...events.map(({ id }) => id)))
  assert.deepEqual(after.stats().sinks.map(counts), [
    [0, 0, 0, 0, 0, 0],
    [2, 0, 1, 1, 0, 0],
  ])
  assert.deepEqual(
    after.quarantined().map(({ id, sink, text }) => [id, sink, text]),
    [['refused', 1, 'unknown customer']],
  )
  // What came from a spool is not in the preview, which says so.
  assert.deepEqual(after.preview('calls').incomplete, true)
  // Recorded again, it is one event at each: here it waits already, there the vendor knows its id.
  assert.equal(after.record(own).id, 'own')
  assert.equal(after.release('refused'), 1)
  assert.deepEqual(await after.close({ deadlineMs: 50_000 }), { delivered: 3, pending: 0, quarantined: 0, dropped: 0 })
  assert.deepEqual(got.sort(), ['own', 'refused'])
  assert.deepEqual(
    server
      .events()
      .map(({ id }) => id)
      .sort(),
    ['own', 'refused'],
  )
})

test('what is wrong with it is told, and leaves no spool locked', async (t) => {
  for (const [sinks, path] of [
    [undefined, undefined],
    [[], undefined],
    [[memory(), 1], undefined],
    [[memory(), {}], '[1]'],
    [[tee([memory()])], '[0]'],
    [[{ sink: tee([memory()]) }], '[0]'],
  ])
    assert.throws(
      () => tee(sinks),
      (error) => error.code === 'invalid_sink' && error.path === path,
    )
  assert.throws(() => tee([{ sink: memory(), spol: 1 }]), { code: 'unknown_option', path: '[0].spol' })
  const make = (...sinks) => new Taximeter({ source: 's', sink: tee(sinks) })
  const spooled = { sink: memory(), spool: fileSpool(join(folder(t), 'spool')) }
  const bad = openmeter({ url: 'http://example.com' })
  assert.throws(() => make(spooled, bad), { code: 'insecure_url', path: /^sink\[1\]/ })
  assert.throws(() => make(spooled, spooled), { code: 'spool_locked', path: 'sink[1].spool' })
  assert.throws(() => new Taximeter({ source: 's', spool: spooled.spool, sink: tee([memory()]) }), {
    code: 'invalid_option',
    path: 'spool',
  })
  assert.throws(() => make({ sink: memory(), spool: 'a path' }), { code: 'invalid_option', path: 'sink[0].spool' })
  await make(spooled).close()
})

test('the example of the README', async (t) => {
  const path = folder(t)
  process.env.STRIPE_KEY = KEY
  const made = []
  class Client extends Taximeter {
    constructor(options) {
      super({ ...options, fetch: async () => new Response('{}') })
      made.push(this)
    }
  }
  assert.equal(
    runExample('Sinks', { ...taximeter, Taximeter: Client, fileSpool: (file) => fileSpool(join(path, file)) }),
    2,
  )
  await made[0].close({ deadlineMs: 0 })
})
