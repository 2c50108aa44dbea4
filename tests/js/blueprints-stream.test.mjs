/** Streams pass through unchanged, are read no faster, and are told of while they run. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { preview } from 'taximeter'
import { dodoNames, stream, streamConcurrency, streamQuality } from 'taximeter/blueprints'
import { fileSpool } from 'taximeter/file'
import { client } from './blueprints-client.mjs'

const folder = mkdtempSync(join(tmpdir(), 'taximeter-stream-'))
after(() => rmSync(folder, { recursive: true }))

const who = { subject: 'acme' }
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const total = (events, member) => events.reduce((sum, { data }) => sum + data[member], 0)
const ended = (events) => events.map(({ data }) => [data.bytes, data.status, data.spans])

/** A stream of so many chunks of 1000 bytes; counts what was asked of it. */
function source(chunks, onCancel = () => {}) {
  const asked = { pulls: 0 }
  const body = new ReadableStream(
    {
      pull(controller) {
        asked.pulls += 1
        if (asked.pulls > chunks) controller.close()
        else controller.enqueue(new Uint8Array(1000).fill(asked.pulls))
      },
      cancel: onCancel,
    },
    { highWaterMark: 0 },
  )
  return { body, asked }
}

test('a web stream and a response: same bytes, same headers, one event with all of them', async () => {
  const { meter, events } = client()
  const passed = stream.pass(meter, source(5).body, who)
  const bytes = new Uint8Array(await new Response(passed).arrayBuffer())
  assert.deepEqual([bytes.length, bytes[4999]], [5000, 5])
  const response = new Response(source(3).body, { status: 206, headers: { 'content-type': 'video/mp4', etag: '"1"' } })
  const metered = stream.pass(meter, response, who)
  assert.deepEqual(
    [metered.status, metered.headers.get('content-type'), metered.headers.get('etag')],
    [206, 'video/mp4', '"1"'],
  )
  assert.equal((await metered.arrayBuffer()).byteLength, 3000)
  const empty = new Response(null, { status: 204 })
  assert.equal(stream.pass(meter, empty, who), empty)
  assert.deepEqual(ended(await events(3)), [
    [5000, 'complete', 1],
    [3000, 'complete', 1],
    [0, 'complete', 1],
  ])
})

test('nothing is read before it is asked for; leaving and breaking reach the source and the reader', async () => {
  const { meter, events } = client()
  let left
  const { body, asked } = source(100, (reason) => {
    left = reason
  })
  const reader = stream.pass(meter, body, who).getReader()
  await later(10)
  assert.equal(asked.pulls, 0)
  await reader.read()
  await reader.read()
  await later(10)
  assert.equal(asked.pulls, 2)
  await reader.cancel('enough')
  assert.equal(left, 'enough')
  const thrown = new Error('broken')
  const broken = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(10))
      controller.error(thrown)
    },
  })
  await assert.rejects(new Response(stream.pass(meter, broken, who)).text(), (error) => error === thrown)
  const [cancelled, failed] = await events(2)
  assert.deepEqual([cancelled.data.bytes, cancelled.data.status, failed.data.status], [2000, 'cancelled', 'error'])
})

test('a Node stream stays itself, however it is read', async () => {
  const { meter, events } = client()
  const file = join(folder, 'file')
  writeFileSync(file, Buffer.alloc(200_000, 7))
  const piped = createReadStream(file)
  assert.equal(stream.pass(meter, piped, who), piped)
  await pipeline(piped, createWriteStream(join(folder, 'copy')))
  assert.deepEqual(readFileSync(join(folder, 'copy')), readFileSync(file))
  for await (const _ of stream.pass(meter, createReadStream(file), who));
  await new Response(Readable.toWeb(stream.pass(meter, createReadStream(file), who))).arrayBuffer()
  const paused = stream.pass(meter, createReadStream(file), who)
  paused.on('readable', () => {
    while (paused.read(1000) !== null);
  })
  await new Promise((resolve) => paused.on('end', resolve))
  const text = Readable.from(['grüß', 'e'])
  text.setEncoding?.('utf8')
  for await (const _ of stream.pass(meter, text, who));
  assert.deepEqual(ended(await events(5)), [...Array(4).fill([200_000, 'complete', 1]), [7, 'complete', 1]])
})

test('a Node stream: a reader who waits holds the source back; one that is destroyed is told as such', async () => {
  const { meter, events } = client()
  const slow = new PassThrough({ highWaterMark: 10 })
  const passed = stream.pass(meter, slow, who)
  assert.equal(slow.write(Buffer.alloc(20)), false)
  passed.once('data', () => passed.pause())
  await later(5)
  slow.destroy()
  await new Promise((resolve) => slow.on('close', resolve))
  const broken = stream.pass(meter, createReadStream(join(folder, 'none')), who)
  const [error] = await Promise.all([new Promise((resolve) => broken.on('error', resolve))])
  assert.equal(error.code, 'ENOENT')
  assert.deepEqual(ended(await events(2)), [
    [20, 'cancelled', 1],
    [0, 'error', 1],
  ])
})

test('while it runs it is told of every period; the events sum to all of it', async () => {
  const { meter, events } = client()
  const session = stream.session(meter, { ...who, everyMs: 20, data: { stream_type: 'video' } })
  session.quality('480p', 1200)
  const slow = new ReadableStream({
    async pull(controller) {
      await later(5)
      controller.enqueue(new Uint8Array(100))
    },
  })
  const reader = session.pass(slow).getReader()
  let read = 0
  for (let i = 0; i < 40; i++) {
    read += (await reader.read()).value.length
    if (i === 20) session.quality('1080p', 5000)
  }
  session.add(11)
  await reader.cancel()
  session.end()
  const got = await events()
  const usage = got.filter(({ type }) => type === 'stream.usage')
  assert.ok(usage.length >= 4, `${usage.length} events`)
  assert.deepEqual([total(usage, 'bytes'), total(usage, 'spans')], [read + 11, 1])
  const by = preview(stream.meters, got, { meter: 'stream_bytes', groupBy: ['stream_type', 'quality'] }).result.data
  assert.deepEqual(by.map(({ groupBy }) => Object.values(groupBy).join()).sort(), ['1080p,video', '480p,video'])
  assert.equal(
    by.reduce((sum, { value }) => sum + value, 0),
    read + 11,
  )
  const ask = (name) => preview(streamQuality.meters, got, { meter: name }).result.data[0].value
  assert.equal(ask('stream_bitrate_kbps_peak'), 5000)
})

test('streams at once are counted for each customer', async () => {
  const { meter, events } = client()
  const open = (subject) => stream.session(meter, { subject, concurrent: true })
  const [a, b, other] = [open('acme'), open('acme'), open('globex')]
  const c = open('acme')
  for (const session of [a, b, a, c, other]) session.end()
  const got = (await events()).filter(({ type }) => type === 'stream.concurrency')
  const of = (name) => got.filter(({ subject }) => subject === name).map(({ data }) => data.concurrent_streams)
  assert.deepEqual(
    [of('acme'), of('globex')],
    [
      [1, 2, 3, 2, 1, 0],
      [1, 0],
    ],
  )
  const { data } = preview(streamConcurrency.meters, got, {
    meter: 'concurrent_streams_peak',
    groupBy: ['subject'],
  }).result
  assert.deepEqual(
    data.map(({ subject, value }) => [subject, value]),
    [
      ['acme', 3],
      ['globex', 1],
    ],
  )
})

test("Dodo's names", async () => {
  const { meter, events } = client()
  const options = { ...who, names: dodoNames.stream, data: { stream_type: 'video' } }
  await new Response(stream.pass(meter, source(2).body, options)).arrayBuffer()
  const [{ type, data }] = await events(1)
  assert.deepEqual([type, data.bytes, data.stream_type], ['stream_consumption', 2000, 'video'])
})

test('a process that is killed loses one period at most', async () => {
  // Nobody listens there: events stay in the file until the next client takes them over.
  const url = 'http://127.0.0.1:1'
  const spool = join(folder, 'usage.spool')
  const script = fileURLToPath(new URL('blueprints-stream-child.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, url, spool], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const read = () => Number(said.trim().split('\n').at(-1))
  let said = ''
  // What it said until it was dead, which may be later than it was told to be.
  for await (const lines of child.stdout) {
    said += lines
    if (read() >= 60_000) child.kill('SIGKILL')
  }
  await exited
  const { meter, events } = client({ spool: fileSpool(spool) })
  const bytes = total(await events(), 'bytes')
  await meter.close()
  // A period is 100 ms, and there are 1000 bytes every 10 ms; half as much again for a machine that is busy.
  assert.ok(bytes <= read() + 1000 && bytes >= read() - 15_000, `${bytes} of ${read()}`)
})
