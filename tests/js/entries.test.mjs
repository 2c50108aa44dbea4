import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import test from 'node:test'
import { runInNewContext } from 'node:vm'

const dist = new URL('../../dist/', import.meta.url)
const wasm = readFileSync(new URL('core.wasm', dist))
const slim = (query) => import(`${dist}slim.js?${query}`)

test('every entry exports the same names', async () => {
  const inline = Object.keys(await import('taximeter')).sort()
  const slimNames = Object.keys(await slim('names')).sort()
  assert.deepEqual(
    slimNames.filter((name) => !['init', 'initSync'].includes(name)),
    inline,
  )
  const exportedBy = (file) => {
    const [, names] = readFileSync(new URL(file, dist), 'utf8').match(/export\{([^{}]*)\};?\s*$/)
    return names
      .split(',')
      .map((name) => name.split(' as ').at(-1))
      .sort()
  }
  assert.deepEqual(exportedBy('workerd.js'), inline)
  assert.deepEqual(exportedBy('edge-light.js'), inline)
  const require = createRequire(import.meta.url)
  assert.deepEqual(Object.keys(require('taximeter')).sort(), inline)
  assert.deepEqual(Object.keys(require('taximeter/slim')).sort(), slimNames)
})

test('the edge entries import their WebAssembly and hold none', () => {
  assert.match(readFileSync(new URL('workerd.js', dist), 'utf8'), /from"\.\/core\.wasm"/)
  assert.match(readFileSync(new URL('edge-light.js', dist), 'utf8'), /from"\.\/core\.wasm\?module"/)
})

test('every way of the base64 decoder gives the same bytes', async () => {
  const { internals } = await import('./internals.mjs')
  const { decodeBase64 } = await internals('entry/base64')
  const text = wasm.toString('base64')
  const { Buffer, atob } = globalThis
  const own = Object.getOwnPropertyDescriptor(Uint8Array, 'fromBase64')
  const decoders = { fromBase64: 0, from: 0, atob: 0 }
  try {
    Uint8Array.fromBase64 = (given) => {
      decoders.fromBase64 += 1
      return new Uint8Array(Buffer.from(given, 'base64'))
    }
    assert.ok(wasm.equals(decodeBase64(text)))
    Uint8Array.fromBase64 = undefined
    globalThis.Buffer = {
      from(given, encoding) {
        decoders.from += 1
        return Buffer.from(given, encoding)
      },
    }
    assert.ok(wasm.equals(decodeBase64(text)))
    globalThis.Buffer = undefined
    globalThis.atob = (given) => {
      decoders.atob += 1
      return atob(given)
    }
    assert.ok(wasm.equals(decodeBase64(text)))
  } finally {
    delete Uint8Array.fromBase64
    if (own) Object.defineProperty(Uint8Array, 'fromBase64', own)
    Object.assign(globalThis, { Buffer, atob })
  }
  assert.deepEqual(decoders, { fromBase64: 1, from: 1, atob: 1 })
})

test('slim: a call before init says what to do', async () => {
  const { version, ready } = await slim('before')
  assert.throws(version, { code: 'core_not_loaded', help: /init/ })
  await assert.rejects(ready(), { code: 'core_not_loaded' })
})

const response = () => new Response(wasm, { headers: { 'content-type': 'application/wasm' } })
const address = `data:application/wasm;base64,${wasm.toString('base64')}`
const sources = {
  bytes: () => wasm,
  'an ArrayBuffer': () => Uint8Array.from(wasm).buffer,
  'a module': () => new WebAssembly.Module(wasm),
  "another realm's module": () => runInNewContext('new WebAssembly.Module(bytes)', { bytes: wasm }),
  'a response': response,
  'a promise of a response': () => Promise.resolve(response()),
  'a promise of a module': () => WebAssembly.compile(wasm),
  'a URL': () => new URL(address),
  'the text of a URL': () => address,
  'a request': () => new Request(address),
}
for (const [name, source] of Object.entries(sources)) {
  test(`slim: init with ${name}`, async () => {
    const { init, version } = await slim(name)
    await init(source())
    await init(source())
    assert.match(version(), /^\d/)
  })
}

test('slim: initSync with bytes and with a module', async () => {
  for (const [index, source] of [wasm, new WebAssembly.Module(wasm)].entries()) {
    const { initSync, ready, version } = await slim(`sync ${index}`)
    initSync(source)
    await ready()
    assert.match(version(), /^\d/)
  }
})

test('slim: a refused download is told as such', async () => {
  const { init } = await slim('refused')
  await assert.rejects(init(new Response('', { status: 404 })), { code: 'core_not_loaded', message: /404/ })
})

test('a sink of one entry serves a client of another', async () => {
  const [plain, full] = [await import('taximeter'), await import('taximeter/full')]
  for (const [from, to] of [
    [plain, full],
    [full, plain],
  ]) {
    const sink = from.memory()
    const other = from.custom({ send: async () => {} })
    const meter = new to.Taximeter({ source: 'test', sink: to.tee([sink, other]) })
    meter.record({ type: 't', subject: 'c' })
    assert.deepEqual({ ...(await meter.close()) }, { delivered: 2, pending: 0, quarantined: 0, dropped: 0 })
    assert.equal(sink.events.length, 1)
    const sent = []
    const fetch = async (_url, { headers, body }) => {
      sent.push([headers.authorization, JSON.parse(await new Response(body).text()).length])
      return new Response(null, { status: 204 })
    }
    const openmeter = from.openmeter({ url: 'http://127.0.0.1:1', token: 'key' })
    const client = new to.Taximeter({ source: 'test', sink: openmeter, fetch })
    client.record({ type: 't', subject: 'c' })
    assert.equal((await client.close()).delivered, 1)
    assert.deepEqual(sent, [['Bearer key', 1]])
  }
})
