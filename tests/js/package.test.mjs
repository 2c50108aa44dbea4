import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const project = mkdtempSync(join(tmpdir(), 'taximeter-package-'))
after(() => rmSync(project, { recursive: true }))

const npm = (...args) => execFileSync('npm', args, { cwd: project, encoding: 'utf8', stdio: 'pipe' })
const node = (...args) => execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' }).trim()

const expected = [
  'LICENSE',
  'README.md',
  'dist/billing.cjs',
  'dist/billing.d.cts',
  'dist/billing.d.ts',
  'dist/billing.js',
  'dist/blueprints.cjs',
  'dist/blueprints.d.cts',
  'dist/blueprints.d.ts',
  'dist/blueprints.js',
  'dist/cli.js',
  'dist/config.cjs',
  'dist/config.d.cts',
  'dist/config.d.ts',
  'dist/config.js',
  'dist/core.wasm',
  'dist/edge-light.js',
  'dist/file.cjs',
  'dist/file.d.cts',
  'dist/file.d.ts',
  'dist/file.js',
  'dist/full/core.wasm',
  'dist/full/edge-light.js',
  'dist/full/inline.cjs',
  'dist/full/inline.js',
  'dist/full/workerd.js',
  'dist/index.d.cts',
  'dist/index.d.ts',
  'dist/indexeddb.cjs',
  'dist/indexeddb.d.cts',
  'dist/indexeddb.d.ts',
  'dist/indexeddb.js',
  'dist/inline.cjs',
  'dist/inline.js',
  'dist/opentelemetry.cjs',
  'dist/opentelemetry.d.cts',
  'dist/opentelemetry.d.ts',
  'dist/opentelemetry.js',
  'dist/prices-all.cjs',
  'dist/prices-all.d.cts',
  'dist/prices-all.d.ts',
  'dist/prices-all.js',
  'dist/prices-core.cjs',
  'dist/prices-core.d.cts',
  'dist/prices-core.d.ts',
  'dist/prices-core.js',
  'dist/prices.cjs',
  'dist/prices.d.cts',
  'dist/prices.d.ts',
  'dist/prices.js',
  'dist/replay/core.wasm',
  'dist/replay/edge-light.js',
  'dist/replay/index.d.cts',
  'dist/replay/index.d.ts',
  'dist/replay/inline.cjs',
  'dist/replay/inline.js',
  'dist/replay/workerd.js',
  'dist/signals.cjs',
  'dist/signals.d.cts',
  'dist/signals.d.ts',
  'dist/signals.js',
  'dist/slim.cjs',
  'dist/slim.d.cts',
  'dist/slim.d.ts',
  'dist/slim.js',
  'dist/workerd.js',
  'package.json',
]

npm('pack', root, '--silent', '--pack-destination', project)
const [tarball] = readdirSync(project)
writeFileSync(join(project, 'package.json'), '{"name":"empty","private":true}')
npm('install', '--offline', '--no-audit', '--no-fund', `./${tarball}`)
const installed = join(project, 'node_modules/taximeter')

test('the tarball holds these files and no others', () => {
  const files = readdirSync(installed, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) =>
      join(file.parentPath, file.name)
        .slice(installed.length + 1)
        .split(sep)
        .join('/'),
    )
  assert.deepEqual(files.sort(), expected)
})

test('installing it runs nothing and brings nothing else', () => {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  assert.equal(manifest.dependencies, undefined)
  assert.equal(manifest.optionalDependencies, undefined)
  assert.equal(manifest.peerDependencies, undefined)
  const scripts = Object.keys(manifest.scripts ?? {})
  assert.deepEqual(
    scripts.filter((name) => /install|prepare/.test(name)),
    [],
  )
  assert.deepEqual(
    readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['taximeter'],
  )
})

test('it works by import, by require and by its command', () => {
  const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  const print = (source) => `${source}.then(({ version }) => console.log(version()))`
  assert.equal(node('--input-type=module', '--eval', print('import("taximeter")')), version)
  assert.equal(node('--input-type=commonjs', '--eval', print('Promise.resolve(require("taximeter"))')), version)
  assert.equal(node(join(installed, 'dist/cli.js'), '--version'), version)
})
