/** The price book's generator: regexes to masks, and a past that is never overwritten. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PriceBook } from 'taximeter'
import { extend } from 'taximeter/billing'
import all from 'taximeter/prices/all'
import shipped from 'taximeter/prices/core'
import { disagreements, OTHERS } from '../../scripts/prices/compare.mjs'
import { fromJson, providersOf } from '../../scripts/prices/convert.mjs'
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

test('the JSON form of the source, with and without variants, gives the same book as the Python form', () => {
  const json = {
    id: 'one',
    provider_match: { contains: 'uno' },
    models: [
      {
        id: 'a',
        name: 'A',
        match: { or: [{ equals: 'a' }, { regex: '^a-\\d$' }, { and: [{ starts_with: 'b' }, { ends_with: 'c' }] }] },
        prices: [
          { prices: { input_mtok: 2.5, output_mtok: { base: 3e-7, tiers: [{ start: 200_000, price: 1.25 }] } } },
          {
            constraint: { type: 'time_of_date', start_time: '00:30:00Z', end_time: '16:30:00Z' },
            prices: { input_mtok: 5 },
          },
        ],
        price_variants: [{ when: { processing: 'batch' }, prices: { input_mtok: 1.25 } }],
      },
    ],
  }
  const [provider] = providersOf(fromJson([json]))
  assert.deepEqual(provider, {
    id: 'one',
    pm: { ct: 'uno' },
    models: [
      {
        id: 'a',
        m: { eq: ['a'], or: [{ eqm: 'a-#' }, { and: [{ sw: 'b' }, { ew: 'c' }] }] },
        p: [
          { p: { input_mtok: '2.5', output_mtok: ['0.0000003', [200_000, '1.25']] } },
          { p: { input_mtok: '5' }, c: { start_time: '00:30:00+00:00', end_time: '16:30:00+00:00' } },
        ],
        v: [{ w: { processing: 'batch' }, p: { input_mtok: '1.25' } }],
      },
    ],
  })
  delete json.models[0].price_variants
  assert.equal(providersOf(fromJson([json]))[0].models[0].v, undefined)
})

test('where other collections of prices differ is told', () => {
  const ours = [{ id: 'openai', models: [{ id: 'm', p: { input_mtok: '2.5', output_mtok: '10' } }] }]
  const [litellm, modelPrices] = OTHERS
  const of = { litellm_provider: 'openai', input_cost_per_token: 2.5e-6, output_cost_per_token: 0.00002 }
  assert.deepEqual(disagreements(ours, litellm, { m: of }), ['openai/m output_mtok: 10, litellm 20'])
  const rates = { input: 3, output: 10 }
  const data = { prices: { openai: { m: { standard: [{ rates: { input: 9 } }, { rates }] } } } }
  assert.deepEqual(disagreements(ours, modelPrices, data), ['openai/m input_mtok: 2.5, model_prices 3'])
})

test('what the plain book has wrong is put right in the one that is shipped, with a source', () => {
  const read = (name) => JSON.parse(readFileSync(new URL(`../../prices/${name}.json`, import.meta.url), 'utf8'))
  const [plain, overrides] = ['book', 'overrides'].map(read)
  assert.match(plain.sha256, /^[0-9a-f]{64}$/)
  for (const { source } of overrides) assert.match(source, /^https:\/\//)
  const books = [plain, all].map((book) => new PriceBook(book))
  const usage = { input_tokens: 1_000_000, cache_read_tokens: 500_000, output_tokens: 0 }
  const cost = (provider, model, more = {}) =>
    books.map((book) => book.cost({ provider, model, usage, at: '2026-11-01T12:00:00Z', ...more }).total)
  // An alias that means another model now, and one whose cached reads had no price.
  assert.deepEqual(cost('mistral', 'mistral-large-latest'), ['2', '0.275'])
  assert.deepEqual(cost('mistral', 'mistral-large-2411'), ['2', '2'])
  assert.deepEqual(cost('mistral', 'codestral-latest'), ['0.3', '0.165'])
  // Peak hours: on a Thursday; on a Sunday; on a holiday; before there were any.
  const peak = (at) =>
    cost('deepseek', 'deepseek-v4-pro', { at, usage: { input_tokens: 1_000_000, cache_read_tokens: 0 } })
  assert.deepEqual(peak('2026-11-05T02:00:00Z'), ['1.32', '1.32'])
  assert.deepEqual(peak('2026-11-01T02:00:00Z'), ['1.32', '0.66'])
  assert.deepEqual(peak('2026-10-01T02:00:00Z'), ['1.32', '0.66'])
  assert.deepEqual(peak('2026-08-10T02:00:00Z'), ['1.32', '0.435'])
  assert.deepEqual(peak('2026-11-05T05:00:00Z'), ['0.66', '0.66'])
  // Regions; also of a batch, and of a record as a wrapped client gives it.
  const tokens = { input_tokens: 1_000_000, cache_read_tokens: 0, output_tokens: 0 }
  assert.deepEqual(cost('openai', 'gpt-5.4-mini', { usage: tokens, region: 'eu' }), ['0.75', '0.825'])
  const batch = { context: { processing: 'batch' }, region: 'eu' }
  assert.deepEqual(cost('openai', 'gpt-5.4-mini', { usage: tokens, ...batch }), ['0.375', '0.4125'])
  assert.deepEqual(cost('openai', 'gpt-4o', { usage: tokens, region: 'eu' }), ['2.5', '2.5'])
  assert.deepEqual(cost('anthropic', 'claude-opus-5', { usage: tokens, region: 'us' }), ['5', '5.5'])
  assert.deepEqual(cost('anthropic', 'claude-opus-5', { usage: tokens, region: 'global' }), ['5', '5'])
  assert.deepEqual(cost('google', 'claude-sonnet-4-5', { usage: tokens, region: 'europe-west1' })[1], '6.6')
})

test('overrides of your own: hours, a minimum, names; and what they may not be', () => {
  const source = 'contract 7'
  const openai = { provider: 'openai', model: 'whisper-1', source }
  const price = (override, more) =>
    new PriceBook(extend(shipped, [{ ...openai, ...override }])).cost({
      provider: 'openai',
      model: 'whisper-1',
      at: '2026-11-05T02:00:00Z',
      usage: { audio_seconds: 1 },
      ...more,
    })
  const night = {
    start: '22:00',
    end: '06:00',
    tz: '+00:00',
    weekdays: [4],
    prices: { audio_hours: '0.036', input_audio_hours: '0.036' },
  }
  assert.equal(price({ windows: [night] }).total, '0.00001')
  assert.notEqual(price({ windows: [night] }, { at: '2026-11-06T02:00:00Z' }).total, '0.00001')
  assert.equal(price({ windows: [night], min: { audio_seconds: '10' } }).total, '0.0001')
  assert.equal(price({ names: ['ours'] }, { model: 'ours' }).matchedBy, 'exact')
  for (const [override, path] of [
    [{ price: {} }, '[0].price'],
    [{ windows: [{ ...night, tz: 'CET' }] }, '[0].windows[0].tz'],
    [{ model: ['whisper-1', 'whisper-9'] }, '[0].model'],
  ]) {
    assert.throws(() => extend(shipped, [{ ...openai, ...override }]), { code: 'invalid_price_book', path })
  }
  for (const [override, path] of [
    [{ multiply: [{ by: -1 }] }, /\.x\[0\]\.by$/],
    [{ multiply: [{ by: 'half' }] }, /\.x\[0\]\.by$/],
    [{ prices: { input_mtok: '-1' } }, /\.input_mtok$/],
  ]) {
    assert.throws(() => new PriceBook(extend(shipped, [{ ...openai, ...override }])), { path })
  }
})
