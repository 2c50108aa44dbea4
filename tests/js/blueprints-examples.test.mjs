/** The examples run, and what they say they meter arrives at a server. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const path = (file) => fileURLToPath(new URL(`../../${file}`, import.meta.url))

test('each example meters what it says', () => {
  const out = execFileSync(process.execPath, ['--no-warnings', path('examples/blueprints/run.mjs')], {
    encoding: 'utf8',
  })
  const said = Object.fromEntries(
    out
      .trim()
      .split('\n\n')
      .map((part) => part.split(/\n(.*)/s)),
  )
  assert.match(said.llm, /billed: '0\.\d+'.+\n1 events are at the server$/s)
  assert.match(said['api-gateway'], /value: 3,.+route: '\/items\/:id'.+\n3 events are at the server$/s)
  assert.match(
    said['object-storage'],
    /^Hello, world\n\w+_upload_bytes 12\n\w+_download_bytes 12\nstorage_bytes 12\n3 events/,
  )
  assert.match(
    said.stream,
    /^1000000 bytes were sent\nstream_bytes 1000000\nstreams_total 2\n\w+ 5000\n\w+_peak 2\n\d+ events/,
  )
  assert.match(said['time-range'], /^the report\ntime_spans_total 1\nGPU seconds (0\.[3-9]|[1-9])[\d.]*\n\d+ events/)
})

test('each blueprint has a page, whose links lead somewhere', () => {
  const readme = readFileSync(path('README.md'), 'utf8')
  for (const name of ['llm', 'api-gateway', 'object-storage', 'stream', 'time-range']) {
    assert.ok(readme.includes(`](blueprints/${name}.md)`))
    const page = readFileSync(path(`blueprints/${name}.md`), 'utf8')
    assert.ok(page.includes(`run.mjs ${name}`) && page.includes('## What is best done'))
    for (const [, link] of page.matchAll(/\]\(\.\.\/([^)#]+)/g)) assert.ok(existsSync(path(link)), link)
  }
})
