/**
 * Every fault of this folder, one file each: the steps, what is expected, and after each step the invariants. Those of
 * `elsewhere/` need another kind of test, which they name.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { note } from './harness/results.mjs'
import { play } from './harness/run.mjs'

const files = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.json'))

for (const file of files.sort()) {
  const fault = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'))
  test(`${file.slice(0, -5)}: ${fault.fault}`, async () => {
    note({ file, ...fault, ...(await play(fault)) })
  })
}

const elsewhere = new URL('elsewhere/', import.meta.url)
for (const file of readdirSync(elsewhere).sort()) {
  const fault = JSON.parse(readFileSync(new URL(file, elsewhere), 'utf8'))
  test(`${file.slice(0, -5)}: ${fault.fault}`, () => {
    const tests = readFileSync(new URL(`../../${fault.file}`, import.meta.url), 'utf8')
    assert.ok(tests.includes(fault.test), `${fault.file} has no ${fault.test}`)
    note({ ...fault, file: `elsewhere/${file}`, shownBy: fault.file })
  })
}
