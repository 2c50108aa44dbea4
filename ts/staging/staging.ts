import { now } from '../clock'
import type { CoreHandle } from '../core'
import { type Core, linearMemory } from '../engine'
import { encoder } from '../kept'
import type { Delivery } from '../sink/sink'
import type { QuarantinedEvent, Recorded, UsageEvent } from '../types'
import { Chunks, DRAINED_BYTES_MAX, Drained } from './drained'
import { Handle, Segment } from './segment'
import { bytesOf, KEY, type Key, LENGTH_MAX, NUMBER_MASK, RECENT_MASK, SUBJECT, Texts, TYPE, VALUE } from './texts'
import {
  ESCAPED,
  EVENT_WORDS_MAX,
  endOf,
  NO_DATA,
  NUMBER,
  PLAIN,
  type Places,
  placesOf,
  putPlain,
  RAW_SUBJECT,
  TEXT,
  TOLD,
  unpack,
  WHOLE,
} from './words'

/** At the end of the raw bytes: where a text is put that is to have a number. */
const SCRATCH_BYTES = 3 * LENGTH_MAX
/** Digits of 2³². */
const WHOLE_BYTES = 10

const PLAIN_OBJECT = Object.prototype
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Packs events of the usual shape into words in the core's memory, without a call: a type, a subject, and flat `data`
 * of strings, numbers, booleans and `null`. All others go as JSON text, with the same result.
 *
 * The words are a snapshot, and are written past the place up to which they count: an event that cannot be packed leaves
 * no trace. What may be lost with an instance is known here: texts by number, and where the words end.
 */
export class Staging {
  readonly #core: CoreHandle
  readonly #outbox: Delivery
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
  /** That of the staged events, or of the last ones. */
  #segment: Segment | undefined
  /** An event is being written: its getters may record another. */
  #busy = false
  /** Something has no room, but will have after a drain. */
  #isFull = false
  #roomEvents = 0
  #roomBytes = 0
  #untilFull = 0
  readonly #chunks = new Chunks()
  #texts = new Texts()
  /** Mostly it comes again: a type, and its entry. */
  #lastType: string | undefined
  #lastTypeEntry = 0
  /** Keys in the order of the last event: mostly they come again. */
  #shape: Key[] = []

  constructor(core: CoreHandle, outbox: Delivery) {
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
    if (places.eventBytesMax === 0 || Object.getPrototypeOf(event) !== PLAIN_OBJECT) return undefined
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
    let segment = this.#segment
    if (segment === undefined || !segment.takes(time - segment.baseMs, this.#count)) {
      if (this.#count > 0) return this.#full()
      segment = new Segment(time)
      this.#segment = segment
    }
    const ms = time - segment.baseMs
    const start = this.#wordsAt
    if (start + EVENT_WORDS_MAX > places.wordsMax) return this.#full()

    const texts = this.#texts
    let kind = this.#lastTypeEntry
    if (this.#lastType !== type) {
      kind = texts.types.get(type) ?? this.#number(TYPE, type)
      if (kind === 0) return undefined
      this.#lastType = type
      this.#lastTypeEntry = kind
    }
    texts.next()
    const rawMax = places.rawMax - SCRATCH_BYTES
    let rawAt = this.#rawAt
    let bytes = places.frameBytes + bytesOf(kind)
    let whom: number | undefined
    if (texts.areSubjectsNew && subject.length <= LENGTH_MAX) {
      if (rawAt + subject.length > rawMax) return this.#full()
      const { length } = subject
      if (length > 0 && putPlain(this.#raw, rawAt, subject) === length) {
        whom = RAW_SUBJECT | (rawAt << 11) | length
        rawAt += length
        bytes += length + 2
      }
    }
    whom ??= texts.subjects.get(subject) ?? this.#number(SUBJECT, subject)
    if (whom === 0) return undefined
    if (whom > 0) {
      bytes += bytesOf(whom)
      whom &= NUMBER_MASK
    }

    const words = this.#words
    const raw = this.#raw
    let at = start + 3
    let members = NO_DATA
    const { membersMax, stringMax } = places
    if (data !== undefined && data !== null) {
      if (typeof data !== 'object' || Object.getPrototypeOf(data) !== PLAIN_OBJECT) return undefined
      const shape = this.#shape
      members = 0
      for (const name in data) {
        const value = (data as Record<string, unknown>)[name]
        if (value === undefined && !FORBIDDEN.has(name)) continue
        if (members === membersMax) return undefined
        let key = shape[members]
        if (key === undefined || key.text !== name) {
          key = texts.keys.get(name) ?? this.#key(name)
          if (key === undefined) return undefined
          shape[members] = key
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
              bytes += WHOLE_BYTES
            } else {
              if (Number.isInteger(value) ? !Number.isSafeInteger(value) : !Number.isFinite(value)) return undefined
              const text = String(value)
              if (rawAt + text.length > rawMax) return this.#full()
              head |= NUMBER
              word = (rawAt << 12) | text.length
              for (let i = 0; i < text.length; i++) raw[rawAt++] = text.charCodeAt(i)
              bytes += text.length
            }
            break
          case 'string': {
            if (value.length > stringMax) return undefined
            key.strings += 1
            if (!key.raw) {
              const place = value.length & RECENT_MASK
              let text = key.recentEntries[place] as number | undefined
              if (!text || key.recent[place] !== value) {
                text = texts.values.get(value)
                if (text === undefined) {
                  key.missed()
                  text = this.#number(VALUE, value)
                  if (text === 0) return undefined
                }
                key.recent[place] = value
                key.recentEntries[place] = text
              }
              head |= TEXT
              word = text & NUMBER_MASK
              bytes += bytesOf(text)
              break
            }
            if (rawAt + 3 * value.length > rawMax) return this.#full()
            let length = putPlain(raw, rawAt, value)
            if (length === value.length) {
              head |= PLAIN
              bytes += length + 2
            } else {
              const { written, read } = encoder.encodeInto(value, raw.subarray(rawAt, rawMax))
              if (read !== value.length) return undefined
              length = written
              head |= ESCAPED
              bytes += 6 * length + 2
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
            if (value !== null || !places.takesNull) return undefined
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
    if (this.#segment !== segment || this.#wordsAt !== start || this.#words !== words || words.length === 0)
      return this.#full()
    words[start] = (kind & NUMBER_MASK) | (members << 24)
    words[start + 1] = whom
    words[start + 2] = ms
    this.#wordsAt = at
    this.#rawAt = rawAt
    this.#bytes += bytes
    this.#count = count + 1
    const taken = new Handle(segment, segment.past + count, ms) as Recorded
    if (count === 0) this.#outbox.wait(false)
    if (this.#count === this.#untilFull) this.#outbox.wait(true)
    if (this.#count === places.eventsMax || this.#bytes > DRAINED_BYTES_MAX) this.drain()
    return taken
  }

  #full(): undefined {
    this.#isFull = true
  }

  #key(name: string): Key | undefined {
    if (FORBIDDEN.has(name) || name.length > (this.#places as Places).keyMax) return undefined
    if (this.#number(KEY, name) === 0) return undefined
    return this.#texts.keys.get(name)
  }

  /** Gives a text a number; 0 if the core or the table does not take it. */
  #number(what: number, text: string): number {
    if (text.length > LENGTH_MAX) return 0
    if (this.#texts.isFull) return this.#full() ?? 0
    let written = 0
    const number = this.#core.call((core) => {
      if (this.#raw.length === 0) this.#view()
      written = encoder.encodeInto(text, this.#raw.subarray(-SCRATCH_BYTES)).written
      return core.intern(what, this.#raw.length - SCRATCH_BYTES, written)
    })
    if (this.#words.length === 0) this.#view()
    return number === 0 ? 0 : this.#texts.add(what, text, number, written)
  }

  /** Gives what is staged to the core, and its bytes to the outbox. */
  drain(): void {
    const count = this.#count
    if (count === 0 && !this.#isFull) return
    const pieces: Drained[] = []
    let done = 0
    try {
      done = this.#drainPart(0, this.#wordsAt, 0, pieces)
    } catch (error) {
      this.#core.report(error)
    }
    const failed = done < count ? this.#drainEach(done, count, pieces) : []
    this.#wordsAt = 0
    this.#rawAt = 0
    this.#count = 0
    this.#bytes = 0
    if (this.#segment !== undefined) this.#segment.past += count
    // From here on they are the outbox's: what fails now must not drain them again.
    for (const piece of pieces) this.#outbox.add(piece, [], piece.due)
    for (const event of failed) this.#outbox.quarantine(event)
    if (this.#texts.isFull) this.#forgetTexts()
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
    const anew = placesOf(core.openStaging())
    const memory = linearMemory() as WebAssembly.Memory
    for (const { what, text } of this.#texts.list) {
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
    const places = placesOf(core.openStaging())
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

  /** Drains the staged events in some of the words, of which the first has that place among them; gives how many. */
  #drainPart(from: number, to: number, index: number, pieces: Drained[]): number {
    const segment = this.#segment
    const offset = (segment?.past ?? 0) + index
    const count = this.#core.call((core) =>
      core.drain(from, to, segment?.baseMs ?? 0, segment?.node ?? 0, (segment?.counter ?? 0) + offset, now()),
    )
    if (this.#report.length === 0) this.#view()
    const report = this.#report
    this.#roomEvents = report[2] as number
    this.#roomBytes = report[3] as number
    this.#untilFull = report[4] as number
    if (count === 0 || segment === undefined) return 0
    const timesAt = TOLD + (this.#places as Places).eventsMax
    const length = report[TOLD + count - 1] as number
    const { chunk, bytes, numbers } = this.#chunks.take(length, 2 * count)
    bytes.set(new Uint8Array(this.#memory.buffer, report[5], length))
    const ends = numbers.subarray(0, count)
    const times = numbers.subarray(count)
    ends.set(report.subarray(TOLD, TOLD + count))
    times.set(report.subarray(timesAt, timesAt + count))
    const isDue = report[1] === 1
    const first = (report[6] as number) * 2 ** 32 + (report[0] as number)
    pieces.push(new Drained(first, bytes, ends, times, segment, offset, this.#chunks, chunk, isDue))
    return count
  }

  /** After a drain that failed twice: one event after the other, and what fails again is put aside. */
  #drainEach(done: number, count: number, pieces: Drained[]): QuarantinedEvent[] {
    const failed: QuarantinedEvent[] = []
    const segment = this.#segment as Segment
    let at = 0
    for (let index = 0; index < count; index++) {
      const next = endOf(this.#words, at)
      let taken = index < done ? 1 : 0
      try {
        if (taken === 0) taken = this.#drainPart(at, next, index, pieces)
      } catch {
        // The same fault again, reported already.
      }
      if (taken === 0) failed.push(unpack(this.#words, at, this.#raw, this.#texts, segment, segment.past + index))
      at = next
    }
    return failed
  }

  /** With nothing staged, no number is in use. */
  #forgetTexts(): void {
    this.#core.call((core) => core.forgetTexts())
    this.#texts = new Texts()
    this.#lastType = undefined
    this.#shape = []
  }
}
