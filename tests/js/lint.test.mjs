/** The lint, and the examples that OpenMeter publishes: what they come to, and what is wrong with them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as taximeter from 'taximeter'
import { dodo, lint, openmeter, preview, Taximeter } from 'taximeter/full'

const { examples } = JSON.parse(readFileSync(new URL('../contract/openmeter-examples.json', import.meta.url), 'utf8'))
const NOW = '2026-11-21T00:00:00Z'
const brief = ({ code, level, meter, path, help }) => JSON.parse(JSON.stringify({ code, level, meter, path, help }))
const codes = (findings) => findings.map((finding) => finding.code)

for (const { id, meters, events, answers, findings } of examples) {
  test(`published example: ${id}`, () => {
    for (const { query, options, ...want } of answers) {
      assert.deepEqual(preview(meters, events, query, { now: NOW, ...options }).result, want)
    }
    assert.deepEqual(lint(events, { meters, now: NOW }).map(brief), findings)
  })
}

test('all published examples together: four events lose their ids to others', () => {
  const meters = examples.flatMap(({ id, meters }) => (id === 'translate-ai' ? [] : meters))
  const unique = meters.filter((meter, at) => meters.findIndex((other) => other.slug === meter.slug) === at)
  const events = examples.flatMap((example) => example.events)
  const found = lint(events, { meters: unique, now: NOW })
  const reused = found.filter((finding) => finding.code === 'id_reused')
  // The count, the duration and the several meters all say api-service, 00001.
  assert.deepEqual(
    reused.map(({ events, help }) => [events, help.split(' in ')[1]]),
    [
      [[3, 6], 'data'],
      [[8], 'type data'],
    ],
  )
  assert.deepEqual(
    found.filter((finding) => finding.code === 'no_meter').map((finding) => finding.events),
    [[5], [9]],
  )
})

const meters = [
  { slug: 'tokens', eventType: 'prompt', aggregation: 'SUM', valueProperty: '$.tokens', groupBy: { model: '$.model' } },
  { slug: 'users', eventType: 'prompt', aggregation: 'UNIQUE_COUNT', valueProperty: '$.user.id' },
]
const sent = []
const fetch = async (_url, init) => {
  sent.push(await new Response(init.body).text())
  return new Response(null, { status: 204 })
}

test('a client says what will go wrong with events that are not recorded yet', async () => {
  const meter = new Taximeter({ source: 's', sink: openmeter({ url: 'http://127.0.0.1:1' }), fetch, meters })
  const found = meter.lint([
    { type: 'prompt', subject: 'c', data: { tokens: 1, model: 'm', user: { id: 'u' } } },
    { type: 'prompt', subject: 'c', data: { token: 1, Model: 'm', user: { ID: 'u' } } },
    { type: 'promt', subject: 'c', time: new Date(), data: { tokens: 1 } },
  ])
  assert.deepEqual(found.map(brief), [
    { code: 'no_meter', level: 'error', path: 'type', help: 'did you mean prompt?' },
    { code: 'value_missing', level: 'error', meter: 'tokens', path: '$.tokens', help: 'did you mean $.token?' },
    { code: 'group_missing', level: 'warning', meter: 'tokens', path: '$.model', help: 'did you mean $.Model?' },
    { code: 'value_missing', level: 'warning', meter: 'users', path: '$.user.id', help: 'did you mean $.user.ID?' },
  ])
  assert.deepEqual(found[0].events, [2])
  assert.equal(meter.stats().recorded, 0)
  assert.throws(() => meter.lint(), { code: 'lint_off' })
  assert.throws(() => meter.lint('['), { code: 'json_invalid' })
  assert.deepEqual(codes(meter.lint('')), ['unmatched_meter', 'unmatched_meter'])
  await meter.close()
})

test('a client with the option looks at all that is recorded, packed or as text', async () => {
  const sink = openmeter({ url: 'http://127.0.0.1:1' })
  const meter = new Taximeter({ source: 's', sink, fetch, meters, lint: true })
  for (let i = 0; i < 300; i++) {
    meter.record({ type: 'prompt', subject: 'c', data: { tokens: i % 3 ? i : 'many', model: 'm', user: 'u' } })
  }
  meter.record({ type: 'prompt', subject: 'c', data: { tokens: '1,000', model: ['m'], user: { id: 'u' } } })
  const found = meter.lint()
  assert.deepEqual(
    found.map(({ code, meter, count, events, help }) => [code, meter, count, events, help]),
    [
      ['value_not_number', 'tokens', 101, [0, 3, 6, 9, 12], undefined],
      ['group_not_scalar', 'tokens', 1, [300], undefined],
      ['value_missing', 'users', 300, [0, 1, 2, 3, 4], undefined],
    ],
  )
  await meter.close()
})

test('what Dodo refuses is found by its own rules', async () => {
  const meters = [{ event_name: 'api.call', aggregation: { type: 'sum', key: 'units' } }]
  const event = { event_id: '1', customer_id: 'c', event_name: 'api.call', metadata: { units: 1 } }
  const at = (minutes) => new Date(Date.parse(NOW) + minutes * 60_000).toISOString()
  const look = (...events) => lint(events, { meters, target: 'dodo', now: NOW })
  assert.deepEqual(look(event, { ...event, event_id: '2', timestamp: at(-60) }), [])
  const [old] = look({ ...event, timestamp: at(-61) })
  assert.deepEqual([old.code, old.path, old.help], ['too_old', 'time', 'the limit is 3600 s, this is 3660 s'])
  assert.deepEqual(codes(look({ ...event, timestamp: at(5) }, { ...event, event_id: '2', timestamp: at(6) })), [
    'too_new',
  ])
  const refused = look({ ...event, metadata: { units: { n: 1 } } })[0]
  assert.deepEqual([refused.code, refused.path], ['rejected', 'metadata.units'])
  assert.deepEqual(codes(look({ ...event, metadata: { units: '7' } })), ['undocumented'])
  assert.deepEqual(codes(look(event, event, { ...event, customer_id: 'd' })), ['id_reused', 'duplicate_id'])

  const meter = new Taximeter({ source: 's', sink: dodo({ apiKey: 'k', url: 'http://127.0.0.1:1' }), fetch, meters })
  assert.deepEqual(codes(meter.lint([{ type: 'api.call', subject: 'c', time: at(-61), data: { units: [1] } }])), [
    'rejected',
    'unmatched_meter',
  ])
  await meter.close()
  assert.throws(() => lint([], { meters, target: 'nobody' }), { code: 'invalid_sink' })
  assert.throws(() => lint([], { meters, now: 'yesterday' }), { code: 'time_invalid' })
})

test('the default core has no lint, and says where it is', async () => {
  const unavailable = { code: 'lint_unavailable', help: "import from 'taximeter/full' instead of 'taximeter'" }
  assert.throws(() => taximeter.lint([], { meters }), unavailable)
  const options = { source: 's', sink: taximeter.openmeter({ url: 'http://127.0.0.1:1' }), fetch, meters }
  assert.throws(() => new taximeter.Taximeter({ ...options, lint: true }), { ...unavailable, path: 'lint' })
  const meter = new taximeter.Taximeter({ ...options, lint: false })
  assert.throws(() => meter.lint(), unavailable)
  assert.throws(() => meter.lint([{ type: 'prompt', subject: 'c' }]), unavailable)
  assert.deepEqual(meter.record({ type: 'prompt', subject: 'c' }).error, undefined)
  await meter.close()
})
