/** Stripe's meter events: v1, v2 and the stream of v2, as API 2026-10-28 describes them. */
import { DAY, json, MINUTE, strings, timestamp } from './vendor.js'

/** @param {number} status @param {string} message @param {Record<string, unknown>} [more] @param {Record<string, string>} [headers] */
const error = (status, message, more, headers) =>
  json(status, { error: { type: 'invalid_request_error', message, ...more } }, headers)

const WINDOW = { oldest: 35 * DAY, newest: 5 * MINUTE }

/** @type {Omit<import('./vendor.js').Vendor, 'path' | 'frame'>} */
const common = {
  fields: (event) => ({
    id: event.identifier,
    type: event.event_name,
    subject: Object(event.payload).stripe_customer_id,
    time: event.timestamp,
    data: event.payload,
  }),
  // Strings all.
  dataText: () => undefined,
  check(event, fail, now) {
    strings(event, ['event_name', ...(event.identifier === undefined ? [] : ['identifier'])], fail)
    for (const name of ['event_name', 'identifier']) {
      if ([...String(event[name] ?? '')].length > 100) fail(name, 'at most 100 characters')
    }
    time(event.timestamp, fail, now)
    const payload = event.payload
    if (typeof payload !== 'object' || payload === null) return fail('payload', 'must be an object')
    for (const [name, value] of Object.entries(payload)) {
      if (typeof value !== 'string') fail(`payload.${name}`, 'must be a string')
    }
    strings(payload, ['stripe_customer_id', 'value'], fail)
    if (!/^-?\d+(\.\d{1,12})?$/.test(payload.value)) fail('payload.value', 'must be a number of at most 12 decimals')
  },
  refused: ([fault]) => error(400, `${fault?.field}: ${fault?.message}`, { param: fault?.field }, NEVER),
  malformed: (message) => error(400, message, {}, NEVER),
  accepted: (_, [event]) => json(200, { object: 'billing.meter_event', ...event }),
}

const NEVER = { 'stripe-should-retry': 'false' }

/** @param {unknown} value @param {(field: string, message: string) => void} fail @param {number} now */
function time(value, fail, now) {
  if (typeof value === 'number') timestamp(new Date(value * 1000).toISOString(), 'timestamp', { now, ...WINDOW }, fail)
  else if (value !== undefined) timestamp(value, 'timestamp', { now, ...WINDOW }, fail)
}

/** A form with names such as `payload[value]`. @param {string} text */
function form(text) {
  /** @type {Record<string, any>} */
  const event = {}
  for (const [name, value] of new URLSearchParams(text)) {
    const [, outer = name, inner] = /^([^[]+)\[([^\]]+)\]$/.exec(name) ?? []
    if (inner === undefined) event[outer] = value
    else event[outer] = { ...event[outer], [inner]: value }
  }
  if (event.timestamp !== undefined) {
    event.timestamp = /^\d+$/.test(event.timestamp) ? Number(event.timestamp) : 'not an integer'
  }
  return event
}

/** @param {string[]} ids @param {import('./vendor.js').Context} context */
const known = ([id = ''], { store }) =>
  store.has('stripe', id) ? error(400, `An event already exists with identifier ${id}.`, {}, NEVER) : undefined

/** @type {import('./vendor.js').Vendor} */
export const v1 = {
  ...common,
  path: '/v1/billing/meter_events',
  contentType: 'application/x-www-form-urlencoded',
  read: form,
  frame: 'single',
  known,
}

/** @type {import('./vendor.js').Vendor} */
export const v2 = {
  ...common,
  path: '/v2/billing/meter_events',
  frame: 'single',
  known,
  admit: (headers) => (headers['stripe-version'] ? undefined : error(400, 'Stripe-Version is needed', {}, NEVER)),
}

/** Tokens of sessions that have been opened, and when they end. @type {Map<string, number>} */
const sessions = new Map()

/** It checks later, and tells of it by a webhook: here what it would not count is not stored. @type {import('./vendor.js').Vendor} */
export const stream = {
  ...common,
  path: '/v2/billing/meter_event_stream',
  frame: 'events',
  eventsMax: 100,
  admit(headers) {
    const [, token = ''] = /^Bearer (.+)$/.exec(String(headers.authorization)) ?? []
    const until = sessions.get(token)
    if (until !== undefined && Date.now() < until) return undefined
    return json(401, { error: { code: 'billing_meter_event_session_expired', message: 'the session is over' } })
  },
  accepted: () => json(200, {}),
}

/** Opens a session of so many milliseconds. @param {number} [ms] */
export function openSession(ms = 15 * MINUTE) {
  const token = `session_${sessions.size + 1}`
  const until = Date.now() + ms
  sessions.set(token, until)
  return json(200, {
    object: 'v2.billing.meter_event_session',
    authentication_token: token,
    expires_at: new Date(until).toISOString(),
  })
}

/** Ends all sessions at once. */
export const endSessions = () => sessions.clear()
