/**
 * `npm run bench`: measures M1 to M14 and prints them as ratios, with target and verdict; writes RESULTS.md.
 *
 *     npm run bench                 everything; about 25 minutes
 *     npm run bench -- --quick      the metrics that guard a change; under 3 minutes
 *     npm run bench -- M1 M5        only these; RESULTS.md is left alone
 *     npm run bench -- wrappers     wrappers of LLM clients through the same checks; writes WRAPPERS.md
 */
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { must } from '../scripts/must.mjs'
import { setup } from '../scripts/setup.mjs'
import { load, machine } from './lib/machine.mjs'
import { markdown, plain, verdict } from './lib/report.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean' } }, allowPositionals: true })
const quick = values.quick ?? false

await setup()
installPeers()
if (positionals.includes('wrappers')) {
  await (await import('./wrappers/run.mjs')).compare()
  process.exit()
}
const on = machine(quick)

const files = readdirSync(`${here}metrics`).sort()
const metrics = await Promise.all(files.map((file) => import(`./metrics/${file}`)))
const known = metrics.map(({ metric }) => metric)
const unknown = positionals.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`there is no metric ${unknown.join(', ')}; there are ${known.join(', ')}`)
  process.exit(2)
}

const results = []
for (const { metric, title, isSlow, run } of metrics) {
  if (positionals.length > 0 && !positionals.includes(metric)) continue
  const result = { metric, title, ...(await outcome(isSlow, run)) }
  results.push(result)
  const figures = result.figures?.map((figure) => ({ ...figure, verdict: verdict(figure) }))
  console.log(JSON.stringify({ ...result, figures }))
}
console.log(plain(results))
if (positionals.length === 0) {
  writeFileSync(`${here}RESULTS.md`, markdown(results, { ...on, load: `${on.load}, ${load()}` }, quick))
  console.log('\nwritten: benches/RESULTS.md')
}

async function outcome(isSlow, run) {
  if (isSlow && quick) return { status: 'not run: quick' }
  try {
    return await run({ quick, rounds: 3, peerRounds: quick ? 3 : 5 })
  } catch (error) {
    process.exitCode = 1
    return { status: `FAILED: ${error.stderr || error.message}` }
  }
}

/** The peers are installed at the first run, and again when their lock file changes. */
function installPeers() {
  const installed = statSync(`${here}node_modules/.package-lock.json`, { throwIfNoEntry: false })
  if (installed && installed.mtimeMs >= statSync(`${here}package-lock.json`).mtimeMs) return
  must('npm ci --prefix benches --no-audit --no-fund')
}
