import type { QuarantinedEvent } from '../types'
import type { Segment } from './segment'
import { LENGTH_MAX, type Texts } from './texts'

/** Kinds of a member's value; they stand above the key's 28 bits. */
export const TEXT = 0
export const WHOLE = 1 << 28
export const NUMBER = 2 << 28
export const PLAIN = 3 << 28
export const ESCAPED = 4 << 28
const KINDS = 7 << 28

/** Set in the word of a subject that lies in the raw bytes, above its offset and the 11 bits of its length. */
export const RAW_SUBJECT = 1 << 31

/** Members of one event: far above the usual, so that an event's words always fit into what is left. */
const MEMBERS_MAX = 64
export const EVENT_WORDS_MAX = 3 + 2 * MEMBERS_MAX
/** Instead of a number of members. */
export const NO_DATA = 255
/** Places of the core's report in front of the events'. */
export const TOLD = 7

/** Where the core keeps the places for packed events. */
export interface Places {
  words: number
  raw: number
  report: number
  wordsMax: number
  rawMax: number
  eventsMax: number
  /** An event's bytes beside its strings and numbers. */
  frameBytes: number
  /** 0: no event may be packed. */
  eventBytesMax: number
  /** What the vendor takes as it is; the core judges the rest: members, UTF-16 units of a key and of a string, `null`. */
  membersMax: number
  keyMax: number
  stringMax: number
  takesNull: 0 | 1
}

/** The places as the core tells them, with our own bounds where they are narrower. */
export function placesOf(told: string): Places {
  const places: Places = JSON.parse(told)
  return {
    ...places,
    membersMax: Math.min(places.membersMax, MEMBERS_MAX),
    stringMax: Math.min(places.stringMax, LENGTH_MAX),
  }
}

/** Where the words of the event end that begin there. */
export function endOf(words: Uint32Array, at: number): number {
  const members = (words[at] as number) >>> 24
  return at + 3 + (members === NO_DATA ? 0 : 2 * members)
}

/** A packed event as it is put aside; `index` is its place in the segment. */
export function unpack(
  words: Uint32Array,
  at: number,
  raw: Uint8Array,
  texts: Texts,
  segment: Segment,
  index: number,
): QuarantinedEvent {
  const [head = 0, subject = 0, ms = 0] = words.slice(at, at + 3)
  const members: [string, unknown][] = []
  for (let i = at + 3; i < endOf(words, at); i += 2) {
    const key = words[i] as number
    members.push([texts.get(key & 0xfff_ffff), value(key & KINDS, words[i + 1] as number, raw, texts)])
  }
  const id = segment.id(index, ms)
  return {
    id,
    code: 'core_trapped',
    event: JSON.stringify({
      id,
      type: texts.get(head & 0xff_ffff),
      subject: subject >>> 31 ? textAt(raw, (subject >>> 11) & 0xf_ffff, subject & 0x7ff) : texts.get(subject),
      time: new Date(segment.baseMs + ms).toISOString(),
      data: Object.fromEntries(members),
    }),
  }
}

const LITERALS = [null, true, false]

function value(kind: number, word: number, raw: Uint8Array, texts: Texts): unknown {
  if (kind === TEXT) return word < LITERALS.length ? LITERALS[word] : texts.get(word)
  if (kind === WHOLE) return word
  const text = textAt(raw, word >>> 12, word & 0xfff)
  return kind === NUMBER ? Number(text) : text
}

function textAt(raw: Uint8Array, start: number, length: number): string {
  return new TextDecoder().decode(raw.slice(start, start + length))
}

/** Writes a string of ASCII that needs no escape; gives how far it came. */
export function putPlain(raw: Uint8Array, at: number, text: string): number {
  let i = 0
  for (; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) break
    raw[at + i] = unit
  }
  return i
}
