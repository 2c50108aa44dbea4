/** `taximeter blueprint` and `taximeter meters push`, as processes of their own. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { apiGateway, llm, stream, streamConcurrency, streamQuality } from 'taximeter/blueprints'
import { startDevServer } from 'taximeter-dev'

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const server = await startDevServer({ port: 0 })
const closed = await startDevServer({ port: 0, token: 'secret' })
const folder = mkdtempSync(join(tmpdir(), 'taximeter-push-'))
after(async () => {
  await Promise.all([server.close(), closed.close()])
  rmSync(folder, { recursive: true })
})

async function run(...args) {
  const child = spawn(process.execPath, [cli, ...args], { env: { ...process.env, OPENMETER_TOKEN: '' } })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].on('data', (text) => {
      said[name] += text
    })
  }
  const status = await new Promise((close) => child.on('close', close))
  return { status, ...said }
}
const there = async (url = server.url) => (await fetch(`${url}/api/v1/meters`)).json()

test('a blueprint is printed whole: event, meters, price and a sample that runs', async () => {
  const { status, stdout, stderr } = await run('blueprint', 'stream')
  assert.deepEqual([status, stderr], [0, ''])
  for (const part of [stream, streamQuality, streamConcurrency]) {
    assert.ok(stdout.includes(`Event of type '${part.eventType}'`))
    for (const field of Object.keys(part.fields))
      assert.match(stdout, new RegExp(`^ {2}${field} +(text|integer|number)`, 'm'))
    for (const meter of [...part.meters, ...part.dodoMeters]) assert.ok(stdout.includes(JSON.stringify(meter)))
  }
  assert.match(stdout, /An example price:\n\n {2}\{"stream_bytes":\{"type":"unit"/)
  assert.match(stdout, /Sample code:\n\n {2}\/\/ Films.+stream\.session\(meter/s)
  const names = ['llm', 'api-gateway', 'object-storage', 'stream', 'time-range']
  const { stdout: list } = await run('blueprint')
  assert.deepEqual(
    list.match(/^ {2}\S+/gm).map((name) => name.trim()),
    names,
  )
  for (const name of names) assert.match((await run('blueprint', name)).stdout, /Sample code:\n\n {2}\/\/ /)
  const { stdout: json } = await run('blueprint', 'llm', '--json')
  assert.deepEqual(JSON.parse(json)[0].meters, llm.meters)
})

test('meters are made once, and one that is another is a conflict', async () => {
  const push = () => run('meters', 'push', 'api-gateway', '--url', `${server.url}/`)
  const first = await push()
  assert.deepEqual([first.status, first.stderr], [0, ''])
  const made = await there()
  for (const meter of apiGateway.meters) {
    assert.match(first.stdout, new RegExp(`^${meter.slug}: created$`, 'm'))
    const { slug, eventType, aggregation, valueProperty, groupBy } = made.find((one) => one.slug === meter.slug)
    assert.deepEqual({ slug, eventType, aggregation, ...(valueProperty && { valueProperty }), groupBy }, meter)
  }
  const again = await push()
  assert.equal(again.status, 0)
  assert.equal(again.stdout.match(/: unchanged$/gm).length, apiGateway.meters.length)
  assert.deepEqual(await there(), made)
  // What to do at Dodo, each time.
  for (const { stdout } of [first, again]) {
    assert.match(stdout, /\nAt Dodo, make these meters/)
    for (const meter of apiGateway.dodoMeters) assert.ok(stdout.includes(JSON.stringify(meter)))
  }

  await fetch(`${server.url}/api/v1/meters/api_requests_total`, { method: 'DELETE' })
  const other = { slug: 'api_requests_total', eventType: 'call', aggregation: 'COUNT' }
  await fetch(`${server.url}/api/v1/meters`, { method: 'POST', body: JSON.stringify(other) })
  const clash = await push()
  assert.equal(clash.status, 1)
  const groups = '{"method":"$.method","route":"$.route","status":"$.status"}'
  const said = `api_requests_total: conflict: eventType is call there, request here; groupBy is none there, ${groups} here.`
  assert.ok(clash.stdout.includes(said), clash.stdout)
  assert.equal(clash.stdout.match(/: unchanged$/gm).length, apiGateway.meters.length - 1)
  assert.equal((await there()).find(({ slug }) => slug === other.slug).eventType, 'call')
})

test('meters of a file, in the names of any vendor; and a key', async () => {
  const file = join(folder, 'meters.yaml')
  writeFileSync(
    file,
    `meters:
  - {slug: mine, eventType: t, aggregation: SUM, valueProperty: $.v}
  - {key: third, event_type: t, aggregation: unique_count, value_property: $.u, dimensions: {m: $.m}}
  - {event_name: t, name: at dodo, aggregation: {type: count}}
`,
  )
  const { status, stdout } = await run('meters', 'push', '--meters', file, '--url', closed.url, '--token', 'secret')
  assert.equal(status, 0)
  assert.match(stdout, /^mine: created\nthird: created\n\nAt Dodo.+"name":"at dodo"/s)
  const response = await fetch(`${closed.url}/api/v1/meters`, { headers: { authorization: 'Bearer secret' } })
  const [, { slug, aggregation, groupBy }] = await response.json()
  assert.deepEqual(
    { slug, aggregation, groupBy },
    { slug: 'third', aggregation: 'UNIQUE_COUNT', groupBy: { m: '$.m' } },
  )
})

test('what cannot be done is said, with an exit code', async () => {
  for (const [args, message] of [
    [['blueprint', 'none'], /there is no blueprint 'none': llm, api-gateway/],
    [['blueprint', 'constructor'], /there is no blueprint/],
    [['meters'], /there is only 'taximeter meters push'/],
    [['meters', 'push'], /name blueprints, or a file/],
    [['meters', 'push', 'llm'], /--url is missing/],
    [['meters', 'push', 'llm', '--url', 'localhost:8888'], /--url is no address/],
    [['meters', 'push', 'llm', '--url', 'http://127.0.0.1:1'], /does not answer: /],
    [['meters', 'push', 'llm', '--url', closed.url], /the server answers 401.*; give --token/],
    [['meters', 'push', 'llm', '--url', closed.url, '--token', 'wrong'], /the server answers 401/],
  ]) {
    const { status, stdout, stderr } = await run(...args)
    assert.deepEqual([status, stdout], [1, ''], args.join(' '))
    assert.match(stderr, message)
    assert.doesNotMatch(stderr, /\n +at /)
  }
})
