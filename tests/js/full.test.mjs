/** `taximeter/full`: meters with paths of RFC 9535, through the built package. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as taximeter from 'taximeter'
import * as full from 'taximeter/full'

const require = createRequire(import.meta.url)
const dist = new URL('../../dist/', import.meta.url)

const meter = (valueProperty, more) => ({
  slug: 'm',
  eventType: 't',
  aggregation: 'SUM',
  valueProperty,
  dialect: 'rfc9535',
  ...more,
})
const event = (data, id = '1') => ({
  specversion: '1.0',
  type: 't',
  source: 's',
  id,
  subject: 'u',
  time: '2026-01-01T00:00:00Z',
  data,
})
const rows = (made, events, query, from = full) =>
  from
    .preview([made], events, { meter: 'm', ...query })
    .result.data.map(({ value, groupBy }) => [value, ...Object.values(groupBy)])
const deep = (inner, times) => JSON.parse(`${'[{"a":'.repeat(times)}${JSON.stringify(inner)}${'}]'.repeat(times)}`)

test('values and groups by paths that the meter server does not know', () => {
  const call = {
    parts: [
      { kind: 'text', tokens: 5 },
      { kind: 'tool', tokens: 7, use: { model: 'n' } },
      { kind: 'tool', tokens: 9 },
    ],
    model: 'm',
  }
  assert.deepEqual(rows(meter("$.parts[?@.kind == 'tool' && !@.use].tokens"), [event(call)]), [[9]])
  assert.deepEqual(rows(meter('$.parts[-1].tokens'), [event(call)]), [[9]])
  assert.deepEqual(
    rows(meter('$.parts[?length(@.kind) == 4].tokens', { groupBy: { by: '$..model' } }), [event(call)]),
    [[5]],
  )
  const grouped = meter('$..tokens', { groupBy: { model: '$..use.model', none: '$.parts[?count(@.*) == 9]' } })
  assert.deepEqual(rows(grouped, [event(call)], { groupBy: ['model', 'none'] }), [[5, 'n', '']])
  assert.deepEqual(rows(meter('$.a.b', { dialect: undefined }), [event({ a: { b: 2 } })]), [[2]])
})

test('the default build refuses the dialect and names the one that has it', () => {
  const error = { code: 'dialect_unavailable', path: 'meters[0].dialect', message: /taximeter\/full/ }
  assert.throws(() => rows(meter('$..x'), [], {}, taximeter), error)
  assert.throws(() => rows(meter('$.x'), [], {}, taximeter), error)
  assert.throws(() => rows(meter('$.x', { dialect: 'rfc9536' }), []), {
    code: 'meter_invalid',
    path: 'meters[0].dialect',
  })
})

test('what a path may not hold is refused when its meter is defined', () => {
  const at = 'meters[0].valueProperty'
  for (const path of ["$[?match(@.a, 'x.*')].n", "$..[?search(@, 'x')]"]) {
    assert.throws(() => rows(meter(path), []), { code: 'path_regex_refused', path: at, help: /whole strings/ })
  }
  assert.throws(() => rows(meter('$.a.'), []), { code: 'path_invalid', path: at })
  assert.throws(() => rows(meter(`$${'[?@'.repeat(20)}${']'.repeat(20)}`), []), { code: 'limit_exceeded', path: at })
  assert.throws(() => rows(meter('$..v', { groupBy: { k: "$[?match(@, 'x')]" } }), []), {
    code: 'path_regex_refused',
    path: 'meters[0].groupBy.k',
  })
  assert.throws(() => rows(meter('$.v', { dialect: undefined, groupBy: { k: '$..x' } }), []), { code: 'path_invalid' })
})

test('an event that takes too many steps is left out, counted and named', () => {
  const hostile = { n: 1, v: Array.from({ length: 200 }, (_, at) => at) }
  const made = meter('$.n', { groupBy: { g: '$.v[?count($.v[?count($.v[?@ >= 0]) > 500]) > 500]' } })
  const { result, diagnostics } = full.preview([made], [event({ n: 2 }), event(hostile, '2')], { meter: 'm' })
  assert.deepEqual(
    result.data.map(({ value }) => value),
    [2],
  )
  assert.equal(result.incomplete, true)
  assert.equal(result.excluded, 1)
  assert.deepEqual(diagnostics, [{ event: 1, meter: 'm', code: 'path_too_costly' }])

  const client = new full.Taximeter({
    source: 'test',
    sink: full.openmeter({ url: 'http://127.0.0.1:1' }),
    fetch: async () => new Response(null, { status: 204 }),
    meters: [made, { slug: 'calls', eventType: 't', aggregation: 'COUNT' }],
  })
  client.record({ type: 't', subject: 'u', data: { n: 2 } })
  client.record({ type: 't', subject: 'u', data: hostile })
  const live = client.preview('m')
  assert.deepEqual([live.data.map(({ value }) => value), live.incomplete, live.excluded], [[2], true, 1])
  const calls = client.preview('calls')
  assert.deepEqual(
    [calls.data.map(({ value }) => value), calls.incomplete, calls.excluded],
    [[2], undefined, undefined],
  )
})

test('the deepest paths on the deepest events do not reach the end of the stack', () => {
  const data = { a: deep({ a: 1 }, 14) }
  const paths = [
    `$${'[?@'.repeat(8)}..a${']'.repeat(8)}`,
    `$..${'[?@..'.repeat(7)}[?@.a]${']'.repeat(7)}`,
    `$[?${'!('.repeat(7)}@..a${')'.repeat(7)}]`,
    `$..a${'[?@..*'.repeat(8)}${']'.repeat(8)}`,
    `$${'..*'.repeat(80)}`,
    `$[?${'length('.repeat(7)}@.a${')'.repeat(7)} == 1]`,
    `$[?${'@.a||'.repeat(48)}@]`,
  ]
  for (const path of paths) {
    const { result, diagnostics } = full.preview([meter(path)], [event(data)], { meter: 'm' })
    assert.ok(result, path)
    assert.ok(diagnostics.length <= 1, path)
  }
})

test('by require, and as another WebAssembly under taximeter/slim', async () => {
  const made = meter('$..x')
  assert.deepEqual(rows(made, [event({ y: { x: 3 } })], {}, require('taximeter/full')), [[3]])
  assert.deepEqual(Object.keys(require('taximeter/full')).sort(), Object.keys(taximeter).sort())
  const slim = await import(`${dist}slim.js?full`)
  slim.initSync(readFileSync(require.resolve('taximeter/full.wasm')))
  assert.deepEqual(rows(made, [event({ y: { x: 3 } })], {}, slim), [[3]])
  for (const entry of ['workerd.js', 'edge-light.js']) {
    assert.match(readFileSync(new URL(`full/${entry}`, dist), 'utf8'), /from"\.\/core\.wasm(\?module)?"/)
  }
})
