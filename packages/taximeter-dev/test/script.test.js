import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { Ledger } from '../src/ledger.js'
import { ARRIVALS_KEPT_MAX, REQUESTS_KEPT_MAX } from '../src/limits.js'
import { batch, event, NOW, serve } from './helpers.js'

const sha256 = (text) => createHash('sha256').update(text).digest('hex')
const three = batch(event('1'), event('2'), event('3'))
const arrivals = (server) =>
  server.requests.map((request) => request.arrivals.map(({ id, attempt, outcome }) => [id, attempt, outcome]))
const ids = (server) => server.events().map(({ id }) => id)

test('the ledger has each event with its hash, attempt and outcome', async () => {
  const { server, post, get } = await serve()
  const raw = event('1', '{ "v" : 1.0 }')
  await post(` [ ${raw} , ${event('2')}]`)
  await get('/api/v1/events')
  await post(batch(event('2'), event('2')))
  await post(batch(event('3'), event('4', '[]')))
  const [first, list, second, third] = server.requests
  assert.deepEqual(
    { ...first, headers: {} },
    {
      n: 1,
      time: NOW,
      method: 'POST',
      path: '/api/v1/events',
      headers: {},
      bytes: raw.length + event('2').length + 7,
      status: 204,
      arrivals: [
        { source: 'api', id: '1', sha256: sha256(raw), attempt: 1, outcome: 'stored' },
        { source: 'api', id: '2', sha256: sha256(event('2')), attempt: 1, outcome: 'stored' },
      ],
    },
  )
  assert.deepEqual([list.method, list.status, list.arrivals], ['GET', 200, []])
  assert.deepEqual(
    second.arrivals.map(({ attempt, outcome }) => [attempt, outcome]),
    [
      [2, 'duplicate'],
      [3, 'duplicate'],
    ],
  )
  assert.deepEqual(
    third.arrivals.map(({ attempt, outcome }) => [attempt, outcome]),
    [
      [1, 'refused'],
      [1, 'refused'],
    ],
  )
  assert.deepEqual(server.stats(), {
    requests: 3,
    arrivals: 6,
    stored: 2,
    duplicate: 2,
    dropped: 0,
    withheld: 0,
    refused: 2,
    events: 2,
    evicted: 0,
    scripted: 0,
  })
})

test('statuses, headers and bodies, one step a request; an error stores nothing unless told to', async () => {
  const { server, post } = await serve()
  server.script([
    { status: 503, headers: { 'retry-after': '2' }, body: 'busy' },
    { status: 500, commit: 2 },
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>', commit: 'none' },
    { headers: { date: 'Thu, 01 Jan 1970 00:00:00 GMT' } },
  ])
  const busy = await post(three)
  assert.deepEqual([busy.status, busy.headers.get('retry-after'), await busy.text()], [503, '2', 'busy'])
  assert.deepEqual(ids(server), [])
  const half = await post(three)
  assert.deepEqual([half.status, await half.text()], [500, ''])
  assert.deepEqual(ids(server), ['1', '2'])
  assert.equal(await (await post(three)).text(), '<html>')
  const usual = await post(three)
  assert.deepEqual([usual.status, usual.headers.get('date')], [204, 'Thu, 01 Jan 1970 00:00:00 GMT'])
  assert.deepEqual(arrivals(server), [
    [
      ['1', 1, 'withheld'],
      ['2', 1, 'withheld'],
      ['3', 1, 'withheld'],
    ],
    [
      ['1', 2, 'stored'],
      ['2', 2, 'stored'],
      ['3', 2, 'withheld'],
    ],
    [
      ['1', 3, 'withheld'],
      ['2', 3, 'withheld'],
      ['3', 3, 'withheld'],
    ],
    [
      ['1', 4, 'duplicate'],
      ['2', 4, 'duplicate'],
      ['3', 4, 'stored'],
    ],
  ])
  assert.deepEqual(server.stats().scripted, 0)
})

test('a reset after the commit: the resend is a duplicate of the same bytes', async () => {
  const { server, post } = await serve()
  server.script([{ end: 'reset' }])
  await assert.rejects(post(three), (error) => error.cause.code === 'ECONNRESET')
  assert.deepEqual(ids(server), ['1', '2', '3'])
  assert.equal((await post(three)).status, 204)
  const [first, second] = server.requests
  assert.deepEqual([first.status, second.status], [undefined, 204])
  assert.deepEqual(
    first.arrivals.map((a) => a.sha256),
    second.arrivals.map((a) => a.sha256),
  )
  assert.deepEqual(
    second.arrivals.map((a) => a.outcome),
    ['duplicate', 'duplicate', 'duplicate'],
  )
})

test('hang, half a reply, delay', async () => {
  const { server, post, dodo } = await serve()
  const send = (options) =>
    fetch(`${server.url}/api/v1/events`, {
      method: 'POST',
      body: three,
      headers: { 'content-type': 'application/cloudevents-batch+json' },
      ...options,
    })
  server.script([{ end: 'hang' }, { end: 'half-reply' }, { delayMs: 100 }, { status: 413 }])
  const hung = new AbortController()
  const hanging = send({ signal: hung.signal })
  while (server.stats().scripted > 3) await new Promise((resolve) => setTimeout(resolve, 5))
  // The rest would come soon after, if it came.
  setTimeout(() => hung.abort(), 150)
  await assert.rejects(hanging, { name: 'AbortError' })
  const cut = new AbortController()
  const half = await send({ signal: cut.signal })
  assert.equal(half.status, 200)
  setTimeout(() => cut.abort(), 150)
  await assert.rejects(half.text(), { name: 'AbortError' })
  const start = performance.now()
  assert.equal((await post(three)).status, 204)
  assert.ok(performance.now() - start >= 95)
  assert.equal((await dodo('{"events":[]}')).status, 413)
  assert.deepEqual(
    server.requests.map(({ status }) => status),
    [undefined, 200, 204, 413],
  )
})

test('closing ends what hangs or waits', async () => {
  const { server, post } = await serve()
  server.script([{ end: 'hang' }, { delayMs: 60_000 }])
  const waiting = [post(three), post(three)].map((promise) => promise.catch((error) => error))
  while (server.stats().scripted > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await server.close()
  await server.close()
  for (const error of await Promise.all(waiting)) assert.ok(error instanceof TypeError)
})

test('a request without the token takes no step', async () => {
  const { server, post } = await serve({ token: 'key' })
  server.script([{ status: 503 }])
  assert.equal((await post(three)).status, 401)
  assert.equal(server.stats().scripted, 1)
})

test('a script is checked', async () => {
  const { server } = await serve()
  for (const step of [
    { state: 500 },
    { status: 99 },
    { status: 1.5 },
    { delayMs: -1 },
    { delayMs: 1e9 },
    { commit: 'some' },
    { commit: -1 },
    { end: 'explode' },
  ]) {
    assert.throws(() => server.script([step]), /must be|has no/)
  }
  assert.throws(() => server.script(Array(10_001).fill({})), /10000/)
  assert.equal(server.stats().scripted, 0)
})

test('the ledger forgets the oldest requests', () => {
  const ledger = new Ledger()
  for (let n = 1; n <= REQUESTS_KEPT_MAX + 5; n++) ledger.open({ method: 'GET', url: `/${n}?x`, headers: {} }, n)
  assert.deepEqual(
    [ledger.requests.length, ledger.requests[0].n, ledger.requests[0].path],
    [REQUESTS_KEPT_MAX, 6, '/6'],
  )
  const record = ledger.open({ headers: {} }, 0)
  for (let n = 0; n < ARRIVALS_KEPT_MAX + 5; n++) ledger.arrive(record, { source: 's', id: `${n}`, raw: '' }, 'stored')
  assert.deepEqual(ledger.requests, [record])
  ledger.arrive(ledger.open({ headers: {} }, 0), { source: 's', id: '7', raw: '' }, 'stored')
  assert.deepEqual([ledger.requests.length, ledger.requests[0].arrivals[0].attempt], [1, 2])
})
