/** What the documentation links to exists, and says what the link says. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import * as blueprints from 'taximeter/blueprints'
import { VENDORS } from '../sinks/vendors.mjs'

const root = new URL('../../', import.meta.url)
const text = (path) => readFileSync(new URL(path, root), 'utf8')
const inFolder = (folder) => readdirSync(new URL(folder, root)).map((name) => `${folder}${name}`)
const pages = [...inFolder('./'), ...inFolder('blueprints/'), 'packages/taximeter-dev/README.md']
  .filter((path) => path.endsWith('.md'))
  .map((path) => posix.normalize(path))

/** Headings by the anchors that they get. */
const anchors = (page) =>
  [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

for (const page of pages) {
  test(`${page}: its links lead somewhere`, () => {
    const source = text(page)
    for (const [, said, target] of source.matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path, anchor] = target.split('#')
      const file = path === '' ? page : posix.join(posix.dirname(page), path)
      assert.ok(existsSync(new URL(file, root)), `${target}: no such file`)
      const [, line] = /^L(\d+)$/.exec(anchor ?? '') ?? []
      if (line !== undefined)
        assert.ok(
          text(file).split('\n')[line - 1]?.trim().replaceAll("'", '').startsWith(`${said}:`),
          `${target}: not ${said}`,
        )
      else if (anchor !== undefined) assert.ok(anchors(text(file)).includes(anchor), `${target}: no such heading`)
    }
    for (const [, path] of source.matchAll(/`((?:tests|examples|benches|scripts|src|ts|prices)\/[\w./-]+)`/g)) {
      const places = [path, posix.join(posix.dirname(page), path)]
      assert.ok(
        places.some((place) => existsSync(new URL(place, root))),
        `${path}: no such file`,
      )
    }
  })
}

/** The table's rows, as cells. */
const rows = (heading) =>
  text('README.md')
    .split(`\n${heading}\n`)[1]
    .split('\n#')[0]
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split(' | '))

test('every vendor has a row with its rules and with the tests that play it', () => {
  const linked = rows('### Sinks').flatMap((cells) => {
    const last = cells.at(-1)
    const names = [...last.matchAll(/\[([^\]]*)\]\(tests\/sinks\/vendors\.mjs#L/g)].map(([, name]) => name)
    if (names.length > 0) assert.match(last, /\[rules\]\(src\/sink\/\w+\.rs\)/)
    return names
  })
  assert.deepEqual(linked.sort(), Object.keys(VENDORS).sort())
})

test('every blueprint has a row with its page and with a test that names it', () => {
  const shown = rows('### Blueprints').slice(1)
  for (const name of ['llm', 'api-gateway', 'object-storage', 'stream', 'time-range']) {
    const row = shown.find((cells) => cells[0].includes(`(blueprints/${name}.md)`))
    const [, path] = /\]\((tests\/[^)]*)\)/.exec(row?.at(-1) ?? '') ?? []
    assert.ok(path, name)
    assert.ok(Object.values(blueprints).some((blueprint) => blueprint.name === name))
  }
})
