/** The best we can write in JavaScript, with bytes: remembered pieces copied into one buffer, sliced at flush. */
import { SOURCE } from '../lib/workload.mjs'
import { HEX3, high, node, second } from './stamp.mjs'

/** Strings whose bytes are remembered; beyond it they are encoded anew each time. */
const REMEMBERED_MAX = 4096
/** Below this, a loop is cheaper than a call. */
const LOOP_MAX = 48
const HEX = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
const encoder = new TextEncoder()

export function create() {
  const remembered = new Map()
  const firstKeys = new Map()
  const keys = new Map()
  const idAt = ',{"specversion":"1.0","id":"'.length
  const millisAt = ',"time":"2026-11-21T02:00:00.'.length
  const beforeSubject = encoder.encode(',"subject":')
  const ourNode = node()
  let head = new Uint8Array(0)
  let time = new Uint8Array(0)
  let idHigh = -1
  let timeSecond = -1
  let counter = 0
  let buffer = new Uint8Array(1 << 16)
  let end = 0
  return {
    record({ type, subject, data }) {
      if (typeof type !== 'string' || type === '') throw new TypeError('type')
      if (typeof subject !== 'string' || subject === '') throw new TypeError('subject')
      const before = end
      try {
        const ms = Date.now()
        id(ms)
        string(type)
        put(beforeSubject)
        string(subject)
        timeOf(ms)
        if (data === undefined) end -= ',"data":'.length
        else object(data)
        byte(0x7d)
      } catch (error) {
        end = before
        throw error
      }
    },
    flush() {
      byte(0x5d)
      buffer[0] = 0x5b
      const body = buffer.slice(0, end)
      end = 0
      return [body]
    },
  }

  /** Everything before the type. Of the id only the digits that change are written anew. */
  function id(ms) {
    const msHigh = Math.floor(ms / 65_536)
    if (msHigh !== idHigh || (counter & 4095) === 0) {
      idHigh = msHigh
      const known = `${high(ms)}-0000-7${HEX3[(counter >> 12) & 4095]}-8000-${ourNode}`
      head = encoder.encode(`,{"specversion":"1.0","id":"${known}","source":${JSON.stringify(SOURCE)},"type":`)
    }
    const at = end + idAt
    put(head)
    const low = ms - msHigh * 65_536
    buffer[at + 9] = HEX[low >> 12]
    buffer[at + 10] = HEX[(low >> 8) & 15]
    buffer[at + 11] = HEX[(low >> 4) & 15]
    buffer[at + 12] = HEX[low & 15]
    buffer[at + 20] = HEX[(counter >> 8) & 15]
    buffer[at + 21] = HEX[(counter >> 4) & 15]
    buffer[at + 22] = HEX[counter & 15]
    counter += 1
  }

  /** The time and what is the same behind it. */
  function timeOf(ms) {
    const past = ms % 1000
    if (ms - past !== timeSecond) {
      timeSecond = ms - past
      time = encoder.encode(`,"time":"${second(ms)}.000Z","datacontenttype":"application/json","data":`)
    }
    const at = end + millisAt
    put(time)
    const tens = Math.floor(past / 10)
    const hundreds = Math.floor(past / 100)
    buffer[at] = 0x30 + hundreds
    buffer[at + 1] = 0x30 + tens - hundreds * 10
    buffer[at + 2] = 0x30 + past - tens * 10
  }

  function object(data) {
    let isFirst = true
    for (const key in data) {
      const value = data[key]
      if (value === undefined) continue
      const known = isFirst ? firstKeys : keys
      put(known.get(key) ?? newKey(known, key))
      isFirst = false
      if (typeof value === 'string') string(value)
      else if (typeof value === 'number') number(value, key)
      else put(encoder.encode(JSON.stringify(value)))
    }
    if (isFirst) byte(0x7b)
    byte(0x7d)
  }

  function number(value, key) {
    if (value >>> 0 === value) return digits(value)
    if (Number.isInteger(value) ? !Number.isSafeInteger(value) : !Number.isFinite(value)) throw new TypeError(key)
    put(encoder.encode(String(value)))
  }

  function digits(value) {
    reserve(10)
    let length = 1
    for (let bound = 10; value >= bound; bound *= 10) length += 1
    let rest = value
    for (let at = end + length - 1; at >= end; at--) {
      const tenth = Math.floor(rest / 10)
      buffer[at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    end += length
  }

  function string(value) {
    const known = remembered.get(value)
    if (known !== undefined) return put(known)
    if (remembered.size < REMEMBERED_MAX) {
      const bytes = encoder.encode(JSON.stringify(value))
      remembered.set(value, bytes)
      return put(bytes)
    }
    if (!ascii(value)) put(encoder.encode(JSON.stringify(value)))
  }

  /** Writes a short string without escapes; tells whether it was one. */
  function ascii(value) {
    const { length } = value
    if (length > 100) return false
    reserve(length + 2)
    let at = end
    buffer[at++] = 0x22
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i)
      if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return false
      buffer[at++] = unit
    }
    buffer[at++] = 0x22
    end = at
    return true
  }

  function newKey(known, key) {
    const bytes = encoder.encode(`${known === firstKeys ? '{' : ','}${JSON.stringify(key)}:`)
    if (known.size < REMEMBERED_MAX) known.set(key, bytes)
    return bytes
  }

  function put(bytes) {
    const { length } = bytes
    reserve(length)
    if (length < LOOP_MAX) for (let i = 0; i < length; i++) buffer[end + i] = bytes[i]
    else buffer.set(bytes, end)
    end += length
  }

  function byte(value) {
    reserve(1)
    buffer[end++] = value
  }

  function reserve(more) {
    if (end + more <= buffer.length) return
    const larger = new Uint8Array(Math.max(buffer.length * 2, end + more))
    larger.set(buffer)
    buffer = larger
  }
}
