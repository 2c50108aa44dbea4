import { timeout } from '../driver'
import { type Entry, each, entriesOf, type Holder, type Left, type Spool } from './journal'
import { decode, encode, fold, join } from './record'
import { locks, Tabs } from './tabs'

/** How long the browser may take to answer, and how long it is left alone after a failure. */
const PATIENCE_MS = 5000
const RETRY_MS = 10_000

/** A journal is written anew when it has grown to twice what was live in it, and by this much. */
const COMPACT_BYTES = 256 * 1024

/** Without locks: how often a client says that it lives, and after how long without that it is held for dead. */
const BEAT_MS = 30_000
const LEASE_MS = 180_000

/** How long it is remembered that a client's events were taken over: a frozen page may come back. */
const TAKEN_MS = 24 * 3_600_000

/** Clients of another version are left alone. */
const VERSION = 1

/** Options of {@link indexedDbSpool}. */
export interface IndexedDbOptions {
  /** Name of the database; `taximeter` if absent. */
  name?: string
  /** `strict` makes the browser wait for the disk: slower, and nothing is lost with the power. `relaxed` if absent. */
  durability?: 'relaxed' | 'strict'
}

/**
 * Events in the browser's database, so that they outlive the page: they are there before they are sent, and what a tab
 * has left, closed or crashed, is taken over by another one or by the next visit.
 *
 * Any number of tabs may share it; each event is sent by one of them. Where the browser gives no room (private mode, a
 * full disk) events wait in memory: an error event `spool_degraded` says so, and `stats().spool`.
 *
 * @example
 * import { indexedDbSpool } from 'taximeter/indexeddb'
 * const meter = new Taximeter({ source: 'page', sink, spool: indexedDbSpool() })
 */
export function indexedDbSpool(options: IndexedDbOptions = {}): Spool {
  return new IndexedDbSpool(options)
}

/** A client that has events in the store, by its random name. */
interface Client {
  version: number
  sink: string
  /** When it last said that it lives. */
  at: number
  /** When another one took over its events. */
  takenAt?: number
}

/** A transaction, and the clients and the records of their journals in it: by client and number. */
interface Change {
  tx: IDBTransaction
  clients: IDBObjectStore
  records: IDBObjectStore
}

/**
 * Each client has a journal of its own. Who takes over another one's events moves them into its own journal and marks the
 * other, in one transaction. A client that finds itself marked knows that what was in its journal is not its any more: so
 * nothing depends on who is held for dead, or for how long a page was frozen.
 */
class IndexedDbSpool implements Spool {
  readonly #name: string
  readonly #durability: IDBTransactionDurability
  readonly #tabs: Tabs
  #sink = ''
  #holder!: Holder
  #id = newId()
  /** This client under the name by which it lost its events. */
  #former: string | undefined
  #db: IDBDatabase | undefined
  #opening: Promise<void> | undefined
  #buffer: Entry[] = []
  /** The write of the buffer that is to come. */
  #coming: Promise<void> | undefined
  /** A takeover, which has to end before another write. */
  #moving: Promise<void> | undefined
  /** The journal is not there, or not known to be whole. */
  #isAnew = true
  #nextKey = 0
  /**
   * Events in the journal that are not settled, by their numbers: also those are settled that another one has taken over
   * meanwhile, and they are not in it.
   */
  readonly #live = new Set<number>()
  #bytes = 0
  #compactAt = 0
  /** The number of the last event that is in the store for certain. */
  #lastSeq = 0
  #failure: { error: unknown; at: number } | undefined
  /** The page is left, perhaps to come back. */
  #away: { back: Promise<void>; comeBack(): void } | undefined
  #isClosed = false
  #stopBeat: (() => void) | undefined

  constructor({ name = 'taximeter', durability = 'relaxed' }: IndexedDbOptions) {
    this.#name = name
    this.#durability = durability
    this.#tabs = new Tabs(`taximeter/${name}/`)
  }

  async open(sink: string, holder: Holder): Promise<void> {
    this.#sink = sink
    this.#holder = holder
    this.#listen('addEventListener')
    await this.#look()
    this.#inherit()
  }

  write(entries: Entry[]): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#buffer.push(...entries)
    // What comes in one turn is written together.
    this.#coming ??= this.#flush()
    return this.#coming
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#listen('removeEventListener')
    await this.#coming?.catch(() => {})
    this.#disconnect()
  }

  async #flush(): Promise<void> {
    try {
      do {
        await this.#away?.back
        await this.#moving
        const { at = Number.NEGATIVE_INFINITY, error } = this.#failure ?? {}
        if (performance.now() - at < RETRY_MS) throw error
        await this.#connect()
        // If the page was left meanwhile there is none.
        if (this.#db !== undefined) await this.#tabs.hold(this.#id)
      } while (this.#db === undefined)
    } catch (error) {
      this.#coming = undefined
      throw this.#failed(error)
    }
    this.#coming = undefined
    await this.#commit(this.#db)
  }

  /** Who knows what was written: when there is room again, all is written anew. */
  #failed(error: unknown): unknown {
    this.#isAnew = true
    this.#buffer = []
    if (this.#failure?.error !== error) this.#failure = { error, at: performance.now() }
    return error
  }

  /** Writes what is buffered, and sees whether the journal is still this client's. */
  async #commit(db: IDBDatabase): Promise<void> {
    const id = this.#id
    const before = this.#lastSeq
    const former = this.#former
    try {
      const change = this.#change(db)
      const known: IDBRequest<Client | undefined> | undefined = this.#isAnew ? undefined : change.clients.get(id)
      const lastSeq = this.#put(change, this.#buffer)
      this.#buffer = []
      // Its end is not waited for: the page may be gone by then.
      change.tx.commit?.()
      await done(change.tx)
      if (former !== undefined) this.#tabs.release(former)
      if (id === this.#id && (known === undefined || isOurs(known.result))) {
        this.#lastSeq = Math.max(before, this.#lastSeq, lastSeq)
        this.#failure = undefined
        this.#rest()
        return
      }
      // Without a mark the user has cleared the site's data.
      if (id === this.#id && known?.result !== undefined) this.#lose(before)
    } catch (error) {
      throw this.#failed(error)
    }
    this.#isAnew = true
    await this.#flush()
  }

  /** What was in the journal is another one's. What came since goes into a new one. */
  #lose(lastSeq: number): void {
    this.#holder.lose([1, lastSeq])
    this.#former = this.#id
    this.#id = newId()
  }

  /** With nothing in the store, a client leaves no trace. */
  #rest(): void {
    if (this.#live.size > 0 || this.#buffer.length > 0) return
    this.#tabs.release(this.#id)
    this.#stopBeat?.()
  }

  /** Adds to the journal, or writes it anew. Gives the number of the last event. */
  #put({ clients, records }: Change, added: Entry[]): number {
    const erase = (id: string) => {
      records.delete(keysOf(id))
      clients.delete(id)
    }
    if (this.#former !== undefined) erase(this.#former)
    this.#former = undefined
    const isWhole = this.#isAnew || this.#bytes > this.#compactAt
    const entries = isWhole ? this.#holder.entries() : added
    if (isWhole) this.#live.clear()
    let lastSeq = 0
    for (const entry of entries) {
      if (entry.do === 'settled') each(entry.seqs, (seq) => this.#live.delete(seq))
      if (entry.do === 'released' && this.#live.delete(entry.seq)) this.#live.add(entry.as)
      if (entry.do !== 'event') continue
      this.#live.add(entry.seq)
      lastSeq = entry.seq
    }
    if (this.#live.size === 0) {
      erase(this.#id)
      this.#isAnew = true
      return lastSeq
    }
    if (isWhole) {
      erase(this.#id)
      clients.put(this.#client(), this.#id)
    }
    const bytes = encode(entries)
    if (bytes.length > 0) records.put(bytes, [this.#id, this.#nextKey++])
    this.#bytes = isWhole ? bytes.length : this.#bytes + bytes.length
    if (isWhole) this.#compactAt = 2 * bytes.length + COMPACT_BYTES
    this.#isAnew = false
    if (locks() === undefined) this.#beat()
    return lastSeq
  }

  #client(): Client {
    return { version: VERSION, sink: this.#sink, at: Date.now() }
  }

  /** Takes over what clients have left that are gone. */
  async #look(): Promise<void> {
    if (this.#away || this.#isClosed) return
    await this.#connect()
    if (this.#db === undefined) return
    const ids = (await answer(this.#change(this.#db).clients.getAllKeys())) as string[]
    for (const id of ids) {
      if (id === this.#id || id === this.#former) continue
      await this.#tabs.ifFree(id, () => {
        const moved = this.#takeOver(id)
        const over = () => {
          this.#moving = undefined
        }
        this.#moving = moved.then(over, over)
        return moved
      })
    }
  }

  async #takeOver(id: string): Promise<void> {
    if (this.#db !== undefined) await this.#tabs.hold(this.#id)
    if (this.#db === undefined) return
    const change = this.#change(this.#db)
    const mine: IDBRequest<Client | undefined> | undefined = this.#isAnew ? undefined : change.clients.get(this.#id)
    const theirs: IDBRequest<Client | undefined> = change.clients.get(id)
    const records: IDBRequest<unknown[]> = change.records.getAll(keysOf(id))
    let taken: number[] = []
    let lastSeq = 0
    records.onsuccess = () => {
      try {
        // What is not this client's own any more is found out by its next write.
        if (theirs.result === undefined || (mine !== undefined && !isOurs(mine.result))) return
        const left = this.#leftBy(theirs.result, records.result)
        if (left === 'forgotten') change.clients.delete(id)
        if (typeof left !== 'object') return
        const numbers = this.#holder.inherit(left)
        if (numbers === undefined) return
        taken = numbers
        const events = left.events.map((event, i) => ({ ...event, seq: numbers[i] as number }))
        lastSeq = this.#put(change, entriesOf({ ...left, events }))
        change.records.delete(keysOf(id))
        change.clients.put({ ...theirs.result, takenAt: Date.now() } satisfies Client, id)
      } catch {
        change.tx.abort()
      }
    }
    try {
      await done(change.tx)
      this.#lastSeq = Math.max(this.#lastSeq, lastSeq)
      this.#rest()
    } catch (error) {
      // They are where they were.
      const [first, last] = [taken[0], taken.at(-1)]
      if (first !== undefined && last !== undefined) this.#holder.lose([first, last])
      throw this.#failed(error)
    }
  }

  /** What is to be taken over of a client. */
  #leftBy(client: Client, records: unknown[]): Left | 'forgotten' | undefined {
    const { version, sink, at, takenAt } = client
    if (version !== VERSION || sink !== this.#sink) return undefined
    const lives = takenAt === undefined && locks() === undefined && Date.now() - at < LEASE_MS
    if (lives) return undefined
    if (records.length === 0) return Date.now() - (takenAt ?? at) > TAKEN_MS ? 'forgotten' : undefined
    const whole = records.filter((record) => record instanceof Uint8Array)
    const { entries, foreign, corrupt } = decode(join(whole))
    return foreign.length > 0 ? undefined : fold(entries).left(corrupt + records.length - whole.length)
  }

  /** Without locks: says now and then that this client lives. */
  #beat(): void {
    this.#stopBeat?.()
    this.#stopBeat = timeout(BEAT_MS, () => {
      if (this.#db === undefined) return
      const { clients } = this.#change(this.#db)
      const mine: IDBRequest<Client | undefined> = clients.get(this.#id)
      mine.onsuccess = () => isOurs(mine.result) && clients.put(this.#client(), this.#id)
      this.#beat()
    })
  }

  #inherit(): void {
    if (!this.#isClosed && !this.#away) this.#tabs.inherit(() => void this.#look().catch(() => {}))
  }

  #connect(): Promise<void> {
    if (this.#opening !== undefined) return this.#opening
    const opening = connect(this.#name).then(
      (db) => {
        // The page was left meanwhile.
        if (this.#opening !== opening) return db.close()
        this.#db = db
        // Somebody deletes the database, or the browser has: the next write opens it again.
        db.onversionchange = db.onclose = () => this.#disconnect()
      },
      (error) => {
        if (this.#opening === opening) this.#opening = undefined
        throw error
      },
    )
    this.#opening = opening
    return opening
  }

  #disconnect(): void {
    this.#tabs.releaseAll()
    this.#stopBeat?.()
    this.#db?.close()
    this.#db = undefined
    this.#opening = undefined
  }

  #change(db: IDBDatabase): Change {
    const tx = db.transaction(['clients', 'records'], 'readwrite', { durability: this.#durability })
    return { tx, clients: tx.objectStore('clients'), records: tx.objectStore('records') }
  }

  #listen(how: 'addEventListener' | 'removeEventListener'): void {
    const { document } = globalThis
    if (typeof document !== 'object') return
    globalThis[how]('pagehide', this.#leave)
    globalThis[how]('pageshow', this.#return)
    document[how]('freeze', this.#leave)
    document[how]('resume', this.#return)
  }

  /** A page that holds a lock or a connection may not come back: neither is held by one that is left. */
  readonly #leave = (): void => {
    if (this.#away) return
    this.#holder.leave()
    let comeBack = () => {}
    const back = new Promise<void>((resolve) => {
      comeBack = resolve
    })
    this.#away = { back, comeBack }
    if (this.#db !== undefined && this.#moving === undefined && this.#buffer.length > 0)
      this.#commit(this.#db).catch(() => {})
    this.#disconnect()
  }

  readonly #return = (): void => {
    if (!this.#away) return
    this.#away.comeBack()
    this.#away = undefined
    this.#inherit()
    // Perhaps another one has taken over its events.
    if (!this.#isAnew) this.write([]).catch(() => {})
  }
}

const isOurs = (client: Client | undefined): boolean => client !== undefined && client.takenAt === undefined

const newId = (): string => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join('-')

const keysOf = (id: string): IDBKeyRange => IDBKeyRange.bound([id], [id, []])

function connect(name: string): Promise<IDBDatabase> {
  return patiently((resolve, reject) => {
    if (globalThis.indexedDB === undefined) throw new Error('there is no IndexedDB here')
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('clients')
      request.result.createObjectStore('records')
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

const answer = <T>(request: IDBRequest<T>): Promise<T> =>
  patiently((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

const done = (tx: IDBTransaction): Promise<void> =>
  patiently((resolve, reject) => {
    tx.oncomplete = () => resolve()
    tx.onabort = () => reject(tx.error ?? new Error('the browser gave up a transaction'))
  })

/** Some browsers now and then do not answer at all. */
function patiently<T>(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timeout(PATIENCE_MS, () => reject(new Error('IndexedDB does not answer')))
    const and =
      <A>(then: (value: A) => void) =>
      (value: A) => {
        cancel()
        then(value)
      }
    start(and(resolve), and(reject))
  })
}
