import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batch, event, NOW, serve } from './helpers.js'

const usage = (id, more = {}) => ({ event_id: id, customer_id: 'cus_42', event_name: 'llm.tokens', ...more })
const body = (...events) => JSON.stringify({ events })
const at = (ms) => new Date(NOW + ms).toISOString()

async function refused(response, status, message) {
  assert.equal(response.status, status)
  assert.equal(response.headers.get('content-type'), 'application/json')
  assert.match((await response.json()).message, message)
}

test('events are stored in the same table as CloudEvents, digits as sent', async () => {
  const { server, dodo, get } = await serve()
  const metadata = '{"tokens":9007199254740993,"cost":"0.10","ok":true,"x":1.0}'
  const text = body(usage('1', { timestamp: at(-1000) }), usage('2', { metadata: null })).replace(
    '"event_id":"1"',
    `"metadata":${metadata},$&`,
  )
  const response = await dodo(text)
  assert.equal(response.status, 200)
  assert.deepEqual(await response.json(), { ingested_count: 2 })
  assert.deepEqual(server.events(), [
    {
      id: '1',
      source: 'dodo',
      type: 'llm.tokens',
      subject: 'cus_42',
      time: at(-1000),
      data: metadata,
      ingestedAt: NOW,
    },
    { id: '2', source: 'dodo', type: 'llm.tokens', subject: 'cus_42', time: at(0), data: null, ingestedAt: NOW },
  ])
  assert.ok((await (await get('/api/v1/events?id=1')).text()).includes(`"data":${metadata}`))
})

test('a known id is ignored later, but twice in one request refuses it all, whatever dedupe says', async () => {
  const { server, dodo } = await serve({ dedupe: false })
  await dodo(body(usage('1')))
  assert.deepEqual(await (await dodo(body(usage('1'), usage('2')))).json(), { ingested_count: 1 })
  await refused(await dodo(body(usage('3'), usage('4'), usage('3'))), 400, /duplicate event_id in request: 3/)
  assert.deepEqual(
    server.events().map(({ id }) => id),
    ['1', '2'],
  )
})

test('400 and 422 refuse the whole request', async () => {
  const { server, dodo } = await serve()
  const metadata = (value) => body(usage('ok'), usage('bad', { metadata: value }))
  const keys = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
  for (const [text, status, message] of [
    ['', 422, /malformed/],
    ['{"events":', 422, /malformed/],
    ['[]', 422, /events must be an array/],
    ['null', 422, /events must be an array/],
    [body(), 400, /1 to 1000/],
    [body(...Array.from({ length: 1001 }, (_, i) => usage(`${i}`))), 400, /1 to 1000/],
    [body(usage('ok'), 7), 422, /events\[1\] must be an object/],
    [body(usage('ok'), usage(undefined)), 422, /events\[1\]\.event_id/],
    [body(usage('')), 400, /event_id must not be empty/],
    [body(usage('1', { customer_id: 7 })), 422, /customer_id/],
    [body(usage('1', { event_name: null })), 422, /event_name/],
    [body(usage('1', { timestamp: 1795226400 })), 422, /timestamp/],
    [body(usage('1', { timestamp: 'soon' })), 400, /timestamp/],
    [body(usage('1', { timestamp: '2026-11-21 02:00:00' })), 400, /time_invalid/],
    [body(usage('1', { timestamp: at(-3_600_001) })), 400, /1 hour old/],
    [body(usage('1', { timestamp: at(300_001) })), 400, /5 minutes/],
    [metadata([]), 422, /metadata must be an object/],
    [metadata({ a: {} }), 422, /metadata\.a/],
    [metadata({ a: null }), 422, /metadata\.a/],
    [metadata(keys(51)), 400, /50 keys/],
    [metadata({ ['k'.repeat(101)]: 1 }), 400, /100 characters/],
    [metadata({ k: 'v'.repeat(501) }), 400, /500 characters/],
    [metadata({ v: 0 }).replace('"v":0', '"v":1e400'), 400, /number_overflow/],
  ]) {
    await refused(await dodo(text), status, message)
  }
  await refused(await dodo(body(usage('1')), { 'content-type': 'text/plain' }), 400, /content-type/)
  await refused(await dodo(' '.repeat(5 * 1024 * 1024 + 1)), 413, /5242880/)
  assert.equal(server.stats().events, 0)

  const fits = { ...keys(48), ['k'.repeat(100)]: 1, s: 'v'.repeat(500) }
  const times = [usage('1', { timestamp: at(-3_600_000) }), usage('2', { timestamp: at(300_000), metadata: fits })]
  assert.equal((await dodo(body(...times))).status, 200)
})

test('401 without the bearer token', async () => {
  const { dodo } = await serve({ token: 'key' })
  await refused(await dodo(body(usage('1'))), 401, /token/)
  assert.equal((await dodo(body(usage('1')), { authorization: 'Bearer key' })).status, 200)
})

test('an id is known only within its source', async () => {
  const { server, dodo, post } = await serve()
  await post(batch(event('1')))
  await dodo(body(usage('1')))
  assert.equal(server.stats().events, 2)
})
