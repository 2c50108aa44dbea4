import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { resolve } from 'node:path'
import { TaximeterError } from '../errors'
import { count, type Entry, entriesOf, type Left, type Spool } from './journal'
import { Lock } from './lock'
import { decode, encode, fold, type Header } from './record'

/** A file is written anew when it has grown to twice what was live in it, and by this much. */
const COMPACT_BYTES = 1024 * 1024

/**
 * Events in a file, so that they outlive the process: Node, Deno and Bun. What `record()` has taken is in the file when
 * it returns; a process that is killed loses nothing, a machine that loses its power at most the last moment.
 *
 * One process at a time: another one gets `spool_locked`. A file that holds something else is left as it is (`spool_invalid`). The file is readable by its owner alone (mode 0600); it holds
 * the events as the vendor is sent them, and no key.
 *
 * @example
 * import { fileSpool } from 'taximeter/file'
 * const meter = new Taximeter({ source: 'chat-app', sink, spool: fileSpool('usage.spool') })
 */
export function fileSpool(path: string): Spool {
  if (typeof path !== 'string' || path === '') {
    throw new TaximeterError('invalid_option', 'the path of a file is missing', { help: "fileSpool('usage.spool')" })
  }
  return new FileSpool(path)
}

export class FileSpool implements Spool {
  readonly #path: string
  readonly #lock: Lock
  #file: number | undefined
  #sink = ''
  #foreign: Uint8Array[] = []
  /** Events that are not settled. */
  #live = 0
  #bytes = 0
  #compactAt = 0

  constructor(path: string) {
    this.#path = resolve(path)
    this.#lock = new Lock(`${this.#path}.lock`)
  }

  open(sink: string): Left {
    this.#lock.take()
    try {
      this.#file = this.#openFile(this.#path)
      const { left, sink: owner, foreign } = read(this.#path)
      chmodSync(this.#path, 0o600)
      if (owner !== undefined && owner !== sink && left.events.length > 0) {
        throw Object.assign(new Error(`the spool holds events for ${owner}`), { code: 'spool_other_sink' })
      }
      this.#sink = sink
      this.#foreign = foreign
      this.#live = left.events.length
      this.#compact(left)
      return left
    } catch (error) {
      this.close()
      throw error
    }
  }

  write(entries: Entry[]): void {
    if (this.#file === undefined) return
    for (const entry of entries) {
      if (entry.do === 'event') this.#live += 1
      else if (entry.do === 'settled') this.#live -= count(entry.seqs)
    }
    const bytes = encode(entries)
    // What a full disk has cut short is taken back: the next record must not begin in the middle of a line.
    try {
      writeAll(this.#file, bytes)
    } catch (error) {
      ftruncateSync(this.#file, this.#bytes)
      throw error
    }
    this.#bytes += bytes.length
    if (this.#bytes >= this.#compactAt || (this.#live === 0 && this.#bytes > COMPACT_BYTES)) {
      this.#compact(read(this.#path).left)
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
    this.#lock.release()
  }

  /** Writes what is live into a new file, which takes the old one's place. */
  #compact(left: Left): void {
    const path = `${this.#path}.new`
    const header: Header = { do: 'sink', sink: this.#sink }
    const parts = [encode([header]), ...this.#foreign, encode(entriesOf(left))]
    const file = this.#openFile(path)
    try {
      chmodSync(path, 0o600)
      ftruncateSync(file)
      for (const part of parts) writeAll(file, part)
      fsyncSync(file)
      renameSync(path, this.#path)
    } catch (error) {
      closeSync(file)
      unlinkSync(path)
      throw error
    }
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = file
    this.#live = left.events.length
    this.#bytes = parts.reduce((sum, part) => sum + part.length, 0)
    this.#compactAt = 2 * this.#bytes + COMPACT_BYTES
  }

  #openFile(path: string): number {
    const { O_CREAT, O_RDWR, O_APPEND, O_NOFOLLOW = 0 } = constants
    const file = openSync(path, O_CREAT | O_RDWR | O_APPEND | O_NOFOLLOW, 0o600)
    if (!fstatSync(file).isFile()) {
      closeSync(file)
      throw Object.assign(new Error(`${path} is not a file`), { code: 'spool_invalid' })
    }
    return file
  }
}

/** How a spool begins, or the part of one that was torn. */
const BEGINS = /^\d+( [0-9a-f]{0,8}( |$)|$)/

/** Reads a spool, whoever is writing to it. Throws `spool_invalid` for a file that holds something else. */
export function read(path: string): { left: Left; sink: string | undefined; foreign: Uint8Array[] } {
  const bytes = readFileSync(path)
  const { entries, foreign, corrupt } = decode(bytes)
  // What has nothing of a spool is not one that was torn: it would be replaced.
  if (corrupt > 0 && entries.length + foreign.length === 0 && !BEGINS.test(bytes.toString('latin1', 0, 24))) {
    throw Object.assign(new Error(`${path} is a file of another kind, and left as it is`), { code: 'spool_invalid' })
  }
  const header = entries.find((entry) => entry.do === 'sink')
  return { left: fold(entries).left(corrupt), sink: header?.sink, foreign }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}
