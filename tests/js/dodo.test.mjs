/** Events for Dodo: packed or as text they are written alike, and its limits are the core's to judge. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dodo, Taximeter } from 'taximeter'

function client() {
  const bodies = []
  const fetch = async (_url, init) => {
    bodies.push(await new Response(init.body).text())
    return new Response('{}', { status: 200, headers: { 'content-type': 'application/json' } })
  }
  const meter = new Taximeter({
    source: 'test',
    sink: dodo({ url: 'http://127.0.0.1:1', apiKey: 'canary' }),
    fetch,
    meters: [{ slug: 'n', eventType: 'call', aggregation: 'SUM', valueProperty: '$.n' }],
  })
  return { meter, bodies }
}

const member = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, i]))
/** Whoever gives the time goes as text. */
const asText = (event) => ({ ...event, time: new Date().toISOString() })
const unstamped = (body) => body.replaceAll(/"(event_id|timestamp)":"[^"]*"/g, '"$1":""')

test('packed or as text, the bytes are the same', async () => {
  const { meter, bodies } = client()
  const events = [
    { n: 1, model: 'gpt-5', 'a"b': 'é\n€', yes: true, half: 0.5, less: -3 },
    {},
    undefined,
    member(50),
    { ['k'.repeat(100)]: 'x'.repeat(500) },
  ].map((data, i) => ({ type: 'call', subject: `customer ${i % 2}`, ...(data && { data }) }))
  for (const form of [(event) => event, asText]) {
    for (const event of events) assert.equal(meter.record(form(event)).error, undefined)
    await meter.flush()
  }
  const [packed, text] = bodies
  assert.equal(unstamped(packed), unstamped(text))
  assert.deepEqual(Object.keys(JSON.parse(packed).events[0]), [
    'event_id',
    'event_name',
    'customer_id',
    'timestamp',
    'metadata',
  ])
  assert.equal(meter.preview('n').data[0].value, 2)
})

test('what Dodo would refuse is refused at record(), by either way', async () => {
  const { meter, bodies } = client()
  for (const [data, path] of [
    [{ a: null }, 'data.a'],
    [member(51), 'data'],
    [{ ['k'.repeat(101)]: 1 }, `data.${'k'.repeat(101)}`],
    [{ a: 'x'.repeat(501) }, 'data.a'],
    [{ a: {} }, 'data.a'],
  ])
    for (const form of [(event) => event, asText]) {
      const { error } = meter.record(form({ type: 'call', subject: 'c', data }))
      assert.deepEqual([error?.code, error?.path], ['field_limit', path])
    }
  // 500 characters, though 1,000 UTF-16 units.
  assert.equal(meter.record({ type: 'call', subject: 'c', data: { a: '😀'.repeat(500) } }).error, undefined)
  assert.equal((await meter.flush()).delivered, 1)
  assert.equal(JSON.parse(bodies[0]).events.length, 1)
})
