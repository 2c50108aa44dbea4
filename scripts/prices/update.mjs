// `npm run prices:update [-- --from data.py|data.json|npm] [-- --date 2026-11-21] [-- --force] [-- --with litellm=file]`:
// prices/book.json from genai-prices.
//
// Takes what is given; else the newest genai-prices of PyPI; else, where there is no pip, that of npm, which is older and
// has no variants. What the book says of the past is never overwritten: a price that changed gets an entry that begins on
// the given day, and what the source has dropped stays. Prints what changed, and where other collections of prices that
// are installed (litellm, model_prices) differ. Refuses, unless forced, a source without one of our providers, or in which
// more than a tenth of the prices changed. Our own corrections are in prices/overrides.json; the build puts them in.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { compare } from './compare.mjs'
import { fromJson, providersOf } from './convert.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const file = `${root}/prices/book.json`
const CHANGES_MAX = 0.1

/** The book's text: a model a line, so that a difference shows which. */
export function textOf({ providers, ...head }) {
  const models = (list) => list.map((model) => `    ${JSON.stringify(model)}`).join(',\n')
  const provider = ({ models: list, ...rest }) =>
    `  ${JSON.stringify(rest).slice(0, -1)}, "models": [\n${models(list)}\n  ]}`
  return `${JSON.stringify(head).slice(0, -1)}, "providers": [\n${providers.map(provider).join(',\n')}\n]}\n`
}

/**
 * Puts what the source says now (`next`) into what the book says (`before`), from a day on.
 * Gives the providers, and what changed: `{ added, changed, kept, lost }`.
 */
export function merged(before, next, date) {
  const changes = { added: [], changed: [], kept: [], lost: [] }
  const byId = (list) => new Map(list.map((one) => [one.id, one]))
  const old = byId(before)
  const providers = next.map((provider) => {
    const was = old.get(provider.id)
    if (was === undefined) {
      changes.added.push(provider.id)
      return provider
    }
    const models = byId(was.models)
    const now = provider.models.map((model) => {
      const known = models.get(model.id)
      models.delete(model.id)
      const name = `${provider.id}/${model.id}`
      if (known === undefined) {
        changes.added.push(name)
        return model
      }
      const merged = { ...model, p: dated(known.p, model.p, date), ...variants(known.v, model.v, date) }
      if (!isDeepStrictEqual([merged.p, merged.v], [known.p, known.v])) {
        changes.changed.push(`${name}: ${difference(known, merged)}`)
      }
      return merged
    })
    // Last, so that they stand in the way of none.
    changes.kept.push(...[...models.keys()].map((id) => `${provider.id}/${id}`))
    return { ...provider, models: [...now, ...models.values()] }
  })
  const here = new Set(next.map((provider) => provider.id))
  for (const provider of before) {
    if (here.has(provider.id)) continue
    changes.lost.push(provider.id)
    providers.push(provider)
  }
  return { providers, changes }
}

const entries = (p) => (Array.isArray(p) ? p : [{ p }])

/**
 * All entries that have been, and the source's new ones behind them, from the day that it names or else from ours. One
 * without a day is new unless it is what holds already.
 */
function dated(was, now, date) {
  const before = entries(was)
  const fresh = entries(now).filter((entry) => isNew(entry, before, before.slice(-1)))
  return fresh.length === 0 ? was : [...before, ...fresh.map((entry) => begun(entry, date))]
}

/** Of variants the first that holds is taken: newer ones come first. */
function variants(was = [], now = [], date) {
  const fresh = now.filter((entry) => isNew(entry, was, was))
  const v = [...fresh.map((entry) => begun(entry, date)), ...was]
  return v.length > 0 ? { v } : {}
}

const isNew = (entry, before, holding) => {
  const plain = ({ c: _, ...rest }) => rest
  if (before.some((known) => isDeepStrictEqual(known, entry))) return false
  return entry.c !== undefined || !holding.some((known) => isDeepStrictEqual(plain(known), entry))
}

const begun = (entry, date) => (entry.c?.start_date ? entry : { ...entry, c: { ...entry.c, start_date: date } })

function difference(was, now) {
  const last = (model) => entries(model.p).at(-1).p
  const [a, b] = [last(was), last(now)]
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  const text = (price) => (price === undefined ? 'none' : JSON.stringify(price))
  const changed = keys.filter((key) => !isDeepStrictEqual(a[key], b[key]))
  return changed.map((key) => `${key} ${text(a[key])} → ${text(b[key])}`).join(', ') || 'dates or variants'
}

/** The newest source, by pip, not run: its path and version. */
function download() {
  const folder = `${root}/.cache/genai-prices`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const options = ['--no-deps', '--quiet', '--disable-pip-version-check']
  execFileSync('python3', ['-m', 'pip', 'install', ...options, '--target', folder, 'genai-prices'], {
    stdio: 'inherit',
  })
  const [, version] = readdirSync(folder)
    .map((name) => /^genai_prices-(.+)\.dist-info$/.exec(name))
    .find(Boolean)
  return { path: `${folder}/genai_prices/data.py`, version, from: 'PyPI' }
}

/** The npm package's, which has to be run to give its data; it asks no network for that. */
async function npm() {
  const folder = `${root}/.cache/genai-prices-npm`
  execFileSync(
    'npm',
    ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '@pydantic/genai-prices'],
    {
      stdio: 'inherit',
    },
  )
  const place = `${folder}/node_modules/@pydantic/genai-prices`
  const { version } = JSON.parse(readFileSync(`${place}/package.json`, 'utf8'))
  const { waitForUpdate } = await import(`${place}/dist/index.js`)
  return { text: JSON.stringify(await waitForUpdate()), version, from: 'npm' }
}

/** The source: its text, what it says, its version and where it is from. */
async function source(given) {
  const found =
    given === 'npm' ? await npm() : given ? { path: given, version: 'as given', from: 'a file' } : await newest()
  const { path, text = readFileSync(path, 'utf8') } = found
  const tree = path?.endsWith('.py')
    ? JSON.parse(execFileSync('python3', [`${root}/scripts/prices/genai.py`, path], { maxBuffer: 1 << 28 }))
    : fromJson(JSON.parse(text))
  return { ...found, tree, sha256: createHash('sha256').update(text).digest('hex') }
}

async function newest() {
  try {
    return download()
  } catch (error) {
    console.error(`no genai-prices of PyPI (${error.message.split('\n')[0]}): that of npm`)
    return npm()
  }
}

/** Every model must have prices that a request can be charged by. */
async function check(book) {
  const { PriceBook } = await import('taximeter')
  const opened = new PriceBook(book)
  for (const { id: provider, models } of book.providers) {
    for (const { id: model } of models) {
      const got = opened.cost({ provider, model, at: `${book.date}T00:00:00Z`, usage: {} })
      if (got.status === 'unpriced' && !/^unknown_/.test(got.reason))
        throw new Error(`${provider}/${model}: ${got.detail}`)
    }
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      from: { type: 'string' },
      date: { type: 'string' },
      force: { type: 'boolean' },
      with: { type: 'string', multiple: true },
    },
  })
  const date = values.date ?? new Date().toISOString().slice(0, 10)
  const { tree, version, from, sha256 } = await source(values.from)
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).providers : []
  const { providers, changes } = merged(before, providersOf(tree), date)
  for (const [what, list] of Object.entries(changes)) {
    if (list.length > 0) console.log(`${what}: ${list.length}\n${list.map((one) => `  ${one}`).join('\n')}`)
  }
  compare(providers, values.with)
  const known = before.reduce((count, provider) => count + provider.models.length, 0)
  if (!values.force && (changes.lost.length > 0 || changes.changed.length > known * CHANGES_MAX)) {
    console.error('too much has changed to believe it; look at it, then repeat with --force')
    process.exit(1)
  }
  const book = {
    schema: 1,
    source: `genai-prices ${version} (${from})`,
    license: 'MIT (c) Pydantic',
    version: `genai-prices ${version}, ${date}`,
    date,
    sha256,
    providers,
  }
  await check(book)
  writeFileSync(file, textOf(book))
  console.log(`${file}: ${providers.length} providers, ${providers.flatMap((one) => one.models).length} models`)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main()
