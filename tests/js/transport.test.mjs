/** One request and what may befall it, on real sockets: over the platform's own client and over `fetch` alike. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import http from 'node:http'
import { test } from 'node:test'
import { dodo, openmeter, Taximeter } from 'taximeter'
import { settled, until } from '../until.mjs'

/** A server that does with its n-th request what `script[n]` says, and accepts it where that says nothing. */
async function listen(t, script = []) {
  const requests = []
  const connections = new Set()
  const server = http.createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const number = requests.push({
        ids: ids(body),
        sha256: createHash('sha256').update(body).digest('hex'),
        headers: request.headers,
      })
      const act = script[number - 1] ?? ((response) => response.writeHead(204).end())
      act(response, request)
    })
  })
  server.on('connection', (socket) => connections.add(socket))
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, requests, connections, url: `http://127.0.0.1:${server.address().port}` }
}

function ids(body) {
  const parsed = JSON.parse(body)
  return (parsed.events ?? parsed).map((event) => event.id ?? event.event_id)
}

function client(t, url, { fetch, sink } = {}) {
  const meter = new Taximeter({ source: 'test', sink: sink ?? openmeter({ url, token: 'canary' }), fetch })
  t.after(() => meter.close({ deadlineMs: 1 }))
  return meter
}

const record = (meter, n = 1) =>
  Array.from({ length: n }, (_, i) => meter.record({ type: 'call', subject: `s${i}` }).id)
const all = (n) => ({ delivered: n, pending: 0, quarantined: 0, dropped: 0 })
const reset = (response) => response.socket.resetAndDestroy()
const once = (meter, name) => new Promise((ok) => meter.on(name, ok))
const sleep = (ms) => new Promise((ok) => setTimeout(ok, ms))

for (const [name, fetch] of [
  ["the platform's own", undefined],
  ['fetch', globalThis.fetch],
]) {
  const via = (title, run) => test(`${name}: ${title}`, run)

  // `fetch`, which is Deno's and Bun's own too, tells of an answer before its connection is free again.
  const connectionsMax = fetch || process.versions.deno || process.versions.bun ? 2 : 1

  via('batches that follow each other share a connection', async (t) => {
    const { url, requests, connections } = await listen(t)
    const meter = client(t, url, { fetch })
    for (let i = 1; i <= 10; i++) {
      record(meter)
      assert.deepEqual(await settled(meter), all(i))
    }
    assert.equal(requests.length, 10)
    assert.ok(connections.size <= connectionsMax, `${connections.size} connections`)
    const [{ headers }] = requests
    assert.deepEqual(
      [headers['content-type'], headers.authorization, headers.host, headers['content-length'] > 0],
      ['application/cloudevents-batch+json', 'Bearer canary', new URL(url).host, true],
    )
  })

  via('an answer with a body leaves the connection for the next batch', async (t) => {
    const answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"n":1}')
    const { url, requests, connections } = await listen(t, [answer, answer, answer])
    const meter = client(t, url, { fetch, sink: dodo({ url, apiKey: 'canary' }) })
    for (let i = 1; i <= 3; i++) {
      record(meter)
      assert.deepEqual(await settled(meter), all(i))
    }
    assert.equal(requests.length, 3)
    assert.ok(connections.size <= connectionsMax, `${connections.size} connections`)
  })

  via('a reset on a connection that is used again: the same bytes again, nothing lost', async (t) => {
    const { url, requests } = await listen(t, [undefined, reset])
    const meter = client(t, url, { fetch })
    record(meter)
    await settled(meter)
    const [first, second] = record(meter, 2)
    assert.deepEqual(await settled(meter), all(3))
    assert.equal(requests.length, 3)
    assert.deepEqual(requests[1].ids, [first, second])
    assert.equal(requests[2].sha256, requests[1].sha256)
  })

  via('a server that closes idle connections costs nothing', async (t) => {
    const { server, url, requests, connections } = await listen(t)
    const meter = client(t, url, { fetch })
    for (let i = 1; i <= 3; i++) {
      record(meter)
      assert.deepEqual(await settled(meter), all(i))
      // To the server one is idle a little after its answer has arrived.
      await until(() => {
        server.closeIdleConnections()
        return [...connections].every((socket) => socket.destroyed)
      })
      // The client hears of it.
      await sleep(50)
    }
    assert.deepEqual([requests.length, connections.size], [3, 3])
  })

  via('what may have arrived is told from what has not', async (t) => {
    // The server forgets ids at once: what may have arrived is not sent again, what has not is.
    const forgetful = (url) => openmeter({ url, dedup: 1 })
    const { url } = await listen(t, [reset])
    const meter = client(t, url, { fetch, sink: forgetful(url) })
    record(meter)
    await settled(meter)
    assert.deepEqual(
      meter.quarantined().map(({ code }) => code),
      ['dedup_window_expired'],
    )

    const { server } = await listen(t)
    const { port } = server.address()
    await new Promise((ok) => server.close(ok))
    const early = client(t, url, { fetch, sink: forgetful(`http://127.0.0.1:${port}`) })
    record(early)
    assert.equal((await early.flush({ deadlineMs: 100 })).pending, 1)
    await new Promise((ok) => server.listen(port, '127.0.0.1', ok))
    assert.deepEqual(await settled(early), all(1))
  })

  via('half a head and half a body of an error: again', async (t) => {
    const { url, requests } = await listen(t, [
      (response) => response.socket.end('HTTP/1.1 20'),
      (response) => {
        response.writeHead(503, { 'content-length': 100 }).write('half')
        setImmediate(reset, response)
      },
    ])
    const meter = client(t, url, { fetch })
    record(meter)
    assert.deepEqual(await meter.flush({ deadlineMs: 60_000 }), all(1))
    assert.equal(new Set(requests.map(({ sha256 }) => sha256)).size, 1)
    assert.equal(requests.length, 3)
  })

  via('half a body of an accepted answer: delivered', async (t) => {
    const { url, requests } = await listen(t, [
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).write('{"half"')
        setTimeout(reset, 20, response)
      },
    ])
    const meter = client(t, url, { fetch, sink: dodo({ url, apiKey: 'canary' }) })
    record(meter)
    assert.deepEqual(await settled(meter), all(1))
    await sleep(700)
    assert.deepEqual([requests.length, meter.stats().delivered], [1, 1])
  })

  via('a body without end: of an error its beginning is read, of an accepted answer none', async (t) => {
    let written = 0
    const endless = (status) => (response) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(16_384))) written += 16_384
      }
      response.on('drain', more).on('error', () => {})
      more()
    }
    const refused = await listen(t, [endless(400)])
    const meter = client(t, refused.url, { fetch })
    record(meter)
    assert.equal((await settled(meter)).quarantined, 1)
    const [{ text }] = meter.quarantined()
    assert.match(text, /^x{512}$/)
    const accepted = await listen(t, [endless(200)])
    const other = client(t, accepted.url, { fetch, sink: dodo({ url: accepted.url, apiKey: 'canary' }) })
    record(other)
    assert.deepEqual(await settled(other), all(1))
    // The connections are closed, so that the servers cannot go on.
    for (const { connections } of [refused, accepted]) {
      await until(() => [...connections].every((socket) => socket.destroyed))
    }
    assert.ok(written < 64 * 2 ** 20, `${written} bytes`)
  })

  via('a redirect is not followed, and the key goes nowhere else', async (t) => {
    const elsewhere = await listen(t)
    const { url, requests } = await listen(
      t,
      [301, 302, 307, 308].map((status) => (response) => response.writeHead(status, { location: elsewhere.url }).end()),
    )
    const meter = client(t, url, { fetch })
    const isHeld = once(meter, 'sink-state')
    record(meter)
    void meter.flush()
    await isHeld
    // A second request would come soon after.
    assert.equal((await meter.flush({ deadlineMs: 300 })).pending, 1)
    assert.deepEqual([requests.length, elsewhere.requests.length, meter.stats().state], [1, 0, 'held'])
  })

  via('413 halves the batch until it is taken, and one event alone is put aside', async (t) => {
    const tooLarge = (response) => response.writeHead(413).end()
    const { url, requests } = await listen(t, [tooLarge, tooLarge, tooLarge])
    const meter = client(t, url, { fetch })
    const [first, second, third, fourth] = record(meter, 4)
    assert.deepEqual({ ...(await settled(meter)) }, { ...all(3), quarantined: 1 })
    assert.deepEqual(
      requests.map((request) => request.ids),
      [[first, second, third, fourth], [first, second], [first], [second], [third], [fourth]],
    )
    assert.deepEqual(
      meter.quarantined().map(({ id, code, status }) => ({ id, code, status })),
      [{ id: first, code: 'too_large', status: 413 }],
    )
  })
}

test('fetch: an answer that never comes: the deadline ends the request', async (t) => {
  const { url, requests } = await listen(t, [() => {}])
  const meter = client(t, url, { fetch: globalThis.fetch })
  record(meter)
  assert.deepEqual(await meter.flush({ deadlineMs: 60_000 }), all(1))
  assert.equal(requests.length, 2)
  assert.equal(requests[1].sha256, requests[0].sha256)
})

test('TLS to a server that speaks none: certainly nothing was sent', async (t) => {
  const { url, requests } = await listen(t)
  const sink = openmeter({ url: url.replace('http', 'https'), dedup: 1 })
  const meter = client(t, url, { sink })
  record(meter)
  await meter.flush({ deadlineMs: 1500 })
  assert.deepEqual([meter.stats().pending, meter.quarantined().length, requests.length], [1, 0, 0])
})

test('plain HTTP is for this machine only', () => {
  assert.throws(() => new Taximeter({ source: 'test', sink: openmeter({ url: 'http://example.com' }) }), {
    code: 'insecure_url',
  })
})
