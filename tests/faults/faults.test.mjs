/** Every fault of this folder, one file each: the steps, what is expected, and after each step the invariants. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { play } from './harness/run.mjs'

const files = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.json'))
const results = []

for (const file of files.sort()) {
  const fault = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'))
  test(`${file.slice(0, -5)}: ${fault.fault}`, async () => {
    results.push({ file, fault: fault.fault, expected: fault.expected, ...(await play(fault)) })
  })
}

// For the table in DELIVERY.md: see scripts/faults-table.mjs.
after(() => {
  const { TAXIMETER_FAULTS_OUT: out } = process.env
  if (out) writeFileSync(out, JSON.stringify(results))
})
