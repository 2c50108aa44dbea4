// Cloudflare's own runtime, with a worker in it that is bundled as their tools do: static imports of `.wasm` stay.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const { default: binary } = createRequire(import.meta.url)('workerd')

/** Starts a worker of this folder; gives its address, what it printed so far, and what stops it. */
export async function startWorkerd(worker, bindings, flags = []) {
  const folder = mkdtempSync(join(tmpdir(), 'taximeter-workerd-'))
  await build({
    entryPoints: { worker: fileURLToPath(new URL(worker, import.meta.url)) },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    loader: { '.wasm': 'copy' },
    external: ['cloudflare:*', 'node:*'],
    // The package as users get it, not this project's sources.
    tsconfigRaw: {},
    logLevel: 'error',
  })
  const modules = readdirSync(folder).map((name) =>
    name.endsWith('.wasm')
      ? `(name = "${name}", wasm = embed "${name}")`
      : `(name = "${name}", esModule = embed "${name}")`,
  )
  // The first module is the worker.
  modules.sort((a, b) => a.indexOf('.wasm') - b.indexOf('.wasm'))
  const values = Object.entries(bindings).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`)
  writeFileSync(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      compatibilityDate = "2026-11-01",
      compatibilityFlags = ${JSON.stringify(flags)},
      modules = [${modules.join(', ')}],
      bindings = [${values.join(', ')}],
    )),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);`,
  )
  const child = spawn(binary, ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text))
  const ended = new Promise((resolve) => child.on('exit', resolve))
  const port = await new Promise((resolve, reject) => {
    child.stdio[3].on('data', (line) => resolve(JSON.parse(String(line)).port))
    ended.then((code) => reject(new Error(`workerd ended with ${code}: ${printed.slice(0, 1000)}`)))
  })
  return {
    url: `http://127.0.0.1:${port}`,
    printed: () => printed,
    async stop() {
      child.kill()
      await ended
      rmSync(folder, { recursive: true })
    },
  }
}
