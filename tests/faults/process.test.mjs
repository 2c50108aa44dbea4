/** Faults of the process itself: real children that end, hang and are killed, and what the next one does. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { openmeter, Taximeter } from 'taximeter'
import { fileSpool } from 'taximeter/file'
// Before the client starts: Bun runs all files of tests in one process.
import './harness/hostile.mjs'
import { until } from '../until.mjs'
import { note } from './harness/results.mjs'
import { realTime, Vendor } from './harness/server.mjs'

const folder = new URL('process/', import.meta.url)

for (const file of readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()) {
  const fault = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
  test(`${file.slice(0, -5)}: ${fault.fault}`, async (t) => {
    const place = mkdtempSync(join(tmpdir(), 'taximeter-faults-'))
    const vendor = await new Vendor(realTime).open()
    t.after(async () => {
      await vendor.shut()
      rmSync(place, { recursive: true })
    })
    const spool = fault.spool ? join(place, 'events.spool') : undefined
    const { flushMs, hostMs } = fault
    const how = fault.sameState ? sameState(place) : script('child.mjs')
    const child = (record, then, first) => start(how, { url: vendor.url, spool, record, then, first, flushMs, hostMs })
    vendor.script(fault.script ?? [])
    if (fault.down) await vendor.shut()

    const victim = child(fault.record, fault.then, 0)
    let killedAt
    if (fault.killWhen === 'in flight') {
      await until(() => vendor.requests.length > 0)
      killedAt = Date.now()
      victim.kill(fault.signal ?? 'SIGKILL')
      if (fault.again) await soon(300).then(() => victim.kill(fault.signal))
    }
    // Of the same state, at the same time.
    const twin = fault.sameState && child(fault.record, '', fault.record)
    const { code, signal, told } = await victim.ended
    const endedMs = Date.now()
    assert.equal(code, fault.code ?? null)
    if (fault.killWhen && fault.code === undefined) assert.equal(signal, fault.signal ?? 'SIGKILL')
    // A request of Bun's or Deno's fetch holds its process until its deadline: the one in flight, and that of the last flush.
    const maxMs = (fault.maxMs ?? 20_000) + (run.length > 0 ? 20_000 : 0)
    // Not from its start, which takes as long as the machine is slow.
    const ms = endedMs - (told.endedAt ?? killedAt ?? endedMs)
    assert.ok(ms < (fault.quietMs ?? maxMs), `${ms} ms after its end`)
    const ids = new Set(told.ids)
    assert.equal(ids.size, fault.record)
    if (twin)
      for (const id of (await twin.ended).told.ids) {
        assert.ok(!ids.has(id), 'an id came twice')
        ids.add(id)
      }

    let delivered = 0
    if (fault.tear) await tearEverywhere(spool, vendor.url, fault.record)
    if (fault.foreign) appendFileSync(spool, fault.foreign)
    if (fault.down) await vendor.open()
    if (fault.restart) {
      const { counts } = (await child(0, 'deliver', fault.record).ended).told
      // I1
      assert.deepEqual(counts, { delivered: fault.expect.delivered, pending: 0, quarantined: 0, dropped: 0 })
      delivered = counts.delivered
    }
    if (fault.foreign) assert.ok(readFileSync(spool, 'utf8').includes(fault.foreign))
    // I2 and I3: each event that was taken is counted once, whatever happened, with one set of bytes.
    const counted = vendor.counted
    assert.equal(counted.size, fault.expect.unique)
    for (const [key, times] of counted) {
      assert.equal(times, 1)
      assert.ok(ids.has(JSON.parse(key)[1]))
    }
    const hashes = new Map()
    for (const { key, sha256, attempt } of vendor.arrivals) {
      assert.equal(hashes.get(key) ?? sha256, sha256)
      hashes.set(key, sha256)
      assert.ok(attempt <= (fault.expect.attemptsMax ?? 9))
    }
    const { requests, arrivals } = vendor
    note({
      file: `process/${file}`,
      ...fault,
      recorded: ids.size,
      delivered,
      requests: requests.length,
      unique: counted.size,
      arrivals: arrivals.length,
    })
  })
}

/** The last record of a spool, torn at every byte: the others load, and the torn one is counted. Leaves it torn. */
async function tearEverywhere(spool, url, records) {
  const whole = readFileSync(spool)
  const last = whole.lastIndexOf(10, whole.length - 2) + 1
  for (let length = last + 1; length < whole.length; length++) {
    const path = `${spool}.torn`
    writeFileSync(path, whole.subarray(0, length))
    const meter = new Taximeter({ source: 's', sink: openmeter({ url, dedup: 'unlimited' }), spool: fileSpool(path) })
    const codes = []
    meter.on('error', ({ code }) => codes.push(code))
    await soon(0)
    assert.deepEqual([meter.stats().recorded, codes], [records - 1, ['spool_corrupt']], `${length} bytes`)
    await meter.close({ deadlineMs: 0 })
  }
  writeFileSync(spool, whole.subarray(0, whole.length - 1))
}

/** How the runtime that plays the faults starts a script. */
const run = 'Deno' in globalThis ? ['run', '-A'] : 'Bun' in globalThis ? ['--tsconfig-override=package.json'] : []
const script = (name) => [...run, fileURLToPath(new URL(name, folder))]

/** Only Node has snapshots: elsewhere the script runs as it is. */
function sameState(place) {
  if (run.length > 0) return script('state.cjs')
  const [bundle, blob] = [join(place, 'state.cjs'), join(place, 'state.blob')]
  buildSync({
    entryPoints: [fileURLToPath(new URL('state.cjs', folder))],
    alias: { taximeter: fileURLToPath(new URL('../../dist/inline.cjs', import.meta.url)) },
    bundle: true,
    platform: 'node',
    outfile: bundle,
  })
  execFileSync(process.execPath, ['--snapshot-blob', blob, '--build-snapshot', bundle], { stdio: 'ignore' })
  return ['--snapshot-blob', blob]
}

const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function start(how, options) {
  const child = spawn(process.execPath, [...how, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stdout.on('data', (data) => {
    out += data
  })
  const ended = new Promise((resolve) =>
    child.on('close', (code, signal) => {
      const told = Object.assign({}, ...out.split('\n').flatMap((line) => (line ? [JSON.parse(line)] : [])))
      resolve({ code, signal, told })
    }),
  )
  // Not by the child's own method: Deno's sends one signal at most.
  return { kill: (signal) => process.kill(child.pid, signal), ended }
}
