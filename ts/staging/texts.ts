/** What a text is for, as the core counts it. */
export const VALUE = 0
export const KEY = 1
export const TYPE = 2
export const SUBJECT = 3

/** UTF-16 units of a string that is packed: longer ones are rare, and 12 bits have to hold the bytes. */
export const LENGTH_MAX = 1024
/** Numbered texts, and their bytes. Beyond it all are forgotten, so that subjects without end need no memory. */
const TEXTS_MAX = 4096
const TEXT_BYTES_MAX = 128 * 1024
/** Texts below have fixed numbers. */
const FIRST_TEXT = 3
/** A key whose strings are mostly new after so many of them has them written as they are. */
const MISSES_MAX = 64

/** Bits of a text's number, above which stand the bytes that it has in an event at most: together a small integer. */
const NUMBER_BITS = 13
export const NUMBER_MASK = (1 << NUMBER_BITS) - 1
export const bytesOf = (entry: number): number => entry >>> NUMBER_BITS

/** Of so many events the first are a sample of whether most subjects are new, and so not worth a number each. */
const WINDOW = 2048
const SAMPLE = 256

/** Places for the last strings of a key, less one. */
export const RECENT_MASK = 15

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped
const NEEDS_ESCAPE = /["\\\x00-\x1f]/

/** A key of `data`. */
export class Key {
  strings = 0
  misses = 0
  /** Its strings are mostly new: they get no numbers. */
  raw = false
  /** Its last strings and their entries, by length: a table of so few is quicker than any map. */
  readonly recent: string[] = new Array(RECENT_MASK + 1).fill('')
  readonly recentEntries: number[] = new Array(RECENT_MASK + 1).fill(0)

  constructor(
    readonly text: string,
    readonly number: number,
    readonly bytes: number,
  ) {}

  /** One of its strings has no number yet. */
  missed(): void {
    this.misses += 1
    // More than one in five is new: a number each would only fill the table.
    this.raw = this.misses > MISSES_MAX && this.misses * 5 > this.strings
  }
}

/** Texts that the core knows by number. */
export class Texts {
  /** In the order of their numbers, with what each is for. */
  readonly list: { what: number; text: string }[] = []
  readonly keys = new Map<string, Key>()
  /** Each with its number and its bytes, see {@link bytesOf}. */
  readonly types = new Map<string, number>()
  readonly subjects = new Map<string, number>()
  readonly values = new Map<string, number>()
  #bytes = 0
  /** Most subjects are new: they get no numbers. */
  areSubjectsNew = false
  #newSubjects = 0
  #events = 0

  /** Another event comes. */
  next(): void {
    const at = this.#events++ % WINDOW
    if (at !== 0 && at !== SAMPLE) return
    this.areSubjectsNew = at === SAMPLE && this.#newSubjects * 2 > SAMPLE
    this.#newSubjects = 0
  }

  get isFull(): boolean {
    return this.list.length >= TEXTS_MAX || this.#bytes > TEXT_BYTES_MAX
  }

  /** Adds a text that has so many bytes; gives its entry. */
  add(what: number, text: string, number: number, bytes: number): number {
    this.list.push({ what, text })
    this.#bytes += bytes
    const most = (NEEDS_ESCAPE.test(text) ? 6 : 1) * bytes + 3
    const entry = (most << NUMBER_BITS) | number
    if (what === SUBJECT) this.#newSubjects += 1
    if (what === KEY) this.keys.set(text, new Key(text, number, most))
    else (what === TYPE ? this.types : what === SUBJECT ? this.subjects : this.values).set(text, entry)
    return entry
  }

  /** The text of a number. */
  get(number: number): string {
    return this.list[number - FIRST_TEXT]?.text ?? ''
  }
}
