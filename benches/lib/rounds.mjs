/** Runs measurements, each in a process of its own, in rounds that take the variants by turns. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runtimes } from '../../scripts/runtimes.mjs'
import { median } from './numbers.mjs'

const run = promisify(execFile)
const child = fileURLToPath(new URL('child.mjs', import.meta.url))
/** What is measured already in this run: several metrics read the same comparison. */
const known = new Map()

/**
 * Measures `variants` (name → job) against each other. Gives name → the median of each number over the rounds. Machines
 * drift; by turns they drift for all alike.
 */
export async function compare(variants, rounds) {
  const key = JSON.stringify(variants)
  if (!known.has(key)) known.set(key, await measureAll(variants, rounds))
  return known.get(key)
}

async function measureAll(variants, rounds) {
  const results = Object.fromEntries(Object.keys(variants).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, job] of Object.entries(variants)) results[name].push(await measured(job))
  }
  return Object.fromEntries(Object.entries(results).map(([name, rows]) => [name, medians(rows)]))
}

/** One job, once. One after the other: two measurements at once would measure each other. */
export async function measured(job) {
  const [program, ...words] = runtimes[job.engine ?? 'Node']()
  const flags = ['heap', 'dead'].includes(job.measure) ? ['--expose-gc'] : []
  const { stdout } = await run(program, [...words, ...flags, child, JSON.stringify(job)], { timeout: 120_000 })
  return JSON.parse(stdout)
}

function medians(rows) {
  return Object.fromEntries(Object.keys(rows[0]).map((name) => [name, median(rows.map((row) => row[name]))]))
}
