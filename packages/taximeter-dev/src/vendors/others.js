/** Vendors whose errors name no event, or the first: Metronome, Flexprice, Autumn, Schematic, Creem. */
import { customer, customerOf, DAY, flat, json, strings, textAt, timestamp, withMember } from './vendor.js'

/** @typedef {import('./vendor.js').Vendor} Vendor @typedef {import('./vendor.js').Fault} Fault */

/** @param {Fault[]} faults */
const words = (faults) => faults.map(({ at, field, message }) => `[${at}] ${field}: ${message}`).join('; ')

/** SDK 3.10.0. @type {Vendor} */
export const metronome = {
  path: '/v1/ingest',
  frame: 'array',
  eventsMax: 100,
  fields: (event) => ({
    id: event.transaction_id,
    type: event.event_type,
    subject: event.customer_id,
    time: event.timestamp,
    data: event.properties,
  }),
  dataText: (raw) => textAt(raw, 'properties'),
  check(event, fail, now) {
    strings(event, ['transaction_id', 'customer_id', 'event_type'], fail)
    timestamp(event.timestamp, 'timestamp', { now, oldest: 34 * DAY, newest: DAY }, fail)
    flat(event.properties, 'properties', {}, fail)
  },
  refused: (faults) => json(400, { message: words(faults) }),
  malformed: (message) => json(400, { message }),
  accepted: () => ({ status: 200 }),
}

/** Server of 2026-08-22. @type {Vendor} */
export const flexprice = {
  path: '/v1/events/bulk',
  frame: 'events',
  eventsMax: 1000,
  fields: (event) => ({
    id: event.event_id,
    type: event.event_name,
    subject: event.external_customer_id,
    time: event.timestamp,
    data: event.properties,
  }),
  dataText: (raw) => textAt(raw, 'properties'),
  check(event, fail, now) {
    strings(event, ['event_name', 'external_customer_id'], fail)
    if (event.timestamp !== undefined) timestamp(event.timestamp, 'timestamp', { now }, fail)
  },
  refused: (faults) => flexpriceError(words(faults)),
  malformed: (message) => flexpriceError(message),
  accepted: () => json(202, { message: 'Events accepted for processing' }),
}

/** @param {string} message */
const flexpriceError = (message) => json(400, { code: 'validation_error', message, http_status_code: 400 })

/** SDK 1.3.13. @type {Vendor} */
export const autumn = {
  path: '/v1/balances.batch_track',
  frame: 'array',
  eventsMax: 1000,
  fields: (event) => ({
    id: event.idempotency_key,
    type: event.feature_id ?? event.event_name,
    subject: event.customer_id,
    time: event.timestamp,
    data: {},
  }),
  dataText: (raw) => withMember('value', textAt(raw, 'value') ?? '1', textAt(raw, 'properties')),
  check(event, fail) {
    strings(event, ['customer_id', event.event_name === undefined ? 'feature_id' : 'event_name'], fail)
    if (event.value !== undefined && typeof event.value !== 'number') fail('value', 'must be a number')
    if (event.timestamp !== undefined && !(Number.isInteger(event.timestamp) && event.timestamp > 1e11)) {
      fail('timestamp', 'must be milliseconds')
    }
  },
  refused: (faults) => json(400, { message: words(faults), code: 'invalid_request' }),
  malformed: (message) => json(400, { message, code: 'invalid_request' }),
  known: (ids, { store }) =>
    ids.some((id) => store.has('autumn', id)) ? json(409, { code: 'duplicate_idempotency_key' }) : undefined,
  admit: (headers) => (headers['x-api-version'] ? undefined : json(400, { message: 'x-api-version is needed' })),
  accepted: () => json(202, { success: true }),
}

/** Source of 2026-08-19. @type {Vendor} */
export const schematic = {
  path: '/batch',
  frame: 'events',
  eventsMax: 100,
  tooMany: () => json(400, { error: 'batch too large', max_size: 100 }),
  fields: (event) => {
    const { event: type, company } = Object(event.body)
    const [subject] = Object.values(Object(company))
    return { id: event.idempotency_key, type, subject, time: event.sent_at, data: {} }
  },
  dataText: (raw) => withMember('quantity', textAt(raw, 'body', 'quantity') ?? '1', textAt(raw, 'body', 'traits')),
  check(event, fail, now) {
    strings(event, ['api_key', 'idempotency_key'], fail)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what stands in the key's place before it is sent
    if (/\x00/.test(event.api_key)) fail('api_key', 'is not there')
    if (event.type !== 'track') fail('type', 'must be track')
    if (event.trusted_client_clock !== true) fail('trusted_client_clock', 'without it sent_at is ignored')
    if (event.backfill !== undefined) fail('backfill', 'would not be billed')
    timestamp(event.sent_at, 'sent_at', { now }, fail)
    strings(Object(event.body), ['event'], fail)
    flat(Object(event.body).company, 'body.company', { types: ['string'] }, fail)
  },
  refused: (faults) => json(400, { error: words(faults) }),
  malformed: (error) => json(400, { error }),
  accepted: () => json(200, { success: true }),
}

/** Documentation of September 2026. @type {Vendor} */
export const creem = {
  path: '/v1/events/ingest',
  frame: 'events',
  eventsMax: 100,
  fields: (event) => ({
    id: String(event.event_id).trim(),
    type: event.name,
    subject: customerOf(event),
    time: event.timestamp,
    data: event.properties,
  }),
  dataText: (raw) => textAt(raw, 'properties'),
  check(event, fail, now) {
    strings(event, ['name'], fail)
    customer(event, fail)
    if (!/^[A-Za-z0-9_-]{1,255}$/.test(customerOf(event))) fail('external_customer_id', 'no customer has such an id')
    if (typeof event.event_id === 'string' && event.event_id.trim() === '') fail('event_id', 'must not be blank')
    if (event.timestamp !== undefined) timestamp(event.timestamp, 'timestamp', { now }, fail)
    const types = ['string', 'number', 'boolean', 'object']
    flat(event.properties, 'properties', { keys: 50, key: [0, 40], value: [0, 500], types }, fail)
  },
  // All or nothing, and only the first fault is told.
  refused: ([fault]) => creemError(fault?.message ?? '', `events[${fault?.at}].${fault?.field}`),
  malformed: (message) => creemError(message, 'events'),
  accepted(_, events, items, { store }) {
    const counted = new Set(store.meters().map(({ eventType }) => eventType))
    const warnings = events.flatMap(({ name }, index) =>
      counted.has(name) ? [] : [{ index, code: 'no_matching_meter', message: `No meter counts events named ${name}.` }],
    )
    const ids = items.map(({ id }) => id)
    return json(202, { accepted: events.length, event_ids: ids, ...(warnings.length > 0 && { warnings }) })
  },
}

/** @param {string} message @param {string} param */
const creemError = (message, param) =>
  json(422, {
    error: { type: 'invalid_request_error', code: 'validation_failed', message, param, request_id: 'req_1' },
  })
