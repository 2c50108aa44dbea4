import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

/**
 * Runs the first example of a section of the README: every `expression // → value` has to give that value. `names` are
 * what the example imports. Gives how many there were.
 */
export function runExample(section, names) {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, text] = new RegExp(`\\n### ${section}\\n(.*?)\\n### `, 's').exec(readme)
  const [, code] = /```ts\n(.*?)```/s.exec(text)
  let checked = 0
  const check = (got, want) => {
    assert.deepEqual(got, want)
    checked += 1
  }
  const lines = code.split('\n').map((line) => {
    if (line.startsWith('import ')) return ''
    const [, expression, want] = /^(.+?) \/\/ → (.+)$/.exec(line) ?? []
    return want ? `check(${expression}, ${want})` : line
  })
  new Function('check', ...Object.keys(names), lines.join('\n'))(check, ...Object.values(names))
  assert.equal(checked, code.match(/\/\/ →/g).length)
  return checked
}
