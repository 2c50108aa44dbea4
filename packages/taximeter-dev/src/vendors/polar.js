/** Polar's events, as its server of 2026-08-22 takes them. */
import { customer, customerOf, flat, json, strings, textAt, timestamp } from './vendor.js'

/** @param {{ type: string, loc: (string | number)[], msg: string }[]} detail */
const unprocessable = (detail) => json(422, { error: 'RequestValidationError', detail })

/** @type {import('./vendor.js').Vendor} */
export const polar = {
  path: '/v1/events/ingest',
  frame: 'events',
  fields: (event) => ({
    id: event.external_id,
    type: event.name,
    subject: customerOf(event),
    time: event.timestamp,
    data: event.metadata,
  }),
  dataText: (raw) => textAt(raw, 'metadata'),
  check(event, fail, now) {
    strings(event, ['name', ...(event.external_id === undefined ? [] : ['external_id'])], fail)
    if (typeof event.name === 'string' && [...event.name].length > 128) fail('name', 'at most 128 characters')
    customer(event, fail)
    if (event.timestamp !== undefined) timestamp(event.timestamp, 'timestamp', { now, newest: 0 }, fail)
    const { _cost, _llm, ...metadata } = Object(event.metadata)
    flat(event.metadata && metadata, 'metadata', { keys: 50, key: [1, 40], value: [1, 500] }, fail)
  },
  // All or nothing. The event is a union type, which shows in the path.
  refused: (faults) =>
    unprocessable(
      faults.map(({ at, field, message }) => ({
        type: 'value_error',
        loc: ['body', 'events', at, 'EventCreateExternalCustomer', ...field.split('.')],
        msg: message,
      })),
    ),
  malformed: (msg) => unprocessable([{ type: 'value_error', loc: ['body'], msg }]),
  accepted: (stored, events) => json(200, { inserted: stored, duplicates: events.length - stored }),
}
