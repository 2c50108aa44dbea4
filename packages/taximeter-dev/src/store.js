/**
 * What the server keeps: events and meters, in SQLite.
 *
 * node-sqlite3-wasm, because it is SQLite in one 1.3 MB WebAssembly file that reads and writes real files, on every
 * platform and every Node since 18, without a compiler and without an install script. better-sqlite3 downloads or
 * compiles at install; libsql brings 19 MB of native code and not for every platform; sql.js can only rewrite the whole
 * file; node:sqlite does not exist in Node 20.
 *
 * Two of its habits shape this file. After a kill in mid-transaction it does not roll the journal back, so a file is
 * opened in WAL mode, which needs no rollback. And it locks by making a directory, which a killed process leaves
 * behind, so the owner's process id is written beside it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import sqlite from 'node-sqlite3-wasm'

/**
 * @typedef {object} StoredEvent
 * @property {string} id
 * @property {string} source
 * @property {string} type
 * @property {string} subject
 * @property {string} time RFC 3339, as sent, or the time of arrival
 * @property {string | null} data the JSON text of `data`, exactly as sent
 * @property {number} ingestedAt milliseconds since 1970
 *
 * @typedef {Omit<StoredEvent, 'ingestedAt'> & { dedupe: boolean }} NewEvent
 *
 * @typedef {object} EventFilter
 * @property {string} [id] part of an id
 * @property {string} [subject] part of a subject
 * @property {number} [from] milliseconds, inclusive; likewise the others
 * @property {number} [to]
 * @property {number} [ingestedAtFrom]
 * @property {number} [ingestedAtTo]
 * @property {number} limit
 */

const SCHEMA = `
  create table if not exists events (
    n integer primary key, key text unique, id text not null, source text not null, type text not null,
    subject text not null, time text not null, at integer not null, ingested integer not null, data text);
  create index if not exists events_by_type on events (type);
  create index if not exists events_by_time on events (at);
  create table if not exists meters (slug text primary key, meter text not null);`

/**
 * A string as it stands in JSON, without the quotes: readable, one to one, and free of the NUL at which the SQLite
 * binding would cut it.
 * @param {string} text
 */
const cell = (text) => JSON.stringify(text).slice(1, -1)

/** @param {unknown} value @returns {string} */
const text = (value) => JSON.parse(`"${value}"`)

export class Store {
  #db
  #insert
  #count
  #eventsMax
  #pidFile
  evicted = 0

  /** @param {string | undefined} file undefined: in memory @param {number} eventsMax */
  constructor(file, eventsMax) {
    this.#db = file === undefined ? new sqlite.Database() : openFile(resolve(file))
    this.#pidFile = file === undefined ? undefined : `${resolve(file)}.pid`
    this.#db.exec(SCHEMA)
    this.#insert = this.#db.prepare(
      'insert or ignore into events (key, id, source, type, subject, time, at, ingested, data) values (?,?,?,?,?,?,?,?,?)',
    )
    this.#count = Number(this.#db.get('select count(*) c from events')?.c)
    this.#eventsMax = eventsMax
  }

  /** Whether an event of that source and id is known. @param {string} source @param {string} id */
  has(source, id) {
    return this.#db.get('select 1 from events where key = ?', cell(`${source}-${id}`)) != null
  }

  get count() {
    return this.#count
  }

  /**
   * Stores events in one transaction; says of each whether it was new.
   * @param {NewEvent[]} events
   * @param {number} now
   * @returns {boolean[]}
   */
  add(events, now) {
    return this.#transaction(() => {
      const added = events.map((event) => {
        // The server joins the two with a hyphen, so ("a-b", "c") and ("a", "b-c") are one key there, and here.
        const key = event.dedupe ? cell(`${event.source}-${event.id}`) : null
        const at = Date.parse(event.time)
        const cells = [event.id, event.source, event.type, event.subject, event.time].map(cell)
        return this.#insert.run([key, ...cells, Number.isNaN(at) ? now : at, now, event.data]).changes > 0
      })
      const count = this.#count + added.filter(Boolean).length
      const excess = count - this.#eventsMax
      // Only the oldest ever go, so the numbers of the others have no gaps.
      if (excess > 0) this.#db.run('delete from events where n <= (select max(n) from events) - ?', this.#eventsMax)
      return { added, count, excess }
    })
  }

  /** @param {() => { added: boolean[], count: number, excess: number }} work */
  #transaction(work) {
    this.#db.exec('begin')
    try {
      const { added, count, excess } = work()
      this.#db.exec('commit')
      this.#count = count - Math.max(excess, 0)
      this.evicted += Math.max(excess, 0)
      return added
    } catch (error) {
      this.#db.exec('rollback')
      throw error
    }
  }

  /** All events of a type (of every type if none is given) in order of arrival. @param {string} [type] */
  events(type) {
    const rows =
      type === undefined
        ? this.#db.all('select * from events order by n')
        : this.#db.all('select * from events where type = ? order by n', cell(type))
    return rows.map(toEvent)
  }

  /** Newest first. @param {EventFilter} filter */
  list({ id, subject, from, to, ingestedAtFrom, ingestedAtTo, limit }) {
    /** @type {[string, string | number | undefined][]} */
    const conditions = [
      ['instr(id, ?) > 0', id === undefined ? undefined : cell(id)],
      ['instr(subject, ?) > 0', subject === undefined ? undefined : cell(subject)],
      ['at >= ?', from],
      ['at <= ?', to],
      ['ingested >= ?', ingestedAtFrom],
      ['ingested <= ?', ingestedAtTo],
    ]
    const used = conditions.filter(([, value]) => value !== undefined)
    const where = used.length === 0 ? '' : `where ${used.map(([sql]) => sql).join(' and ')}`
    const values = used.map(([, value]) => /** @type {string | number} */ (value))
    return this.#db
      .all(`select * from events ${where} order by at desc, n desc limit ?`, [...values, limit])
      .map(toEvent)
  }

  /** @returns {{ type: string, count: number }[]} */
  countByType() {
    return this.#db
      .all('select type, count(*) count from events group by type order by type')
      .map((row) => ({ type: text(row.type), count: Number(row.count) }))
  }

  /** @returns {any[]} */
  meters() {
    return this.#db.all('select meter from meters order by slug').map((row) => JSON.parse(String(row.meter)))
  }

  /** Adds a meter or replaces the one of its slug. @param {{ slug: string }} meter */
  putMeter(meter) {
    this.#db.run('insert or replace into meters values (?, ?)', [cell(meter.slug), JSON.stringify(meter)])
  }

  /** @param {string} slug */
  removeMeter(slug) {
    this.#db.run('delete from meters where slug = ?', cell(slug))
  }

  close() {
    if (!this.#db.isOpen) return
    this.#insert.finalize()
    this.#db.close()
    if (this.#pidFile) rmSync(this.#pidFile, { force: true })
  }
}

/** @param {any} row @returns {StoredEvent} */
function toEvent({ id, source, type, subject, time, data, ingested }) {
  return {
    id: text(id),
    source: text(source),
    type: text(type),
    subject: text(subject),
    time: text(time),
    data,
    ingestedAt: Number(ingested),
  }
}

/**
 * The event as a CloudEvent in JSON; its data as sent.
 * @param {Omit<StoredEvent, 'ingestedAt'>} event
 */
export function cloudEvent({ id, source, type, subject, time, data }) {
  const head = JSON.stringify({
    specversion: '1.0',
    id,
    source,
    type,
    subject,
    time,
    datacontenttype: 'application/json',
  })
  return `${head.slice(0, -1)},"data":${data ?? 'null'}}`
}

/** @param {string} file */
function openFile(file) {
  const pidFile = `${file}.pid`
  let db
  try {
    db = lockFile(file)
  } catch (error) {
    if (!isOrphaned(pidFile)) {
      const { message } = /** @type {Error} */ (error)
      throw new Error(`cannot open ${file}: ${message}. If no other server uses it, delete ${file}.lock`)
    }
    rmSync(`${file}.lock`, { recursive: true, force: true })
    db = lockFile(file)
  }
  writeFileSync(pidFile, `${process.pid} ${hostname()}`)
  return db
}

/** @param {string} file */
function lockFile(file) {
  const db = new sqlite.Database(file)
  try {
    db.exec('pragma locking_mode = exclusive')
    db.get('pragma journal_mode = wal')
    db.exec('pragma synchronous = normal')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Whether the owner was a process of this machine that lives no more. @param {string} pidFile */
function isOrphaned(pidFile) {
  try {
    const [pid, host] = readFileSync(pidFile, 'utf8').split(' ')
    if (host !== hostname()) return false
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH'
  }
}
