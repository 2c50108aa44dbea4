import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'

const manifest = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))

/** On what a table was made, without which its figures say nothing. */
export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    taximeter: manifest('../../package.json').version,
    engine: `Node ${process.versions.node} (V8 ${process.versions.v8})`,
    notRun: 'Deno, Bun, browsers, Workers',
    cpu: `${cpus().length} × ${cpus()[0].model.trim()}`,
    load: load(),
    peers: peerVersions(),
  }
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
