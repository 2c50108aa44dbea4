/** A vendor on a real socket: a ledger of what it took, and whatever fate a script has for each request. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { gzipSync } from 'node:zlib'
import { elements, members } from '../../../packages/taximeter-dev/src/slice.js'

/** The clock for what is played against real processes. */
export const realTime = {
  get ms() {
    return performance.now()
  },
  get trueMs() {
    return Date.now()
  },
  after: (ms, back) => setTimeout(back, ms),
}

/**
 * A step is the fate of one request; `times` makes it so many.
 *
 * - `status`, `headers`, `body`: the answer, in place of the usual one
 * - `commit`: `all`, `none` or how many of the first events are stored; without it: all if the answer is usual, else none
 * - `delayMs`: between storing and answering
 * - `end`: `reply`; `reset` breaks the connection; `hang` never answers; `half` sends the head and half a body, then
 *   nothing; `trickle` sends a byte a second; `flood` sends 100 MB; `chunks` breaks the framing; `bomb` sends a little gzip
 *   that is a lot
 */
export class Vendor {
  /** Each event each time it came: `{ key, id, n, sha256, attempt, at, stored, type, raw }`. */
  arrivals = []
  /** `{ at, bytes, events, path, key }` of each request. */
  requests = []
  /** Requests that have no answer yet, by the script's will. */
  stalled = 0
  largest = 0
  #clock
  #options
  #script = []
  #mode
  #server
  #port = 0
  #stored = new Map()
  #attempts = new Map()

  constructor(clock, options = {}) {
    this.#clock = clock
    this.#options = { dedup: true, dodo: false, ...options }
  }

  async open() {
    const { serve } = this.#options
    this.#server = http.createServer((req, res) => {
      // A page and where it sends to have one origin.
      if (req.method === 'GET' && serve) return serve(req, res)
      this.#take(req, res).catch(() => res.destroy())
    })
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = this.#server.address().port
    return this
  }

  /** Nobody listens any more. */
  async shut() {
    if (!this.#server) return
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
    this.#server = undefined
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`
  }

  /** The fates of the next requests. */
  script(steps) {
    for (const { times = 1, ...step } of steps) for (let i = 0; i < times; i++) this.#script.push(step)
  }

  /** The fate of every request from now on, or none. */
  always(step) {
    this.#mode = step ?? undefined
  }

  /** Changes what it takes. */
  set(options) {
    Object.assign(this.#options, options)
  }

  /** How often each event was counted, by source and id. */
  get counted() {
    return new Map([...this.#stored].map(([key, times]) => [key, times.length]))
  }

  async #take(req, res) {
    const chunks = []
    for await (const chunk of req) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    this.largest = Math.max(this.largest, body.length)
    const raws = rawEvents(body.toString())
    const events = raws.map((raw) => this.#arrive(raw))
    this.requests.push({
      at: this.#clock.ms,
      bytes: body.length,
      events: events.length,
      path: req.url,
      authorization: req.headers.authorization,
    })
    const step = this.#script.shift() ?? this.#mode ?? {}
    const verdict = this.#judge(body.length, events)
    const { status = verdict.status, headers = {}, commit, delayMs = 0, end = 'reply' } = step
    const usual = step.status === undefined && verdict.stored
    const stored = commit === undefined ? (usual ? 'all' : 'none') : verdict.stored ? commit : 'none'
    this.#store(events.slice(0, stored === 'all' ? events.length : stored === 'none' ? 0 : stored))
    const answer = { status, headers: { ...verdict.headers, ...headers }, body: step.body ?? verdict.body }
    if (delayMs > 0) {
      this.stalled += 1
      await new Promise((resolve) => this.#clock.after(delayMs, resolve))
      this.stalled -= 1
    }
    this.#end(end, answer, res)
  }

  #arrive(raw) {
    const event = JSON.parse(raw)
    const id = event.id ?? event.event_id
    const key = JSON.stringify([event.source ?? 'dodo', id])
    const attempt = (this.#attempts.get(key) ?? 0) + 1
    this.#attempts.set(key, attempt)
    const { n } = event.data ?? event.metadata ?? {}
    const sha256 = createHash('sha256').update(raw).digest('hex')
    const arrival = { key, id, n, sha256, attempt, at: this.#clock.ms, stored: false, type: event.type, raw }
    this.arrivals.push(arrival)
    return arrival
  }

  /** What a server that works says. */
  #judge(bytes, events) {
    const { bodyMax = Number.POSITIVE_INFINITY, refuses, token, dodo } = this.#options
    const problem = (status, detail) => ({
      status,
      headers: { 'content-type': 'application/problem+json' },
      body: JSON.stringify({ detail }),
    })
    if (token != null && this.requests.at(-1).authorization !== `Bearer ${token}`) return problem(401, 'unknown key')
    if (bytes > bodyMax) return problem(413, 'too large')
    if (refuses === 'all' || (refuses && events.some(({ type }) => type === refuses))) return problem(400, 'refused')
    if (!dodo) return { status: 204, stored: true }
    return { status: 200, stored: true, headers: { 'content-type': 'application/json' }, body: '{"ingested_count":1}' }
  }

  #store(events) {
    const { dedup } = this.#options
    for (const arrival of events) {
      const times = this.#stored.get(arrival.key) ?? []
      const windowMs = dedup === true ? Number.POSITIVE_INFINITY : dedup || 0
      if (times.length > 0 && this.#clock.ms - times.at(-1) < windowMs) continue
      times.push(this.#clock.ms)
      arrival.stored = true
      this.#stored.set(arrival.key, times)
    }
  }

  #end(end, { status, headers, body }, res) {
    // The platform's own clock is not the one of this world.
    res.sendDate = false
    const date = new Date(this.#clock.trueMs).toUTCString()
    if (end === 'hang') {
      this.stalled += 1
      res.on('close', () => {
        this.stalled -= 1
      })
      return
    }
    if (end === 'reset') return void res.socket?.resetAndDestroy()
    const heads = { date, ...headers }
    // `{in 30 s}` is a date.
    for (const [name, value] of Object.entries(heads)) {
      const [, seconds] = /^\{in (\d+) s\}$/.exec(value) ?? []
      if (seconds) heads[name] = new Date(this.#clock.trueMs + seconds * 1000).toUTCString()
    }
    if (end === 'reply') return void res.writeHead(status, heads).end(body)
    if (end === 'bomb') {
      return void res.writeHead(status, { ...heads, 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(64 << 20)))
    }
    if (end === 'chunks') {
      res.socket?.end(`HTTP/1.1 ${status} X\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nnonsense\r\n`)
      return
    }
    this.stalled += 1
    res.on('close', () => {
      this.stalled -= 1
    })
    res.on('error', () => {})
    if (end === 'half') {
      res.writeHead(status, { 'content-type': 'application/json', ...heads, 'content-length': 100 }).write('{"half":')
    } else if (end === 'trickle') {
      res.writeHead(status, heads)
      const drop = () => {
        if (res.destroyed) return
        res.write('.')
        this.#clock.after(1000, drop)
      }
      drop()
    } else if (end === 'flood') {
      res.writeHead(status, heads)
      const piece = Buffer.alloc(1 << 20, 'x')
      let left = 100
      const pour = () => {
        while (left-- > 0 && !res.destroyed) if (!res.write(piece)) return void res.once('drain', pour)
        res.end()
      }
      pour()
    }
  }
}

/** The bytes of each event as they stand in a body. */
function rawEvents(body) {
  try {
    return elements(body.startsWith('[') ? body : (members(body).get('events') ?? '[]'))
  } catch {
    return []
  }
}
