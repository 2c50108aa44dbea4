/** Lago's batch of events, as its server of 2026-08-21 takes it, with the store on Postgres. */
import { flat, json, strings, textAt } from './vendor.js'

/** @param {unknown} details */
const unprocessable = (details) =>
  json(422, { status: 422, error: 'Unprocessable Entity', code: 'validation_errors', error_details: details })

/** @type {import('./vendor.js').Vendor} */
export const lago = {
  path: '/api/v1/events/batch',
  frame: 'events',
  eventsMax: 100,
  tooMany: () => unprocessable({ events: ['too_many_events'] }),
  fields: (event) => ({
    id: event.transaction_id,
    type: event.code,
    subject: event.external_subscription_id,
    time: event.timestamp,
    data: event.properties,
  }),
  dataText: (raw) => textAt(raw, 'properties'),
  check(event, fail) {
    strings(event, ['transaction_id', 'external_subscription_id', 'code'], fail)
    if (event.timestamp !== undefined && !/^\d+(\.\d+)?$/.test(String(event.timestamp))) {
      fail('timestamp', 'invalid_format')
    }
    flat(event.properties, 'properties', { types: ['string', 'number'] }, fail)
  },
  refused: (faults) => {
    /** @type {Record<string, Record<string, string[]>>} */
    const details = {}
    for (const { at, field, message } of faults) details[at] = { ...details[at], [field]: [message] }
    return unprocessable(details)
  },
  malformed: (message) =>
    message === 'no list of events'
      ? unprocessable({ events: ['no_events'] })
      : json(400, { status: 400, error: message }),
  // One that is known, or twice in the request, undoes all of it.
  known(ids, { store }) {
    /** @type {Record<string, object>} */
    const details = {}
    for (const [at, id] of ids.entries()) {
      if (store.has('lago', id) || ids.indexOf(id) < at) details[at] = { transaction_id: ['value_already_exist'] }
    }
    return Object.keys(details).length > 0 ? unprocessable(details) : undefined
  },
  accepted: (_, events) => json(200, { events: events.map((event) => ({ lago_id: event.transaction_id, ...event })) }),
}
