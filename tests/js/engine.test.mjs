import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { runInNewContext } from 'node:vm'
import { internals } from './internals.mjs'

const wasm = readFileSync(new URL('../../pkg/core.wasm', import.meta.url))
const sync = () => new WebAssembly.Module(wasm)

/** A fresh engine that has not started. */
const engineWith = async (loader) => {
  const engine = await internals('engine', 'errors')
  engine.setLoader(loader)
  return engine
}

const SETTINGS = JSON.stringify({ source: 'test', sink: { kind: 'openmeter', url: 'http://127.0.0.1:1' } })

test('nothing is compiled before the first call, and once is enough', async () => {
  let compiled = 0
  const engine = await engineWith({
    sync() {
      compiled += 1
      return sync()
    },
  })
  assert.equal(compiled, 0)
  assert.match(engine.version(), /^\d+\.\d+\.\d+/)
  engine.version()
  await engine.ready()
  assert.equal(compiled, 1)
})

test('ready() compiles once without blocking, and tries again after a failure', async () => {
  let tries = 0
  const engine = await engineWith({
    sync: () => assert.fail('compiled synchronously'),
    async async() {
      tries += 1
      if (tries === 1) throw new Error('no network')
      return sync()
    },
  })
  await assert.rejects(engine.ready(), { code: 'core_unavailable', message: /no network/ })
  await Promise.all([engine.ready(), engine.ready()])
  assert.equal(tries, 2)
  assert.match(engine.version(), /^\d/)
})

test('a call during ready() starts the core; ready() leaves it alone', async () => {
  const engine = await engineWith({ sync, async: async () => sync() })
  const pending = engine.ready()
  const core = engine.newCore(SETTINGS)
  await pending
  assert.equal(typeof engine.enter(() => core.request()), 'string')
})

test('where WebAssembly is barred the first call says so', async () => {
  const engine = await engineWith({
    sync() {
      throw new WebAssembly.CompileError('Wasm code generation disallowed by embedder')
    },
  })
  assert.throws(() => engine.version(), { code: 'core_unavailable', message: /disallowed/, help: /wasm-unsafe-eval/ })
})

test('out of memory is a trap: the next call finds a fresh core', async () => {
  const engine = await engineWith({ sync })
  const core = engine.newCore(SETTINGS)
  // More than the memory's maximum: the allocator gives up, for real.
  const tooLong = 'x'.repeat(65 << 20)
  assert.throws(() => engine.enter(() => engine.previewCore(tooLong, [])), {
    code: 'core_trapped',
    name: 'TaximeterError',
  })
  assert.equal(engine.generation(), 1)
  assert.match(engine.version(), /^\d/)
  assert.throws(() => engine.enter(() => core.request()), /stale/)
  assert.equal(engine.generation(), 1, 'a stale object is no trap')
})

test('an exhausted stack is a trap, whatever was borrowed then', async () => {
  const engine = await engineWith({ sync })
  const deeper = () => engine.enter(() => [engine.version(), deeper()])
  assert.throws(deeper, { code: 'core_trapped' })
  assert.ok(engine.generation() >= 1)
  assert.match(engine.version(), /^\d/)
})

test('a trap is known by its name in any realm', async () => {
  const engine = await engineWith({ sync })
  const thrown = ['new WebAssembly.RuntimeError("unreachable")', 'new RangeError("Maximum call stack size exceeded")']
  for (const [count, source] of thrown.entries()) {
    const cause = runInNewContext(source)
    const fail = () => {
      throw cause
    }
    assert.throws(() => engine.enter(fail), { code: 'core_trapped', cause })
    assert.equal(engine.generation(), count + 1)
  }
})

test('what the core refuses is typed; what is not ours passes as it is', async () => {
  const engine = await engineWith({ sync })
  const refuse = () => {
    throw '{"code":"some_code","message":"wrong","path":"a.b","help":"mend it","http":400}'
  }
  const refusal = {
    name: 'TaximeterError',
    code: 'some_code',
    message: 'wrong',
    path: 'a.b',
    help: 'mend it',
    http: 400,
  }
  assert.throws(() => engine.enter(refuse), refusal)
  const foreign = new TypeError('not a function')
  const fail = () => {
    throw foreign
  }
  assert.throws(
    () => engine.enter(fail),
    (error) => error === foreign,
  )
  assert.equal(engine.generation(), 0)
})

test('a reset that fails is tried again at the next call', async () => {
  const engine = await engineWith({ sync })
  engine.version()
  const { Instance } = WebAssembly
  const trap = () => {
    throw new WebAssembly.RuntimeError('unreachable')
  }
  WebAssembly.Instance = class {
    constructor() {
      throw new RangeError('could not allocate memory')
    }
  }
  try {
    assert.throws(() => engine.enter(trap), { code: 'core_unavailable', message: /could not allocate/ })
    assert.throws(() => engine.version(), { code: 'core_unavailable' })
  } finally {
    WebAssembly.Instance = Instance
  }
  assert.match(engine.version(), /^\d/)
  assert.equal(engine.generation(), 1)
})
