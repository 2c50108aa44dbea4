/** Spools: one suite for all (a page's runs in browser/), then what only a file can suffer. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { dodo, lago, openmeter, Taximeter } from 'taximeter'
import { fileSpool } from 'taximeter/file'
import { startDevServer } from 'taximeter-dev'
import { settled } from '../until.mjs'
import { internals } from './internals.mjs'
import { event, SINK, stories, tell, wanted } from './spool-suite.mjs'

const { State, encode, decode, crc32: ours } = await internals('spool/journal', 'spool/record')

const bytes = (text) => new TextEncoder().encode(text)

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'taximeter-spool-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

/** The rules without a medium. */
class MemorySpool {
  state = new State()
  open() {
    return this.state.left(0)
  }
  write(entries) {
    for (const entry of entries) this.state.apply(entry)
  }
  close() {}
}

/** `make` gives the same spool each time, as another process would open it. */
function testSpool(name, make) {
  for (const story of stories) {
    test(`${name}: ${story.title}`, async (t) => assert.deepEqual(await tell(make(t), story), wanted(story)))
  }
}

testSpool('memory', () => {
  const spool = new MemorySpool()
  return () => spool
})
testSpool('file', (t) => {
  const path = join(folder(t), 'a.spool')
  return () => fileSpool(path)
})

test('checksums are those of zip', () => {
  for (const text of ['', 'a', 'The quick brown fox jumps over the lazy dog', 'é€'.repeat(1000)]) {
    assert.equal(ours(bytes(text)), crc32 ? crc32(bytes(text)) : ours(bytes(text)), text)
  }
  assert.equal(ours(bytes('123456789')), 0xcbf43926)
})

test('a file that is torn at any byte: all whole records load, the torn one is counted', (t) => {
  const path = join(folder(t), 'a.spool')
  const whole = encode([{ do: 'sink', sink: SINK }, event(1), event(2), event(3, `{"long":"${'x'.repeat(300)}"}`)])
  const ends = [...whole].flatMap((byte, i) => (byte === 10 ? [i + 1] : []))
  for (let length = 0; length <= whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length))
    const spool = fileSpool(path)
    const left = spool.open(SINK)
    const records = ends.filter((end) => end <= length).length
    assert.equal(left.events.length, Math.max(0, records - 1), `${length} bytes`)
    assert.equal(left.corrupt, ends.includes(length) || length === 0 ? 0 : 1, `${length} bytes`)
    spool.close()
  }
})

test('a changed byte anywhere costs one record, and never another', () => {
  const whole = encode([event(1), event(2), event(3)])
  for (let at = 0; at < whole.length; at++) {
    for (const flip of [1, 0x20, 0x80]) {
      const changed = Uint8Array.from(whole)
      changed[at] ^= flip
      const { entries, corrupt, foreign } = decode(changed)
      assert.ok(entries.length >= 1 && corrupt + foreign.length >= 1, `${at}`)
      for (const { seq, bytes } of entries) assert.deepEqual(bytes, event(seq).bytes)
    }
  }
})

test('nonsense of any kind is survived', () => {
  let state = 1
  const random = () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9
    return state >>> 0
  }
  const corpus = encode([{ do: 'sink', sink: SINK }, event(1), { do: 'sent', at: 1, seqs: [1, 1] }, event(2)])
  for (let round = 0; round < 3000; round++) {
    const mutant = Uint8Array.from(corpus)
    for (let i = 0; i < 1 + (random() % 8); i++) mutant[random() % mutant.length] = random()
    const { entries } = decode(mutant.subarray(random() % 40, mutant.length - (random() % 40)))
    const fold = new State()
    for (const entry of entries) if (entry.do !== 'sink') fold.apply(entry)
    fold.left(0)
  }
})

test('records of another version are left alone', (t) => {
  const path = join(folder(t), 'a.spool')
  const foreign = '2 00000000 what a later version writes\n'
  writeFileSync(path, encode([{ do: 'sink', sink: SINK }, event(1)]))
  appendFileSync(path, foreign)
  for (let i = 0; i < 2; i++) {
    const spool = fileSpool(path)
    const left = spool.open(SINK)
    assert.deepEqual([left.events.length, left.corrupt], [1, 0])
    spool.close()
    assert.ok(readFileSync(path, 'utf8').includes(foreign))
  }
})

test('the file is its owner’s alone, and no link is followed', (t) => {
  const place = folder(t)
  const path = join(place, 'a.spool')
  writeFileSync(path, '', { mode: 0o644 })
  const spool = fileSpool(path)
  spool.open(SINK)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  spool.close()
  symlinkSync(path, join(place, 'link.spool'))
  assert.throws(() => fileSpool(join(place, 'link.spool')).open(SINK), { code: 'ELOOP' })
})

test('a file of another kind is refused, and left as it is', (t) => {
  const path = join(folder(t), 'package.json')
  for (const text of ['{\n  "name": "app"\n}\n', '2026-01-01,5\n2026-01-02,6\n', 'no line end', '1 more\n']) {
    writeFileSync(path, text, { mode: 0o644 })
    assert.throws(() => fileSpool(path).open(SINK), { code: 'spool_invalid' }, text)
    assert.equal(readFileSync(path, 'utf8'), text)
    assert.equal(statSync(path).mode & 0o777, 0o644)
    assert.ok(!existsSync(`${path}.lock`))
  }
  // No more than the beginning of a spool was written.
  for (const text of ['1', '1 ', '1 8d0f', '1 8d0f12aa ', '1 8d0f12aa sink {"si']) {
    writeFileSync(path, text)
    const spool = fileSpool(path)
    assert.equal(spool.open(SINK).corrupt, 1, text)
    spool.close()
  }
})

test('one writer: a second one is refused, a dead one is not waited for', (t) => {
  const path = join(folder(t), 'a.spool')
  const first = fileSpool(path)
  first.open(SINK)
  assert.throws(() => fileSpool(path).open(SINK), { code: 'spool_locked' })
  const meter = () =>
    new Taximeter({ source: 't', sink: openmeter({ url: 'http://127.0.0.1:1' }), spool: fileSpool(path) })
  assert.throws(meter, { code: 'spool_locked' })
  first.close()
  assert.ok(!existsSync(`${path}.lock`))
  // A process that was killed; a container's that had our own number; a machine that is gone.
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  const host = execFileSync('hostname').toString().trim()
  for (const [text, ageS] of [
    [`${pid} 1 ${host}\n`, 0],
    [`${process.pid} 1 ${host}\n`, 0],
    ['1 1 elsewhere\n', 61],
  ]) {
    writeFileSync(`${path}.lock`, text)
    const then = Date.now() / 1000 - ageS
    utimesSync(`${path}.lock`, then, then)
    const spool = fileSpool(path)
    spool.open(SINK)
    spool.close()
  }
  writeFileSync(`${path}.lock`, '1 1 elsewhere\n')
  assert.throws(() => fileSpool(path).open(SINK), { code: 'spool_locked' })
})

test('a spool of another sink is refused while it holds events', (t) => {
  const path = join(folder(t), 'a.spool')
  const write = (sink, entries) => {
    const spool = fileSpool(path)
    const left = spool.open(sink)
    spool.write(entries)
    spool.close()
    return left
  }
  write(SINK, [event(1)])
  assert.throws(() => fileSpool(path).open('https://other.example'), { code: 'spool_other_sink' })
  assert.equal(write(SINK, [{ do: 'settled', seqs: [1, 1] }]).events.length, 1)
  assert.equal(write('https://other.example', []).events.length, 0)
})

test('the file does not grow with what is settled', (t) => {
  const path = join(folder(t), 'a.spool')
  const spool = fileSpool(path)
  spool.open(SINK)
  spool.write([event(1)])
  let largest = 0
  for (let seq = 2; seq < 20_000; seq += 100) {
    spool.write(Array.from({ length: 100 }, (_, i) => event(seq + i, `{"pad":"${'x'.repeat(200)}"}`)))
    spool.write([{ do: 'settled', seqs: [seq, seq + 99] }])
    largest = Math.max(largest, statSync(path).size)
  }
  assert.ok(largest < 1.3 * 2 ** 20, `${largest} bytes`)
  spool.close()
  const again = fileSpool(path)
  assert.deepEqual(
    again.open(SINK).events.map(({ seq }) => seq),
    [1],
  )
  again.close()
})

test('record() returns when the event is in the file; the next client delivers it with the same bytes', async (t) => {
  const path = join(folder(t), 'a.spool')
  const server = await startDevServer({ port: 0 })
  t.after(() => server.close())
  const open = () => new Taximeter({ source: 't', sink: openmeter({ url: server.url }), spool: fileSpool(path) })
  server.script(Array.from({ length: 3 }, () => ({ status: 503 })))
  const first = open()
  const ids = [
    first.record({ type: 'a', subject: 'b', data: { n: 1 } }).id,
    first.record({ type: 'a', subject: 'b', data: { nested: { n: 2 } } }).id,
  ]
  const file = readFileSync(path, 'utf8')
  for (const id of ids) assert.ok(file.includes(id))
  await first.close({ deadlineMs: 1 })
  const second = open()
  const { recorded, pending } = second.stats()
  assert.deepEqual({ recorded, pending }, { recorded: 2, pending: 2 })
  assert.equal((await second.flush({ deadlineMs: 20_000 })).delivered, 2)
  await second.close()
  const hashes = new Map()
  for (const { id, sha256 } of server.requests.flatMap((request) => request.arrivals))
    hashes.set(id, (hashes.get(id) ?? new Set()).add(sha256))
  assert.deepEqual([...hashes.keys()].sort(), [...ids].sort())
  for (const set of hashes.values()) assert.equal(set.size, 1)
  assert.equal(server.events().length, 2)
})

test('a disk that is full: told once, events wait in memory, and are delivered', async (t) => {
  const server = await startDevServer({ port: 0 })
  t.after(() => server.close())
  const spool = {
    open: () => ({ events: [], lastSeq: 0, corrupt: 0 }),
    write: () => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    },
    close: () => {},
  }
  const meter = new Taximeter({ source: 't', sink: openmeter({ url: server.url }), spool })
  const errors = []
  meter.on('error', ({ code }) => errors.push(code))
  for (let n = 0; n < 5; n++) meter.record({ type: 'a', subject: 'b', data: { n } })
  assert.equal((await meter.close({ deadlineMs: 60_000 })).delivered, 5)
  assert.deepEqual(errors, ['spool_degraded'])
})

test('quarantine outlives the process, and is listed, exported, released and discarded', async (t) => {
  const path = join(folder(t), 'a.spool')
  const server = await startDevServer({ port: 0 })
  t.after(() => server.close())
  const open = () => new Taximeter({ source: 't', sink: openmeter({ url: server.url }), spool: fileSpool(path) })
  const first = open()
  server.script(Array.from({ length: 7 }, () => ({ status: 400, body: 'no\u001b[31m' })))
  const ids = [1, 2, 3, 4].map((n) => first.record({ type: 'a', subject: 'b', data: { n } }).id)
  assert.equal((await first.close({ deadlineMs: 60_000 })).quarantined, 4)
  const cli = (...args) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['dist/cli.js', 'quarantine', path, ...args])
    return { out: stdout.toString(), err: stderr.toString(), status }
  }
  const { out } = cli()
  assert.match(out, /4 in quarantine/)
  assert.ok(out.includes(ids[0]) && out.includes('"rejected" 400') && !out.includes('\u001b'))
  const rows = cli('--json')
    .out.trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    rows.map(({ id }) => id),
    ids,
  )
  assert.equal(JSON.parse(rows[0].event).id, ids[0])
  assert.match(cli('--discard', ids[0]).out, /1 discarded/)
  assert.match(cli('--release', ids[1]).out, /1 released/)
  assert.equal(cli('--release', 'nobody').status, 1)

  const second = open()
  assert.match(cli('--discard', 'all').err, /another client/)
  assert.equal((await settled(second)).delivered, 1)
  assert.deepEqual(
    second.quarantined().map(({ id, code, status }) => ({ id, code, status })),
    [
      { id: ids[2], code: 'rejected', status: 400 },
      { id: ids[3], code: 'rejected', status: 400 },
    ],
  )
  assert.equal(second.release(ids[2]), 1)
  assert.equal(second.discard(), 1)
  assert.deepEqual(await settled(second), { delivered: 2, pending: 0, quarantined: 0, dropped: 1 })
  await second.close()
  assert.deepEqual(
    server
      .events()
      .map(({ id }) => id)
      .sort(),
    [ids[1], ids[2]].sort(),
  )
  assert.match(cli().out, /^0 in quarantine/)
})

for (const [vendor, sink] of [
  ['OpenMeter', (url) => openmeter({ url })],
  ['Dodo', (url) => dodo({ url, apiKey: 'k' })],
]) {
  test(`what is taken over is counted by preview() and cost(), ${vendor}`, async (t) => {
    const path = join(folder(t), 'a.spool')
    const open = () =>
      new Taximeter({
        source: 't',
        sink: sink('http://127.0.0.1:1'),
        meters: [{ slug: 'sum', eventType: 'a', aggregation: 'SUM', valueProperty: '$.n', groupBy: { k: '$.k' } }],
        prices: { meters: { sum: { type: 'unit', amount: '0.01' } } },
        spool: fileSpool(path),
      })
    const first = open()
    first.record({ type: 'a', subject: 'b', data: { n: 1.5, k: 'é"' } })
    first.record({ type: 'a', subject: 'b', data: { n: '2.25' }, id: 'one' })
    const [before, cost] = [first.preview('sum', { groupBy: ['k', 'subject'] }), first.cost()]
    await first.close({ deadlineMs: 1 })
    const second = open()
    assert.deepEqual(second.preview('sum', { groupBy: ['k', 'subject'] }), before)
    assert.deepEqual(second.cost(), cost)
    assert.equal(cost.total, '0.0375')
    second.record({ type: 'a', subject: 'b', data: { n: 1 } })
    assert.equal(second.cost().total, '0.0475')
    await second.close({ deadlineMs: 1 })
  })
}

test('what is taken over in another form is delivered, and previews say that they are not the whole', async (t) => {
  const path = join(folder(t), 'a.spool')
  const open = () =>
    new Taximeter({
      source: 't',
      sink: lago({ url: 'http://127.0.0.1:1', apiKey: 'k' }),
      meters: [{ slug: 'calls', eventType: 'a', aggregation: 'COUNT' }],
      spool: fileSpool(path),
    })
  const first = open()
  first.record({ type: 'a', subject: 'b' })
  assert.equal(first.preview('calls').incomplete, undefined)
  await first.close({ deadlineMs: 1 })
  const second = open()
  assert.deepEqual([second.stats().pending, second.preview('calls').incomplete], [1, true])
  await second.close({ deadlineMs: 1 })
})

for (const [vendor, sink] of [
  ['OpenMeter', openmeter({ url: 'http://127.0.0.1:1' })],
  ['Lago', lago({ url: 'http://127.0.0.1:1', apiKey: 'k' })],
]) {
  test(`what is taken over and recorded again counts once, ${vendor}`, async (t) => {
    const path = join(folder(t), 'a.spool')
    const open = () => new Taximeter({ source: 't', sink, spool: fileSpool(path) })
    const order = { type: 'a', subject: 'b', data: { n: 1 }, id: 'order-1' }
    const first = open()
    first.record(order)
    await first.close({ deadlineMs: 1 })
    const second = open()
    assert.deepEqual(second.record(order), { id: 'order-1' })
    assert.deepEqual([second.stats().recorded, second.stats().pending], [1, 1])
    const other = second.record({ ...order, data: { n: 2 } })
    // Of an event in a vendor's own form only the id is known.
    assert.deepEqual(
      [other.error?.code, other.id],
      vendor === 'Lago' ? [undefined, 'order-1'] : ['id_reused', undefined],
    )
    assert.equal(second.stats().pending, 1)
    await second.close({ deadlineMs: 1 })
  })
}

test('with only quarantine left, new events do not take the numbers of the old ones', async (t) => {
  const path = join(folder(t), 'a.spool')
  const server = await startDevServer({ port: 0 })
  t.after(() => server.close())
  const open = () => new Taximeter({ source: 't', sink: openmeter({ url: server.url }), spool: fileSpool(path) })
  const first = open()
  server.script([{ status: 400, body: 'no' }])
  const { id } = first.record({ type: 'a', subject: 'b' })
  assert.equal((await first.close({ deadlineMs: 60_000 })).quarantined, 1)
  const second = open()
  second.record({ type: 'a', subject: 'c' })
  assert.equal((await second.close({ deadlineMs: 60_000 })).delivered, 1)
  const third = open()
  assert.deepEqual(
    third.quarantined().map((event) => event.id),
    [id],
  )
  await third.close()
})

test('what is left at close() is the next one’s: the closed client sends it no more', async (t) => {
  const path = join(folder(t), 'a.spool')
  const client = (fetch) =>
    new Taximeter({ source: 's', sink: openmeter({ url: 'http://127.0.0.1:1' }), spool: fileSpool(path), fetch })
  let requests = 0
  let answer
  const first = client(() => {
    requests += 1
    return new Promise((resolve) => {
      answer = () => resolve(new Response(null, { status: 503 }))
    })
  })
  first.record({ type: 't', subject: 'c' })
  await first.close({ deadlineMs: 50 })
  const next = client(async () => new Response(null, { status: 204 }))
  // A retry would follow within half a second.
  answer()
  await new Promise((resolve) => setTimeout(resolve, 700))
  assert.equal(requests, 1)
  assert.equal((await first.flush({ deadlineMs: 5000 })).pending, 1)
  assert.equal((await next.close({ deadlineMs: 60_000 })).delivered, 1)
})

test('numbers of events go on where those of 32 bits end', async (t) => {
  const path = join(folder(t), 'a.spool')
  const server = await startDevServer({ port: 0 })
  t.after(() => server.close())
  const text = (id) => `{"specversion":"1.0","id":"${id}","source":"t","type":"a","subject":"b"}`
  const left = { do: 'event', seq: 2 ** 32 - 3, timeMs: Date.now(), id: 'left', bytes: bytes(text('left')) }
  writeFileSync(path, encode([{ do: 'sink', sink: `${server.url}/api/v1/events` }, left]))
  const meter = new Taximeter({ source: 't', sink: openmeter({ url: server.url }), spool: fileSpool(path) })
  // Packed ones, and one that is not.
  for (let n = 0; n < 5; n++) meter.record({ type: 'a', subject: 'b', data: { n } })
  meter.record({ type: 'a', subject: 'b', data: { nested: {} } })
  assert.match(readFileSync(path, 'utf8'), / event 4294967296 .* event 4294967299 /s)
  assert.deepEqual(await settled(meter), { delivered: 7, pending: 0, quarantined: 0, dropped: 0 })
  assert.equal(new Set(server.events().map(({ id }) => id)).size, 7)
  await meter.close()
})
