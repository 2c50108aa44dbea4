import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { BATCH, batch, event, NOW, serve } from './helpers.js'

async function problem(response, status, detail) {
  assert.equal(response.status, status)
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  const body = await response.json()
  assert.deepEqual(Object.keys(body), ['type', 'title', 'status', 'detail'])
  assert.equal(body.status, status)
  assert.match(body.detail, detail)
}

test('204 and an empty body for each content type', async () => {
  const { server, post } = await serve()
  for (const [id, type, body] of [
    ['1', 'application/cloudevents+json', event('1')],
    ['2', 'application/cloudevents-batch+json', batch(event('2'))],
    ['3', 'application/json', event('3')],
    ['4', 'application/json', ` [ ${event('4')} ]\n`],
  ]) {
    const response = await post(body, type)
    assert.equal(response.status, 204, id)
    assert.equal(await response.text(), '')
    assert.equal(response.headers.get('content-type'), null)
  }
  assert.deepEqual(
    server.events().map(({ id }) => id),
    ['1', '2', '3', '4'],
  )
})

test('content types are compared as strings', async () => {
  const { server, post } = await serve()
  for (const type of [`${BATCH}; charset=utf-8`, BATCH.toUpperCase(), 'text/plain', 'toString']) {
    await problem(await post(batch(event('1')), type), 400, /invalid content type/)
  }
  await problem(await post(Buffer.from(batch(event('1'))), ''), 400, /invalid content type/)
  await problem(await post(event('1'), BATCH), 400, /takes an array/)
  await problem(await post(batch(event('1')), 'application/cloudevents+json'), 400, /takes one event/)
  await problem(await post('[]', 'application/json'), 400, /no events/)
  assert.equal(server.stats().events, 0)
})

test('a 400 stores nothing of the batch', async () => {
  const { server, post } = await serve()
  for (const bad of [
    event('2', '{}', { subject: '' }),
    event('2', '[1]'),
    event('2', '{}', { time: 'now' }),
    'null',
    '7',
    '[]',
  ]) {
    await problem(await post(batch(event('1'), bad, event('3'))), 400, /^invalid event: \[1\]/)
  }
  for (const body of ['', '{', '[{"id":"1"}', `${batch(event('1'))}x`, '\ufeff[]', '['.repeat(100_000)]) {
    await problem(await post(body), 400, /^invalid event/)
  }
  await problem(await post(Buffer.from([0x5b, 0xff, 0x5d])), 400, /UTF-8/)
  assert.equal(server.stats().events, 0)
  assert.equal((await post(batch(event('1')))).status, 204)
})

test('a number beyond float64 is a 500, and what came before it is stored', async () => {
  const { server, post } = await serve()
  await problem(await post(batch(event('1'), event('2', '{"v":1e400}'), event('3'))), 500, /number_overflow/)
  assert.deepEqual(
    server.events().map(({ id }) => id),
    ['1'],
  )
})

test('a known source and id counts once; with dedupe off every event counts', async () => {
  const on = await serve()
  await on.post(batch(event('1', '{"v":1}'), event('1', '{"v":2}')))
  assert.equal((await on.post(batch(event('1', '{"v":3}'), event('2')))).status, 204)
  await on.post(batch(event('1', '{}', { source: 'other' })))
  assert.deepEqual(
    on.server.events().map(({ id, data }) => [id, data]),
    [
      ['1', '{"v":1}'],
      ['2', '{"tokens":1284}'],
      ['1', '{}'],
    ],
  )
  assert.equal(on.server.stats().duplicate, 2)

  const off = await serve({ dedupe: false })
  await off.post(batch(event('1'), event('1')))
  await off.post(batch(event('1')))
  assert.equal(off.server.stats().events, 3)
})

test('an event of 1970 or before is accepted, thrown away, and holds no id', async () => {
  const { server, post } = await serve()
  assert.equal((await post(batch(event('1', '{}', { time: '1970-01-01T00:00:00.5Z' })))).status, 204)
  assert.deepEqual([server.stats().events, server.stats().dropped], [0, 1])
  await post(batch(event('1')))
  assert.equal(server.stats().events, 1)
})

test('data comes back as it was sent', async () => {
  const { server, post, get } = await serve()
  const data = '{ "a":9007199254740993, "b":"0.10",\n"c":1.0,"d":1E+2,"e":[{"]":"\\"}\\\\"}],"f":-0,"a":2.50 }'
  await post(batch(event('1', data), event('2', 'null')).replace('"id":"1"', '"data":{"x":1},"i\\u0064":"1"'))
  assert.deepEqual(
    server.events().map((stored) => [stored.id, stored.data]),
    [
      ['1', data],
      ['2', null],
    ],
  )
  const text = await (await get('/api/v1/events')).text()
  assert.ok(text.includes(`"data":${data}}`))
  const [, first] = JSON.parse(text)
  assert.deepEqual(Object.keys(first), ['event', 'ingestedAt', 'storedAt'])
  assert.deepEqual(
    [first.event.specversion, first.event.subject, first.event.time],
    ['1.0', 'cust-42', '2026-11-21T02:00:10.000Z'],
  )
})

test('odd strings survive: NUL, quotes, surrogates, astral characters', async () => {
  const { server, post } = await serve()
  const odd = ['a\0b', `'"\\`, '\ud800', '💶', ' ', '%_', 'é']
  await post(batch(...odd.map((id) => event(id, '{}', { subject: id, type: id }))))
  assert.deepEqual(
    server.events().map(({ id, subject, type }) => [id, subject, type]),
    odd.map((id) => [id, id, id]),
  )
})

test('the list: newest first, limit and filters', async () => {
  const { post, get } = await serve()
  const at = (id, hour, subject) => event(id, '{}', { time: `2026-11-21T0${hour}:00:00Z`, subject })
  await post(batch(at('a-1', 1, 'x'), at('a-3', 3, 'y'), at('b-2', 2, 'xy')))
  const ids = async (query) => (await (await get(`/api/v1/events?${query}`)).json()).map((row) => row.event.id)
  assert.deepEqual(await ids(''), ['a-3', 'b-2', 'a-1'])
  assert.deepEqual(await ids('limit=2'), ['a-3', 'b-2'])
  assert.deepEqual(await ids('id=a-'), ['a-3', 'a-1'])
  assert.deepEqual(await ids('subject=x'), ['b-2', 'a-1'])
  assert.deepEqual(await ids('from=2026-11-21T02:00:00Z&to=2026-11-21T04:00:00%2B02:00'), ['b-2'])
  assert.deepEqual(await ids('ingestedAtFrom=2026-11-22T00:00:00Z'), [])
  assert.deepEqual(await ids('customerId=c'), [])
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'from=yesterday', 'to=2026-13-01T00:00:00Z']) {
    await problem(await get(`/api/v1/events?${query}`), 400, /must be/)
  }
})

test('meters: create, read, list, delete', async () => {
  const { request, get } = await serve({ meters: [{ slug: 'calls', eventType: 'call', aggregation: 'COUNT' }] })
  const create = (body) => request('POST', '/api/v1/meters', typeof body === 'string' ? body : JSON.stringify(body))
  const tokens = {
    slug: 'tokens_total',
    eventType: 'llm.tokens',
    aggregation: 'SUM',
    valueProperty: '$.tokens',
    groupBy: { m: '$.m' },
  }
  const created = await create({ ...tokens, description: null })
  assert.equal(created.status, 201)
  const meter = await created.json()
  assert.match(meter.id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
  assert.deepEqual({ ...tokens, ...meter }, meter)
  assert.equal(meter.name, 'tokens_total')
  assert.deepEqual(
    (await (await get('/api/v1/meters')).json()).map(({ slug }) => slug),
    ['calls', 'tokens_total'],
  )
  for (const key of ['tokens_total', meter.id])
    assert.deepEqual(await (await get(`/api/v1/meters/${key}`)).json(), meter)

  await problem(await create(tokens), 409, /already exists/)
  for (const bad of ['', 'null', '[]', '7', { slug: 'x' }, { eventType: 'x' }, { ...tokens, slug: { a: 1 } }]) {
    await problem(await create(bad), 400, /invalid|wrong/)
  }
  await problem(await get('/api/v1/meters/none'), 404, /not found/)
  await problem(await get('/api/v1/meters/%E0%A4%A'), 400, /escape/)
  assert.equal((await request('DELETE', '/api/v1/meters/calls')).status, 204)
  await problem(await request('DELETE', '/api/v1/meters/calls'), 404, /not found/)
})

test('queries: every parameter reaches the engine, rows and errors come back', async () => {
  const meters = [
    {
      slug: 'tokens',
      eventType: 'llm.tokens',
      aggregation: 'SUM',
      valueProperty: '$.tokens',
      groupBy: { model: '$.model' },
    },
  ]
  const { post, get } = await serve({ meters })
  await post(
    batch(
      event('1', '{"tokens":1,"model":"a"}'),
      event('2', '{"tokens":"2","model":"b"}'),
      event('3', '{\n"tokens":4,"model":"a"}'),
    ),
  )
  await post(batch(event('4', '{"tokens":100}', { type: 'other' })))

  const grouped = await (await get('/api/v1/meters/tokens/query?groupBy=model')).json()
  assert.deepEqual(grouped.data, [
    { value: 5, groupBy: { model: 'a' } },
    { value: 2, groupBy: { model: 'b' } },
  ])
  assert.equal('from' in grouped, false)

  const query = new URLSearchParams([
    ['from', '2026-11-21T00:00:00Z'],
    ['to', '2026-11-22T00:00:00Z'],
    ['windowSize', 'HOUR'],
    ['windowTimeZone', 'Asia/Kolkata'],
    ['subject', 'cust-42'],
    ['subject', 'b'],
    ['filterCustomerId', 'c'],
    ['groupBy', 'model'],
    ['groupBy', 'subject'],
    ['filterGroupBy[model]', 'a'],
    ['filterGroupBy[model]', 'b'],
    ['filterGroupBy[x[y]]', '1'],
    ['advancedMeterGroupByFilters', '{"model":{"$like":"a%"}}'],
    ['clientId', 'ignored'],
  ])
  const full = await (await get(`/api/v1/meters/tokens/query?${query}`)).json()
  assert.deepEqual(full.asked, {
    meter: 'tokens',
    from: '2026-11-21T00:00:00Z',
    to: '2026-11-22T00:00:00Z',
    windowSize: 'HOUR',
    windowTimeZone: 'Asia/Kolkata',
    subject: ['cust-42', 'b'],
    filterCustomerId: ['c'],
    groupBy: ['model', 'subject'],
    filterGroupBy: { model: ['a', 'b'], 'x[y]': ['1'] },
    advancedMeterGroupByFilters: { model: { $like: 'a%' } },
  })
  assert.deepEqual([full.from, full.to, full.windowSize], ['2026-11-21T00:00:00Z', '2026-11-22T00:00:00Z', 'HOUR'])
  assert.deepEqual(full.options, { now: new Date(NOW).toISOString(), dedupe: false })

  await problem(await get('/api/v1/meters/tokens/query?windowSize=WEEK'), 400, /query_invalid/)
  await problem(
    await get('/api/v1/meters/tokens/query?advancedMeterGroupByFilters={'),
    400,
    /advancedMeterGroupByFilters/,
  )
  await problem(await get('/api/v1/meters/none/query'), 404, /not found/)

  const long = (id) => batch(event(id, `{"tokens":1,"pad":"${'x'.repeat(3_200_000)}"}`))
  await post(long('a'))
  assert.equal((await get('/api/v1/meters/tokens/query')).status, 200)
  await post(long('b'))
  await problem(await get('/api/v1/meters/tokens/query'), 400, /at most 6291456 bytes/)
})

test('unknown paths, wrong methods, bodies too large', async () => {
  const { server, request, post, get } = await serve()
  await problem(await get('/api/v1/nothing'), 404, /nothing at/)
  await problem(await get('//[bad'), 404, /nothing at/)
  const wrong = await request('PUT', '/api/v1/events', '{}')
  assert.equal(wrong.headers.get('allow'), 'GET, POST')
  await problem(wrong, 405, /takes GET, POST/)
  await problem(await get('/events/ingest'), 405, /takes POST/)

  const big = (bytes) => batch(event('1', `{"v":"${'x'.repeat(bytes - batch(event('1', '{"v":""}')).length)}"}`))
  await problem(await post(big(5 * 1024 * 1024 + 1)), 413, /more than 5242880/)
  assert.equal(server.stats().events, 0)
  assert.equal((await post(big(5 * 1024 * 1024))).status, 204)
})

test('with a token everything asks for it', async () => {
  const { server, post, get } = await serve({ token: 'sécret' })
  const bearer = (token) => ({ authorization: `Bearer ${token}` })
  await problem(await post(batch(event('1'))), 401, /token/)
  // Header bytes are Latin-1 to fetch; the token is UTF-8.
  const latin = Buffer.from('sécret').toString('latin1')
  for (const wrong of ['', 'x', 'secret', `${latin}x`])
    await problem(await post(batch(event('1')), BATCH, bearer(wrong)), 401, /token/)
  for (const path of ['/', '/api/v1/events', '/api/v1/meters', '/api/v1/nothing'])
    await problem(await get(path), 401, /token/)
  assert.equal((await post(batch(event('1')), BATCH, bearer(latin))).status, 204)
  const basic = Buffer.from('anyone:sécret').toString('base64')
  assert.equal((await fetch(server.url, { headers: { authorization: `Basic ${basic}` } })).status, 200)
  assert.equal('authorization' in server.requests.at(-1).headers, false)
})

test('the page shows what is there and escapes it', async () => {
  const { post, get } = await serve({ meters: [{ slug: 'calls', eventType: '<call>', aggregation: 'COUNT' }] })
  await post(batch(event('<script>alert(1)</script>', '{"a":"</td>&"}')))
  const response = await get('/')
  assert.match(response.headers.get('content-security-policy'), /default-src 'none'/)
  const html = await response.text()
  assert.ok(html.includes('&lt;script&gt;alert(1)&lt;/script&gt;') && html.includes('&lt;call&gt;'))
  assert.ok(!html.includes('<script') && !html.includes('"</td>'))
})

test('it listens on one loopback address only', async () => {
  const { server } = await serve()
  assert.equal(server.url, `http://127.0.0.1:${server.port}`)
  const outcome = await new Promise((resolve) => {
    httpRequest({ host: '127.0.0.2', port: server.port }, () => resolve('answered'))
      .on('error', resolve)
      .end()
  })
  assert.ok(outcome instanceof Error)
})
