/**
 * Tries vectors against the built package: `npm run -s conformance -- <kind> <file or folder> [--print]`.
 *
 * One line per failing case (`id: want … got …`), then `N passed, M failed`; exits 1 on a failure, and if there is
 * nothing to try. `--print` prints `{"id":…,"got":…}` a line instead.
 */
import { readFileSync } from 'node:fs'
import { same } from '../tests/conformance/compare.mjs'

const KINDS = {
  meters: async (path) => (await import('../tests/conformance/meters.mjs')).cases(readFileSync(path, 'utf8')),
  'meter-cases': async (path) =>
    (await import('../tests/conformance/meter-cases.mjs')).cases(readFileSync(path, 'utf8')),
  'dodo-meters': async (path) =>
    (await import('../tests/conformance/dodo-meters.mjs')).cases(readFileSync(path, 'utf8')),
  billing: async (path) => (await import('../tests/conformance/billing.mjs')).cases(readFileSync(path, 'utf8')),
  'llm-cost': async (path) => (await import('../tests/conformance/llm-cost.mjs')).cases(path),
  'openmeter-pricing': async (path) =>
    (await import('../tests/conformance/openmeter-pricing.mjs')).cases(readFileSync(path, 'utf8')),
  'llm-usage': async (path) => (await import('../tests/conformance/llm-usage.mjs')).cases(path),
}

const [kind, path] = process.argv.slice(2).filter((a) => !a.startsWith('--'))
const print = process.argv.includes('--print')
if (!(kind in KINDS) || path === undefined) {
  console.error(`usage: npm run -s conformance -- <${Object.keys(KINDS).join(' | ')}> <file or folder> [--print]`)
  process.exit(2)
}

let passed = 0
let failed = 0
for await (const { id, want, run, tolerant, accepts = (got) => same(got, want, tolerant) } of await KINDS[kind](path)) {
  let got
  try {
    got = await run()
  } catch (error) {
    got = { threw: String(error) }
  }
  if (print) console.log(JSON.stringify({ id, got }))
  if (want === undefined || accepts(got)) passed += 1
  else {
    failed += 1
    if (!print) console.log(`${id}: want ${JSON.stringify(want)} got ${JSON.stringify(got)}`)
  }
}
if (!print) console.log(`${passed} passed, ${failed} failed`)
if (passed + failed === 0) console.error(`there are no cases of ${kind} in ${path}`)
process.exit(passed > 0 && failed === 0 ? 0 : 1)
