/** Sinks of one's own: a webhook in its three modes, a function, memory, the console. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { consoleSink, custom, memory, Taximeter, webhook } from 'taximeter'
import { settled } from '../until.mjs'

const SECRET = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`

/** A receiver; the statuses are those of its first answers, then it takes everything. */
async function receiver(statuses = []) {
  const requests = []
  const server = createServer(async (req, res) => {
    const chunks = []
    for await (const chunk of req) chunks.push(chunk)
    requests.push({ headers: req.headers, body: Buffer.concat(chunks).toString() })
    res.writeHead(statuses.shift() ?? 200, { 'content-type': 'text/plain' }).end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${server.address().port}/usage`, requests, close }
}

/** What a receiver does by Standard Webhooks. */
function isSigned({ headers, body }) {
  const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature } = headers
  const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64')
  const mac = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  return signature === `v1,${mac}` && Math.abs(Date.now() / 1000 - Number(seconds)) < 60
}

const event = (n) => ({ type: 'call', subject: 'Zoë "1"', data: { n, route: '/é' } })

test('webhook: batches, signed, the same bytes under the same message id when sent again', async () => {
  const { url, requests, close } = await receiver([503])
  const sink = webhook({ url, secret: SECRET })
  const meter = new Taximeter({ source: 'shop', sink })
  const ids = [1, 2, 3].map((n) => meter.record(event(n)).id)
  assert.equal((await settled(meter)).delivered, 3)
  const [first, second] = requests
  assert.equal(first.headers['content-type'], 'application/cloudevents-batch+json')
  assert.deepEqual(
    JSON.parse(first.body).map(({ id }) => id),
    ids,
  )
  assert.equal(first.body, second.body)
  assert.equal(first.headers['webhook-id'], second.headers['webhook-id'])
  assert.ok(requests.every(isSigned))
  assert.ok(!inspect([sink, meter, meter.stats()], { depth: 9, showHidden: true }).includes(SECRET.slice(6)))
  await meter.close()
  close()
})

test('webhook: one event a request, structured and binary', async () => {
  const { url, requests, close } = await receiver()
  for (const mode of ['structured', 'binary']) {
    const meter = new Taximeter({ source: 'shop', sink: webhook({ url, mode, secret: SECRET, token: 'tok' }) })
    meter.record(event(1))
    meter.record({ type: 'bare', subject: 's' })
    assert.equal((await meter.close({ deadlineMs: 60_000 })).delivered, 2)
  }
  const [whole, , split, bare] = requests
  assert.equal(whole.headers['content-type'], 'application/cloudevents+json')
  assert.deepEqual(JSON.parse(whole.body).data, event(1).data)
  assert.equal(split.headers['content-type'], 'application/json')
  assert.equal(split.body, '{"n":1,"route":"/é"}')
  assert.equal(split.headers['ce-subject'], 'Zo%C3%AB%20%221%22')
  assert.equal(split.headers['ce-type'], 'call')
  assert.equal(split.headers['ce-specversion'], '1.0')
  assert.ok(split.headers['ce-id'] && split.headers['ce-time'] && split.headers['ce-source'])
  assert.equal(bare.body, '')
  assert.ok(requests.every((request) => isSigned(request) && request.headers.authorization === 'Bearer tok'))
  close()
})

test('webhook: what is wrong with its options is told, and the secret is not', () => {
  for (const [options, path] of [
    [{ url: 'https://a.b', mode: 'x' }, 'mode'],
    [{ url: 'https://a.b', secret: 'hush' }, 'secret'],
    [{ url: 'https://a.b', secret: 'whsec_short' }, 'secret'],
  ]) {
    assert.throws(
      () => webhook(options),
      (error) => error.code === 'invalid_sink' && error.path === path && !error.message.includes('hush'),
    )
  }
  assert.throws(() => new Taximeter({ source: 's', sink: webhook({ url: 'http://example.com' }) }), {
    code: 'insecure_url',
  })
})

test('custom: what it throws is sent again, by its status if it has one; what it refuses is put aside', async () => {
  const calls = []
  const fates = [
    () => {
      throw new Error('down')
    },
    () => Promise.reject(Object.assign(new Error('busy'), { status: 503 })),
    (events) => ({ refused: [{ id: events[1].id, reason: 'no such customer' }] }),
  ]
  const send = (events, { json }) => {
    calls.push(json)
    return fates.shift()?.(events)
  }
  const sink = custom({ send, dedup: 'unlimited' })
  const meter = new Taximeter({ source: 'shop', sink })
  const ids = [1, 2, 3].map((n) => meter.record(event(n)).id)
  const { delivered, quarantined } = await settled(meter)
  assert.deepEqual([delivered, quarantined, calls.length], [2, 1, 3])
  assert.equal(new Set(calls).size, 1, 'the same bytes each time')
  const [aside] = meter.quarantined()
  assert.deepEqual([aside.id, aside.code, aside.text], [ids[1], 'rejected', 'no such customer'])
  await meter.close()
})

test('custom: a refusal without names is found by halves', async () => {
  let calls = 0
  const send = (events) => {
    calls += 1
    if (events.some(({ data }) => data.n === 3)) throw Object.assign(new Error('bad'), { status: 400 })
  }
  const meter = new Taximeter({ source: 'shop', sink: custom({ send }) })
  for (let n = 0; n < 8; n++) meter.record(event(n))
  const { delivered, quarantined } = await meter.close({ deadlineMs: 60_000 })
  assert.deepEqual([delivered, quarantined], [7, 1])
  assert.ok(calls <= 8, `${calls} calls`)
})

test('memory and console', async (t) => {
  const sink = memory()
  const meter = new Taximeter({ source: 'shop', sink })
  const { id } = meter.record(event(1))
  await meter.close()
  assert.equal(sink.events.length, 1)
  assert.deepEqual([sink.events[0].id, sink.events[0].data], [id, event(1).data])
  const log = t.mock.method(console, 'log', () => {})
  const printer = new Taximeter({ source: 'shop', sink: consoleSink() })
  printer.record(event(2))
  await printer.close()
  assert.equal(JSON.parse(log.mock.calls[0].arguments[0]).data.n, 2)
})
