/** The command as a process of its own. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'taximeter-cli-'))
after(() => rmSync(folder, { recursive: true }))

const file = (name, text) => {
  writeFileSync(join(folder, name), text)
  return name
}
const run = (args, { input = '', flags = [] } = {}) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, cli, ...args], {
    cwd: folder,
    input,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const meters = file(
  'meters.yaml',
  `meters:
  - {slug: tokens, eventType: prompt, aggregation: SUM, valueProperty: $.tokens, groupBy: {model: $.model}}
  - {slug: calls, eventType: prompt, aggregation: COUNT}
`,
)
const event = (id, subject, tokens, model, time = '2026-11-21T01:02:03Z') =>
  JSON.stringify({ specversion: '1.0', id, source: 's', type: 'prompt', subject, time, data: { tokens, model } })
const events = file(
  'events.ndjson',
  [
    event('1', 'a', 10, 'gpt'),
    event('2', 'a', '0.5', 'gpt'),
    event('3', 'b', 3, 'claude\u001b[2J', '2026-11-22T01:02:03Z'),
    event('3', 'b', 3, 'claude'),
    'no event',
    event('4', 'b', 'many', 'gpt'),
  ].join('\n'),
)

test('totals, groups, counts and faults are printed', () => {
  const { status, stdout, stderr } = run(['replay', events, '--meters', meters])
  assert.equal(stderr, '')
  assert.equal(status, 0)
  const [totals, groups, rest] = stdout.split('\n\n')
  assert.equal(totals, '  meter   value\n  tokens   13.5\n  calls       4')
  assert.equal(groups, 'tokens by model\n  model       value\n  gpt          10.5\n  claude\ufffd[2J      3')
  const [counts, ...faults] = rest.trimEnd().split('\n')
  assert.match(counts, /^6 lines in [\d.]+ s \([\d,]+ a second\): 4 stored, 1 duplicate, 0 dropped, 1 rejected$/)
  assert.deepEqual(faults, [
    '  line 5: json_invalid: an object is missing at byte 0',
    '  tokens does not count 1: value_not_number, first on line 6',
  ])
})

test('queries as in a URL and as JSON; the answer as JSON', () => {
  const queries = [
    'tokens?groupBy=subject&windowSize=DAY&windowTimeZone=Europe%2FBerlin&filterGroupBy[model]=gpt&subject=a,b',
    '{"meter":"calls","from":"2026-11-22T00:00:00Z"}',
  ]
  const { status, stdout } = run([
    'replay',
    events,
    '--meters',
    meters,
    '--json',
    ...queries.flatMap((q) => ['--query', q]),
  ])
  assert.equal(status, 0)
  const answer = JSON.parse(stdout)
  assert.deepEqual(answer.queries, [
    {
      windowSize: 'DAY',
      windowTimeZone: 'Europe/Berlin',
      groupBy: ['subject'],
      subject: ['a', 'b'],
      filterGroupBy: { model: ['gpt'] },
      meter: 'tokens',
    },
    JSON.parse(queries[1]),
  ])
  assert.deepEqual(answer.results[0].data, [
    { value: 10.5, windowStart: '2026-11-20T23:00:00Z', windowEnd: '2026-11-21T23:00:00Z', subject: 'a', groupBy: {} },
  ])
  assert.equal(answer.results[1].data[0].value, 1)
  assert.deepEqual(answer.events, { stored: 4, duplicate: 1, dropped: 0, rejected: 1 })
  assert.equal(answer.badLines[0].line, 5)
  const { stdout: table } = run(['replay', events, '--meters', meters, '--query', queries[0]])
  assert.match(table, /^ {2}from +to +subject +value\n {2}2026-11-20T23:00:00Z {2}2026-11-21T23:00:00Z {2}a +10\.5$/m)
})

test('lint says by event what is wrong, and ends with 1 for an error', () => {
  const { status, stdout, stderr } = run(['lint', events, '--meters', meters])
  assert.equal(stderr, '')
  assert.equal(status, 1)
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    'error: id_reused id: another event has this source and id: the later one is lost (event 4)',
    '  give each an id of its own; they differ in time data',
    'error: rejected: the vendor will refuse the event (event 5)',
    '  json_invalid: an object is missing at byte 0',
    'error: value_not_number tokens $.tokens: the value is not a number, and not counted (event 6)',
  ])
  const calls = file('calls.json', JSON.stringify([{ slug: 'calls', eventType: 'call', aggregation: 'COUNT' }]))
  const input = event('1', 'a', 1, 'm').replace('prompt', 'cal\\u001bl')
  const found = run(['lint', '-', '--meters', calls, '--json', '--now', '2026-11-21T00:00:00Z'], { input })
  assert.deepEqual(
    JSON.parse(found.stdout).map(({ code }) => code),
    ['no_meter', 'unmatched_meter'],
  )
  const fine = run(['lint', '-', '--meters', calls, '--target', 'openmeter'], {
    input: input.replace('cal\\u001bl', 'call'),
  })
  assert.deepEqual([fine.status, fine.stdout], [0, 'nothing to say\n'])
})

test('standard input, exact sums, and duplicates that count', () => {
  const input = [event('1', 'a', '9007199254740993', 'm'), event('1', 'a', '0.1', 'm')].join('\n')
  const { stdout } = run(['replay', '-', '--meters', meters, '--numeric', 'decimal', '--no-dedupe'], { input })
  assert.match(stdout, /tokens +9007199254740993\.1$/m)
})

test('a terminal sees how far it is, on standard error alone', () => {
  const flags = ['--import', 'data:text/javascript,process.stderr.isTTY = true']
  const { stdout, stderr } = run(['replay', events, '--meters', meters, '--json'], { flags })
  assert.equal(stderr, `\r${'█'.repeat(30)} 100 %, 0 MB \r\u001b[K`)
  assert.equal(JSON.parse(stdout).lines, 6)
  assert.equal(run(['replay', '-', '--meters', meters], { flags, input: 'x\n' }).stderr, '\r0 MB \r\u001b[K')
})

test('what cannot be done is said in a line or two, with an exit code', () => {
  const bad = file('bad.yaml', 'meters:\n  - slug: a\n    eventType: t\n    aggregation: SOME\n')
  for (const [args, message] of [
    [['replay'], /name one file of events/],
    [['replay', events], /--meters is missing/],
    [['replay', events, 'more', '--meters', meters], /name one file/],
    [['replay', events, '--meter', meters], /Unknown option '--meter'/],
    [['replay', 'none.ndjson', '--meters', meters], /ENOENT.*none\.ndjson/],
    [['replay', '.', '--meters', meters], /\. is a folder/],
    [['replay', events, '--meters', 'none.yaml'], /ENOENT.*none\.yaml/],
    [['replay', events, '--meters', bad], /bad\.yaml:4:18: SUM, COUNT.*\(at meters\[0\]\.aggregation\)/],
    [['replay', events, '--meters', events], /events\.ndjson:\d+:\d+: /],
    [['replay', events, '--meters', meters, '--query', 'none'], /no such meter.*queries\[0\]\.meter/],
    [['replay', events, '--meters', meters, '--query', '{'], /--query is no JSON/],
    [
      ['replay', events, '--meters', meters, '--query', 'calls?window=DAY'],
      /no such option.*queries\[0\]\.window\)\s+known here/,
    ],
    [['replay', events, '--meters', meters, '--numeric', 'roman'], /float or decimal/],
    [['lint'], /name one file of events/],
    [['lint', events], /--meters is missing/],
    [['lint', events, '--meters', meters, '--target', 'x'], /there is no such sink/],
    [['lint', events, '--meters', meters, '--now', 'x'], /not an RFC 3339 time.*\(at now\)/],
    [['fly'], /there is no command 'fly'/],
  ]) {
    const { status, stdout, stderr } = run(args)
    assert.equal(status, 1, args.join(' '))
    assert.equal(stdout, '')
    assert.match(stderr, /^taximeter: /)
    assert.match(stderr, message)
    assert.doesNotMatch(stderr, /^\s+at .*:\d+:\d+\)?$/m)
  }
})

test('help', () => {
  assert.match(run(['replay', '--help']).stdout, /^taximeter replay EVENTS --meters FILE/)
  assert.match(run(['lint', '--help']).stdout, /^taximeter lint EVENTS --meters FILE/)
  assert.match(run(['--help']).stdout, /taximeter replay.*taximeter lint/s)
})
