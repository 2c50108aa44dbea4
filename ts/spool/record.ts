import { type Entry, State } from './journal'

/**
 * An entry as a line: the format's version, the checksum of what follows, the entry's kind and its parts. An event's
 * bytes stand last, as they are: JSON text has no line end in it.
 *
 *     1 8d0f12aa event 17 1795226400250 "01a1fbd4-…" {"specversion":"1.0",…}
 *     1 07c4be10 settled 1 17
 *
 * Lines rather than lengths: behind a record that is torn or changed, the next one is found.
 */
const VERSION = '1'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const BLANK = 0x20
const LINE_END = 0x0a

/** The first record of a spool: whose events they are. */
export interface Header {
  do: 'sink'
  sink: string
}

export function encode(entries: (Entry | Header)[]): Uint8Array {
  const lines = entries.map((entry) => {
    const [text, bytes] = parts(entry)
    const head = encoder.encode(`${text}${bytes ? ' ' : ''}`)
    const rest = bytes ? join([head, bytes]) : head
    return join([encoder.encode(`${VERSION} ${hex(crc32(rest))} `), rest, Uint8Array.of(LINE_END)])
  })
  return join(lines)
}

function parts(entry: Entry | Header): [string, Uint8Array?] {
  switch (entry.do) {
    case 'event':
      return [`event ${entry.seq} ${entry.timeMs} ${JSON.stringify(entry.id)}`, entry.bytes]
    case 'sent':
    case 'ambiguous':
      return [`${entry.do} ${entry.at} ${Array.from(entry.seqs).join(' ')}`]
    case 'returned':
    case 'settled':
      return [`${entry.do} ${Array.from(entry.seqs).join(' ')}`]
    default: {
      const { do: kind, ...rest } = entry
      return [`${kind} ${JSON.stringify(rest)}`]
    }
  }
}

/** What a spool's bytes hold. */
export interface Decoded {
  entries: (Entry | Header)[]
  /** Lines of a version that is not known here: left alone. */
  foreign: Uint8Array[]
  /** Records that were torn or changed. */
  corrupt: number
}

export function decode(bytes: Uint8Array): Decoded {
  const decoded: Decoded = { entries: [], foreign: [], corrupt: 0 }
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(LINE_END, from)
    const line = bytes.subarray(from, end < 0 ? bytes.length : end)
    from = end < 0 ? bytes.length : end + 1
    const entry = end < 0 ? undefined : decodeLine(line)
    if (entry === 'foreign') decoded.foreign.push(bytes.slice(from - line.length - 1, from))
    else if (entry === undefined) decoded.corrupt += line.length > 0 ? 1 : 0
    else decoded.entries.push(entry)
  }
  return decoded
}

/** What entries come to. */
export function fold(entries: (Entry | Header)[]): State {
  const state = new State()
  for (const entry of entries) if (entry.do !== 'sink') state.apply(entry)
  return state
}

function decodeLine(line: Uint8Array): Entry | Header | 'foreign' | undefined {
  const [, version, sum] = /^(\d+) ([0-9a-f]{8}) /.exec(decoder.decode(line.subarray(0, 24))) ?? []
  if (version === undefined || sum === undefined) return undefined
  if (version !== VERSION) return 'foreign'
  const rest = line.subarray(version.length + sum.length + 2)
  if (hex(crc32(rest)) !== sum) return undefined
  try {
    return parse(rest)
  } catch {
    return undefined
  }
}

/** Its checksum is right: so it was written so. */
function parse(rest: Uint8Array): Entry | Header | undefined {
  const kindEnd = rest.indexOf(BLANK)
  const kind = decoder.decode(rest.subarray(0, kindEnd))
  const body = rest.subarray(kindEnd + 1)
  if (kind === 'event') return parseEvent(body)
  const text = decoder.decode(body)
  const numbers = text.split(' ').map(Number)
  switch (kind) {
    case 'sent':
    case 'ambiguous':
      return { do: kind, at: numbers[0] as number, seqs: numbers.slice(1) }
    case 'returned':
    case 'settled':
      return { do: kind, seqs: numbers }
    case 'sink':
    case 'quarantined':
    case 'released':
      return { ...JSON.parse(text), do: kind }
    default:
      return undefined
  }
}

function parseEvent(body: Uint8Array): Entry | undefined {
  // An id has at most 1,024 bytes, and six of text for each.
  const head = decoder.decode(body.subarray(0, 8192))
  const [found, seq, timeMs, id] = /^(\d+) (-?\d+) ("(?:[^"\\]|\\.)*") /.exec(head) ?? []
  if (found === undefined || id === undefined) return undefined
  const bytes = body.slice(encoder.encode(found).length)
  return { do: 'event', seq: Number(seq), timeMs: Number(timeMs), id: JSON.parse(id), bytes }
}

/** Bytes in one piece. */
export function join(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const hex = (n: number): string => n.toString(16).padStart(8, '0')

let table: Uint32Array | undefined

/** CRC-32 as in zip and gzip. (Node's own is younger than the oldest Node that is served.) */
export function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
    return c
  })
  let sum = ~0
  for (const byte of bytes) sum = (sum >>> 8) ^ (table[(sum ^ byte) & 0xff] as number)
  return ~sum >>> 0
}
