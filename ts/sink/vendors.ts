import type { Transport } from '../driver'
import { TaximeterError } from '../errors'
import { encoder } from '../kept'
import { prepared } from './prepared'
import { type BatchOptions, checked, Sink, secret } from './sink'

/** Options of {@link openmeter}. */
export interface OpenMeterOptions {
  /** Base URL of the server, e.g. `https://openmeter.cloud` or `http://localhost:8888`; for `v3` with its path, see there. */
  url: string
  /** API key; a self-hosted server may want none. */
  token?: string
  /**
   * The version of its API; `v1` if absent. For `v3` the URL has a path: `https://openmeter.cloud/api/v3`,
   * `http://localhost:8888/api/v3`, `https://us.api.konghq.com/v3`.
   */
  version?: 'v1' | 'v3'
  /**
   * How long the server remembers ids: milliseconds, `'unlimited'`, or `'off'`. Off is the server's own default; then a
   * batch whose answer was lost may be counted twice when it is sent again.
   */
  dedup?: number | 'unlimited' | 'off'
  batch?: BatchOptions
}

/**
 * An OpenMeter server, cloud or self-hosted: `POST /api/v1/events`, or that of its v3.
 *
 * @example
 * const meter = new Taximeter({ source: 'chat-app', sink: openmeter({ url: 'http://localhost:8888' }) })
 */
export function openmeter(options: OpenMeterOptions): Sink {
  const { token, version = 'v1', ...settings } = checked(options)
  const kind = choice({ v1: 'openmeter', v3: 'openmeter-v3' }, version, 'version')
  return new Sink({ kind, ...settings }, secret(token, 'token'))
}

/** Options of a vendor's sink. */
export interface VendorOptions {
  /** API key: a secret one, of a server. */
  apiKey: string
  /** Base URL in place of the vendor's own, e.g. of the local ingest server. */
  url?: string
  batch?: BatchOptions
}

/** Options of a vendor whose test mode is another host. */
export interface EnvironmentOptions extends VendorOptions {
  /** There is no default but with a `url`: test events in the live system are bills. */
  environment?: 'test' | 'live'
}

/** Options of a vendor that knows a customer by its own id, and by yours. */
export interface CustomerOptions {
  /** What an event's subject is: your own id of the customer (if absent), or the vendor's. */
  customer?: 'external' | 'id'
}

/** Options of a vendor for which one member of the data is the quantity. */
export interface QuantityOptions {
  /** The member of an event's `data` that is the quantity, e.g. `tokens`; every event has to have it then. */
  quantity?: string
}

/** Options of {@link dodo}. */
export type DodoOptions = EnvironmentOptions

/**
 * Dodo Payments: `POST /events/ingest`. An event's subject is the Dodo customer id, its `data` the flat metadata.
 *
 * @example
 * const sink = dodo({ apiKey: process.env.DODO_API_KEY, environment: 'test' })
 */
export const dodo = (options: DodoOptions): Sink => vendor('dodo', options)

/** Options of {@link polar}. */
export interface PolarOptions extends EnvironmentOptions, CustomerOptions {}

/**
 * Polar: `POST /v1/events/ingest`; `test` is its sandbox. An event's `data` is the flat metadata.
 *
 * @example
 * const sink = polar({ apiKey: process.env.POLAR_TOKEN, environment: 'test' })
 */
export const polar = (options: PolarOptions): Sink => vendor('polar', options)

/**
 * Lago, cloud or self-hosted: `POST /api/v1/events/batch`; the EU cloud is `url: 'https://api.eu.getlago.com'`. An event's
 * type is the metric's code, its subject the external id of a subscription, its `data` the flat properties.
 *
 * @example
 * const sink = lago({ apiKey: process.env.LAGO_API_KEY })
 */
export const lago = (options: VendorOptions): Sink => vendor('lago', options)

/** Options of {@link stripe}. */
export interface StripeOptions extends VendorOptions, QuantityOptions {
  /**
   * `v1` (if absent) and `v2` check an event before they answer, and take one a request. `stream` takes 100 and up to
   * 10,000 requests a second, but what it answers is not checked yet: Stripe tells what it refuses by a webhook
   * (`v1.billing.meter.error_report_triggered`, `v1.billing.meter.no_meter_found`).
   */
  api?: 'v1' | 'v2' | 'stream'
  /** The meter's `customer_mapping.event_payload_key`; `stripe_customer_id` if absent. */
  customerKey?: string
  /** The meter's `value_settings.event_payload_key`; `value` if absent. It is also the {@link quantity} if none is named. */
  valueKey?: string
}

/**
 * Stripe's meter events. An event's type is the meter's event name, its subject the Stripe customer id; `data` has the
 * quantity, and what else it has goes into the payload.
 *
 * @example
 * const sink = stripe({ apiKey: process.env.STRIPE_KEY, api: 'stream', quantity: 'tokens' })
 */
export function stripe(options: StripeOptions): Sink {
  const { api = 'v1', customerKey: customer, valueKey: name, ...others } = checked(options)
  const kind = choice({ v1: 'stripe-v1', v2: 'stripe-v2', stream: 'stripe-stream' }, api, 'api')
  return vendor(kind, { ...others, customer, name })
}

/** Options of {@link orb}. */
export interface OrbOptions extends VendorOptions, CustomerOptions {}

/**
 * Orb: `POST /v1/ingest`; the key decides between test and live. An event's `data` is the flat properties.
 *
 * @example
 * const sink = orb({ apiKey: process.env.ORB_API_KEY })
 */
export const orb = (options: OrbOptions): Sink => vendor('orb', options)

/**
 * Metronome: `POST /v1/ingest`. An event's subject is a customer id or an ingest alias, its `data` the flat properties.
 *
 * @example
 * const sink = metronome({ apiKey: process.env.METRONOME_TOKEN })
 */
export const metronome = (options: VendorOptions): Sink => vendor('metronome', options)

/**
 * Flexprice: `POST /v1/events/bulk`. An event's subject is the external customer id, its `data` the properties.
 *
 * @example
 * const sink = flexprice({ apiKey: process.env.FLEXPRICE_API_KEY })
 */
export const flexprice = (options: VendorOptions): Sink => vendor('flexprice', options)

/** Options of {@link autumn}. */
export interface AutumnOptions extends VendorOptions, QuantityOptions {}

/**
 * Autumn: `POST /v1/balances.batch_track`. An event's type is the feature's id; without a {@link quantity} it counts one.
 *
 * @example
 * const sink = autumn({ apiKey: process.env.AUTUMN_SECRET_KEY, quantity: 'tokens' })
 */
export const autumn = (options: AutumnOptions): Sink => vendor('autumn', options)

/** Options of {@link schematic}. */
export interface SchematicOptions extends VendorOptions, QuantityOptions {
  /** The company's key whose value an event's subject is; `id` if absent. */
  companyKey?: string
}

/**
 * Schematic: `POST /batch`, track events. An event's subject is the company, its `data` the traits; without a
 * {@link quantity} it counts one.
 *
 * @example
 * const sink = schematic({ apiKey: process.env.SCHEMATIC_API_KEY, quantity: 'tokens' })
 */
export function schematic(options: SchematicOptions): Sink {
  const { companyKey: customer, ...others } = checked(options)
  return vendor('schematic', { ...others, customer }, KeyInEvents)
}

/** Options of {@link creem}. */
export interface CreemOptions extends EnvironmentOptions, CustomerOptions {}

/**
 * Creem: `POST /v1/events/ingest`. An event's `data` is the flat properties.
 *
 * @example
 * const sink = creem({ apiKey: process.env.CREEM_API_KEY, environment: 'test' })
 */
export const creem = (options: CreemOptions): Sink => vendor('creem', options)

/** Each event has the key: the core leaves a NUL in its place, which JSON text never has. */
class KeyInEvents extends Sink {
  protected override prepare(transport: Transport, secret = ''): Transport {
    return prepared(transport, async (body) => {
      const text = new TextDecoder().decode(body).replaceAll('\0', secret)
      return { body: encoder.encode(text) as Uint8Array<ArrayBuffer> }
    })
  }
}

function vendor<Options extends { apiKey: string }>(kind: string, options: Options, Kind = Sink): Sink {
  const { apiKey, ...settings } = checked(options)
  if (apiKey === undefined) throw new TaximeterError('invalid_sink', 'the API key is missing', { path: 'apiKey' })
  return new Kind({ kind, ...settings }, secret(apiKey, 'apiKey'))
}

function choice(known: Record<string, string>, name: string, path: string): string {
  const found = Object.hasOwn(known, name) ? known[name] : undefined
  if (found === undefined) {
    throw new TaximeterError('invalid_sink', 'there is no such choice', { path, help: Object.keys(known).join(', ') })
  }
  return found
}
