import { TaximeterError } from './errors'

/**
 * What one event may have. These only keep the walk bounded: the event itself is one level and six members above its
 * `data`, and the core checks the exact limits once more, in bytes.
 */
const DEPTH_MAX = 33
const KEYS_MAX = 262
const TEXT_MAX = 32 * 1024
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Writes a value as JSON text, in one pass, and refuses whatever JSON would change or lose without a word:
 *
 * | value | written as |
 * |---|---|
 * | finite number | its shortest digits; −0 as 0; an integer beyond ±2⁵³ is refused (`unsafe_integer`): send a string |
 * | NaN, ±Infinity | refused (`not_finite`) |
 * | string | itself; a lone surrogate becomes U+FFFD |
 * | Date | its ISO text; an invalid one is refused |
 * | object with `toJSON` | what `toJSON` gives, checked like any value |
 * | member that is `undefined` | left out |
 * | BigInt, function, symbol, Map, Set, buffer, promise, `undefined` in a list | refused (`unsupported_value`) |
 * | cycle, depth over 32, over 256 members | refused (`cyclic`, `event_too_deep`, `too_many_keys`) |
 *
 * The text is a snapshot: a later change of the object changes no bill.
 */
export function jsonText(value: unknown): string {
  return write(value, { keys: 0, length: 0, above: [] })
}

/**
 * JSON text of prices and settings: as {@link jsonText} without the bounds of an event, and a bigint is its digits. What
 * JSON would turn into null without a word (NaN, Infinity) is refused, for null is "not set".
 */
export function dataText(value: unknown): string {
  return write(value, { keys: -Infinity, length: -Infinity, above: [], bigints: true })
}

interface Walk {
  keys: number
  length: number
  /** Whether a bigint is its digits. */
  bigints?: true
  /** The objects around the present one, outermost first: what a cycle would run through. */
  above: object[]
}

function write(value: unknown, walk: Walk): string {
  switch (typeof value) {
    case 'string':
      walk.length += value.length
      if (walk.length > TEXT_MAX) throw new TaximeterError('event_too_large', 'the event is larger than 32 KiB')
      return JSON.stringify(value.replace(/\p{Surrogate}/gu, '\ufffd'))
    case 'number':
      if (!Number.isFinite(value)) {
        throw new TaximeterError('not_finite', `${value} is not a finite number`, { help: 'check the quantity' })
      }
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
        throw new TaximeterError('unsafe_integer', 'an integer beyond ±(2^53 - 1) has lost digits already', {
          help: 'send it as a string of digits',
        })
      }
      return Object.is(value, -0) ? '0' : String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      return value === null ? 'null' : writeObject(value, walk)
    case 'bigint':
      if (walk.bigints) return `"${value}"`
      throw unsupported('a BigInt', 'send it as a string of digits')
    default:
      throw unsupported(value === undefined ? 'undefined in a list' : `a ${typeof value}`)
  }
}

function writeObject(value: object, walk: Walk): string {
  if (walk.above.includes(value)) throw new TaximeterError('cyclic', 'the object contains itself')
  if (walk.above.length >= DEPTH_MAX) {
    throw new TaximeterError('event_too_deep', `the event is nested more than ${DEPTH_MAX} levels deep`)
  }
  walk.above.push(value)
  try {
    const toJSON = guarded(() => (value as { toJSON?: unknown }).toJSON)
    if (typeof toJSON === 'function') {
      const plain = guarded(() => toJSON.call(value))
      // An invalid Date gives null, and null is not the time that was meant.
      if (plain === null && value instanceof Date) throw unsupported('an invalid Date')
      return write(plain, walk)
    }
    if (guarded(() => Array.isArray(value))) return writeArray(value as unknown[], walk)
    const tag = guarded(() => Object.prototype.toString.call(value))
    if (tag !== '[object Object]') throw unsupported(`a ${tag.slice(8, -1)}`, 'send plain objects, numbers and strings')
    return writeMembers(value as Record<string, unknown>, walk)
  } finally {
    walk.above.pop()
  }
}

function writeArray(list: unknown[], walk: Walk): string {
  const parts: string[] = []
  const length = guarded(() => list.length)
  for (let i = 0; i < length; i++) {
    count(walk)
    parts.push(
      below(`[${i}]`, () =>
        write(
          guarded(() => list[i]),
          walk,
        ),
      ),
    )
  }
  return `[${parts.join(',')}]`
}

function writeMembers(object: Record<string, unknown>, walk: Walk): string {
  const parts: string[] = []
  for (const key of guarded(() => Object.keys(object))) {
    if (FORBIDDEN.has(key)) {
      throw new TaximeterError('forbidden_key', 'this key could change the prototype of whoever reads the event', {
        path: key,
      })
    }
    below(key, () => {
      const value = guarded(() => object[key])
      if (value === undefined) return
      count(walk)
      walk.length += key.length
      parts.push(`${JSON.stringify(key.replace(/\p{Surrogate}/gu, '\ufffd'))}:${write(value, walk)}`)
    })
  }
  return `{${parts.join(',')}}`
}

function count(walk: Walk): void {
  walk.keys += 1
  if (walk.keys > KEYS_MAX) throw new TaximeterError('too_many_keys', `the event has more than ${KEYS_MAX} members`)
}

function below<T>(part: string, fn: () => T): T {
  try {
    return fn()
  } catch (error) {
    throw error instanceof TaximeterError ? error.at(part) : error
  }
}

/** Getters, proxies and `toJSON` are the user's code: whatever they throw is an unusable value, not our failure. */
function guarded<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new TaximeterError('unsupported_value', 'reading the value threw', { cause })
  }
}

function unsupported(what: string, help?: string): TaximeterError {
  return new TaximeterError(
    'unsupported_value',
    `${what} cannot be written as JSON`,
    help === undefined ? {} : { help },
  )
}
