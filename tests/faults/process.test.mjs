/** Faults of the process itself: real children that end, hang and are killed, and what the next one does. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { note } from './harness/results.mjs'
import { Vendor } from './harness/server.mjs'

const folder = new URL('process/', import.meta.url)
const realTime = {
  get ms() {
    return performance.now()
  },
  get trueMs() {
    return Date.now()
  },
}

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
    const child = (record, then, first) => start({ url: vendor.url, spool, record, then, first })
    vendor.script(fault.script ?? [])
    if (fault.down) await vendor.shut()

    const from = Date.now()
    const victim = child(fault.record, fault.then, 0)
    if (fault.killWhen === 'in flight') {
      while (vendor.requests.length === 0) await new Promise((ok) => setTimeout(ok, 5))
      victim.kill(fault.signal ?? 'SIGKILL')
    }
    const { code, signal, told } = await victim.ended
    const endedMs = Date.now()
    assert.equal(code, fault.code ?? null)
    if (fault.killWhen) assert.equal(signal, fault.signal ?? 'SIGKILL')
    assert.ok(endedMs - from < (fault.maxMs ?? 20_000), `${endedMs - from} ms`)
    if (fault.quietMs) assert.ok(endedMs - told.endedAt < fault.quietMs, `${endedMs - told.endedAt} ms after its end`)
    const ids = new Set(told.ids)
    assert.equal(ids.size, fault.record)

    let delivered = 0
    if (fault.down) await vendor.open()
    if (fault.restart) {
      const { counts } = (await child(0, 'deliver', fault.record).ended).told
      // I1
      assert.deepEqual(counts, { delivered: fault.expect.delivered, pending: 0, quarantined: 0, dropped: 0 })
      delivered = counts.delivered
    }
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
      recorded: fault.record,
      delivered,
      requests: requests.length,
      unique: counted.size,
      arrivals: arrivals.length,
    })
  })
}

function start(options) {
  const script = fileURLToPath(new URL('child.mjs', folder))
  const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
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
  return { kill: (signal) => child.kill(signal), ended }
}
