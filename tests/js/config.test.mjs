/** Files of meters: what is taken, and for the rest what is wrong, where and how to mend it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { llm } from 'taximeter'
import { readMeters } from 'taximeter/config'

const server = `
ingest:
  kafka:
    broker: 127.0.0.1:9092
dedupe:
  enabled: true
meters:
  # Counts requests
  - slug: api_requests_total
    description: API Requests
    eventType: request
    aggregation: COUNT
    groupBy: &route
      method: $.method
      'route': "$['route-name']"
  - slug: api_requests_duration
    description: "2026"
    eventType: request
    aggregation: SUM
    valueProperty: $.duration_ms
    groupBy:
      <<: *route
      status: $.status
    eventFrom: 2026-01-01T00:00:00Z
`

test("the configuration of an OpenMeter server, with comments, anchors and what is none of the meters' business", () => {
  const groupBy = { method: '$.method', route: "$['route-name']" }
  assert.deepEqual(readMeters(server), [
    { slug: 'api_requests_total', description: 'API Requests', eventType: 'request', aggregation: 'COUNT', groupBy },
    {
      slug: 'api_requests_duration',
      description: '2026',
      eventType: 'request',
      aggregation: 'SUM',
      valueProperty: '$.duration_ms',
      groupBy: { ...groupBy, status: '$.status' },
      eventFrom: '2026-01-01T00:00:00Z',
    },
  ])
})

test('JSON, with tabs and escapes, as a list or an object; a file without meters', () => {
  assert.deepEqual(readMeters(JSON.stringify(llm.meters)), llm.meters)
  assert.deepEqual(readMeters(JSON.stringify({ meters: llm.meters }, null, '\t')), llm.meters)
  assert.equal(readMeters('[{"slug":"a","eventType":"\\u00e9\\/","aggregation":"COUNT"}]')[0].eventType, 'é/')
  assert.deepEqual(readMeters('meters: []'), [])
})

test("names of OpenMeter's v3 API, and Dodo's meters, whose conditions compare with numbers", () => {
  const meters = [
    { key: 'a', event_type: 't', aggregation: 'count' },
    {
      event_name: 'b',
      aggregation: { type: 'count' },
      filter: { conjunction: 'and', clauses: [{ key: 'n', operator: 'greater_than', value: 1.5 }] },
    },
  ]
  assert.deepEqual(readMeters(JSON.stringify(meters)), meters)
})

const meter = (more) => `meters:\n  - slug: a\n    eventType: t\n    aggregation: COUNT\n${more}`
const faults = {
  'a text that YAML reads as a number': [
    meter('    description: 007\n'),
    { code: 'config_invalid', line: '5:18', path: 'meters[0].description', help: "put it in quotes: '007'" },
  ],
  'a version that would lose its zero': [
    'meters:\n- {slug: a, eventType: 1.10, aggregation: COUNT}',
    { code: 'config_invalid', line: '2:24', path: 'meters[0].eventType', help: "put it in quotes: '1.10'" },
  ],
  'a truth value behind an anchor': [
    `x: &x {name: true}\n${meter('    <<: *x\n')}`,
    { code: 'config_invalid', path: 'meters[0].name' },
  ],
  'an unknown aggregation': [
    'meters:\n  - slug: a\n    eventType: t\n    aggregation: TOTAL\n',
    { code: 'meter_invalid', line: '4:18', path: 'meters[0].aggregation' },
  ],
  'a missing member': [
    '- slug: a\n  aggregation: COUNT\n',
    { code: 'meter_invalid', line: '1:3', path: 'meters[0].eventType' },
  ],
  'a misspelt member': [
    meter('    groupby:\n      a: $.a\n'),
    { code: 'unknown_option', line: '6:7', path: 'meters[0].groupby', help: /groupBy/ },
  ],
  'a path that no server takes': [
    meter('    groupBy:\n      model: $.a-b\n'),
    { code: 'path_invalid', line: '6:14', path: 'meters[0].groupBy.model', help: /\$\['a-b'\]/ },
  ],
  'the same slug twice': [
    `${meter('')}  - slug: a\n    eventType: u\n    aggregation: COUNT\n`,
    { code: 'meter_invalid', line: '5:11' },
  ],
  'the same key twice': [meter('    eventType: u\n'), { code: 'config_invalid', line: '5:5' }],
  'broken YAML': ['meters: [\n  {slug: a', { code: 'config_invalid', line: /^2:/ }],
  'broken JSON': ['{"meters": [}', { code: 'config_invalid', line: '1:13' }],
  'a tab': ['meters:\n\t- slug: a', { code: 'config_invalid', line: /^2:/ }],
  'a tag': ['meters: !include a.yaml', { code: 'config_invalid', line: '1:9' }],
  'an alias to nothing': ['meters: *none', { code: 'config_invalid' }],
  'two documents': ['[]\n---\n[]', { code: 'config_invalid' }],
  'no list': ['meters: 7', { code: 'config_invalid', line: '1:9', help: /list/ }],
  'another file': ['name: x\n', { code: 'config_invalid', help: /list/ }],
  'an empty file': ['', { code: 'config_invalid', line: '1:1' }],
  'a file that is no text of meters at all': ['x'.repeat(2 << 20), { code: 'config_invalid', line: '1:1' }],
  'an expansion without end': [
    `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]},`.repeat(9)}]`).join('\n')}\nmeters: *h`,
    { code: 'config_invalid' },
  ],
}

for (const [name, [text, { line, help, ...expected }]] of Object.entries(faults)) {
  test(`${name} is refused with its place`, () => {
    assert.throws(
      () => readMeters(text, 'm.yaml'),
      (error) => {
        const [, at, message] = /^m\.yaml:(\d+:\d+): (.+)$/s.exec(error.message) ?? [error.message]
        assert.ok(message)
        if (line instanceof RegExp) assert.match(at, line)
        else if (line) assert.equal(at, line)
        if (help instanceof RegExp) assert.match(error.help, help)
        else if (help) assert.equal(error.help, help)
        for (const [key, value] of Object.entries(expected)) assert.equal(error[key], value)
        return true
      },
    )
  })
}

test('yaml is in the entry for files of meters, and in no other', () => {
  const holds = (file) => readFileSync(new URL(`../../dist/${file}`, import.meta.url), 'utf8').includes('DUPLICATE_KEY')
  assert.deepEqual(['config.js', 'config.cjs'].map(holds), [true, true])
  assert.deepEqual(
    ['inline.js', 'slim.js', 'workerd.js', 'replay/inline.js', 'cli.js'].map(holds),
    Array(5).fill(false),
  )
})
