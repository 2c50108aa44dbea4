/** Orb's events, as its SDK 6.11.0 and its documentation describe them. */
import { customer, customerOf, flat, json, MINUTE, strings, textAt, timestamp } from './vendor.js'

/** @param {string} detail */
const invalid = (detail) =>
  json(400, {
    type: 'https://docs.withorb.com/reference/error-responses#400',
    status: 400,
    title: 'Invalid',
    detail,
    validation_failed: [],
  })

/** @type {import('./vendor.js').Vendor} */
export const orb = {
  path: '/v1/ingest',
  frame: 'events',
  fields: (event) => ({
    id: event.idempotency_key,
    type: event.event_name,
    subject: customerOf(event),
    time: event.timestamp,
    data: event.properties,
  }),
  dataText: (raw) => textAt(raw, 'properties'),
  check(event, fail, now) {
    strings(event, ['event_name', 'idempotency_key'], fail)
    customer(event, fail)
    timestamp(event.timestamp, 'timestamp', { now, newest: 5 * MINUTE }, fail)
    if (typeof event.timestamp === 'string' && !event.timestamp.endsWith('Z')) fail('timestamp', 'must be in UTC')
    if (event.properties === undefined) fail('properties', 'is needed')
    flat(event.properties, 'properties', {}, fail)
  },
  refused: (faults) => {
    /** @type {Map<string, string[]>} */
    const byKey = new Map()
    for (const { id, field, message } of faults) byKey.set(id, [...(byKey.get(id) ?? []), `${field}: ${message}`])
    const failed = [...byKey].map(([idempotency_key, validation_errors]) => ({ idempotency_key, validation_errors }))
    return json(400, { status: 400, title: 'Validation failed', validation_failed: failed })
  },
  malformed: invalid,
  known: (ids) => (new Set(ids).size < ids.length ? invalid('one idempotency_key, two events') : undefined),
  accepted: () => json(200, { validation_failed: [] }),
}
