/**
 * What the vendors' ingest endpoints have in common: a list of events, each with an id, a type, a customer, a time and
 * flat data under names of its own; faults, which the vendor reports in its own way; and an answer.
 */
import { verdictsOf } from '../openmeter.js'
import { elements, members } from '../slice.js'
import { cloudEvent } from '../store.js'

/**
 * @typedef {import('../script.js').Answer} Answer
 * @typedef {import('../openmeter.js').Item} Item
 * @typedef {import('../openmeter.js').Context} Context
 * @typedef {Record<string, string | string[] | undefined>} Headers
 *
 * @typedef {object} Fault
 * @property {number} at the event's place
 * @property {string} id the event's id
 * @property {string} field
 * @property {string} message
 *
 * @typedef {object} Vendor
 * @property {string} path
 * @property {string} [contentType] JSON if absent
 * @property {(text: string) => any} [read] the body; JSON if absent
 * @property {'array' | 'events' | 'single'} frame where the events are
 * @property {number} [eventsMax]
 * @property {(count: number) => Answer} [tooMany] the answer to more; a 400 if absent
 * @property {(event: any) => { id: unknown, type: unknown, subject: unknown, time: unknown, data: unknown }} fields
 * @property {(raw: string) => string | undefined} dataText the data's text, with its digits as they came
 * @property {(event: any, fail: (field: string, message: string) => void, now: number) => void} check the vendor's rules
 * @property {(faults: Fault[], count: number) => Answer} refused
 * @property {(message: string) => Answer} malformed a body that is none of its schema
 * @property {(stored: number, events: any[], items: Item[], context: Context) => Answer} accepted
 * @property {(ids: string[], context: Context) => Answer | undefined} [known] what it says to ids that it knows
 * @property {(headers: Headers) => Answer | undefined} [admit] what it asks of the headers
 */

/** @param {number} status @param {unknown} [body] @param {Record<string, string>} [headers] @returns {Answer} */
export const json = (status, body, headers) => ({
  status,
  headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
  ...(body !== undefined && { body: JSON.stringify(body) }),
})

/** A body that breaks the rules. */
class Refused extends Error {
  /** @param {Answer} answer @param {Item[]} [items] */
  constructor(answer, items = []) {
    super(answer.body)
    this.answer = answer
    this.items = items
  }
}

/**
 * The endpoint of a vendor.
 * @param {string} name
 * @param {Vendor} vendor
 */
export function endpoint(name, vendor) {
  /** @param {number} status @param {string} message */
  const refuse = (status, message) =>
    status === 400 || status === 422 ? vendor.malformed(message) : json(status, { error: message, message })

  /**
   * @param {string | undefined} contentType
   * @param {string} text
   * @param {Context} context
   * @param {Headers} headers
   * @returns {import('../openmeter.js').Prepared}
   */
  function prepare(contentType, text, context, headers) {
    try {
      const refusal = vendor.admit?.(headers)
      if (refusal) throw new Refused(refusal)
      const { events, raws } = read(contentType, text)
      const items = events.map((event, at) => itemOf(event, raws[at] ?? '', context))
      const refused = items.map(({ event: _, ...item }) => ({ ...item, outcome: /** @type {const} */ ('refused') }))
      const faults = events.flatMap((event, at) => faultsOf(event, at, items[at], context))
      if (faults.length > 0) throw new Refused(vendor.refused(faults, events.length), refused)
      const known = vendor.known?.(
        items.map(({ id }) => id),
        context,
      )
      if (known) throw new Refused(known, refused)
      return { items, answer: (stored) => vendor.accepted(stored, events, items, context) }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      return { items: error.items, answer: () => error.answer }
    }
  }

  /** @param {string | undefined} contentType @param {string} text @returns {{ events: any[], raws: string[] }} */
  function read(contentType, text) {
    const { contentType: wanted = 'application/json', frame, eventsMax = Number.POSITIVE_INFINITY } = vendor
    if (contentType?.split(';', 1)[0]?.trim().toLowerCase() !== wanted) {
      throw new Refused(vendor.malformed(`content-type must be ${wanted}`))
    }
    let body
    try {
      body = (vendor.read ?? JSON.parse)(text)
    } catch (error) {
      throw new Refused(vendor.malformed(`malformed body: ${/** @type {Error} */ (error).message}`))
    }
    if (frame === 'single') return { events: [body], raws: [text] }
    const list = frame === 'array' ? body : body?.events
    if (!Array.isArray(list) || list.length === 0) throw new Refused(vendor.malformed('no list of events'))
    if (list.length > eventsMax) {
      throw new Refused(vendor.tooMany?.(list.length) ?? vendor.malformed(`at most ${eventsMax} events`))
    }
    return { events: list, raws: elements(frame === 'array' ? text : (members(text).get('events') ?? '[]')) }
  }

  /** @param {any} event @param {string} raw @param {Context} context @returns {Item} */
  function itemOf(event, raw, { now }) {
    const { id, type, subject, time, data } = vendor.fields(Object(event))
    /** @type {import('../store.js').NewEvent} */
    const stored = {
      id: String(id),
      source: name,
      type: String(type),
      subject: String(subject),
      time: timeOf(time) ?? new Date(now()).toISOString(),
      data: data == null ? null : (vendor.dataText(raw) ?? JSON.stringify(data)),
      dedupe: true,
    }
    return { id: stored.id, source: name, raw, event: stored }
  }

  /** @param {any} event @param {number} at @param {Item | undefined} item @param {Context} context @returns {Fault[]} */
  function faultsOf(event, at, item, { engine, now, customers }) {
    /** @type {Fault[]} */
    const faults = []
    const fail = (/** @type {string} */ field, /** @type {string} */ message) =>
      faults.push({ at, id: item?.id ?? '', field, message })
    if (typeof event !== 'object' || event === null || Array.isArray(event)) fail('', 'must be an object')
    else vendor.check(event, fail, now())
    if (faults.length > 0 || !item?.event) return faults
    if (!customers(item.event.subject)) fail('customer_id', 'there is no such customer')
    // What a time is and which numbers are numbers is the engine's to say.
    const { verdicts, detail } = verdictsOf([cloudEvent(item.event)], engine, now())
    const bad = verdicts.find(({ status }) => status === 'rejected')
    if (detail !== undefined || bad) fail(bad?.path ?? '', detail ?? bad?.code ?? '')
    return faults
  }

  return { path: vendor.path, prepare, refuse }
}

/** A time in any vendor's form, as RFC 3339. @param {unknown} time */
function timeOf(time) {
  if (typeof time === 'number' || (typeof time === 'string' && /^\d+(\.\d+)?$/.test(time))) {
    const value = Number(time)
    const date = new Date(value > 1e11 ? value : value * 1000)
    return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
  }
  return typeof time === 'string' ? time : undefined
}

/** The text of a member, or of a member of a member. @param {string} raw @param {string[]} path */
export function textAt(raw, ...path) {
  /** @type {string | undefined} */
  let text = raw
  for (const name of path) text = text === undefined ? undefined : members(text).get(name)
  return text
}

/** An object's text with one more member before the others. @param {string} name @param {string} value @param {string} [object] */
export const withMember = (name, value, object = '{}') =>
  `{"${name}":${value}${object === '{}' ? '' : ','}${object.slice(1)}`

/** @typedef {(field: string, message: string) => void} Fail */

/** @param {any} event @param {string[]} names @param {Fail} fail */
export function strings(event, names, fail) {
  for (const name of names) {
    if (typeof event[name] !== 'string') fail(name, 'must be a string')
    else if (event[name] === '') fail(name, 'must not be empty')
  }
}

/**
 * Exactly one of the two ways to name a customer.
 * @param {any} event
 * @param {Fail} fail
 */
export function customer(event, fail) {
  const given = ['customer_id', 'external_customer_id'].filter((name) => event[name] !== undefined)
  if (given.length !== 1) fail('customer_id', 'exactly one of customer_id and external_customer_id is needed')
  strings(event, given, fail)
}

/** @param {any} event */
export const customerOf = (event) => event.external_customer_id ?? event.customer_id

/**
 * Flat data: `keys` members, names of so many characters, values of one of these types and so many characters.
 * @param {unknown} data
 * @param {string} name
 * @param {{ keys?: number, key?: [number, number], value?: [number, number], types?: string[] }} limits
 * @param {Fail} fail
 */
export function flat(data, name, limits, fail) {
  const { keys = Number.POSITIVE_INFINITY, key = [0, Number.POSITIVE_INFINITY] } = limits
  const { value: size = [0, Number.POSITIVE_INFINITY], types = ['string', 'number', 'boolean'] } = limits
  if (data === undefined || data === null) return
  if (typeof data !== 'object' || Array.isArray(data)) return fail(name, 'must be an object')
  const entries = Object.entries(data)
  if (entries.length > keys) fail(name, `at most ${keys} keys`)
  for (const [at, value] of entries) {
    if (!within([...at].length, key)) fail(`${name}.${at}`, 'a name of the wrong length')
    if (!types.includes(typeof value) || value === null) fail(`${name}.${at}`, `must be of type ${types.join(', ')}`)
    else if (typeof value === 'string' && !within([...value].length, size)) {
      fail(`${name}.${at}`, 'a value of the wrong length')
    }
  }
}

/** @param {number} n @param {[number, number]} range */
const within = (n, [min, max]) => n >= min && n <= max

const ZONED = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/**
 * An RFC 3339 time, not older and not further ahead than so many milliseconds.
 * @param {unknown} time
 * @param {string} name
 * @param {{ now: number, oldest?: number, newest?: number }} limits
 * @param {Fail} fail
 */
export function timestamp(time, name, { now, oldest = Number.POSITIVE_INFINITY, newest = oldest }, fail) {
  const at = typeof time === 'string' && ZONED.test(time) ? Date.parse(time) : Number.NaN
  if (Number.isNaN(at)) return fail(name, 'must be an RFC 3339 time with a zone')
  if (at < now - oldest) fail(name, 'too far in the past')
  if (at > now + newest) fail(name, 'too far in the future')
}

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
