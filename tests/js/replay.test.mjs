/** Streams of events against the same events at hand; what is cut, broken or no event at all. */
import assert from 'node:assert/strict'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { preview } from 'taximeter'
import { ready, replay } from 'taximeter/replay'

const folder = mkdtempSync(join(tmpdir(), 'taximeter-replay-'))
after(() => rmSync(folder, { recursive: true }))

const now = '2026-11-21T00:00:00Z'
const meters = [
  { slug: 'tokens', eventType: 'prompt', aggregation: 'SUM', valueProperty: '$.tokens', groupBy: { model: '$.model' } },
  { slug: 'calls', eventType: 'prompt', aggregation: 'COUNT' },
  { slug: 'users', eventType: 'prompt', aggregation: 'UNIQUE_COUNT', valueProperty: '$.user' },
]
const queries = [
  { meter: 'tokens', groupBy: ['model'] },
  { meter: 'calls', groupBy: ['subject'], windowSize: 'DAY', windowTimeZone: 'Europe/Berlin' },
  { meter: 'users', filterGroupBy: {} },
]
const event = (id, data, more = {}) =>
  JSON.stringify({ specversion: '1.0', id, source: 's', type: 'prompt', subject: 'a', time: now, data, ...more })

/** Many of one shape, and others among them. */
const lines = Array.from({ length: 300 }, (_, i) => {
  if (i % 50 === 49) return event(`${i}`, { tokens: `${i}.5`, model: 'ü "quoted" \\', user: null })
  const time = new Date(Date.UTC(2026, 2, 28, 20, i)).toISOString()
  return event(`${i % 280}`, { tokens: i, model: `m${i % 3}`, user: `u${i % 7}😀` }, { subject: `c${i % 5}`, time })
})

/** What `preview` says of them. */
function atHand(lines) {
  return queries.map((query) => preview(meters, lines.join('\n'), query, { now }).result)
}

test('a file is answered as its events at hand', async () => {
  const file = join(folder, 'events.ndjson')
  writeFileSync(file, `${lines.join('\n')}\n`)
  await ready()
  const seen = []
  const onProgress = (bytes) => seen.push(bytes)
  const stream = createReadStream(file, { highWaterMark: 1000 })
  const { results, ...said } = await replay(stream, { meters, queries, now, onProgress })
  assert.deepEqual(results, atHand(lines))
  assert.deepEqual(said, {
    lines: 300,
    events: { stored: 281, duplicate: 19, dropped: 0, rejected: 0 },
    badLines: [],
    codes: {},
    diagnostics: [{ meter: 'users', code: 'value_null', count: 6, line: 50 }],
  })
  assert.ok(seen.length > 10 && seen.every((bytes, i) => i === 0 || bytes > seen[i - 1]))
})

test('bytes, text, iterables and streams, cut at every place, say the same', async () => {
  const few = [...lines.slice(40, 52), 'broken {', lines[60]]
  const text = few.join('\r\n')
  const bytes = new TextEncoder().encode(text)
  const whole = await replay(text, { meters, queries, now })
  assert.deepEqual(whole.results, atHand(few))
  assert.deepEqual(
    whole.badLines.map(({ line, code }) => [line, code]),
    [[13, 'json_invalid']],
  )
  async function* later(pieces) {
    yield* pieces
  }
  for (const stream of [bytes, [...text], later([...text].flatMap((c) => c.split(''))), new Blob([bytes]).stream()]) {
    assert.deepEqual(await replay(stream, { meters, queries, now }), whole)
  }
  for (let at = 0; at <= bytes.length; at += 1) {
    const pieces = [bytes.subarray(0, at), bytes.subarray(at)]
    assert.deepEqual(await replay(pieces, { meters, queries: [queries[0]], now }), {
      ...whole,
      results: [whole.results[0]],
    })
  }
})

test('a byte order mark, empty lines and an end without a line break are no fault', async () => {
  const { lines: count, events } = await replay(`\ufeff${lines[0]}\n\n  \r\n${lines[1]}`, { meters, now })
  assert.deepEqual([count, events.stored, events.rejected], [4, 2, 0])
  assert.deepEqual((await replay('', { meters, now })).lines, 0)
})

test('every bad line is counted by its code, and the first hundred are told', async () => {
  const bad = [
    ['{"id":', 'json_invalid', undefined],
    ['[1]', 'json_invalid', undefined],
    [event('x', { n: 1 }).slice(0, -1), 'json_invalid', undefined],
    [`${event('x', {})} x`, 'json_invalid', undefined],
    [Uint8Array.of(0x22, 0xff, 0x22), 'json_invalid', undefined],
    ['{}', 'field_missing', 'id'],
    [event('', {}), 'field_empty', 'id'],
    [event('x', {}, { subject: 7 }), 'field_type', 'subject'],
    [event('x', {}, { time: 'yesterday' }), 'time_invalid', 'time'],
    [event('x', []), 'data_not_object', 'data'],
    [event('x', {}).replace('{}', '{"n":[1e999]}'), 'number_overflow', 'data.n[0]'],
    ['['.repeat(2000), 'json_invalid', undefined],
    [
      event('x', {}).replace('{}', `{"n":${'['.repeat(40)}${']'.repeat(40)}}`),
      'data_too_deep',
      `data.n${'[0]'.repeat(31)}`,
    ],
    [event('x', { text: 'x'.repeat(1 << 20) }), 'line_too_long', undefined],
    [event('x', {}, { customer_id: 'c' }), 'extension_name_invalid', 'customer_id'],
  ]
  const stream = bad.flatMap(([line]) => [line, '\n', lines[0], '\n'])
  const { badLines, codes, events } = await replay(stream, { meters, now, dedupe: false })
  assert.deepEqual(
    badLines.map(({ line, code, path }) => [line, code, path]),
    bad.map(([, code, path], i) => [2 * i + 1, code, path]),
  )
  assert.ok(badLines.every(({ message, http }) => message.length > 0 && http >= 400))
  assert.equal(events.rejected, bad.length)
  assert.equal(events.stored, bad.length)
  assert.equal(codes.json_invalid, 6)

  const many = await replay('x\n'.repeat(1000), { meters, now })
  assert.deepEqual([many.badLines.length, many.codes], [100, { json_invalid: 1000 }])
})

test('a line in small pieces that never ends is given up, and the next one is read', async () => {
  function* endless() {
    for (let i = 0; i < 3000; i++) yield `{"x":"${'y'.repeat(1000)}`
    yield `\n${lines[0]}`
  }
  const { badLines, events } = await replay(endless(), { meters, now })
  assert.deepEqual(
    badLines.map(({ line, code }) => [line, code]),
    [[1, 'line_too_long']],
  )
  assert.equal(events.stored, 1)
})

test('numbers keep their digits, and duplicates are told apart by source and id', async () => {
  const sum = { slug: 'sum', eventType: 't', aggregation: 'SUM', valueProperty: '$.n' }
  const line = (source, id, n) =>
    `{"specversion":"1.0","id":"${id}","source":"${source}","type":"t","subject":"a","data":{"n":"${n}"}}\n`
  const stream = [line('a-b', 'c', '9007199254740993'), line('a', 'b-c', '1'), line('a', 'b', '0.0000000000000000001')]
  const { results, events } = await replay(stream, { meters: [sum], numeric: 'decimal', now })
  assert.equal(results[0].data[0].valueDecimal, '9007199254740993.0000000000000000001')
  assert.deepEqual([events.stored, events.duplicate], [2, 1])
})

test('wrong meters, queries and options are thrown with their place, and so is what the stream throws', async () => {
  const thrown = (options, error) => assert.rejects(replay('', { meters, ...options }), error)
  await thrown(
    { meters: [{ ...meters[0], aggregation: 'sum' }] },
    { code: 'meter_invalid', path: 'meters[0].aggregation' },
  )
  await thrown({ queries: [queries[0], { meter: 'none' }] }, { code: 'meter_not_found', path: 'queries[1].meter' })
  await thrown({ queries: [{ meter: 'calls', windowTimeZone: 'Mars/Base' }] }, { code: 'query_invalid' })
  await thrown({ numeric: 'roman' }, { code: 'option_invalid', path: 'options.numeric' })
  async function* failing() {
    yield lines[0]
    throw new Error('the disk is gone')
  }
  await assert.rejects(replay(failing(), { meters }), /the disk is gone/)
})

test('several replays at a time are apart', async () => {
  const runs = Array.from({ length: 5 }, (_, i) =>
    replay(new Blob([lines.slice(i * 10).join('\n')]).stream(), { meters, now }),
  )
  const all = await Promise.all(runs)
  assert.deepEqual(
    all.map(({ lines }) => lines),
    [300, 290, 280, 270, 260],
  )
})
