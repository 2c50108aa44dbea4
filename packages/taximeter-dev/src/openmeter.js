/** OpenMeter's v1 API: ingest, the events list, meters and their queries. */
import { randomBytes } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { explain } from './engine.js'
import { LIST_LIMIT_MAX, METERS_MAX, QUERY_BYTES_MAX } from './limits.js'
import { elements, members } from './slice.js'
import { cloudEvent } from './store.js'

/**
 * @typedef {import('./script.js').Answer} Answer
 * @typedef {{ store: import('./store.js').Store, engine: import('./engine.js').Engine, now: () => number, dedupe: boolean, customers: (id: string) => boolean }} Context
 *
 * @typedef {object} Item one event of an ingest request
 * @property {string} id
 * @property {string} source
 * @property {string} raw its JSON text in the request
 * @property {import('./store.js').NewEvent} [event] what to store, if it may be stored
 * @property {'dropped' | 'refused'} [outcome] why not, if it may not
 *
 * @typedef {{ items: Item[], answer: (stored: number) => Answer }} Prepared
 */

/** @type {Record<string, 'one' | 'batch' | 'either'>} */
const CONTENT_TYPES = {
  'application/cloudevents+json': 'one',
  'application/cloudevents-batch+json': 'batch',
  'application/json': 'either',
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** @param {number} status @param {string} detail @returns {Answer} */
export function refuse(status, detail) {
  const problem = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail }
  return { status, headers: { 'content-type': 'application/problem+json' }, body: JSON.stringify(problem) }
}

/** @param {unknown} value @param {number} [status] @returns {Answer} */
function json(value, status = 200) {
  const body = typeof value === 'string' ? value : JSON.stringify(value)
  return { status, headers: { 'content-type': 'application/json' }, body }
}

/**
 * Checks an ingest request. A 400 refuses all of it; a 500 (a number beyond float64) lets through what came before it,
 * for the server forwards events one by one.
 * @param {string | undefined} contentType
 * @param {string} text
 * @param {Context} context
 * @returns {Prepared}
 */
export function prepare(contentType, text, { engine, now, dedupe }) {
  /** @param {string} detail */
  const refused = (detail) => ({ items: [], answer: () => refuse(400, detail) })

  const form = Object.hasOwn(CONTENT_TYPES, contentType ?? '') ? CONTENT_TYPES[contentType ?? ''] : undefined
  if (form === undefined) return refused(`invalid content type: ${contentType ?? ''}`)
  let value
  try {
    value = JSON.parse(text)
  } catch (error) {
    return refused(`invalid event: ${/** @type {Error} */ (error).message}`)
  }
  const isBatch = Array.isArray(value)
  if (form !== 'either' && isBatch !== (form === 'batch')) {
    return refused(`invalid event: ${contentType} takes ${form === 'batch' ? 'an array' : 'one event'}`)
  }
  if (form === 'either' && isBatch && value.length === 0) return refused('invalid event: no events found')

  const parsed = isBatch ? value : [value]
  const raws = isBatch ? elements(text) : [text.trim()]
  const { verdicts, detail: unreadable } = verdictsOf(raws, engine, now())
  if (unreadable !== undefined) return refused(`invalid event: ${unreadable}`)
  const items = raws.map((raw, index) => itemOf(raw, parsed[index], verdicts[index]?.status, now(), dedupe))

  const detail = (/** @type {number} */ index) =>
    `invalid event: ${isBatch ? `[${index}] ` : ''}${verdicts[index]?.path ?? 'event'}: ${verdicts[index]?.code}`
  const bad = verdicts.findIndex(({ status, http }) => status === 'rejected' && http !== 500)
  if (bad >= 0) return { items: items.map(asRefused), answer: () => refuse(400, detail(bad)) }
  const failed = verdicts.findIndex(({ status }) => status === 'rejected')
  if (failed < 0) return { items, answer: () => ({ status: 204 }) }
  const forwarded = items.map((item, index) => (index < failed ? item : asRefused(item)))
  return { items: forwarded, answer: () => refuse(500, detail(failed)) }
}

/**
 * The v3 endpoint: parameters of the content type are allowed, and what is taken gets a 202.
 * @param {string | undefined} contentType
 * @param {string} text
 * @param {Context} context
 * @returns {Prepared}
 */
export function prepareV3(contentType, text, context) {
  const { items, answer } = prepare(contentType?.split(';', 1)[0]?.trim().toLowerCase(), text, context)
  return {
    items,
    answer: (stored) => {
      const usual = answer(stored)
      return usual.status === 204 ? { status: 202 } : usual
    },
  }
}

/**
 * The engine's verdicts on events, or why it cannot read them at all (nesting beyond its depth, for one).
 * @param {string[]} events
 * @param {import('./engine.js').Engine} engine
 * @param {number} now
 * @returns {{ verdicts: import('./engine.js').Verdict[], detail?: string }}
 */
export function verdictsOf(events, engine, now) {
  try {
    return { verdicts: engine.check(`[${events.join(',')}]`, new Date(now).toISOString()) }
  } catch (error) {
    return { verdicts: [], detail: explain(error).detail }
  }
}

/** A string of a refused event, which may hold anything. @param {unknown} value */
export const stringOf = (value) => (typeof value === 'string' ? value : '')

/** @param {Item} item @returns {Item} */
const asRefused = ({ id, source, raw }) => ({ id, source, raw, outcome: 'refused' })

/**
 * @param {string} raw
 * @param {any} event the same, parsed
 * @param {import('./engine.js').Verdict['status'] | undefined} status
 * @param {number} now
 * @param {boolean} dedupe
 * @returns {Item}
 */
function itemOf(raw, event, status, now, dedupe) {
  if (status === 'rejected')
    return { id: stringOf(event?.id), source: stringOf(event?.source), raw, outcome: 'refused' }
  const { id, source, type, subject, time } = event
  if (status === 'dropped') return { id, source, raw, outcome: 'dropped' }
  const data = event.data == null ? null : (members(raw).get('data') ?? null)
  return {
    id,
    source,
    raw,
    event: { id, source, type, subject, time: time ?? new Date(now).toISOString(), data, dedupe },
  }
}

/**
 * The routes beside ingest; a handler gets the parts of the path, the query string and the body.
 * @type {[method: string, path: RegExp, handler: (context: Context, params: string[], query: URLSearchParams, body: string) => Answer][]}
 */
export const routes = [
  ['GET', /^\/api\/v1\/events$/, ({ store }, _, query) => listEvents(store, query)],
  ['GET', /^\/api\/v1\/meters$/, ({ store }) => json(store.meters())],
  ['POST', /^\/api\/v1\/meters$/, (context, _, __, body) => createMeter(context, body)],
  ['GET', /^\/api\/v1\/meters\/([^/]+)$/, (context, params) => withMeter(context, params, (meter) => json(meter))],
  ['DELETE', /^\/api\/v1\/meters\/([^/]+)$/, (context, params) => withMeter(context, params, removeMeter(context))],
  [
    'GET',
    /^\/api\/v1\/meters\/([^/]+)\/query$/,
    (context, params, query) => withMeter(context, params, (meter) => queryMeter(context, meter, query)),
  ],
]

/**
 * The server's list of ingested events, newest first. It looks back as far as there are events (the server: 32 days).
 * @param {import('./store.js').Store} store
 * @param {URLSearchParams} query
 */
function listEvents(store, query) {
  const limit = Number(query.get('limit') ?? LIST_LIMIT_MAX)
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT_MAX) {
    return refuse(400, `limit must be 1 to ${LIST_LIMIT_MAX}`)
  }
  /** @type {import('./store.js').EventFilter} */
  const filter = { limit }
  for (const name of /** @type {const} */ (['from', 'to', 'ingestedAtFrom', 'ingestedAtTo'])) {
    const value = query.get(name)
    if (value === null) continue
    const time = DATE_TIME.test(value) ? Date.parse(value) : Number.NaN
    if (Number.isNaN(time)) return refuse(400, `${name} must be an RFC 3339 date-time`)
    filter[name] = time
  }
  for (const name of /** @type {const} */ (['id', 'subject'])) {
    const value = query.get(name)
    if (value) filter[name] = value
  }
  // There are no customers here, so no event belongs to one.
  const events = query.has('customerId') ? [] : store.list(filter)
  const rows = events.map((event) => {
    const at = JSON.stringify(new Date(event.ingestedAt))
    return `{"event":${cloudEvent(event)},"ingestedAt":${at},"storedAt":${at}}`
  })
  return json(`[${rows.join(',')}]`)
}

/**
 * @param {Context} context
 * @param {string[]} params
 * @param {(meter: any) => Answer} then
 */
function withMeter({ store }, [name], then) {
  const meter = store.meters().find(({ slug, id }) => slug === name || id === name)
  return meter ? then(meter) : refuse(404, `meter not found: ${name}`)
}

/** @param {Context} context @returns {(meter: { slug: string }) => Answer} */
const removeMeter =
  ({ store }) =>
  ({ slug }) => {
    store.removeMeter(slug)
    return { status: 204 }
  }

/** @param {Context} context @param {string} body */
function createMeter(context, body) {
  let input
  try {
    input = JSON.parse(body)
  } catch (error) {
    return refuse(400, `invalid meter: ${/** @type {Error} */ (error).message}`)
  }
  const meters = context.store.meters()
  if (meters.some(({ slug }) => slug === input?.slug)) return refuse(409, `meter already exists: ${input.slug}`)
  if (meters.length >= METERS_MAX) return refuse(400, `there are at most ${METERS_MAX} meters`)
  try {
    return json(addMeter(context, input), 201)
  } catch (error) {
    const { status, detail } = explain(error)
    return refuse(status, detail)
  }
}

const DEFINITION = ['slug', 'name', 'description', 'eventType', 'eventFrom', 'aggregation', 'valueProperty', 'groupBy']

/** @param {any} input @returns {import('./engine.js').MeterDefinition} */
const definitionOf = (input) =>
  /** @type {any} */ (
    Object.fromEntries(DEFINITION.flatMap((key) => (input?.[key] == null ? [] : [[key, input[key]]])))
  )

/**
 * Checks a meter by querying it over no events, then keeps it. Throws the engine's error.
 * @param {Context} context
 * @param {unknown} input
 */
export function addMeter({ store, engine, now, dedupe }, input) {
  const definition = definitionOf(input)
  const at = new Date(now()).toISOString()
  engine.query([definition], '[]', { meter: definition.slug }, { now: at, dedupe })
  const meter = { id: ulid(now()), name: definition.slug, ...definition, createdAt: at, updatedAt: at }
  store.putMeter(meter)
  return meter
}

/** @param {Context} context @param {any} meter @param {URLSearchParams} query */
function queryMeter({ store, engine, now }, meter, query) {
  /** @type {import('./engine.js').MeterQuery} */
  const asked = { meter: meter.slug }
  for (const name of /** @type {const} */ (['from', 'to', 'windowSize', 'windowTimeZone'])) {
    const value = query.get(name)
    if (value !== null) asked[name] = value
  }
  for (const name of /** @type {const} */ (['subject', 'filterCustomerId', 'groupBy'])) {
    if (query.has(name)) asked[name] = query.getAll(name)
  }
  for (const name of new Set(query.keys())) {
    const key = /^filterGroupBy\[(.*)\]$/s.exec(name)?.[1]
    if (key !== undefined) asked.filterGroupBy = { ...asked.filterGroupBy, [key]: query.getAll(name) }
  }
  try {
    const advanced = query.get('advancedMeterGroupByFilters')
    if (advanced !== null) asked.advancedMeterGroupByFilters = JSON.parse(advanced)
  } catch (error) {
    return refuse(400, `advancedMeterGroupByFilters: ${/** @type {Error} */ (error).message}`)
  }
  // The store has deduplicated; without their ids the events are shorter.
  const stored = store.events(meter.eventType).map((event) => cloudEvent({ ...event, id: '0', source: '0' }))
  const events = `[${stored.join(',')}]`
  if (Buffer.byteLength(events) > QUERY_BYTES_MAX) {
    return refuse(400, `a query reads at most ${QUERY_BYTES_MAX} bytes of events, and there are more: start afresh`)
  }
  try {
    const options = { now: new Date(now()).toISOString(), dedupe: false }
    return json(engine.query([definitionOf(meter)], events, asked, options))
  } catch (error) {
    const { status, detail } = explain(error)
    return refuse(status, detail)
  }
}

/** An id in the server's own form: a ULID. @param {number} time */
function ulid(time) {
  const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  const head = Array.from({ length: 10 }, (_, i) => digits[Math.floor(time / 32 ** (9 - i)) % 32])
  return [...head, ...Array.from(randomBytes(16), (byte) => digits[byte % 32])].join('')
}
