/** WebAssembly traps while a client has events under way: nothing is lost, nothing is doubled, ids and bytes stay. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { settled } from '../until.mjs'
import { internals } from './internals.mjs'

const sdk = await internals('index', 'engine')
sdk.boot(new WebAssembly.Module(readFileSync(new URL('../../pkg/core.wasm', import.meta.url))))

/** More than the memory may grow to: the allocator gives up, for real. */
function trap() {
  assert.throws(() => sdk.enter(() => sdk.previewCore('x'.repeat(65 << 20))), { code: 'core_trapped' })
}

function setUp(answer) {
  const bodies = []
  const fetch = async (_url, init) => {
    bodies.push(await new Response(init.body).text())
    return answer(bodies.length)
  }
  const meters = [{ slug: 'calls', eventType: 'call', aggregation: 'COUNT' }]
  const meter = new sdk.Taximeter({ source: 'test', sink: sdk.openmeter({ url: 'http://127.0.0.1:1' }), fetch, meters })
  const resets = []
  meter.on('engine-reset', (detail) => resets.push(detail.generation))
  return { meter, bodies, resets }
}
const record = (meter, n) => Array.from({ length: n }, () => meter.record({ type: 'call', subject: 'c' }).id)
const idsOf = (bodies) => bodies.flatMap((body) => JSON.parse(body).map((event) => event.id))

test('events that wait are sent by the new core, once', async () => {
  const { meter, bodies, resets } = setUp(() => new Response(null, { status: 204 }))
  const before = record(meter, 30)
  trap()
  const after = record(meter, 30)
  assert.deepEqual(await settled(meter), { delivered: 60, pending: 0, quarantined: 0, dropped: 0 })
  assert.deepEqual(resets, [1])
  assert.deepEqual(idsOf(bodies).sort(), [...before, ...after].sort())
  assert.equal(new Set([...before, ...after]).size, 60)
  // What was counted before the trap is gone from the preview, which says so.
  assert.equal(meter.preview('calls').incomplete, true)
})

test('the new core charges by the price book that was taken last', async () => {
  const priced = (input_mtok) => ({
    source: 'test',
    providers: [{ id: 'openai', models: [{ id: 'm', m: { eq: 'm' }, p: { input_mtok, output_mtok: '0' } }] }],
  })
  const fetch = async () => new Response(null, { status: 204 })
  const sink = sdk.openmeter({ url: 'http://127.0.0.1:1' })
  const meter = new sdk.Taximeter({ source: 'test', sink, fetch, prices: { book: priced('1') } })
  const call = (id) =>
    meter.observe(
      { id, model: 'm', usage: { prompt_tokens: 1000, total_tokens: 1000 } },
      { provider: 'openai', subject: 'c' },
    )
  meter.useBook(priced('7'))
  trap()
  call('1')
  assert.deepEqual([meter.cost().provider.total, meter.cost().incomplete], ['0.007', true])
  await meter.close()
})

test('an event that waits counts once, though it is recorded again after the trap', async () => {
  const { meter, bodies } = setUp(() => new Response(null, { status: 204 }))
  const order = { type: 'call', subject: 'c', id: 'order-1' }
  meter.record(order)
  trap()
  assert.deepEqual(meter.record(order), { id: 'order-1' })
  assert.equal((await settled(meter)).delivered, 1)
  assert.deepEqual(idsOf(bodies), ['order-1'])
})

test('a batch in flight is sent again with the same bytes; its late answer is for nobody', async () => {
  let release
  const first = new Promise((resolve) => {
    release = () => resolve(new Response(null, { status: 204 }))
  })
  const { meter, bodies } = setUp((n) => (n === 1 ? first : new Response(null, { status: 204 })))
  record(meter, 5)
  const flushing = meter.flush()
  while (bodies.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  trap()
  record(meter, 1)
  release()
  await flushing
  assert.equal((await settled(meter)).delivered, 6)
  const sent = JSON.parse(bodies[0])
  assert.ok(bodies.length >= 2)
  const again = bodies.slice(1).flatMap((body) => JSON.parse(body))
  for (const event of sent)
    assert.deepEqual(
      again.filter((e) => e.id === event.id),
      [event],
    )
})
