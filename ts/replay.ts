import * as glue from '../pkg/replay.js'
import { TaximeterError } from './errors'
import { instance } from './instance'
import type { PreviewOptions } from './preview'
import type { AnyMeter, MeterResult, Query, QueryV3 } from './types'
import { zoneTable } from './zone'

const own = instance(glue)

export const { setLoader } = own

/** Compiles the core ahead of the first call, without blocking where the host can. Optional, and safe to repeat. */
export const ready: () => Promise<void> = own.ready

/** Bytes that are handed over at a time: enough that a call costs nothing, few enough not to be felt. */
const PIECE_BYTES = 1024 * 1024

/** Events, one a line, as text or UTF-8, cut anywhere. */
export type EventStream = Piece | Iterable<Piece> | AsyncIterable<Piece> | ReadableStream<Piece>
type Piece = string | Uint8Array

/** What {@link replay} is asked. */
export interface ReplayOptions extends PreviewOptions {
  meters: AnyMeter[]
  /** What to answer, at most 200; the total of each meter if absent. */
  queries?: ((Query | QueryV3) & { meter: string })[]
  /** Called with the bytes read so far, after each piece of the stream. */
  onProgress?: (bytes: number) => void
}

/** What {@link replay} gives. */
export interface Replayed<Result = MeterResult> {
  /** The answer to each query, in their order; `MeterResultV3` where the query has a name of the v3 API. */
  results: Result[]
  /** Lines of the stream, empty ones included. */
  lines: number
  /** How many events were counted, came before, were dropped (of 1970 or earlier), or were none that a server takes. */
  events: { stored: number; duplicate: number; dropped: number; rejected: number }
  /** The first 100 lines that are rejected; `line` counts from 1. */
  badLines: BadLine[]
  /** How many lines are rejected, by code. */
  codes: Record<string, number>
  /** What keeps meters from counting stored events: how many, and on which line first. */
  diagnostics: { meter?: string; code: string; count: number; line: number }[]
}

/** Why a line is no event. */
export interface BadLine {
  line: number
  code: string
  message: string
  path?: string
  help?: string
  /** The status with which a server would answer it. */
  http: number
}

/**
 * What a meter server answers for a stream of CloudEvents, one a line, in the order of their arrival. They are read as they
 * come and not kept: a file of any size takes the memory of its answers, and 21 to 43 bytes an event to know
 * duplicates by (`dedupe: false` for none).
 *
 * The answers are those of `preview()`. Lines are checked whole, as JSON and as events; one that is none is counted and
 * reported, and the rest goes on. Throws for wrong meters and queries, where the stream throws, and `limit_exceeded` when it
 * holds more than six million events with `dedupe`.
 *
 * @example
 * const meters = [{ slug: 'calls', eventType: 'call', aggregation: 'COUNT' }]
 * const { results } = await replay(createReadStream('events.ndjson'), { meters })
 */
export async function replay<Result = MeterResult>(
  stream: EventStream,
  options: ReplayOptions,
): Promise<Replayed<Result>> {
  const { meters, queries, onProgress, ...rest } = options
  const request = JSON.stringify({
    meters,
    queries: queries?.map((query) => ({ query, zone: zoneOf(query) })),
    options: { now: new Date().toISOString(), ...rest },
  })
  const [seed = 0n] = crypto.getRandomValues(new BigUint64Array(1))
  const core = own.enter(() => new glue.Replay(request, seed))
  const generation = own.generation()
  const enter = <T>(call: () => T): T => {
    if (generation === own.generation()) return own.enter(call)
    throw new TaximeterError('core_trapped', 'Another replay failed, and this one with it.')
  }
  try {
    const encode = encoder()
    let read = 0
    const push = (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        enter(() => core.push(bytes.subarray(at, at + PIECE_BYTES)))
      }
      read += bytes.length
      if (bytes.length > 0) onProgress?.(read)
    }
    for await (const piece of piecesOf(stream)) push(encode(piece))
    push(encode(''))
    const answer = JSON.parse(enter(() => core.finish()))
    answer.badLines = answer.badLines.map(({ line, error }: { line: number; error: object }) => ({ line, ...error }))
    return answer
  } finally {
    // After a trap it is another instance's memory that the number would name.
    if (generation === own.generation()) core.free()
  }
}

/** The rules of a query's zone for as long as it asks about: nobody knows yet from when the events are. */
function zoneOf(query: Query & QueryV3) {
  const DAY = 86_400
  const second = (time: string | undefined, otherwise: number) => {
    const ms = Date.parse(time ?? '')
    return Number.isNaN(ms) ? otherwise : Math.floor(ms / 1000)
  }
  const range = { from: second(query.from, 0) - 32 * DAY, to: second(query.to, 2 ** 32) + 62 * DAY }
  return zoneTable(query, () => JSON.stringify(range))
}

/** Text to UTF-8, though the two halves of a character may come one by one; the empty text at the end. */
function encoder() {
  const utf8 = new TextEncoder()
  let half = ''
  return (piece: Piece): Uint8Array => {
    if (typeof piece !== 'string') return piece
    const text = half + piece
    half = piece !== '' && /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : ''
    return utf8.encode(half ? text.slice(0, -1) : text)
  }
}

function piecesOf(stream: EventStream): Iterable<Piece> | AsyncIterable<Piece> {
  if (typeof stream === 'string' || ArrayBuffer.isView(stream)) return [stream]
  if (Symbol.asyncIterator in stream || Symbol.iterator in stream) return stream
  return chunksOf(stream)
}

/** For hosts whose streams cannot be iterated. */
async function* chunksOf(stream: ReadableStream<Piece>): AsyncGenerator<Piece> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    reader.releaseLock()
  }
}
