/** What a data file can't hold: values of JavaScript, a host's own `fetch`, and a core that traps. */

/** Values of `data.v`, by the names that the fault files use. */
export const VALUES = {
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  '-Infinity': () => Number.NEGATIVE_INFINITY,
  '1e400': () => Number('1e400'),
  'the text 12': () => '12',
  'the text 1e400': () => '1e400',
  '-0': () => -0,
  '2^53 - 1': () => 2 ** 53 - 1,
  '2^53 + 1': () => 2 ** 53 + 2,
  'the text of 2^53 + 1': () => '9007199254740993',
  0.1: () => 0.1,
  5e-324: () => 5e-324,
  'a BigInt': () => 9007199254740993n,
  'a symbol': () => Symbol('s'),
  'a function': () => () => 1,
  'a Map': () => new Map([[1, 2]]),
  undefined: () => undefined,
  'a Date': () => new Date('2026-01-02T03:04:05Z'),
  'an invalid Date': () => new Date(Number.NaN),
  'a cycle': () => {
    const value = {}
    value.again = { value }
    return value
  },
  '10,000 levels': () => {
    let value = {}
    for (let i = 0; i < 10_000; i++) value = { value }
    return value
  },
  'a getter that throws': () => ({
    get tokens() {
      throw new Error('no')
    },
  }),
  'a proxy that throws': () => {
    const thrower = () => {
      throw new Error('no')
    }
    return new Proxy({}, { get: thrower, ownKeys: thrower, getPrototypeOf: thrower })
  },
  'a proxy of a list without end': () =>
    new Proxy([], {
      get: (list, key) => (key === 'length' ? 2 ** 32 - 1 : /^\d+$/.test(String(key)) ? 1 : Reflect.get(list, key)),
    }),
  'a toJSON that gives itself': () => {
    const value = { toJSON: () => value }
    return value
  },
  'a key __proto__': () => JSON.parse('{"__proto__":{"polluted":1}}'),
  'a key constructor': () => ({ constructor: { prototype: { polluted: 1 } } }),
}

/** A host's `fetch`, by the names that the fault files use. */
export const FETCHES = {
  /** Hears no signal. */
  deaf: () => (url, init) => {
    const { signal: _, ...rest } = init
    return fetch(url, rest)
  },
  /** Puts itself in the place of the platform's, as tracing does, and records what it sees. */
  tracing: (meter) => {
    const { fetch } = globalThis
    globalThis.fetch = (url, init) => {
      meter.preview('calls')
      return fetch(url, init)
    }
    return () => Object.assign(globalThis, { fetch })
  },
  /** The client's own metering `fetch` is the platform's. */
  metering: (meter) => {
    const { fetch } = globalThis
    globalThis.fetch = meter.fetch
    return () => Object.assign(globalThis, { fetch })
  },
}

let armed

/** The next call of that export of the core traps: before it has done anything, or after all. */
export function trap({ call, after = false }) {
  armed = { call, after }
}

const { Instance } = WebAssembly
WebAssembly.Instance = class {
  constructor(module, imports) {
    const { exports } = new Instance(module, imports)
    const calls = Object.entries(exports).map(([name, value]) => [name, trapping(name, value)])
    this.exports = Object.fromEntries(calls)
  }
}

function trapping(name, value) {
  if (typeof value !== 'function') return value
  return (...args) => {
    if (armed?.call !== name) return value(...args)
    const { after } = armed
    armed = undefined
    if (after) value(...args)
    throw new WebAssembly.RuntimeError('unreachable')
  }
}
