/** The variants that the benchmark compares say the same: times of unequal outputs would compare nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventsFile } from '../../benches/lib/events-file.mjs'
import { corners, SOURCE, workloads } from '../../benches/lib/workload.mjs'
import { measure } from '../../benches/measure/replay.mjs'
import { wrappers } from '../../benches/wrappers/run.mjs'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const decoder = new TextDecoder('utf-8', { fatal: true })
const decode = (body) => JSON.parse(typeof body === 'string' ? body : decoder.decode(body))
/** As JSON knows them: without the members that are undefined. */
const plain = (events) => JSON.parse(JSON.stringify(events))

/** Events of every workload, enough of them that what is remembered overflows, and the corners between them. */
function events() {
  const list = [...corners]
  for (const workload of Object.values(workloads)) {
    const source = workload()
    for (const count of [1, 10, 1500, 4000]) {
      source.fill(count)
      for (let i = 0; i < count; i++) list.push(source.at(i))
    }
    list.push(...corners)
  }
  return list
}

/** What a variant sends for these events, recorded in batches. */
async function sent(variant, list) {
  const { create } = await import(`../../benches/variants/${variant}.mjs`)
  const recorder = create()
  const out = []
  for (let at = 0; at < list.length; at += 1000) {
    for (const event of list.slice(at, at + 1000)) recorder.record(event)
    out.push(...(await recorder.flush()).flatMap(decode))
  }
  return out
}

for (const variant of ['naive', 'text', 'bytes', 'ours']) {
  test(`${variant} sends every event as it was recorded, with id and time`, async () => {
    const list = events()
    const start = Date.now()
    const out = await sent(variant, list)
    const bare = out.map(({ id, time, specversion, source, datacontenttype, ...event }) => {
      assert.match(id, UUID)
      assert.ok(Date.parse(time) >= start && Date.parse(time) <= Date.now(), time)
      assert.deepEqual([specversion, source], ['1.0', SOURCE])
      // It describes data; whoever has none may leave it out.
      if ('data' in event) assert.equal(datacontenttype, 'application/json')
      return event
    })
    assert.deepEqual(bare, plain(list))
    assert.equal(new Set(out.map(({ id }) => id)).size, list.length)
  })
}

test('bare push sends every event as it was recorded', async () => {
  const list = events()
  assert.deepEqual(await sent('push', list), plain(list))
})

test('the variants by hand refuse what ours refuses, and send nothing of it', async () => {
  for (const variant of ['naive', 'text', 'bytes', 'ours']) {
    const { create } = await import(`../../benches/variants/${variant}.mjs`)
    const recorder = create()
    const good = { type: 't', subject: 's', data: { n: 1 } }
    recorder.record(good)
    for (const n of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.throws(() => recorder.record({ type: 't', subject: 's', data: { first: 'x', n } }), `${variant}: ${n}`)
    }
    assert.throws(() => recorder.record({ type: 't', subject: '', data: {} }), variant)
    assert.throws(() => recorder.record({ type: '', subject: 's', data: {} }), variant)
    recorder.record(good)
    const out = (await recorder.flush()).flatMap(decode)
    assert.deepEqual(
      out.map(({ data }) => data),
      [{ n: 1 }, { n: 1 }],
      variant,
    )
  }
})

test('a replay answers as meters by hand do', async () => {
  const file = eventsFile(5000)
  for (const [meters, dedupe] of [[1], [3], [3, true]]) {
    const job = { file, events: 5000, meters, dedupe, answer: true }
    const ours = await measure({ ...job, variant: 'ours' })
    assert.ok(ours.length >= 10)
    assert.deepEqual(ours, await measure({ ...job, variant: 'plain' }))
  }
})

test('our wrapper passes every check that wrappers of LLM clients are compared by', async () => {
  const [{ done }] = await wrappers(['taximeter'], 120_000)
  for (const [check, outcome] of done) assert.deepEqual(outcome, { verdict: 'ok' }, check)
})
