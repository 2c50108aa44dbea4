/** What a client holds: nothing to speak of when idle, and no more than the queue's bounds when the vendor is down. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { measured } from '../../benches/lib/rounds.mjs'
import { internals } from './internals.mjs'

const sdk = await internals('index', 'engine', 'kept')
sdk.boot(new WebAssembly.Module(readFileSync(new URL('../../pkg/core.wasm', import.meta.url))))

const KiB = 1024
const coreBytes = () => sdk.enter(() => sdk.linearMemory()).buffer.byteLength
const event = (n) => ({ type: 'request', subject: `customer-${n % 1000}`, data: { tokens: n, model: 'gpt-5' } })

function client(answer, options) {
  const sink = sdk.openmeter({ url: 'http://127.0.0.1:1' })
  return new sdk.Taximeter({ source: 'test', sink, fetch: async () => answer(), ...options })
}
const accept = () => new Response(null, { status: 204 })
const down = () => {
  throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } })
}

test('an idle client holds 512 KiB of WebAssembly memory at most, and a busy one 1 MiB', async () => {
  const meter = client(accept)
  meter.record(event(1))
  await meter.flush()
  assert.ok(coreBytes() <= 512 * KiB, `${coreBytes() / KiB} KiB`)
  for (let batch = 0; batch < 50; batch++) {
    for (let n = 0; n < 1000; n++) meter.record(event(n))
    await meter.flush()
  }
  assert.equal(meter.stats().delivered, 50_001)
  assert.ok(coreBytes() <= 1024 * KiB, `${coreBytes() / KiB} KiB after 50,000 events`)
})

for (const onFull of ['reject', 'drop-oldest', 'drop-newest']) {
  test(`a vendor that is down: the core's memory stays where a full queue has taken it (${onFull})`, async () => {
    const meter = client(down, { onFull })
    for (let n = 0; n < 11_000; n++) meter.record(event(n))
    await meter.flush({ deadlineMs: 1 })
    const full = coreBytes()
    for (let n = 0; n < 20_000; n++) meter.record(event(n))
    await meter.flush({ deadlineMs: 1 })
    const { pending, queueBytes } = meter.stats()
    assert.deepEqual([pending, queueBytes <= 16 * KiB * KiB], [10_000, true])
    assert.ok(coreBytes() <= full + 64 * KiB, `${full / KiB}, then ${coreBytes() / KiB} KiB`)
    await meter.close({ deadlineMs: 1 })
  })
}

for (const onFull of ['reject', 'drop-oldest', 'drop-newest']) {
  test(`a vendor that is down: JavaScript's memory does not grow with the events (${onFull})`, async () => {
    // What the engine itself moves is up to 3, and now and then more; the smallest thing that could be kept of each event
    // is 8, each time.
    const slopes = []
    while (slopes.length < 3 && !slopes.some((slope) => slope < 6)) {
      const { pending, lost, heapSlope } = await measured({ measure: 'dead', onFull, events: 100_000 })
      assert.deepEqual([pending, lost], [10_000, 90_000])
      slopes.push(heapSlope)
    }
    assert.ok(Math.min(...slopes) < 6, `${slopes} bytes an event`)
  })
}

test('of settled events nothing is kept, wherever they lie', () => {
  const kept = new sdk.Kept(1)
  const piece = (first) => ({ first, bytes: new Uint8Array(10), ends: [10], id: String, timeMs: Number })
  for (let seq = 1; seq <= 1000; seq++) kept.add(piece(seq))
  // At the end, as of a full queue; in the middle, as of a vendor that refuses some; at the front.
  for (const [from, to] of [
    [501, 1000],
    [101, 400],
    [1, 50],
  ])
    for (let seq = from; seq <= to; seq++) assert.equal(kept.settle([seq, seq]), 1)
  assert.deepEqual([kept.count, kept.bytes, kept.first], [150, 150 * 9, 51])
  const seqs = []
  kept.each((seq) => seqs.push(seq))
  assert.deepEqual([seqs.length, seqs[0], seqs[50], seqs.at(-1)], [150, 51, 401, 500])
  assert.ok(kept.pieces <= 2 * 150, `${kept.pieces} pieces`)
  kept.settle([51, 500])
  assert.deepEqual([kept.count, kept.bytes, kept.first], [0, 0, undefined])
  assert.ok(kept.pieces <= 16, `${kept.pieces} pieces`)
})
