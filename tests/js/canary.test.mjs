/** Prompts and answers do not leave: a canary in every field of every provider's requests and answers is nowhere else. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { fileSpool } from 'taximeter/file'
import { testMeter } from '../llm/meter.mjs'
import { callFixture, clientFor, FOLDERS, PROMPT } from '../llm/run-fixture.mjs'
import { startSimulator } from '../llm/simulator.mjs'

const ANSWER = 'canary-of-an-answer'
/** Members whose text is no content: what an SDK needs to know, and the few that a usage record has. */
const PLAIN =
  /^(id|type|object|role|event|model|modelVersion|status|created_at|service_tier|provider|(finish|stop|done)_?reason|responseId|response_id|speed|inference_geo|trafficType|serviceTier|modality|encoding_format|b64_json|data|embedding)$/i

let simulator
before(async () => {
  simulator = await startSimulator({ dirs: [FOLDERS[0]], freshIds: true })
})
after(() => simulator.close())

/** The canary in every text that is content, and as a member of every object. */
function tainted(value, key) {
  if (Array.isArray(value)) return value.map((item) => tainted(item, key))
  if (value === null || typeof value !== 'object') {
    return typeof value === 'string' && !PLAIN.test(key) ? `${value}${ANSWER}` : value
  }
  const members = Object.entries(value).map(([name, inner]) => [name, tainted(inner, name)])
  return { ...Object.fromEntries(members), [`x_${ANSWER}`]: ANSWER }
}

/** An answer's body, whichever way the fixture has it. */
function taint({ response }) {
  if (response.json) response.json = tainted(response.json)
  response.frames = response.frames?.map((frame) => {
    if (typeof frame !== 'object') return frame
    if (typeof frame.data === 'object') return { ...frame, data: tainted(frame.data) }
    if (typeof frame.payload === 'object') return { ...frame, payload: tainted(frame.payload) }
    return frame.data === undefined && frame.payload === undefined ? tainted(frame) : frame
  })
}

test('nothing of a prompt or an answer is in an event, a spool, a stat, an error, a log', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'taximeter-canary-'))
  const path = join(folder, 'usage.spool')
  const shown = []
  for (const name of ['log', 'info', 'warn', 'error', 'debug']) {
    t.mock.method(console, name, (...args) => shown.push(...args))
  }
  // Nobody takes the events, so that they stay in the file.
  const status = { status: 503 }
  const { meter, events } = testMeter(async () => new Response(null, status), {
    spool: fileSpool(path),
    onAbort: 'estimate',
  })
  t.after(async () => {
    await meter.close({ deadlineMs: 1 })
    rmSync(folder, { recursive: true })
  })
  for (const name of ['error', 'delivered', 'quarantined', 'dropped', 'sink-state', 'engine-reset']) {
    meter.on(name, (detail) => shown.push(detail, detail?.cause))
  }
  const seen = []
  const fixtures = [...simulator.fixtures.values()].filter(({ path: of }) => !/batches/.test(of))
  for (const fixture of fixtures) {
    taint(fixture)
    const client = meter.wrap(clientFor(simulator, fixture), { subject: 'customer-1' })
    await callFixture(client, fixture, (chunk) => seen.push(JSON.stringify(chunk)))
  }
  const { recorded } = meter.stats()
  assert.ok(recorded >= 30, `${recorded} events of ${fixtures.length} answers`)
  // The callers had them.
  assert.ok(seen.join().includes(ANSWER))
  assert.ok(simulator.requests.some((request) => inspect(request, { depth: 9 }).includes(PROMPT)))
  // The sink's first requests, and all of it where it waits.
  shown.push(await meter.flush({ deadlineMs: 100 }), meter.stats(), meter.quarantined(), meter, meter.cost())
  const texts = {
    events: JSON.stringify(await Promise.race([events(), new Promise((resolve) => setTimeout(resolve, 200, []))])),
    spool: readFileSync(path, 'utf8'),
    shown: inspect(shown, { depth: 9, showHidden: true, maxStringLength: null, maxArrayLength: null }),
  }
  assert.ok(texts.spool.includes('"customer-1"'))
  for (const [where, text] of Object.entries(texts)) {
    for (const canary of [PROMPT, ANSWER]) assert.ok(!text.includes(canary), `${where}: ${around(text, canary)}`)
  }
})

const around = (text, canary) => text.slice(Math.max(0, text.indexOf(canary) - 80), text.indexOf(canary) + 40)
