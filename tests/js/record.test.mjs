/** What record() takes and refuses, on the built package. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openmeter, Taximeter, TaximeterError } from 'taximeter'

/** A client whose sink takes everything, and the events it was sent. */
function client(options = {}) {
  const sent = []
  const fetch = async (_url, init) => {
    sent.push(...(await new Response(init.body).json()))
    return new Response(null, { status: 204 })
  }
  const meter = new Taximeter({ source: 'test', sink: openmeter({ url: 'http://127.0.0.1:1' }), fetch, ...options })
  return { meter, sent }
}
const event = (data, more = {}) => ({ type: 'request', subject: 'customer-1', data, ...more })

test("without entropy no event is taken: its id would be another process's", async () => {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto')
  const { meter } = client()
  Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true })
  try {
    for (const data of [{ n: 1 }, { n: 2 }, { n: [3] }]) assert.equal(meter.record(event(data)).error?.code, 'internal')
  } finally {
    Object.defineProperty(globalThis, 'crypto', own)
  }
  assert.match(meter.record(event({ n: [4] })).id, /^[0-9a-f-]{36}$/)
  assert.deepEqual({ ...(await meter.close()) }, { delivered: 1, pending: 0, quarantined: 0, dropped: 0 })
})

test('an event is a CloudEvent with id and time fixed at record()', async () => {
  const { meter, sent } = client()
  const data = { tokens: 12, model: 'gpt', nested: { ok: true, list: [1, 'two', null] } }
  const { id } = meter.record(event(data))
  data.tokens = 99
  await meter.close()
  const [{ time, ...rest }] = sent
  assert.deepEqual(rest, {
    specversion: '1.0',
    id,
    source: 'test',
    type: 'request',
    subject: 'customer-1',
    datacontenttype: 'application/json',
    data: { tokens: 12, model: 'gpt', nested: { ok: true, list: [1, 'two', null] } },
  })
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/)
})

test('numbers and numeric strings keep their digits', async () => {
  let body
  const fetch = async (_url, init) => {
    body = await new Response(init.body).text()
    return new Response(null, { status: 204 })
  }
  const meter = new Taximeter({ source: 'test', sink: openmeter({ url: 'http://127.0.0.1:1' }), fetch })
  meter.record(event({ a: 0.1, b: 1e-7, c: -0, d: '12345678901234567890.10', e: 9007199254740991 }))
  await meter.close()
  assert.ok(body.includes('"data":{"a":0.1,"b":1e-7,"c":0,"d":"12345678901234567890.10","e":9007199254740991}'), body)
})

test('a given id, source and time are used; the time is sent as the same instant in UTC', async () => {
  const { meter, sent } = client()
  assert.deepEqual(meter.record(event({}, { id: 'order-7', source: 'shop', time: '2026-11-21T03:00:00.25+01:00' })), {
    id: 'order-7',
  })
  meter.record(event({}, { id: 'order-8', time: new Date(0) }))
  await meter.close()
  assert.deepEqual(
    sent.map(({ id, source, time }) => [id, source, time]),
    [
      ['order-7', 'shop', '2026-11-21T02:00:00.25Z'],
      ['order-8', 'test', '1970-01-01T00:00:00Z'],
    ],
  )
})

test('the same id again with the same content counts once; with other content it is refused', async () => {
  const { meter, sent } = client()
  assert.equal(meter.record(event({ n: 1 }, { id: 'a' })).id, 'a')
  assert.equal(meter.record(event({ n: 1 }, { id: 'a' })).id, 'a')
  assert.equal(meter.record(event({ n: 2 }, { id: 'a' })).error?.code, 'id_reused')
  await meter.close()
  assert.equal(sent.length, 1)
})

test('values with a rule of their own', async () => {
  const { meter, sent } = client()
  const data = {
    when: new Date('2026-01-02T03:04:05Z'),
    left: undefined,
    money: { toJSON: () => '1.50' },
    half: '\ud800x',
  }
  assert.equal(meter.record(event(data)).error, undefined)
  await meter.close()
  assert.deepEqual(sent[0].data, { when: '2026-01-02T03:04:05.000Z', money: '1.50', half: '\ufffdx' })
})

const cyclic = { a: {} }
cyclic.a.b = cyclic
let deep = {}
for (let i = 0; i < 10_000; i++) deep = { deep }
const throwing = Object.defineProperty({}, 'tokens', {
  enumerable: true,
  get: () => {
    throw new Error('no')
  },
})
const revoked = Proxy.revocable({}, {})
revoked.revoke()

/** input → code, and where */
const REFUSED = [
  ['no event', undefined, 'invalid_event'],
  ['a string', 'x', 'invalid_event'],
  ['no type', { subject: 'c' }, 'invalid_event', 'type'],
  ['empty type', { type: '', subject: 'c' }, 'invalid_event', 'type'],
  ['type of another kind', { type: 7, subject: 'c' }, 'invalid_event', 'type'],
  ['no subject', { type: 't' }, 'invalid_event', 'subject'],
  ['empty subject', { type: 't', subject: '' }, 'invalid_event', 'subject'],
  ['empty source', event({}, { source: '' }), 'invalid_event', 'source'],
  ['a line end in the type', event({}, { type: 'a\nb' }), 'invalid_event', 'type'],
  ['an impossible time', event({}, { time: '2026-02-30T00:00:00Z' }), 'invalid_event', 'time'],
  ['an invalid Date', event({}, { time: new Date(Number.NaN) }), 'unsupported_value', 'time'],
  ['a misspelt member', event({}, { subjekt: 'c' }), 'unknown_option', 'subjekt'],
  ['data that is a list', event([1]), 'invalid_event', 'data'],
  ['NaN', event({ a: { tokens: Number.NaN } }), 'not_finite', 'data.a.tokens'],
  ['Infinity', event({ list: [1, Number.POSITIVE_INFINITY] }), 'not_finite', 'data.list[1]'],
  ['2^53 + 1', event({ n: 2 ** 53 + 2 }), 'unsafe_integer', 'data.n'],
  ['a BigInt', event({ n: 1n }), 'unsupported_value', 'data.n'],
  ['a function', event({ f() {} }), 'unsupported_value', 'data.f'],
  ['a symbol', event({ s: Symbol('s') }), 'unsupported_value', 'data.s'],
  ['a Map', event({ m: new Map([[1, 2]]) }), 'unsupported_value', 'data.m'],
  ['a buffer', event({ b: new Uint8Array(2) }), 'unsupported_value', 'data.b'],
  ['a promise', event({ p: Promise.resolve(1) }), 'unsupported_value', 'data.p'],
  ['undefined in a list', event({ l: [undefined] }), 'unsupported_value', 'data.l[0]'],
  ['a getter that throws', event(throwing), 'unsupported_value', 'data.tokens'],
  ['a revoked proxy', event(revoked.proxy), 'unsupported_value', 'data'],
  [
    'a toJSON that throws',
    event({
      x: {
        toJSON: () => {
          throw new Error('no')
        },
      },
    }),
    'unsupported_value',
    'data.x',
  ],
  ['a cycle', event(cyclic), 'cyclic', 'data.a.b'],
  ['10,000 levels', event(deep), 'event_too_deep'],
  ['300 members', event(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))), 'too_many_keys'],
  ['a long string', event({ s: 'x'.repeat(40_000) }), 'event_too_large', 'data.s'],
  ['a string that is long in bytes', event({ s: '€'.repeat(12_000) }), 'event_too_large'],
  ['__proto__', event(JSON.parse('{"__proto__":1}')), 'forbidden_key', 'data.__proto__'],
]

for (const [name, input, code, path] of REFUSED) {
  test(`refused: ${name} → ${code}`, async () => {
    const { meter, sent } = client()
    const heard = []
    meter.on('error', (error) => heard.push(error))
    const { id, error } = meter.record(input)
    assert.equal(id, undefined)
    assert.ok(error instanceof TaximeterError)
    assert.equal(error.code, code, error.message)
    if (path !== undefined) assert.equal(error.path, path)
    assert.deepEqual(heard, [error])
    // The next event is none the worse for it.
    assert.equal(meter.record(event({ ok: 1 })).error, undefined)
    const { refused, recorded } = meter.stats()
    assert.deepEqual({ refused, recorded }, { refused: 1, recorded: 1 })
    await meter.close()
    assert.deepEqual(
      sent.map((e) => e.data),
      [{ ok: 1 }],
    )
  })
}

test('strict: true throws instead', () => {
  const { meter } = client({ strict: true })
  assert.throws(() => meter.record({ type: 't' }), { name: 'TaximeterError', code: 'invalid_event', path: 'subject' })
})

test('a closed client refuses', async () => {
  const { meter } = client()
  await meter.close()
  assert.equal(meter.record(event({})).error?.code, 'closed')
})

test('settings are checked when the client is made', () => {
  const sink = openmeter({ url: 'http://127.0.0.1:1' })
  const make = (options) => () => new Taximeter({ source: 's', sink, ...options })
  assert.throws(make({ sinc: 1 }), { code: 'unknown_option', path: 'sinc' })
  assert.throws(make({ sink: { kind: 'openmeter' } }), { code: 'invalid_sink' })
  assert.throws(make({ source: '' }), { code: 'invalid_option', path: 'source' })
  assert.throws(make({ sink: openmeter({ url: 'http://example.com' }) }), { code: 'insecure_url' })
  assert.throws(make({ sink: openmeter({ url: 'http://127.0.0.1:1', tokn: 'x' }) }), {
    code: 'unknown_option',
    path: 'sink.tokn',
  })
  assert.throws(make({ meters: [{ slug: 'a', eventType: 't', aggregation: 'SUM' }] }), {
    code: 'meter_invalid',
    path: 'meters[0].valueProperty',
  })
  assert.throws(make({ meters: [{ slug: 'a', eventType: 't', aggregation: 'SUM', valueProperty: '$..x' }] }), {
    code: 'path_invalid',
  })
  assert.throws(make({ meters: [{ slug: 'a', eventType: 't', aggregation: 'COUNT', groupby: {} }] }), {
    code: 'unknown_option',
  })
  const meters = [{ slug: 'a', eventType: 't', aggregation: 'COUNT' }]
  assert.throws(make({ meters, prices: { meters: { b: { type: 'free' } } } }), {
    code: 'meter_not_found',
    path: 'prices.meters.b',
  })
  assert.throws(make({ meters, prices: { meters: { a: { type: 'unit', amount: 'x' } } } }), {
    path: 'prices.meters.a.amount',
  })
})

test('an option that is not what it should be is refused, and never ignored', () => {
  for (const name of ['fetch', 'waitUntil', 'provider', 'llm', 'prices', 'spool', 'lint', 'strict']) {
    for (const value of [7, 'yes', null, [], ...(name === 'spool' ? [{}] : [])]) {
      assert.throws(() => client({ [name]: value }), { code: 'invalid_option', path: name }, name)
    }
  }
})
