/** Dodo Payments' usage ingest, as its SDK 2.52.0 and its documentation describe it. */
import {
  DODO_EVENTS_MAX,
  DODO_KEY_CHARS_MAX,
  DODO_METADATA_KEYS_MAX,
  DODO_NEWEST_MS,
  DODO_OLDEST_MS,
  DODO_VALUE_CHARS_MAX,
} from './limits.js'
import { stringOf, verdictsOf } from './openmeter.js'
import { elements, members } from './slice.js'
import { cloudEvent } from './store.js'

/**
 * @typedef {import('./script.js').Answer} Answer
 * @typedef {import('./openmeter.js').Item} Item
 */

/** What a CloudEvent's `source` is for an event that has none. */
const SOURCE = 'dodo'

/** @param {number} status @param {string} message @returns {Answer} */
export const refuse = (status, message) => answer(status, { message })

/** @param {number} status @param {object} body @returns {Answer} */
const answer = (status, body) => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

/** A refusal on its way out. */
class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/**
 * Checks an ingest request; any fault refuses all of it. 422: not JSON, or not of the schema. 400: a value or a limit.
 * @param {string | undefined} contentType
 * @param {string} text
 * @param {import('./openmeter.js').Context} context
 * @returns {import('./openmeter.js').Prepared}
 */
export function prepare(contentType, text, { engine, now, customers }) {
  /** @type {Item[]} */
  let items = []
  try {
    if (contentType?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json') {
      throw new Refused(400, 'content-type must be application/json')
    }
    const events = parse(text)
    const raws = elements(members(text).get('events') ?? '[]')
    items = raws.map((raw, index) => ({ ...named(events[index]), raw, outcome: 'refused' }))
    if (events.length === 0 || events.length > DODO_EVENTS_MAX) {
      throw new Refused(400, `events must have 1 to ${DODO_EVENTS_MAX} entries`)
    }
    const checked = raws.map((raw, index) => check(events[index], raw, `events[${index}]`, now()))
    // What a time is and which numbers are numbers is the engine's to say.
    const texts = checked.map(({ event }) => cloudEvent(event))
    const { verdicts, detail } = verdictsOf(texts, engine, now())
    if (detail !== undefined) throw new Refused(400, detail)
    const bad = verdicts.findIndex(({ status }) => status === 'rejected')
    if (bad >= 0) throw new Refused(400, `events[${bad}]: ${verdicts[bad]?.path ?? 'event'}: ${verdicts[bad]?.code}`)
    const unknown = checked.find(({ event }) => !customers(event.subject))
    if (unknown) throw new Refused(400, `there is no customer ${unknown.event.subject}`)
    const twice = checked.find(({ id }, index) => checked.findIndex((other) => other.id === id) < index)
    if (twice) throw new Refused(400, `duplicate event_id in request: ${twice.id}`)
    return { items: checked, answer: (stored) => answer(200, { ingested_count: stored }) }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { items, answer: () => refuse(error.status, error.message) }
  }
}

/** @param {any} event */
const named = (event) => ({ id: stringOf(event?.event_id), source: SOURCE })

/** @param {string} text @returns {any[]} */
function parse(text) {
  let body
  try {
    body = JSON.parse(text)
  } catch (error) {
    throw new Refused(422, `malformed JSON: ${/** @type {Error} */ (error).message}`)
  }
  if (!Array.isArray(body?.events)) throw new Refused(422, 'events must be an array')
  return body.events
}

/**
 * @param {any} event
 * @param {string} raw
 * @param {string} path
 * @param {number} now
 */
function check(event, raw, path, now) {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new Refused(422, `${path} must be an object`)
  }
  for (const field of ['event_id', 'customer_id', 'event_name']) {
    if (typeof event[field] !== 'string') throw new Refused(422, `${path}.${field} must be a string`)
    if (event[field] === '') throw new Refused(400, `${path}.${field} must not be empty`)
  }
  checkMetadata(event.metadata ?? {}, `${path}.metadata`)
  const time = event.timestamp ?? new Date(now).toISOString()
  if (typeof time !== 'string') throw new Refused(422, `${path}.timestamp must be a string`)
  const stored = {
    id: event.event_id,
    source: SOURCE,
    type: event.event_name,
    subject: event.customer_id,
    time,
    data: event.metadata == null ? null : (members(raw).get('metadata') ?? null),
    dedupe: true,
  }
  const at = Date.parse(time)
  if (Number.isNaN(at)) throw new Refused(400, `${path}.timestamp must be an RFC 3339 date-time`)
  if (at < now - DODO_OLDEST_MS) throw new Refused(400, `${path}.timestamp is more than 1 hour old`)
  if (at > now + DODO_NEWEST_MS) throw new Refused(400, `${path}.timestamp is more than 5 minutes in the future`)
  return { id: stored.id, source: SOURCE, raw, event: stored }
}

/** @param {unknown} metadata @param {string} path */
function checkMetadata(metadata, path) {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new Refused(422, `${path} must be an object`)
  }
  const entries = Object.entries(metadata)
  if (entries.length > DODO_METADATA_KEYS_MAX)
    throw new Refused(400, `${path} has more than ${DODO_METADATA_KEYS_MAX} keys`)
  for (const [key, value] of entries) {
    if ([...key].length > DODO_KEY_CHARS_MAX)
      throw new Refused(400, `${path} has a key of more than ${DODO_KEY_CHARS_MAX} characters`)
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new Refused(422, `${path}.${key} must be a string, a number or a boolean`)
    }
    if (typeof value === 'string' && [...value].length > DODO_VALUE_CHARS_MAX) {
      throw new Refused(400, `${path}.${key} has more than ${DODO_VALUE_CHARS_MAX} characters`)
    }
  }
}
