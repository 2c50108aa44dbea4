/** Packed events are the same events: as those that go as text, after a trap, and when something fails on their way. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { internals } from './internals.mjs'

const sdk = await internals('index', 'engine', '../pkg/core.js')
sdk.boot(new WebAssembly.Module(readFileSync(new URL('../../pkg/core.wasm', import.meta.url))))

const NOW = Date.UTC(2026, 10, 21, 2)
const METERS = [
  { slug: 'n', eventType: 'call', aggregation: 'SUM', valueProperty: '$.n', groupBy: { s: '$.s', b: '$.b' } },
  { slug: 'q', eventType: 'call', aggregation: 'SUM', valueProperty: '$.q' },
  { slug: 'calls', eventType: 'call', aggregation: 'COUNT' },
  { slug: 'latest', eventType: 'call', aggregation: 'LATEST', valueProperty: '$.n' },
  { slug: 'texts', eventType: 'call', aggregation: 'UNIQUE_COUNT', valueProperty: '$.s' },
  { slug: 'mean', eventType: 'call', aggregation: 'AVG', valueProperty: '$.n', groupBy: { b: '$.b' } },
  { slug: 'least', eventType: 'call', aggregation: 'MIN', valueProperty: '$.q', groupBy: { s: '$.s' } },
  { slug: 'most', eventType: 'call', aggregation: 'MAX', valueProperty: '$.n' },
  { slug: 'nested', eventType: 'call', aggregation: 'SUM', valueProperty: '$.b.a.b', groupBy: { n: '$.n' } },
  { slug: 'late', eventType: 'call', aggregation: 'COUNT', eventFrom: new Date(NOW + 60_000).toISOString() },
]
const PRICES = { meters: { q: { type: 'unit', amount: '0.003' }, calls: { type: 'unit', amount: '1', free: '2' } } }

/** A client, what it sent, and a clock that stands until it is moved. */
function setUp(t, options = {}) {
  const clock = { ms: NOW }
  t.mock.method(Date, 'now', () => clock.ms)
  const sent = []
  const fetch = async (_url, init) => {
    sent.push(...(await new Response(init.body).json()))
    return new Response(null, { status: 204 })
  }
  const sink = sdk.openmeter({ url: 'http://127.0.0.1:1', batch: { events: 1000 } })
  const make = () =>
    new sdk.Taximeter({ source: 'a "source"', sink, fetch, meters: METERS, prices: PRICES, ...options })
  return { meter: make(), make, sent, clock }
}

let seed = 47514
const random = (n) => {
  seed = (seed * 1103515245 + 12345) % 2 ** 31
  return Math.floor((seed / 2 ** 31) * n)
}
const pick = (list) => list[random(list.length)]
const NUMBERS = [0, -0, 1, -1, 0.1, -0.5, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]
const REFUSED = [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1n, Symbol('s'), () => {}]
const TEXTS = [
  '',
  'a',
  '12.50',
  'é€😀',
  '"\\\n\u0001\u007f\u2028',
  '\ud800',
  'x\udc00y',
  'null',
  'x'.repeat(2000),
  '€'.repeat(1024),
]
const KEYS = ['n', 's', 'b', '', '0', 'é"', '\ud800', 'toJSON', 'constructor']

function anyValue() {
  const kind = random(40)
  if (kind < 12) return pick(NUMBERS)
  if (kind < 16) return (random(2000) - 1000) / pick([1, 8, 100, 3])
  if (kind < 28) return pick(TEXTS)
  if (kind < 31) return `unique-${random(2 ** 30)}`
  if (kind < 36) return pick([true, false, null, undefined])
  if (kind < 38) return pick([[1, 'a'], { a: { b: 1 } }, new Date(NOW), { toJSON: () => 7 }])
  return kind === 38 ? pick(REFUSED) : random(10)
}
function anyEvent() {
  const event = {
    type: pick(['call', 'call', 'call', 'other', random(20) ? 'ä"' : '']),
    subject: pick(['c', 'd', `u${random(500)}`, random(30) ? 'é' : 'a\nb']),
  }
  const size = pick([0, 1, 2, 3, 3, 3, 5, random(20) ? 4 : 70])
  if (random(8)) {
    event.data = {}
    for (let i = 0; i < size; i++)
      event.data[size > 9 ? `k${i}` : pick(random(10) ? KEYS.slice(0, 3) : KEYS)] = anyValue()
    event.data.q = random(1000) / pick([1, 10, 64])
  } else if (random(3) === 0) event.data = pick([null, undefined, [], 7, 'x'])
  if (random(30) === 0) event.subjekt = pick([undefined, 'c'])
  return event
}

test('packed or as text: the same bytes, rows, costs and errors', async (t) => {
  const packed = setUp(t)
  const text = { meter: packed.make(), sent: [] }
  const results = { packed: [], text: [] }
  let clockless = 0
  for (let i = 0; i < 3000; i++) {
    packed.clock.ms += pick([0, 0, 1, 7, 250, 1000, -3])
    const event = anyEvent()
    const result = packed.meter.record(event)
    // The source is its own anyway: naming it sends the event as text.
    const other = text.meter.record({ ...event, source: 'a "source"' })
    assert.deepEqual(
      [result.error?.code, result.error?.path],
      [other.error?.code, other.error?.path],
      JSON.stringify(Object.keys(event.data ?? {})),
    )
    if (!result.error) {
      results.packed.push(result.id)
      results.text.push(other.id)
    }
    if (random(100) === 0) {
      clockless += 1
      assert.equal(packed.meter.stats().pending, text.meter.stats().pending)
    }
  }
  assert.ok(clockless > 5 && results.packed.length > 1500)
  for (const query of [{ isGrouped: true }, { windowSize: 'MINUTE' }, { subject: ['c'] }]) {
    for (const { slug, groupBy = {} } of METERS) {
      const { isGrouped, ...ask } = query
      if (isGrouped) ask.groupBy = [...Object.keys(groupBy), 'subject']
      assert.deepEqual(packed.meter.preview(slug, ask), text.meter.preview(slug, ask))
    }
  }
  assert.deepEqual(packed.meter.cost(), text.meter.cost())
  assert.ok(Number(packed.meter.cost().lines[1].quantity) > 1000)
  const bytes = [packed.meter.stats().queueBytes, text.meter.stats().queueBytes]
  assert.equal(bytes[0], bytes[1])
  await packed.meter.close()
  const fromPacked = packed.sent.splice(0)
  await text.meter.close()
  const fromText = packed.sent
  const without = (events, ids) => {
    const byId = new Map(events.map(({ id, ...rest }) => [id, JSON.stringify(rest)]))
    assert.equal(byId.size, ids.length)
    return ids.map((id) => byId.get(id))
  }
  assert.deepEqual(without(fromPacked, results.packed), without(fromText, results.text))
})

test('an id is known before the event is drained, and is the one that is sent', async (t) => {
  const { meter, sent, clock } = setUp(t)
  const handles = []
  for (let i = 0; i < 600; i++) {
    handles.push(meter.record({ type: 'call', subject: 'c' }))
    clock.ms += i % 3
  }
  const ids = handles.map((handle) => handle.id)
  assert.equal(JSON.stringify(handles[0]), JSON.stringify({ id: ids[0] }))
  await meter.close()
  assert.deepEqual(
    sent.map((event) => event.id),
    ids,
  )
  assert.equal(new Set(ids).size, 600)
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('events that follow each other share what their ids are drawn from; later ones draw anew', (t) => {
  const { meter, clock } = setUp(t)
  const node = () => meter.record({ type: 'call', subject: 'c' }).id.slice(-8)
  const first = node()
  meter.stats()
  clock.ms += 1000
  assert.equal(node(), first)
  meter.stats()
  clock.ms += 1
  const second = node()
  assert.notEqual(second, first)
  meter.stats()
  clock.ms -= 2000
  assert.notEqual(node(), second)
})

/** More than the memory may grow to: the allocator gives up, for real. */
function trap() {
  assert.throws(() => sdk.enter(() => sdk.previewCore('x'.repeat(65 << 20))), { code: 'core_trapped' })
}

test('a trap between any two calls: every event once, with its id and its bytes', async (t) => {
  for (let at = 0; at < 12; at++) {
    const { meter, sent } = setUp(t)
    const ids = []
    const expected = []
    const step = (i) => {
      const data = { n: i, s: `text ${i % 3}`, x: i / 8, raw: `unique "${i}"`, ...(i % 5 === 4 && { deep: [i] }) }
      const event = { type: i % 2 ? 'call' : 'other', subject: `c${i % 4}`, data }
      expected.push(JSON.stringify([event.type, event.subject, data]))
      ids.push(meter.record(event).id)
    }
    for (let i = 0; i < 12; i++) {
      if (i === at) trap()
      step(i)
      if (i === 7) await meter.flush()
      if (at === i && i % 3 === 0) trap()
    }
    assert.equal(meter.stats().recorded, 12)
    const { delivered, pending } = await meter.close()
    assert.deepEqual({ delivered, pending }, { delivered: 12, pending: 0 })
    const byId = new Map(sent.map((event) => [event.id, JSON.stringify([event.type, event.subject, event.data])]))
    assert.deepEqual(
      ids.map((id) => byId.get(id)),
      expected,
    )
    t.mock.restoreAll()
  }
})

test('a drain that always fails puts the event aside that it fails for, and takes the others', async (t) => {
  const { meter, sent } = setUp(t)
  const { drain } = sdk.Core.prototype
  t.mock.method(sdk.Core.prototype, 'drain', function (from, to, ...rest) {
    // The place of the third event's subject.
    const bad = 2 * (3 + 2 * 4) + 1
    if (from <= bad && to > bad) throw Object.assign(new Error('unreachable'), { name: 'RuntimeError' })
    return drain.call(this, from, to, ...rest)
  })
  const ids = []
  for (let i = 0; i < 5; i++)
    ids.push(meter.record({ type: 'call', subject: 'c', data: { n: i, t: `é${i}`, x: -i / 2, y: true } }).id)
  const errors = []
  meter.on('error', (error) => errors.push(error.code))
  const stats = meter.stats()
  assert.deepEqual([stats.recorded, stats.pending, stats.quarantined], [5, 4, 1])
  const [{ id, code, event }] = meter.quarantined()
  assert.deepEqual([id, code], [ids[2], 'core_trapped'])
  assert.deepEqual(JSON.parse(event), {
    id: ids[2],
    type: 'call',
    subject: 'c',
    time: new Date(NOW).toISOString(),
    data: { n: 2, t: 'é2', x: -1, y: true },
  })
  assert.deepEqual(errors, ['core_trapped'])
  await meter.close()
  assert.deepEqual(
    sent.map((e) => e.id),
    ids.filter((_, i) => i !== 2),
  )
})
test('a getter that records, and one that throws', async (t) => {
  const { meter, sent } = setUp(t)
  const nested = (data) => ({
    get n() {
      meter.record({ type: 'inner', subject: 'c', data })
      return 1
    },
    s: 'outer',
  })
  for (const data of [{ n: 2 }, { n: [3] }]) {
    meter.record({ type: 'first', subject: 'c' })
    assert.equal(meter.record({ type: 'outer', subject: 'c', data: nested(data) }).error, undefined)
  }
  const throwing = {
    get n() {
      throw new Error('no')
    },
  }
  assert.equal(meter.record({ type: 'call', subject: 'c', data: throwing }).error.code, 'unsupported_value')
  await meter.close()
  const types = sent.map((event) => event.type)
  assert.deepEqual(
    [types.filter((type) => type === 'outer').length, types.filter((type) => type === 'first').length],
    [2, 2],
  )
  assert.ok(types.includes('inner'))
  for (const event of sent) if (event.type === 'outer') assert.deepEqual(event.data, { n: 1, s: 'outer' })
})

for (const onFull of ['reject', 'drop-oldest', 'drop-newest']) {
  test(`the queue holds what it may, staged or not: ${onFull}`, async (t) => {
    const { make, sent } = setUp(t, { onFull, fetch: (...request) => answer(...request) })
    const deliver = async (_url, init) => {
      sent.push(...(await new Response(init.body).json()))
      return new Response(null, { status: 204 })
    }
    let answer = () => Promise.reject(new Error('no network'))
    const meter = make()
    const dropped = []
    meter.on('dropped', (detail) => dropped.push(...detail.ids))
    const ids = []
    for (let i = 0; i < 10_100; i++) ids.push(meter.record({ type: 'call', subject: 'c', data: { n: i } }).id)
    const taken = ids.filter((id) => id !== undefined)
    const { recorded, pending, refused } = meter.stats()
    const kept = onFull === 'drop-oldest' ? ids.slice(100) : ids.slice(0, 10_000)
    const lost = ids.filter((id) => !kept.includes(id))
    const refuses = onFull === 'reject'
    assert.deepEqual(
      { recorded, pending, refused, taken: taken.length, dropped },
      {
        recorded: refuses ? 10_000 : 10_100,
        pending: 10_000,
        refused: refuses ? 100 : 0,
        taken: refuses ? 10_000 : 10_100,
        dropped: refuses ? [] : lost,
      },
    )
    answer = deliver
    await meter.close()
    assert.deepEqual(
      sent.map((event) => event.id),
      kept,
    )
  })
}

test('subjects without end, and a segment without end', async (t) => {
  const { meter, sent, clock } = setUp(t)
  const events = []
  for (let i = 0; i < 9000; i++) {
    if (i === 5000) clock.ms += 50 * 86_400_000
    events.push([`subject-${i}`, { n: i % 7, s: `value ${i}` }])
    assert.equal(meter.record({ type: 'call', subject: events[i][0], data: events[i][1] }).error, undefined)
  }
  await meter.close()
  assert.deepEqual(
    sent.map(({ subject, data }) => [subject, data]),
    events,
  )
  const { data } = meter.preview('calls', { groupBy: ['subject'] })
  const counted = new Map(data.map((row) => [row.subject, row.value]))
  assert.deepEqual([data.length, counted.size, counted.get('subject-8999')], [9000, 9000, 1])
  assert.deepEqual([sent[4999].time, sent[5000].time], ['2026-11-21T02:00:00Z', '2027-01-10T02:00:00Z'])
})
