/**
 * JSON that keeps number tokens as they are written: vectors mean `1.0`, `-0`, `1e400` and `9007199254740993` literally,
 * and JSON.parse would turn each into something else.
 */
export class Num {
  constructor(text) {
    this.text = text
  }
}

export function parse(text) {
  let at = 0
  const token = /\s*([{}[\],:]|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y
  const next = () => {
    token.lastIndex = at
    const match = token.exec(text)
    if (!match) throw new SyntaxError(`not JSON at ${at}: ${text.slice(at, at + 20)}`)
    at = token.lastIndex
    return match[1]
  }
  const value = (t) => {
    if (t === '{') {
      const object = {}
      for (let k = next(); k !== '}'; k = next()) {
        if (k === ',') k = next()
        next() // the colon
        Object.defineProperty(object, JSON.parse(k), {
          value: value(next()),
          enumerable: true,
          configurable: true,
          writable: true,
        })
      }
      return object
    }
    if (t === '[') {
      const list = []
      for (let e = next(); e !== ']'; e = next()) list.push(value(e === ',' ? next() : e))
      return list
    }
    if (t[0] === '"') return JSON.parse(t)
    if (t === 'true' || t === 'false' || t === 'null') return JSON.parse(t)
    return new Num(t)
  }
  const whole = value(next())
  if (text.slice(at).trim() !== '') throw new SyntaxError(`text after the value at ${at}`)
  return whole
}

/** The same text again, number tokens unchanged. */
export function stringify(value) {
  if (value instanceof Num) return value.text
  if (Array.isArray(value)) return `[${value.map(stringify).join(',')}]`
  if (value !== null && typeof value === 'object') {
    return `{${Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .map(([k, v]) => `${JSON.stringify(k)}:${stringify(v)}`)
      .join(',')}}`
  }
  return JSON.stringify(value)
}

/** Plain values: numbers become JavaScript's. */
export const plain = (value) => JSON.parse(stringify(value), (_, v) => v)
