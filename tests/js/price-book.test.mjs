/** The price book's generator: regexes to masks, and a past that is never overwritten. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { masked, matchesOf } from '../../scripts/prices/masks.mjs'
import { merged, textOf } from '../../scripts/prices/update.mjs'

test('regexes of the shapes that are known become masks, others are refused', () => {
  for (const [re, want] of [
    ['^gpt-5\\.4-\\d{4}-\\d{2}$', [{ eqm: 'gpt-5.4-####-##' }]],
    ['^gemini-4-argon-\\d', [{ swm: 'gemini-4-argon-#' }]],
    ['^o[134]', [{ sw: 'o1' }, { sw: 'o3' }, { sw: 'o4' }]],
    ['^a[-@]\\d$', [{ eqm: 'a-#' }, { eqm: 'a@#' }]],
    ['^(x/)?y(-\\d)?$', [{ eqm: 'x/y-#' }, { eq: 'x/y' }, { eqm: 'y-#' }, { eq: 'y' }]],
    [
      '^(?:(?:mi|code)stral|open-(?:a|b))',
      [{ sw: 'mistral' }, { sw: 'codestral' }, { sw: 'open-a' }, { sw: 'open-b' }],
    ],
    ['^(?!.*-[tT][tT][sS](?:$|-))', [{ not: { or: [{ ew: '-tts' }, { ct: '-tts-' }] } }]],
    ['^(?![^/]+/)a', [{ and: [{ not: { ct: '/' } }, { or: [{ sw: 'a' }] }] }]],
  ]) {
    assert.deepEqual(matchesOf(re), want, re)
  }
  for (const re of ['a', '^a+', '^a.b', '^[a-z]', '^a\\w', '^(a', '^a#'])
    assert.throws(() => matchesOf(re), /no known shape/, re)
  assert.deepEqual(masked({ eq: ['a'], or: [{ re: '^b[12]$' }] }), { eq: ['a'], or: [{ eq: 'b1' }, { eq: 'b2' }] })
})

test('what changed begins on the day; what was stays, also what the source drops', () => {
  const model = (id, p, more) => ({ id, m: { eq: id }, p, ...more })
  const batch = (price, c) => ({ w: { processing: 'batch' }, p: { input_mtok: price }, ...(c && { c }) })
  const provider = (...models) => [{ id: 'one', models }]
  const before = provider(model('a', { input_mtok: '3' }, { v: [batch('1')] }), model('gone', { input_mtok: '9' }))
  const next = provider(model('a', { input_mtok: '2' }, { v: [batch('0.5')] }), model('new', { input_mtok: '1' }))
  const day = { start_date: '2026-12-01' }
  const { providers, changes } = merged(before, next, '2026-12-01')
  assert.deepEqual(providers[0].models[0].p, [{ p: { input_mtok: '3' } }, { p: { input_mtok: '2' }, c: day }])
  assert.deepEqual(providers[0].models[0].v, [batch('0.5', day), batch('1')])
  assert.deepEqual(
    providers[0].models.map(({ id }) => id),
    ['a', 'new', 'gone'],
  )
  assert.deepEqual(changes, {
    added: ['one/new'],
    changed: ['one/a: input_mtok "3" → "2"'],
    kept: ['one/gone'],
    lost: [],
  })
  // The same again changes nothing, on whatever day.
  const again = merged(providers, next, '2026-12-31')
  assert.deepEqual(again.providers, providers)
  assert.deepEqual(again.changes.changed, [])
  assert.deepEqual(merged(before, [], '2026-12-01').changes.lost, ['one'])
  const book = { schema: 1, providers }
  assert.deepEqual(JSON.parse(textOf(book)), book)
})
