/** Node, Bun and Deno: one program, and the same of it on each. */
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

const root = fileURLToPath(new URL('../..', import.meta.url))
const USAGE = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 }

/** A user's project, in which the package is installed, and the vendor and provider that it calls. */
async function project(t) {
  const folder = mkdtempSync(join(tmpdir(), 'taximeter-runtimes-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/taximeter'), 'junction')
  cpSync(join(root, 'tests/runtimes/client.mjs'), join(folder, 'client.mjs'))
  const events = []
  const server = createServer(async (request, response) => {
    const body = await json(request)
    if (request.url.endsWith('/events')) {
      events.push(...body)
      response.writeHead(204).end()
    } else {
      const answer = { id: 'r', object: 'chat.completion', model: 'gpt-4o', choices: [], usage: USAGE }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    }
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
    rmSync(folder, { recursive: true })
  })
  return { folder, events, url: `http://127.0.0.1:${server.address().port}` }
}

for (const [name, command] of Object.entries(runtimes)) {
  test(`${name}: records, meters, delivers, previews, replays, and sends the rest at its end`, async (t) => {
    const { folder, events, url } = await project(t)
    const [program, ...words] = command()
    const run = promisify(execFile)
    const { stdout, stderr } = await run(program, [...words, 'client.mjs', url, folder], { cwd: folder })
    assert.equal(stderr, '')
    const { stats, version, ...seen } = JSON.parse(stdout)
    assert.match(version, /^\d+\.\d+\.\d+/)
    assert.deepEqual([stats.delivered, stats.pending, stats.quarantined, stats.dropped], [302, 0, 0, 0])
    const row = (value, subject, model) => [value, subject, model]
    assert.deepEqual(
      seen.preview.map(({ value, subject, groupBy }) => row(value, subject, groupBy.model)),
      [row(22_350, 'größe', 'm0'), row(22_500, 'größe', 'm1'), row(0.1, 'nested', '')],
    )
    delete seen.preview
    assert.deepEqual(seen, {
      unique: 301,
      usage: USAGE,
      refused: 'not_finite',
      calls: 1,
      cost: '44.8501',
      pure: 1.5,
      replayed: 1.5,
      lint: 3,
    })
    assert.equal(new Set(events.map(({ id }) => id)).size, 303)
    assert.equal(events.length, 303)
    const of = (type) => events.filter((event) => event.type === type)
    assert.deepEqual(of('request')[299].data, { tokens: 299, model: 'm1' })
    assert.deepEqual(of('request')[300].data, { tokens: '0.1', deep: { list: [1, null] } })
    assert.equal(of('llm.usage').length + of('last').length, events.length - 301)
  })
}
