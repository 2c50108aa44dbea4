// dist/ from pkg/ and ts/: every entry one file, declarations beside. Needs no Rust.

import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
rmSync('dist', { recursive: true, force: true })

const common = {
  bundle: true,
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  outdir: 'dist',
}
const esm = { ...common, format: 'esm', platform: 'neutral' }
// The platform adds the note by which Node and Deno find the names of a CommonJS module.
const cjs = { ...common, format: 'cjs', platform: 'node', outExtension: { '.js': '.cjs' } }
const inlineWasm = (file) => ({ alias: { 'core-base64': file }, loader: { '.wasm': 'base64' } })

const universal = { entryPoints: ['ts/entry/inline.ts', 'ts/entry/slim.ts'], ...inlineWasm('./pkg/core.wasm') }
const full = { entryPoints: ['ts/entry/inline.ts'], ...inlineWasm('./pkg/full.wasm'), outdir: 'dist/full' }
const replay = { entryPoints: ['ts/entry/replay/inline.ts'], ...inlineWasm('./pkg/replay.wasm'), outdir: 'dist/replay' }
const edge = { entryPoints: ['ts/entry/workerd.ts', 'ts/entry/edge-light.ts'], external: ['*.wasm', '*.wasm?module'] }
const edgeReplay = {
  ...edge,
  entryPoints: ['ts/entry/replay/workerd.ts', 'ts/entry/replay/edge-light.ts'],
  outdir: 'dist/replay',
}
const file = { entryPoints: ['ts/entry/file.ts'], platform: 'node' }
const indexeddb = { entryPoints: ['ts/entry/indexeddb.ts'] }
const cli = {
  entryPoints: { cli: 'ts/cli/index.ts' },
  platform: 'node',
  external: ['taximeter', 'taximeter-dev'],
  // What `taximeter blueprint` prints is what the tests run.
  define: { SAMPLES: JSON.stringify(samples('examples/blueprints')) },
}

const config = {
  entryPoints: ['ts/config.ts'],
  external: ['taximeter'],
  // Its licence goes with it.
  banner: { js: `/*! Contains yaml.\n\n${readFileSync('node_modules/yaml/LICENSE', 'utf8')}*/` },
}

/** Entries that stand alone. */
const alone = {
  entryPoints: {
    billing: 'ts/billing/index.ts',
    blueprints: 'ts/blueprint/index.ts',
    opentelemetry: 'ts/opentelemetry.ts',
    signals: 'ts/signals.ts',
  },
}

await Promise.all([
  build({ ...esm, ...alone }),
  build({ ...cjs, ...alone }),
  build({ ...esm, ...config }),
  build({ ...cjs, ...config }),
  build({ ...esm, ...universal }),
  build({ ...cjs, ...universal }),
  build({ ...esm, ...full }),
  build({ ...cjs, ...full }),
  build({ ...esm, ...replay }),
  build({ ...cjs, ...replay }),
  build({ ...esm, ...edge }),
  build({ ...esm, ...edgeReplay }),
  build({ ...esm, ...file }),
  build({ ...cjs, ...file }),
  build({ ...esm, ...indexeddb }),
  build({ ...cjs, ...indexeddb }),
  build({ ...esm, ...cli, banner: { js: '#!/usr/bin/env node' } }),
])
cpSync('pkg/core.wasm', 'dist/core.wasm')
cpSync('pkg/full.wasm', 'dist/full/core.wasm')
cpSync('pkg/replay.wasm', 'dist/replay/core.wasm')
// They import what lies beside them, and the glue of both cores is the same.
for (const entry of ['workerd.js', 'edge-light.js']) cpSync(`dist/${entry}`, `dist/full/${entry}`)
declare('ts/index.ts', 'index')
declare('ts/entry/slim.ts', 'slim')
declare('ts/entry/replay/index.ts', 'replay/index')
declare('ts/config.ts', 'config')
declare('ts/billing/index.ts', 'billing')
declare('ts/blueprint/index.ts', 'blueprints')
declare('ts/entry/file.ts', 'file')
declare('ts/entry/indexeddb.ts', 'indexeddb')
declare('ts/opentelemetry.ts', 'opentelemetry')
declare('ts/signals.ts', 'signals')
await prices()

/** The examples of a folder: name → text. */
function samples(folder) {
  const files = readdirSync(folder).filter((file) => file !== 'run.mjs')
  return Object.fromEntries(files.map((file) => [file.replace('.mjs', ''), readFileSync(`${folder}/${file}`, 'utf8')]))
}

/** One declaration file for each module system; nothing in them is specific to either. */
function declare(entry, name) {
  const bundler = join(
    dirname(createRequire(import.meta.url).resolve('dts-bundle-generator/package.json')),
    'dist/bin/dts-bundle-generator.js',
  )
  const options = [
    '--silent',
    '--no-banner',
    '--no-check',
    '--export-referenced-types=false',
    '--project',
    'tsconfig.json',
  ]
  execFileSync(process.execPath, [bundler, ...options, '--out-file', `dist/${name}.d.ts`, entry], { stdio: 'inherit' })
  cpSync(`dist/${name}.d.ts`, `dist/${name}.d.cts`)
}

/** The price book with our corrections in three sizes: data alone, by the default export of each module system. */
async function prices() {
  const [plain, overrides, { groups }] = ['book', 'overrides', 'groups'].map((name) =>
    JSON.parse(readFileSync(`prices/${name}.json`, 'utf8')),
  )
  const { extend } = await import('../dist/billing.js')
  const { providers, ...head } = extend(plain, overrides)
  const types = (index, exported) =>
    `import type { PriceBookData } from '${index}'\ndeclare const book: PriceBookData\n${exported}\n`
  for (const [name, ids] of Object.entries(groups)) {
    const cut = ids ? providers.filter(({ id }) => ids.includes(id)) : providers
    const book = JSON.stringify({ ...head, providers: cut })
    writeFileSync(`dist/${name}.js`, `export default ${book}\n`)
    writeFileSync(`dist/${name}.cjs`, `module.exports = ${book}\n`)
    writeFileSync(`dist/${name}.d.ts`, types('./index.js', 'export default book'))
    writeFileSync(`dist/${name}.d.cts`, types('./index.cjs', 'export = book'))
  }
}
