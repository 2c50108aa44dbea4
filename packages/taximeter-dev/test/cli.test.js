import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readMeters } from '../src/cli.js'

const folder = mkdtempSync(join(tmpdir(), 'taximeter-cli-'))
after(() => rmSync(folder, { recursive: true }))
const METERS = [{ slug: 'calls', eventType: 'call', aggregation: 'COUNT' }]

/** The command in a process of its own, with the stand-in for the `taximeter` package. */
function run(...args) {
  const child = spawn(
    process.execPath,
    ['--import', new URL('./with-engine.js', import.meta.url).href, 'bin/taximeter-dev.js', ...args],
    { cwd: new URL('..', import.meta.url), stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => (output.out += chunk))
  child.stderr.on('data', (chunk) => (output.err += chunk))
  return { child, output, exit: once(child, 'exit') }
}

test('it says where it listens, its curl line works, and a signal closes the file', async () => {
  const file = join(folder, 'cli.db')
  const meters = join(folder, 'meters.json')
  writeFileSync(meters, JSON.stringify(METERS))
  const { child, output, exit } = run(
    '--port',
    '0',
    '--file',
    file,
    '--meters',
    meters,
    '--token',
    'key',
    '--no-dedupe',
  )
  while (!output.out.includes('-d ')) await once(child.stdout, 'data')
  const [url] = output.out.match(/http:\/\/127\.0\.0\.1:\d+/)
  const [, type] = output.out.match(/Content-Type: ([^']+)'/)
  const [, body] = output.out.match(/-d '([^']+)'/)
  const headers = { 'content-type': type, authorization: 'Bearer key' }
  for (const _ of [1, 2])
    assert.equal((await fetch(`${url}/api/v1/events`, { method: 'POST', headers, body })).status, 204)
  assert.equal((await (await fetch(`${url}/api/v1/events`, { headers })).json()).length, 2)
  assert.equal((await (await fetch(`${url}/api/v1/meters`, { headers })).json()).length, 1)
  assert.ok(!output.out.includes('Bearer key'))
  assert.ok(existsSync(`${file}.lock`))

  const second = run('--port', new URL(url).port)
  assert.deepEqual(await second.exit, [1, null])
  assert.match(second.output.err, /port \d+ is in use; choose another with --port/)

  child.kill('SIGTERM')
  assert.deepEqual(await exit, [143, null])
  assert.ok(existsSync(file) && !existsSync(`${file}.lock`))
})

test('help and bad arguments', async () => {
  const help = run('--help')
  assert.deepEqual(await help.exit, [0, null])
  assert.match(help.output.out, /--no-dedupe/)
  for (const [args, message] of [
    [['--prot', '1'], /--prot/],
    [['--port', '70000'], /--port must be 0 to 65535/],
    [['--port', '-1'], /port/],
    [['--meters', join(folder, 'none.yaml')], /none\.yaml/],
  ]) {
    const { output, exit } = run(...args)
    assert.deepEqual(await exit, [1, null])
    assert.match(output.err, /^taximeter dev: /)
    assert.match(output.err, message)
  }
})

test('meters from JSON and YAML, alone or in a configuration', () => {
  const [{ slug, eventType, aggregation }] = METERS
  const yaml = `- slug: ${slug}\n  eventType: ${eventType}\n  aggregation: ${aggregation}\n`
  for (const [name, content] of [
    ['a.json', JSON.stringify(METERS)],
    ['b.json', JSON.stringify({ meters: METERS, more: 1 })],
    ['c.yaml', yaml],
    ['d.yaml', `ingest:\n  kafka: {}\nmeters:\n${yaml.replace(/^/gm, '  ')}`],
  ]) {
    writeFileSync(join(folder, name), content)
    assert.deepEqual(readMeters(join(folder, name)), METERS)
  }
  for (const content of ['', 'meters: 7', '"text"', '{']) {
    writeFileSync(join(folder, 'bad.yaml'), content)
    assert.throws(() => readMeters(join(folder, 'bad.yaml')))
  }
})
