/** Blueprints on other runtimes than Node: Bun and Deno with their own servers, and Cloudflare's. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runtimes } from '../../scripts/runtimes.mjs'
import { startWorkerd } from '../edge/workerd.mjs'
import { until } from '../until.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A meter server. */
async function vendor(t) {
  const events = []
  const server = createServer(async (request, response) => {
    events.push(...(await json(request)))
    response.writeHead(204).end()
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { events, url: `http://127.0.0.1:${server.address().port}` }
}

const shown = ({ type, subject, data: d }) =>
  type === 'request'
    ? [subject, d.method, d.route, d.status, d.ingress_bytes, d.egress_bytes]
    : [subject, type, d.status, d.bytes]

for (const [name, command] of Object.entries(runtimes)) {
  test(`${name}: a fetch handler, a stream and a function are metered`, async (t) => {
    const { events, url } = await vendor(t)
    // A project in which the package is installed.
    const folder = mkdtempSync(join(tmpdir(), 'taximeter-blueprints-'))
    t.after(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules/taximeter'), 'junction')
    cpSync(join(root, 'tests/runtimes/blueprints.mjs'), join(folder, 'blueprints.mjs'))
    const [program, ...words] = command()
    const run = promisify(execFile)
    const { stdout, stderr } = await run(program, [...words, 'blueprints.mjs', url], { cwd: folder })
    // A note of Deno's on its own server.
    assert.equal(stderr.replace(/^Deno\.serve: .*\n/, ''), '')
    assert.deepEqual(JSON.parse(stdout), { answers: [10_000, 'SOME TEXT', 10_000], errors: [] })
    assert.deepEqual(events.map(shown).sort(), [
      ['acme', 'GET', '/items/:id', 200, 0, 10_000],
      ['acme', 'POST', '/upload', 201, 9, 9],
      ['acme', 'stream.usage', 'complete', 10_000],
      ['acme', 'stream.usage', 'complete', 10_000],
      ['acme', 'time.usage', 'complete', undefined],
    ])
  })
}

test("Cloudflare's runtime: a fetch handler, Hono, and streams", async (t) => {
  const { events, url } = await vendor(t)
  const worker = await startWorkerd('blueprints.mjs', { VENDOR: url })
  t.after(() => worker.stop())
  const headers = { 'x-customer': 'acme' }
  const film = await fetch(`${worker.url}/films/7`, { headers })
  assert.equal((await film.text()).length, 10_000, worker.printed().slice(0, 500))
  const posted = await fetch(`${worker.url}/hono/7`, { method: 'POST', body: 'text', headers })
  assert.equal(await posted.text(), '7 text')
  await until(() => events.length >= 3)
  assert.deepEqual(events.map(shown).sort(), [
    ['acme', 'GET', '/films/:id', 200, 0, 10_000],
    ['acme', 'POST', '/hono/:id', 200, 4, 6],
    ['acme', 'stream.usage', 'complete', 10_000],
  ])
})
