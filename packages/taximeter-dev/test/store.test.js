import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startDevServer } from '../src/index.js'
import { elements, members } from '../src/slice.js'
import { engine } from './engine.js'
import { batch, event, serve } from './helpers.js'

const folder = mkdtempSync(join(tmpdir(), 'taximeter-dev-'))
after(() => rmSync(folder, { recursive: true }))

test('a file keeps events, their ids and meters over a restart', async () => {
  const file = join(folder, 'kept.db')
  const first = await serve({ file, meters: [{ slug: 'calls', eventType: 'call', aggregation: 'COUNT' }] })
  const data = '{"v":9007199254740993,"w":"0.10","x":1.0}'
  await first.post(batch(event('1', data)))
  await first.server.close()
  assert.deepEqual(readdirSync(folder), ['kept.db'])

  const second = await serve({ file })
  await second.post(batch(event('1', '{}'), event('2')))
  assert.deepEqual(
    second.server.events().map(({ id, data }) => [id, data]),
    [
      ['1', data],
      ['2', '{"tokens":1284}'],
    ],
  )
  assert.deepEqual(
    (await (await second.get('/api/v1/meters')).json()).map(({ slug }) => slug),
    ['calls'],
  )
  await assert.rejects(startDevServer({ engine, file }), /locked.*delete .*kept\.db\.lock/s)
  await second.server.close()
})

test('after kill -9 in the middle of a transaction the file opens with what was committed', async () => {
  const file = join(folder, 'killed.db')
  const script = `
    import { Store } from ${JSON.stringify(new URL('../src/store.js', import.meta.url).href)}
    const store = new Store(${JSON.stringify(file)}, 1e6)
    const event = (id) => ({ id, source: 's', type: 't', subject: 'u', time: '2026-11-21T02:00:00Z', data: '{"v":"' + 'x'.repeat(4000) + '"}', dedupe: true })
    store.add(Array.from({ length: 100 }, (_, i) => event('a' + i)), 0)
    const more = Array.from({ length: 2000 }, (_, i) => event('b' + i))
    Object.defineProperty(more[1999], 'id', { get: () => process.kill(process.pid, 'SIGKILL') })
    store.add(more, 0)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL'])
  assert.ok(existsSync(`${file}.lock`))

  const { server } = await serve({ file })
  assert.equal(server.events().length, 100)
  assert.deepEqual(
    server.events().map(({ id }) => id),
    Array.from({ length: 100 }, (_, i) => `a${i}`),
  )
})

test('a lock of another machine, or of nobody known, is left alone', async () => {
  const file = join(folder, 'foreign.db')
  mkdirSync(`${file}.lock`)
  await assert.rejects(startDevServer({ engine, file }), /delete .*foreign\.db\.lock/)
  writeFileSync(`${file}.pid`, `${2 ** 30} elsewhere.example`)
  await assert.rejects(startDevServer({ engine, file }), /delete .*foreign\.db\.lock/)
  rmSync(`${file}.lock`, { recursive: true })
  await (await serve({ file })).server.close()
})

test('beyond the limit the oldest events make room, visibly', async () => {
  const { server, post, get } = await serve({ eventsMax: 3 })
  const first = await post(batch(event('1'), event('2')))
  assert.equal(first.headers.get('taximeter-evicted'), null)
  await post(batch(event('3'), event('4'), event('5')))
  assert.deepEqual(
    server.events().map(({ id }) => id),
    ['3', '4', '5'],
  )
  const { events, stored, evicted } = server.stats()
  assert.deepEqual({ events, stored, evicted }, { events: 3, stored: 5, evicted: 2 })
  assert.equal((await get('/api/v1/meters')).headers.get('taximeter-evicted'), '2')
  assert.match(await (await get('/')).text(), /2 older ones made room/)
  await post(batch(event('6'), event('7'), event('8'), event('9')))
  assert.deepEqual(
    server.events().map(({ id }) => id),
    ['7', '8', '9'],
  )
})

test('options are checked', async () => {
  await assert.rejects(startDevServer({ engine, prot: 1 }), /no option "prot"/)
  for (const eventsMax of [0, -1, 1.5, Number.NaN])
    await assert.rejects(startDevServer({ engine, eventsMax }), /eventsMax/)
  await assert.rejects(startDevServer({ engine, meters: [{ slug: 'x' }] }), { code: 'meter_invalid' })
  await assert.rejects(
    startDevServer({ engine, file: join(folder, 'no', 'such', 'folder.db') }),
    /cannot open .*folder\.db/,
  )
})

test('slices of any JSON are its parts as written', () => {
  const parts = [
    '1.0',
    '-0',
    '9007199254740993',
    '1E+2',
    '""',
    '"a,]}\\"\\\\"',
    '"\\u005d"',
    'true',
    'null',
    '[]',
    '{}',
    '[ [1 ] ,{"]":"["}]',
    '{ "a" : [ 1 , "}" ] }',
  ]
  for (const blank of ['', ' ', '\n\t\r ']) {
    const array = `${blank}[${blank}${parts.join(`${blank},${blank}`)}${blank}]${blank}`
    assert.deepEqual(elements(array), parts)
    assert.equal(JSON.parse(array).length, parts.length)
    const object = `${blank}{${blank}${parts.map((part, i) => `"k\\u003${i % 10}${i}"${blank}:${blank}${part}`).join(`${blank},${blank}`)}${blank}}`
    assert.deepEqual(
      [...members(object)],
      parts.map((part, i) => [`k${i % 10}${i}`, part]),
    )
    assert.deepEqual(elements(`${blank}[${blank}]`), [])
    assert.deepEqual([...members(`${blank}{${blank}}`)], [])
  }
  assert.equal(members('{"a":1,"b":2,"\\u0061":3.0}').get('a'), '3.0')
  assert.equal(members('{"__proto__":1}').get('__proto__'), '1')
})
