// Every check of the house: `npm test`. With an argument, only the JavaScript tests whose path contains it; with
// `--only check`, only what needs no run: lint, types and the package's shape.

import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ensureChromium } from './chromium.mjs'
import { runtimes } from './runtimes.mjs'
import { setup } from './setup.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true })
const [filter = ''] = positionals

const WASM = 'wasm32-unknown-unknown'
const CONSUMER = '--noEmit --strict --exactOptionalPropertyTypes --module nodenext --ignoreConfig'

const rust = [
  ['cargo fmt', 'cargo fmt --all --check'],
  ['clippy', 'cargo clippy --workspace --all-targets --locked --quiet -- -D warnings'],
  ['clippy, wasm', `rustup target add ${WASM} && cargo clippy --lib --target ${WASM} --locked --quiet -- -D warnings`],
  ['clippy, replay', `cargo clippy --lib --target ${WASM} --features replay --locked --quiet -- -D warnings`],
  ['cargo test', 'cargo test --workspace --locked --quiet'],
  ['clippy, full', 'cargo clippy --lib --tests --features full --locked --quiet -- -D warnings'],
  ['cargo test, full', 'cargo test --lib --features full --locked --quiet meter'],
]
const check = [
  ['biome', 'biome ci --error-on-warnings --colors=off .'],
  ['types', 'tsc'],
  // Users of two kinds: a server's ES modules without the DOM, and a page's CommonJS with nothing but the DOM.
  ['types, ES module', `tsc ${CONSUMER} --lib es2022,esnext.disposable --types node tests/types/consumer.ts`],
  ['types, CommonJS', `tsc ${CONSUMER} --lib es2022,esnext.disposable,dom .cache/types/consumer.cts`],
  ['publint', 'publint --strict'],
  ['attw', 'attw --pack --profile node16 --exclude-entrypoints core.wasm full.wasm --no-color --no-emoji'],
]
// Another runtime than this one: TAXIMETER_NODE=bun npm test -- faults, or deno, or the path of another Node.
const { TAXIMETER_NODE: runtime = 'node' } = process.env
const [program] = { bun: runtimes.Bun, deno: runtimes.Deno }[runtime]?.() ?? [runtime]
const files = testFiles()
const TESTS = {
  // Against what hangs. Node 20 counts a whole file, which may have to install something and run on a machine that is slow.
  node: '--test --test-concurrency=2 --test-timeout=600000',
  deno: 'test -A --no-check --no-lock --parallel',
  // Our own paths in tsconfig.json are for the type checker; Bun would follow them.
  bun: 'test --tsconfig-override=package.json --timeout=300000',
}
const tests = [[`${runtime}, tests`, `${program} ${TESTS[runtime] ?? TESTS.node} ${files.join(' ')}`]]
const rest = [
  ['size', 'node scripts/size.mjs'],
  ['demo', 'node examples/demo/main.mjs'],
]

if (values.only !== 'check' && files.some((file) => file.includes('/browser/'))) ensureChromium()

const steps = values.only === 'check' ? check : filter ? tests : [...rust, ...check, ...tests, ...rest]

// The folder lies in the package, so that the package's own name is found from it.
mkdirSync('.cache/types', { recursive: true })
cpSync('tests/types/consumer.ts', '.cache/types/consumer.cts')

const rows = [{ step: 'setup', ...(await timed(() => setup().then(() => true))) }]
for (const [step, command] of steps) {
  const row = { step, ...(await timed(() => run(command, steps.length === 1))) }
  console.log(`${row.result.padEnd(6)} ${row.seconds.padStart(6)} s  ${step}`)
  rows.push(row)
}
console.table(rows)
process.exitCode = rows.every(({ result }) => result === 'ok') ? 0 : 1

async function timed(work) {
  const start = performance.now()
  const result = (await work()) ? 'ok' : 'FAILED'
  return { result, seconds: ((performance.now() - start) / 1000).toFixed(1) }
}

/** Tells whether it passed. What it printed is shown whole if it did not, or if it is the only step. */
function run(command, isAlone) {
  const bin = join(process.cwd(), 'node_modules/.bin')
  const separator = process.platform === 'win32' ? ';' : ':'
  const env = { ...process.env, NO_COLOR: '1', PATH: `${bin}${separator}${process.env.PATH}` }
  delete env.FORCE_COLOR
  return new Promise((resolve) => {
    const child = spawn(command, { shell: true, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const printed = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => printed.push(chunk))
    child.on('close', (code) => {
      if (code !== 0 || isAlone) process.stdout.write(`\n$ ${command}\n${Buffer.concat(printed)}\n`)
      resolve(code === 0)
    })
  })
}

function testFiles() {
  const packages = readdirSync('packages').map((name) => `packages/${name}/test`)
  const files = ['tests/js', 'tests/faults', 'tests/sinks', ...packages].flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map((file) => `./${folder}/${file.replaceAll('\\', '/')}`),
  )
  const wanted = files.filter((file) => /\.test\.m?js$/.test(file) && file.includes(filter)).sort()
  if (wanted.length === 0) {
    console.error(`no test file has "${filter}" in its path`)
    process.exit(2)
  }
  return wanted
}
