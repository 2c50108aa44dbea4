/** The HTTP server: reads bounded requests, finds the endpoint, stores, answers, or fails as the script says. */
import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { loadEngine } from './engine.js'
import { play, readBody, send } from './http.js'
import { Ledger } from './ledger.js'
import { EVENTS_KEPT_MAX } from './limits.js'
import * as openmeter from './openmeter.js'
import { page } from './page.js'
import { answerOf, committed, Script } from './script.js'
import { Store } from './store.js'
import { INGEST, openSession, SESSIONS } from './vendors/index.js'

/**
 * @typedef {object} DevServerOptions
 * @property {number} [port] 0, the default, takes a free one
 * @property {string} [host] `127.0.0.1`: nobody else can reach it
 * @property {string} [file] an SQLite file to keep events and meters in; without it they live in memory
 * @property {string} [token] the bearer token every request must have; without it none is asked for
 * @property {boolean} [dedupe] `true`: OpenMeter events of a known source and id are counted once, as on a server with
 *   deduplication. `false`: every event counts, as on a server with its default configuration. Dodo always dedupes.
 * @property {import('./engine.js').MeterDefinition[]} [meters] meters to begin with; they replace those of equal slug
 * @property {() => number} [now] the clock, milliseconds since 1970
 * @property {(id: string) => boolean} [customers] which customers exist, to vendors that ask; default: all
 * @property {number} [eventsMax] events kept; beyond it the oldest make room
 * @property {import('./engine.js').Engine} [engine] the rules; default: those of the `taximeter` package
 *
 * @typedef {object} Stats
 * @property {number} requests ingest requests
 * @property {number} arrivals events seen in them
 * @property {number} stored of these, as new
 * @property {number} duplicate
 * @property {number} dropped
 * @property {number} withheld
 * @property {number} refused
 * @property {number} events in the store now
 * @property {number} evicted events that made room since the start
 * @property {number} scripted steps that wait in the script
 *
 * @typedef {object} DevServer
 * @property {string} url
 * @property {number} port
 * @property {import('./ledger.js').RequestRecord[]} requests the ledger, oldest first
 * @property {() => Stats} stats
 * @property {() => import('./store.js').StoredEvent[]} events everything stored, in order of arrival
 * @property {(steps: import('./script.js').Step[]) => void} script appends to the fates of the ingest requests to come
 * @property {() => Promise<void>} close
 */

const OPTIONS = ['port', 'host', 'file', 'token', 'dedupe', 'meters', 'now', 'customers', 'eventsMax', 'engine']

/**
 * Starts the server.
 * @param {DevServerOptions} [options]
 * @returns {Promise<DevServer>}
 */
export async function startDevServer(options = {}) {
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key))
  if (unknown !== undefined) throw new TypeError(`no option "${unknown}"; the options are ${OPTIONS.join(', ')}`)
  const { port = 0, host = '127.0.0.1', file, token, dedupe = true, meters = [], now = Date.now } = options
  const { customers = () => true, eventsMax = EVENTS_KEPT_MAX, engine = await loadEngine() } = options
  if (!(Number.isInteger(eventsMax) && eventsMax > 0)) throw new RangeError('eventsMax must be a positive count')
  const store = new Store(file, eventsMax)
  // A file stays locked if it is not closed.
  const closeStore = () => store.close()
  if (file !== undefined) process.once('exit', closeStore)
  const ledger = new Ledger()
  const script = new Script()
  const closed = new AbortController()
  const context = { store, engine, now, dedupe, customers }

  const server = createServer((req, res) => {
    const record = ledger.open(req, now())
    handle(req, res, record)
      .catch((error) => (res.headersSent ? res.destroy() : reply(openmeter.refuse(500, `${error?.message ?? error}`))))
      .catch(() => res.destroy())

    /** @param {import('./script.js').Answer} answer */
    function reply(answer) {
      const evicted = store.evicted > 0 ? { 'taximeter-evicted': `${store.evicted}` } : {}
      send(res, { ...answer, headers: { ...answer.headers, ...evicted } })
      record.status = answer.status
    }

    /**
     * @param {import('node:http').IncomingMessage} req
     * @param {import('node:http').ServerResponse} res
     * @param {import('./ledger.js').RequestRecord} record
     */
    async function handle({ method = '', url = '', headers }, res, record) {
      const path = record.path
      const endpoint = Object.hasOwn(INGEST, path) && method === 'POST' ? INGEST[path] : undefined
      const { refuse } = endpoint ?? openmeter
      const body = await readBody(req)
      record.bytes = body.bytes
      if (!isAuthorised(headers, token) && !SESSION_PATH.test(path)) {
        const challenge = { 'www-authenticate': 'Basic realm="taximeter dev"' }
        const answer = refuse(401, 'a valid bearer token is required')
        return reply(path === '/' ? { ...answer, headers: { ...answer.headers, ...challenge } } : answer)
      }
      if (method === 'POST' && SESSIONS.includes(path)) return reply(openSession())
      if (endpoint) return ingest(endpoint, body, headers, res, record)
      if (body.text === undefined) return reply(refuse(body.status, body.detail))
      if (method === 'GET' && path === '/') return reply(page(store, ledger))
      return reply(route(method, path, url, body.text))
    }

    /**
     * @param {import('./vendors/index.js').Endpoint} endpoint
     * @param {import('./http.js').Body} body
     * @param {import('node:http').IncomingHttpHeaders} headers
     * @param {import('node:http').ServerResponse} res
     * @param {import('./ledger.js').RequestRecord} record
     */
    async function ingest(endpoint, body, headers, res, record) {
      ledger.counts.requests++
      const step = script.next()
      const { items, answer } =
        body.text === undefined
          ? { items: [], answer: () => endpoint.refuse(body.status, body.detail) }
          : endpoint.prepare(headers['content-type'], body.text, context, headers)
      const taken = items.slice(0, step ? committed(step, items.length) : items.length)
      const added = store.add(
        taken.flatMap(({ event }) => event ?? []),
        now(),
      )
      const stored = added.filter(Boolean).length
      for (const [index, item] of items.entries()) {
        const kept = item.event && index < taken.length && (added.shift() ? 'stored' : 'duplicate')
        ledger.arrive(record, item, item.outcome ?? (kept || 'withheld'))
      }
      if (!step) return reply(answer(stored))
      record.status = await play(step, answerOf(step, answer(stored)), res, closed.signal)
    }
  })

  /** @param {string} method @param {string} path @param {string} url @param {string} body */
  function route(method, path, url, body) {
    const matches = openmeter.routes.filter(([, pattern]) => pattern.test(path))
    const found = matches.find(([name]) => name === method)
    if (!found) {
      const allowed = [...matches.map(([name]) => name), ...(Object.hasOwn(INGEST, path) ? ['POST'] : [])]
      if (allowed.length === 0) return openmeter.refuse(404, `nothing at ${path}`)
      const answer = openmeter.refuse(405, `${path} takes ${allowed.join(', ')}`)
      return { ...answer, headers: { ...answer.headers, allow: allowed.join(', ') } }
    }
    const [, pattern, handler] = found
    try {
      const params = (pattern.exec(path) ?? []).slice(1).map(decodeURIComponent)
      return handler(context, params, new URLSearchParams(url.slice(path.length)), body)
    } catch (error) {
      if (error instanceof URIError) return openmeter.refuse(400, `bad escape in ${path}`)
      throw error
    }
  }

  async function close() {
    closed.abort()
    process.off('exit', closeStore)
    const done = server.listening ? once(server, 'close') : undefined
    server.close()
    server.closeAllConnections()
    await done
    store.close()
  }

  try {
    for (const meter of meters) openmeter.addMeter(context, meter)
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    await close()
    throw error
  }
  const bound = /** @type {import('node:net').AddressInfo} */ (server.address()).port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    requests: ledger.requests,
    stats: () => ({ ...ledger.counts, events: store.count, evicted: store.evicted, scripted: script.length }),
    events: () => store.events(),
    script: (steps) => script.add(steps),
    close,
  }
}

/** The stream has a session's token in the key's place, and looks at it itself. */
const SESSION_PATH = /\/v2\/billing\/meter_event_stream$/

/**
 * The token as a bearer, as a vendor's own header, or, for browsers, as the password of basic auth.
 * @param {import('node:http').IncomingHttpHeaders} headers
 * @param {string | undefined} token
 */
function isAuthorised(headers, token) {
  if (token === undefined) return true
  const own = headers['x-api-key'] ?? headers['x-schematic-api-key']
  const header = own === undefined ? headers.authorization : `Bearer ${own}`
  const [, scheme = '', value = ''] = /^(basic|bearer) (.*)$/i.exec(header ?? '') ?? []
  const basic = Buffer.from(value, 'base64')
  // Node gives the bytes of a header as Latin-1.
  const given = scheme.toLowerCase() === 'basic' ? basic.subarray(basic.indexOf(':') + 1) : Buffer.from(value, 'latin1')
  const wanted = Buffer.from(token)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
