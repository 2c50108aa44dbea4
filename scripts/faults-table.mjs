// Runs the faults and writes what they came to into DELIVERY.md.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'taximeter-'))
const out = join(folder, 'faults.ndjson')
const { status } = spawnSync(process.execPath, ['--test', '--test-timeout=600000', 'tests/faults/'], {
  env: { ...process.env, TAXIMETER_FAULTS_OUT: out },
  stdio: ['ignore', 'ignore', 'inherit'],
})
if (status !== 0) throw new Error('not every fault was survived: npm test -- faults')
const rows = readFileSync(out, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
rmSync(folder, { recursive: true })
const nameOf = ({ file }) => file.replace(/^.*\/|\.json$/g, '')
rows.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
const cells = ({ file, fault, expected, recorded, unique, shownBy }) => {
  const figures = shownBy ? `shown by | [${shownBy.replace(/^.*\//, '')}](${shownBy})` : `${recorded} | ${unique}`
  return `| [${nameOf({ file })}](tests/faults/${file}) | ${fault} | ${expected} | ${figures} |`
}
const table = ['| | fault | outcome | recorded | counted at the vendor |', '|---|---|---|---|---|', ...rows.map(cells)]
const BEGIN = '<!-- written by scripts/faults-table.mjs -->\n'
const page = readFileSync('DELIVERY.md', 'utf8')
const [before, after] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf('<!-- end -->')]
writeFileSync('DELIVERY.md', `${page.slice(0, before)}${table.join('\n')}\n${page.slice(after)}`)
