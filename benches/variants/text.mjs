/** The best we can write in JavaScript, with strings: checked and written at record(), joined at flush. */
import { SOURCE } from '../lib/workload.mjs'
import { HEX2, HEX3, high, node, second } from './stamp.mjs'

/** Strings whose JSON text is remembered; beyond it they are written anew each time. */
const REMEMBERED_MAX = 4096
/** No quote, backslash or control character, and no surrogates. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/
/** The end of each millisecond's time, with what follows it. */
const AFTER_SECOND = Array.from(
  { length: 1000 },
  (_, i) => `.${String(i).padStart(3, '0')}Z","datacontenttype":"application/json"`,
)

export function create() {
  const remembered = new Map()
  const firstKeys = new Map()
  const keys = new Map()
  const afterId = `-${node()}","source":${JSON.stringify(SOURCE)},"type":`
  let counter = 0
  let idMiddle = ''
  let idHigh = -1
  let idStart = ''
  let timeSecond = -1
  let timeStart = ''
  let body = ''
  return {
    record({ type, subject, data }) {
      if (typeof type !== 'string' || type === '') throw new TypeError('type')
      if (typeof subject !== 'string' || subject === '') throw new TypeError('subject')
      const members = data === undefined ? '}' : `,"data":${object(data)}}`
      const ms = Date.now()
      const msHigh = Math.floor(ms / 65_536)
      if (msHigh !== idHigh) {
        idHigh = msHigh
        idStart = `,{"specversion":"1.0","id":"${high(ms)}-`
      }
      const low = counter & 4095
      if (low === 0) idMiddle = `-7${HEX3[(counter >> 12) & 4095]}-8`
      counter += 1
      const past = ms % 1000
      if (ms - past !== timeSecond) {
        timeSecond = ms - past
        timeStart = `,"time":"${second(ms)}`
      }
      const msLow = ms - msHigh * 65_536
      const id = idStart + HEX2[msLow >> 8] + HEX2[msLow & 255] + idMiddle + HEX3[low]
      body += `${id + afterId + quoted(type)},"subject":${quoted(subject)}${timeStart}${AFTER_SECOND[past]}${members}`
    },
    flush() {
      const taken = `[${body.slice(1)}]`
      body = ''
      return [taken]
    },
  }

  function object(data) {
    let text = ''
    for (const key in data) {
      const value = data[key]
      if (value !== undefined) text += keyText(text === '' ? firstKeys : keys, key) + valueText(value, key)
    }
    return text === '' ? '{}' : `${text}}`
  }

  function valueText(value, key) {
    switch (typeof value) {
      case 'number':
        if (Number.isInteger(value) ? !Number.isSafeInteger(value) : !Number.isFinite(value)) throw new TypeError(key)
        return value
      case 'string':
        return quoted(value)
      default:
        return JSON.stringify(value)
    }
  }

  function quoted(value) {
    const known = remembered.get(value)
    if (known !== undefined) return known
    const text = value.length < 100 && PLAIN.test(value) ? `"${value}"` : JSON.stringify(value)
    if (remembered.size < REMEMBERED_MAX) remembered.set(value, text)
    return text
  }

  function keyText(known, key) {
    let text = known.get(key)
    if (text === undefined) {
      text = `${known === firstKeys ? '{' : ','}${JSON.stringify(key)}:`
      if (known.size < REMEMBERED_MAX) known.set(key, text)
    }
    return text
  }
}
