/** JSON.parse, and sums in float64 under joined texts: checks that a line is JSON, and nothing else of it. */
import { closeSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

export function create(file, meters, dedupe) {
  return () => {
    const [tokens, calls, largest] = [new Map(), new Map(), new Map()]
    const seen = dedupe && new Set()
    const take = (line) => {
      const { id, source, type, subject, time, data } = JSON.parse(line)
      if (type !== 'llm.usage') return
      if (seen) {
        const before = seen.size
        if (seen.add(`${source}-${id}`).size === before) return
      }
      const key = `${data.model}\0${data.type}`
      tokens.set(key, (tokens.get(key) ?? 0) + data.tokens)
      if (meters < 3) return
      calls.set(subject, (calls.get(subject) ?? 0) + 1)
      const hour = `${data.type}\0${Math.floor(Date.parse(time) / 3_600_000)}`
      largest.set(hour, Math.max(largest.get(hour) ?? -Infinity, data.tokens))
    }
    lines(file, take)
    const rows = (name, map) => [...map].map(([key, value]) => [name, ...key.split('\0'), value])
    return [...rows('tokens', tokens), ...rows('calls', calls), ...rows('largest', largest)]
  }
}

function lines(path, take) {
  const file = openSync(path)
  const buffer = Buffer.allocUnsafeSlow(1 << 20)
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for (;;) {
    const bytes = readSync(file, buffer)
    if (bytes === 0) break
    const text = rest + decoder.write(buffer.subarray(0, bytes))
    let from = 0
    for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
      take(text.slice(from, to))
      from = to + 1
    }
    rest = text.slice(from)
  }
  if (rest) take(rest)
  closeSync(file)
}
