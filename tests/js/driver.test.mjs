/** One request, one outcome: the deadline, and what is known of a request that failed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { test } from 'node:test'
import { internals } from './internals.mjs'

const { send, viaFetch, viaNode } = await internals('driver', 'node-http')

const target = (url) => ({ url, headers: { authorization: 'Bearer canary' }, accepted: [204] })
const body = new TextEncoder().encode('[]')
const sent = (transport, deadlineMs = 5000) =>
  new Promise((ok) => {
    const outcomes = []
    send(transport, body, deadlineMs, (outcome) => {
      outcomes.push(outcome)
      // Any further call would come soon after.
      setTimeout(ok, 50, outcomes)
    })
  })

async function listen(t, server) {
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok))
  t.after(() => server.close())
  return server.address().port
}

test("the deadline holds, though a fetch ignores its signal; a late answer is nobody's", async () => {
  const fetch = () => new Promise((ok) => setTimeout(ok, 60, new Response(null, { status: 204 })))
  assert.deepEqual(await sent(viaFetch(fetch, target('http://a')), 20), [
    { error: 'deadline', text: 'no answer within 20 ms', unsent: false },
  ])
})

test('whatever a fetch or a transport throws is an outcome, and comes later', async () => {
  // As of Node and of Deno.
  const refused = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED', message: 'a:1' } })
  const unconnected = new TypeError('fetch failed', { cause: new Error('client error (Connect)') })
  const circular = new TypeError('round')
  circular.cause = circular
  for (const [thrown, error, text] of [
    [refused, 'ECONNREFUSED', 'fetch failed: a:1'],
    [unconnected, 'TypeError', 'fetch failed: client error (Connect)'],
    [circular, 'TypeError', Array(8).fill('round').join(': ')],
    [new TypeError('no'), 'TypeError', 'no'],
    ['text', 'unknown', 'text'],
    [undefined, 'unknown', 'undefined'],
  ]) {
    const throwing = () => {
      throw thrown
    }
    for (const transport of [viaFetch(throwing, target('http://a')), throwing]) {
      let isLater = false
      const told = await new Promise((ok) => {
        send(transport, body, 5000, (outcome) => ok({ ...outcome, isLater }))
        isLater = true
      })
      assert.deepEqual(told, { error, text, unsent: false, isLater: true })
    }
  }
})

test('Node: a refused connection, and a deadline before TLS is agreed on: nothing was sent', async (t) => {
  const closed = net.createServer()
  const port = await listen(t, closed)
  await new Promise((ok) => closed.close(ok))
  const [refused] = await sent(viaNode(target(`http://127.0.0.1:${port}`)))
  assert.deepEqual([refused.error, refused.unsent], ['ECONNREFUSED', true])

  const silent = net.createServer((socket) => socket.on('error', () => {}).resume())
  const [late] = await sent(viaNode(target(`https://127.0.0.1:${await listen(t, silent)}`)), 100)
  assert.deepEqual([late.error, late.unsent], ['deadline', true])
})

test('Node: a deadline after the request: it may have arrived, and the connection is closed', async (t) => {
  const server = http.createServer((request) => request.resume())
  const port = await listen(t, server)
  const closed = once(server, 'connection').then(([socket]) => once(socket, 'close'))
  const outcomes = await sent(viaNode(target(`http://127.0.0.1:${port}`)), 1000)
  assert.deepEqual(outcomes, [{ error: 'deadline', text: 'no answer within 1000 ms', unsent: false }])
  await closed
})

test('Node: the answer is told once, with its headers and the beginning of its body', async (t) => {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      response.sendDate = false
      response.writeHead(429, { 'content-type': 'text/plain', 'retry-after': '7' }).end('é'.repeat(70_000))
    })
  })
  const port = await listen(t, server)
  const [answer, ...more] = await sent(viaNode(target(`http://127.0.0.1:${port}`)))
  const { body, ...head } = answer
  assert.deepEqual(head, { status: 429, contentType: 'text/plain', retryAfter: '7', date: undefined })
  assert.equal(body, 'é'.repeat(32 * 1024))
  assert.deepEqual(more, [])
})
