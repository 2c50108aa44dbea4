import { enter, previewCore, timeRange } from './engine'
import { TaximeterError } from './errors'
import { jsonText } from './json'
import type { AnyMeter, MeterResult, MeterResultV3, Query, QueryV3 } from './types'
import { zoneTable } from './zone'

/** The core's memory has 64 MiB. */
const EVENTS_BYTES_MAX = 32 * 1024 * 1024

/** How the server that is previewed is set up. */
export interface PreviewOptions {
  /** The present, RFC 3339: the time of events that have none. */
  now?: string
  /** Whether a repeated source and id counts once; true if absent. A server has it off by default. */
  dedupe?: boolean
  /** The server's number mode; `float` if absent. */
  numeric?: 'float' | 'decimal'
  /** ClickHouse's generation under the server; `26.7` if absent. */
  engine?: '26.7' | '25.12'
  /** Customers and the subjects that are theirs. */
  customers?: { id: string; key?: string | null; subjectKeys?: string[] }[]
}

/** What became of one event at the server's door. */
export interface Verdict {
  event: number
  status: 'stored' | 'duplicate' | 'dropped' | 'rejected'
  /** The status with which a rejected event is answered. */
  http?: 400 | 500
  code?: string
  path?: string
}

/** Why an event's value is not counted by a meter. */
export interface Diagnostic {
  event: number
  meter?: string
  code: string
}

/** What {@link preview} gives. */
export interface Preview<Result = MeterResult> {
  result: Result
  ingest: Verdict[]
  diagnostics: Diagnostic[]
}

/**
 * What a meter server answers for these events: a pure function of its arguments.
 *
 * `events` are CloudEvents, or events as Dodo takes them, in the order of their arrival: objects, or text (a JSON array,
 * or one event a line), which keeps the digits of numbers. A list among them is one request to Dodo. Throws where the server would answer an error; `error.http` is its status.
 *
 * @example
 * const meters = [{ slug: 'calls', eventType: 'call', aggregation: 'COUNT' }]
 * preview(meters, '{"specversion":"1.0","id":"1","source":"s","type":"call","subject":"u"}', { meter: 'calls' }).result.data
 */
export function preview(
  meters: AnyMeter[],
  events: object[] | string,
  query: Query & { meter: string },
  options?: PreviewOptions,
): Preview
export function preview(
  meters: AnyMeter[],
  events: object[] | string,
  query: QueryV3 & { meter: string },
  options?: PreviewOptions,
): Preview<MeterResultV3>
export function preview(
  meters: AnyMeter[],
  events: object[] | string,
  query: Query & QueryV3 & { meter: string },
  options: PreviewOptions = {},
): Preview<MeterResult | MeterResultV3> {
  const bytes = eventsBytes(events)
  const given = { now: new Date().toISOString(), ...options }
  const request = (zone: unknown) => JSON.stringify({ meters, query, options: { ...given, zone } })
  const zone = zoneTable(query, () => enter(() => timeRange(request(null), bytes)))
  return JSON.parse(enter(() => previewCore(request(zone), bytes)))
}

/** Events as the core takes them: a JSON array, or one event a line, in UTF-8. */
export function eventsBytes(events: object[] | string): Uint8Array {
  const text = typeof events === 'string' ? events : `[${events.map((event) => jsonText(event)).join(',')}]`
  const bytes = new TextEncoder().encode(text)
  // The core cannot refuse what does not fit into it.
  if (bytes.length > EVENTS_BYTES_MAX) {
    throw new TaximeterError('limit_exceeded', 'the events are more than 32 MiB', { help: 'ask about fewer at a time' })
  }
  return bytes
}
