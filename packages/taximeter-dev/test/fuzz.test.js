import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { batch, event, serve } from './helpers.js'

/** Numbers that are the same in every run. */
function randomOf(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
}

const SCRAPS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  'null',
  '1e999',
  '""',
  '\0',
  '\ud800',
  '{"toString":1}',
  '[[]]',
  '"id":7',
  ' ',
]
const TYPES = ['application/cloudevents+json', 'application/cloudevents-batch+json', 'application/json']

test('mutated requests are answered, never with a fault of the server, and 400 stores nothing', async () => {
  const { server, post, dodo } = await serve({ dedupe: false })
  const random = randomOf(1)
  const usage = '{"events":[{"event_id":"1","customer_id":"c","event_name":"n","metadata":{"a":1.0,"b":"x"}}]}'
  for (let round = 0; round < 600; round++) {
    let text = round % 2 ? batch(event('1', '{"a":{"b":[1,"]"]}}'), event('2')) : usage
    for (let times = random(4); times >= 0; times--) {
      const at = random(text.length + 1)
      text = text.slice(0, at) + SCRAPS[random(SCRAPS.length)] + text.slice(at + random(12))
    }
    const before = server.stats().events
    const response = await (round % 2 ? post(text, TYPES[random(3)]) : dodo(text))
    const expected = round % 2 ? [204, 400] : [200, 400, 422]
    // A number beyond float64 is the one 500 that is the sender's fault.
    if (response.status === 500) assert.match(await response.text(), /number_overflow/)
    else assert.ok(expected.includes(response.status), `${response.status} for ${text}`)
    if (response.status === 400 || response.status === 422) assert.equal(server.stats().events, before)
  }
  for (const stored of server.events()) JSON.parse(stored.data ?? 'null')
})

test('depth, breadth and odd types do no harm', async () => {
  const { post, dodo, request } = await serve()
  const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`
  const deepEvent = event('1', `{"a":${deep}}`)
  assert.ok([204, 400].includes((await post(batch(deepEvent))).status))
  assert.equal((await post(deep)).status, 400)
  for (const value of [deep, '{"toString":1}', '[{"valueOf":null}]']) {
    assert.equal((await post(batch(event('1').replace('"api"', value)))).status, 400)
    assert.equal((await dodo(`{"events":[{"event_id":${value}}]}`)).status, 422)
    assert.ok((await request('POST', '/api/v1/meters', `{"slug":${value}}`)).status === 400)
  }
  assert.equal((await post(batch(...Array.from({ length: 20_000 }, (_, i) => event(`${i}`, '{}'))))).status, 204)
  assert.equal((await post(`[${'{},'.repeat(100_000)}{}]`)).status, 400)
})

test('what is not HTTP ends its own connection only', async () => {
  const { server, post } = await serve()
  for (const bytes of [
    '\0\x01\x02',
    'POST /api/v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n[',
    'GET /\r\n\r\n',
    'CONNECT x:1 HTTP/1.1\r\n\r\n',
  ]) {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.end(bytes)
    socket.resume()
    await once(socket, 'close')
  }
  assert.equal((await post(batch(event('1')))).status, 204)
})
