import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { runtimes } from '../../scripts/runtimes.mjs'

const manifest = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))

/** On what a table was made, without which its figures say nothing. */
export function machine(quick) {
  return {
    date: new Date().toISOString().slice(0, 10),
    taximeter: manifest('../../package.json').version,
    engine: `Node ${process.versions.node} (V8 ${process.versions.v8})`,
    others: quick
      ? 'none'
      : `M1 to M3 also on Bun ${version('Bun')} and Deno ${version('Deno')}; no browsers, no Workers`,
    cpu: `${cpus().length} × ${cpus()[0].model.trim()}`,
    load: load(),
    peers: peerVersions(),
  }
}

function version(engine) {
  const [program] = runtimes[engine]()
  return /\d+\.\d+\.\d+/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))[0]
}

/** How many processes wanted to run in the last minute: with more than there are processors, wall times stretch. */
export const load = () => loadavg()[0].toFixed(1)

/** Name and version of each peer, as installed. */
function peerVersions() {
  const { dependencies } = manifest('../package.json')
  return Object.entries(dependencies).map(
    ([name]) => `${name} ${manifest(`../node_modules/${name}/package.json`).version}`,
  )
}
