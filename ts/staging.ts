import type { CoreHandle } from './core'
import { type Core, linearMemory } from './engine'
import { encoder, type Piece } from './kept'
import { now, type Outbox } from './outbox'
import type { QuarantinedEvent, Recorded, UsageEvent } from './types'

/** What a text is for, as the core counts it. */
const VALUE = 0
const KEY = 1
const TYPE = 2
const SUBJECT = 3
/** Kinds of a member's value; they stand above the key's 28 bits. */
const TEXT = 0
const WHOLE = 1 << 28
const NUMBER = 2 << 28
const PLAIN = 3 << 28
const ESCAPED = 4 << 28

/** Members of one event: far above the usual, so that an event's words always fit into what is left. */
const MEMBERS_MAX = 64
const EVENT_WORDS_MAX = 3 + 2 * MEMBERS_MAX
const NO_DATA = 255
/** UTF-16 units of a string that is packed: longer ones are rare, and 12 bits have to hold the bytes. */
const LENGTH_MAX = 1024
/** At the end of the raw bytes: where a text is put that is to have a number. */
const SCRATCH_BYTES = 3 * LENGTH_MAX
/** Numbered texts, and their bytes. Beyond it all are forgotten, so that subjects without end need no memory. */
const TEXTS_MAX = 4096
const TEXT_BYTES_MAX = 128 * 1024
/** Bytes that a drain writes at most, unless one event has more. */
const DRAINED_BYTES_MAX = 64 * 1024
/** Ends and times of drained events that share a buffer. */
const DRAINED_NUMBERS = 2048
/** The longest number's text is 25 bytes. */
const NUMBER_BYTES = 25
/** A key whose strings are mostly new after so many of them has them written as they are. */
const MISSES_MAX = 64
/** Texts below have fixed numbers. */
const FIRST_TEXT = 3
/** Places of the core's report in front of the events'. */
const TOLD = 6

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped
const NEEDS_ESCAPE = /["\\\x00-\x1f]/

/** Where the core keeps the places for packed events. */
interface Places {
  words: number
  raw: number
  report: number
  wordsMax: number
  rawMax: number
  eventsMax: number
  /** An event's bytes beside its strings and numbers. */
  frameBytes: number
  /** 0: the sink has to see each event. */
  eventBytesMax: number
}

/** A text that has a number. */
interface Text {
  readonly text: string
  readonly number: number
  /** Bytes at most in an event. */
  readonly bytes: number
}

interface Key extends Text {
  strings: number
  misses: number
  /** Its strings are mostly new: they get no numbers. */
  raw: boolean
}

/** What the ids of events are made of that are drained together: drawn at the first one, so that no copy repeats it. */
class Segment {
  readonly baseMs: number
  readonly node: number
  readonly counter: number

  constructor(baseMs: number) {
    this.baseMs = baseMs
    const [node = 0, low = 0, high = 0] = crypto.getRandomValues(new Uint32Array(3))
    this.node = node
    // In the lower half of its 42 bits, so that it does not run over.
    this.counter = (high & 0x1ff) * 2 ** 32 + low
  }

  /** UUIDv7, as the core writes it. */
  id(index: number, ms: number): string {
    const counter = this.counter + index
    const time = hex(this.baseMs + ms, 12)
    const high = hex(Math.floor(counter / 2 ** 30), 3)
    const low = hex(2 ** 31 + (counter % 2 ** 30), 8)
    return `${time.slice(0, 8)}-${time.slice(8)}-7${high}-${low.slice(0, 4)}-${low.slice(4)}${hex(this.node, 8)}`
  }
}

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0')

/** What `record()` gives for a packed event. Its fields are TypeScript's, for `#` would cost as much as half the packing. */
class Handle {
  declare readonly error?: undefined

  constructor(
    private readonly segment: Segment,
    private readonly index: number,
    private readonly ms: number,
  ) {}

  /** Made when it is asked for. */
  get id(): string {
    return this.segment.id(this.index, this.ms)
  }

  toJSON(): { id: string } {
    return { id: this.id }
  }
}

/** Events that were drained together. */
class Drained implements Piece {
  readonly first: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly ends: Uint32Array
  readonly #times: Uint32Array
  readonly #segment: Segment
  readonly #offset: number
  /** Whether to poll at once. */
  readonly due: boolean

  constructor(
    first: number,
    bytes: Uint8Array<ArrayBuffer>,
    ends: Uint32Array,
    times: Uint32Array,
    segment: Segment,
    offset: number,
    due: boolean,
  ) {
    this.first = first
    this.bytes = bytes
    this.ends = ends
    this.#times = times
    this.#segment = segment
    this.#offset = offset
    this.due = due
  }

  id(index: number): string {
    return this.#segment.id(this.#offset + index, this.#times[index] as number)
  }

  timeMs(index: number): number {
    return this.#segment.baseMs + (this.#times[index] as number)
  }
}

/**
 * Packs events of the usual shape into words in the core's memory, without a call: a type, a subject, and flat `data`
 * of strings, numbers, booleans and `null`. All others go as JSON text, with the same result.
 *
 * The words are a snapshot, and are written past the place up to which they count: an event that cannot be packed leaves
 * no trace. What may be lost with an instance is known here: texts by number, and where the words end.
 */
export class Staging {
  readonly #core: CoreHandle
  readonly #outbox: Outbox
  #places: Places | undefined
  #memory!: WebAssembly.Memory
  #words!: Uint32Array
  #raw!: Uint8Array
  #report!: Uint32Array
  #wordsAt = 0
  #rawAt = 0
  #count = 0
  /** Bytes at most of the staged events. */
  #bytes = 0
  #segment: Segment | undefined
  /** An event is being written: its getters may record another. */
  #busy = false
  /** Something has no room, but will have after a drain. */
  #isFull = false
  /** The clock shows a time that does not count from the segment's. */
  #isLate = false
  #roomEvents = 0
  #roomBytes = 0
  #untilFull = 0

  /**
   * What drains gave, in large pieces that many share: a buffer of its own for each costs the collector more than its
   * bytes.
   */
  #drained = new Uint8Array(0)
  #bytesAt = 0
  #numbers = new Uint32Array(0)
  #numbersAt = 0

  /** Numbered texts in the order of their numbers, with what each is for. */
  #texts: { what: number; text: string }[] = []
  #textBytes = 0
  #keys = new Map<string, Key>()
  #types = new Map<string, Text>()
  /** Mostly it comes again. */
  #lastType: Text | undefined
  #subjects = new Map<string, Text>()
  #values = new Map<string, Text>()
  /** Keys in the order of the last event: mostly they come again. */
  #shape: Key[] = []

  constructor(core: CoreHandle, outbox: Outbox) {
    this.#core = core
    this.#outbox = outbox
  }

  /** Takes an event; `undefined` for one that has to go as text. */
  take(event: UsageEvent): Recorded | undefined {
    if (this.#busy) return undefined
    this.#busy = true
    try {
      const places = this.#places ?? this.#core.call((core) => this.#open(core))
      const taken = this.#write(event, places)
      if (taken !== undefined || !this.#isFull) return taken
      this.drain()
      return this.#write(event, places)
    } catch {
      // What threw is the event's own code, or comes again below: the other way meets it too, and names it.
      return undefined
    } finally {
      this.#busy = false
    }
  }

  #write(event: UsageEvent, places: Places): Recorded | undefined {
    this.#isFull = false
    const rawMax = places.rawMax - SCRATCH_BYTES
    if (places.eventBytesMax === 0 || !isPlain(event)) return undefined
    let type: unknown
    let subject: unknown
    let data: unknown
    for (const name in event) {
      if (name === 'type') type = event.type
      else if (name === 'subject') subject = event.subject
      else if (name === 'data') data = event.data
      else if (event[name as keyof UsageEvent] !== undefined || FORBIDDEN.has(name)) return undefined
    }
    if (typeof type !== 'string' || typeof subject !== 'string') return undefined
    if (this.#words.length === 0) this.#view()
    const time = Date.now()
    const segment = this.#segment ?? this.#start(time)
    const ms = time - segment.baseMs
    const start = this.#wordsAt
    this.#isLate = ms < 0 || ms > 0xffff_ffff
    if (start + EVENT_WORDS_MAX > places.wordsMax || this.#isLate) return this.#full()

    let kind = this.#lastType
    if (kind === undefined || kind.text !== type) {
      kind = this.#types.get(type) ?? this.#number(TYPE, type, this.#types)
      if (kind === undefined) return undefined
      this.#lastType = kind
    }
    const whom = this.#subjects.get(subject) ?? this.#number(SUBJECT, subject, this.#subjects)
    if (whom === undefined) return undefined

    const words = this.#words
    const raw = this.#raw
    let at = start + 3
    let rawAt = this.#rawAt
    let bytes = places.frameBytes + kind.bytes + whom.bytes
    let members = NO_DATA
    if (data !== undefined && data !== null) {
      if (typeof data !== 'object' || !isPlain(data)) return undefined
      members = 0
      for (const name in data) {
        const value = (data as Record<string, unknown>)[name]
        if (value === undefined && !FORBIDDEN.has(name)) continue
        if (members === MEMBERS_MAX) return undefined
        let key = this.#shape[members]
        if (key === undefined || key.text !== name) {
          key = this.#keys.get(name) ?? this.#key(name)
          if (key === undefined) return undefined
          this.#shape[members] = key
        }
        members += 1
        bytes += key.bytes
        let head = key.number
        let word: number
        switch (typeof value) {
          case 'number':
            if (value >>> 0 === value) {
              head |= WHOLE
              word = value
            } else {
              if (Number.isInteger(value) ? !Number.isSafeInteger(value) : !Number.isFinite(value)) return undefined
              const text = String(value)
              if (rawAt + text.length > rawMax) return this.#full()
              head |= NUMBER
              word = (rawAt << 12) | text.length
              for (let i = 0; i < text.length; i++) raw[rawAt++] = text.charCodeAt(i)
            }
            bytes += NUMBER_BYTES
            break
          case 'string': {
            key.strings += 1
            if (!key.raw) {
              let text = this.#values.get(value)
              if (text === undefined) {
                key.misses += 1
                // More than one in five is new: a number each would only fill the table.
                key.raw = key.misses > MISSES_MAX && key.misses * 5 > key.strings
                text = this.#number(VALUE, value, this.#values)
                if (text === undefined) return undefined
              }
              head |= TEXT
              word = text.number
              bytes += text.bytes
              break
            }
            if (value.length > LENGTH_MAX) return undefined
            if (rawAt + 3 * value.length > rawMax) return this.#full()
            const length = putPlain(raw, rawAt, value)
            if (length === value.length) {
              head |= PLAIN
              bytes += length + 2
            } else {
              const { written, read } = encoder.encodeInto(value, raw.subarray(rawAt, rawMax))
              if (read !== value.length) return undefined
              head |= ESCAPED
              bytes += 6 * written + 2
              word = (rawAt << 12) | written
              rawAt += written
              break
            }
            word = (rawAt << 12) | length
            rawAt += length
            break
          }
          case 'boolean':
            word = value ? 1 : 2
            bytes += 5
            break
          default:
            if (value !== null) return undefined
            word = 0
            bytes += 4
        }
        words[at] = head
        words[at + 1] = word
        at += 2
      }
    }
    if (bytes > places.eventBytesMax) return undefined
    const count = this.#count
    if (count >= this.#roomEvents || this.#bytes + bytes > this.#roomBytes) return this.#full()
    // A call may have moved the memory or replaced it, a getter may have made a drain: then this was written nowhere.
    if (this.#segment !== segment || this.#words !== words || words.length === 0) return this.#full()
    words[start] = kind.number | (members << 24)
    words[start + 1] = whom.number
    words[start + 2] = ms
    this.#wordsAt = at
    this.#rawAt = rawAt
    this.#bytes += bytes
    this.#count = count + 1
    if (count === 0) this.#outbox.wait(false)
    if (this.#count === this.#untilFull) this.#outbox.wait(true)
    if (this.#count === places.eventsMax || this.#bytes > DRAINED_BYTES_MAX) this.drain()
    return new Handle(segment, count, ms) as Recorded
  }

  #full(): undefined {
    this.#isFull = true
  }

  #start(time: number): Segment {
    this.#segment = new Segment(time)
    return this.#segment
  }

  #key(name: string): Key | undefined {
    if (FORBIDDEN.has(name)) return undefined
    const text = this.#number(KEY, name)
    if (text === undefined) return undefined
    const key = { ...text, strings: 0, misses: 0, raw: false }
    this.#keys.set(name, key)
    return key
  }

  /** Gives a text a number; `undefined` if the core or the table does not take it. */
  #number(what: number, text: string, table?: Map<string, Text>): Text | undefined {
    if (text.length > LENGTH_MAX) return undefined
    if (this.#texts.length >= TEXTS_MAX || this.#textBytes > TEXT_BYTES_MAX) return this.#full()
    let written = 0
    const number = this.#core.call((core) => {
      if (this.#raw.length === 0) this.#view()
      written = encoder.encodeInto(text, this.#raw.subarray(-SCRATCH_BYTES)).written
      return core.intern(what, this.#raw.length - SCRATCH_BYTES, written)
    })
    if (this.#words.length === 0) this.#view()
    if (number === 0) return undefined
    this.#texts.push({ what, text })
    this.#textBytes += written
    const entry = { text, number, bytes: (NEEDS_ESCAPE.test(text) ? 6 : 1) * written + 3 }
    table?.set(text, entry)
    return entry
  }

  /** Gives what is staged to the core, and its bytes to the outbox. */
  drain(): void {
    const count = this.#count
    const end = this.#wordsAt
    if (count === 0 && !this.#isFull) return
    const pieces: Drained[] = []
    let done = 0
    try {
      done = this.#drainPart(0, end, 0, pieces)
    } catch (error) {
      this.#core.report(error)
    }
    const failed = done < count ? this.#drainEach(done, count, pieces) : []
    this.#wordsAt = 0
    this.#rawAt = 0
    this.#count = 0
    this.#bytes = 0
    if (count > 0 || this.#isLate) this.#segment = undefined
    // From here on they are the outbox's: what fails now must not drain them again.
    for (const piece of pieces) this.#outbox.add(piece, [], piece.due)
    for (const event of failed) this.#outbox.quarantine(event)
    if (this.#texts.length >= TEXTS_MAX || this.#textBytes > TEXT_BYTES_MAX) this.#forgetTexts()
  }

  /** The core may have taken events in other ways: what it has room for is asked before the next one. */
  forgetRoom(): void {
    this.#roomEvents = 0
  }

  /** Stages again, in a core that has just been made anew, what was staged; texts keep their numbers. */
  restore(core: Core): void {
    const places = this.#places
    if (places === undefined) return
    // The old memory may have grown in the call that spoilt it.
    const { buffer } = this.#memory
    const words = new Uint32Array(buffer, places.words, this.#wordsAt)
    const raw = new Uint8Array(buffer, places.raw, this.#rawAt)
    const anew: Places = JSON.parse(core.openStaging())
    const memory = linearMemory() as WebAssembly.Memory
    for (const { what, text } of this.#texts) {
      const scratch = new Uint8Array(memory.buffer, anew.raw + anew.rawMax - SCRATCH_BYTES, SCRATCH_BYTES)
      core.intern(what, anew.rawMax - SCRATCH_BYTES, encoder.encodeInto(text, scratch).written)
    }
    new Uint32Array(memory.buffer, anew.words).set(words)
    new Uint8Array(memory.buffer, anew.raw).set(raw)
    this.#places = anew
    this.#memory = memory
    this.forgetRoom()
    this.#view()
  }

  #open(core: Core): Places {
    const places: Places = JSON.parse(core.openStaging())
    this.#places = places
    this.#memory = linearMemory() as WebAssembly.Memory
    this.#view()
    return places
  }

  /** Memory that grows leaves its views empty. */
  #view(): void {
    const { words, wordsMax, raw, rawMax, report, eventsMax } = this.#places as Places
    const { buffer } = this.#memory
    this.#words = new Uint32Array(buffer, words, wordsMax)
    this.#raw = new Uint8Array(buffer, raw, rawMax)
    this.#report = new Uint32Array(buffer, report, TOLD + 2 * eventsMax)
  }

  /** Drains the events in some of the words, of which the first has that index in the segment; gives how many. */
  #drainPart(from: number, to: number, index: number, pieces: Drained[]): number {
    const segment = this.#segment ?? this.#start(Date.now())
    const { baseMs, node, counter } = segment
    const count = this.#core.call((core) => core.drain(from, to, baseMs, node, counter + index, now(), Date.now()))
    if (this.#report.length === 0) this.#view()
    const report = this.#report
    const told = (place: number) => report[place] as number
    this.#roomEvents = told(2)
    this.#roomBytes = told(3)
    this.#untilFull = told(4)
    if (count === 0) return 0
    const timesAt = TOLD + (this.#places as Places).eventsMax
    const length = report[TOLD + count - 1] as number
    if (this.#bytesAt + length > this.#drained.length) {
      this.#drained = new Uint8Array(Math.max(length, DRAINED_BYTES_MAX))
      this.#bytesAt = 0
    }
    if (this.#numbersAt + 2 * count > this.#numbers.length) {
      this.#numbers = new Uint32Array(DRAINED_NUMBERS)
      this.#numbersAt = 0
    }
    const bytes = this.#drained.subarray(this.#bytesAt, this.#bytesAt + length)
    bytes.set(new Uint8Array(this.#memory.buffer, told(5), length))
    this.#bytesAt += length
    const numbers = this.#numbers.subarray(this.#numbersAt, this.#numbersAt + 2 * count)
    numbers.set(report.subarray(TOLD, TOLD + count))
    numbers.set(report.subarray(timesAt, timesAt + count), count)
    this.#numbersAt += 2 * count
    const ends = numbers.subarray(0, count)
    const times = numbers.subarray(count)
    pieces.push(new Drained(told(0), bytes, ends, times, segment, index, told(1) === 1))
    return count
  }

  /** After a drain that failed twice: one event after the other, and what fails again is put aside. */
  #drainEach(done: number, count: number, pieces: Drained[]): QuarantinedEvent[] {
    const failed: QuarantinedEvent[] = []
    let at = 0
    for (let index = 0; index < count; index++) {
      const members = (this.#words[at] as number) >>> 24
      const next = at + 3 + (members === NO_DATA ? 0 : 2 * members)
      let taken = index < done ? 1 : 0
      try {
        if (taken === 0) taken = this.#drainPart(at, next, index, pieces)
      } catch {
        // The same fault again, reported already.
      }
      if (taken === 0) failed.push(this.#unpack(at, index))
      at = next
    }
    return failed
  }

  /** A packed event as it is put aside. */
  #unpack(at: number, index: number): QuarantinedEvent {
    const words = this.#words.slice(at, at + EVENT_WORDS_MAX)
    const head = words[0] as number
    const literals = [null, true, false]
    const text = (number: number) => this.#texts[number - FIRST_TEXT]?.text
    const members: [string, unknown][] = []
    for (let i = 0; head >>> 24 !== NO_DATA && i < head >>> 24; i++) {
      const key = words[3 + 2 * i] as number
      const value = words[4 + 2 * i] as number
      const raw = () => decoder.decode(this.#raw.slice(value >>> 12, (value >>> 12) + (value & 0xfff)))
      const kind = key & (7 << 28)
      members.push([
        text(key & 0xfff_ffff) ?? '',
        kind === TEXT
          ? value < literals.length
            ? literals[value]
            : text(value)
          : kind === WHOLE
            ? value
            : kind === NUMBER
              ? Number(raw())
              : raw(),
      ])
    }
    const segment = this.#segment as Segment
    const id = segment.id(index, words[2] as number)
    return {
      id,
      code: 'core_trapped',
      event: JSON.stringify({
        id,
        type: text(head & 0xff_ffff),
        subject: text(words[1] as number),
        time: new Date(segment.baseMs + (words[2] as number)).toISOString(),
        data: Object.fromEntries(members),
      }),
    }
  }

  /** With nothing staged, no number is in use. */
  #forgetTexts(): void {
    this.#core.call((core) => core.forgetTexts())
    this.#texts = []
    this.#textBytes = 0
    this.#keys = new Map()
    this.#types = new Map()
    this.#lastType = undefined
    this.#subjects = new Map()
    this.#values = new Map()
    this.#shape = []
  }
}

const decoder = new TextDecoder()

const isPlain = (value: object): boolean => Object.getPrototypeOf(value) === Object.prototype

/** Writes a string of ASCII that needs no escape; gives how far it came. */
function putPlain(raw: Uint8Array, at: number, text: string): number {
  let i = 0
  for (; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) break
    raw[at + i] = unit
  }
  return i
}
