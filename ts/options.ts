import { KEEPALIVE_BYTES_MAX } from './driver'
import { TaximeterError } from './errors'
import { dataText } from './json'
import { isPage } from './lifecycle'
import { Sink } from './sink/sink'
import type { Spool } from './spool/journal'
import type { AnyMeter, LlmEvents, Prices, StorageEvents } from './types'
import type { OnAbort } from './wrap/host'

/** Options of {@link Taximeter}. */
export interface TaximeterOptions {
  /** Where events go. */
  sink: Sink
  /** Who reports the events, as a URI reference: CloudEvents' `source`. Together with the id it identifies an event. */
  source: string
  /** Meters to preview; the same definitions that the vendor has. At most 100. */
  meters?: AnyMeter[]
  /** Prices for {@link Taximeter.cost}. */
  prices?: Prices
  /** `fetch` with which events are sent. If absent, Node's own HTTP client where there is one, else the platform's. */
  fetch?: typeof globalThis.fetch
  /** What happens when 10,000 events or 16 MiB wait. `reject` if absent: `record()` gives `queue_full`. */
  onFull?: 'reject' | 'drop-oldest' | 'drop-newest'
  /**
   * Where events wait so that they outlive the process: `fileSpool()` of `taximeter/file`, in a page `indexedDbSpool()` of
   * `taximeter/indexeddb`. In memory if absent. What an earlier process left is taken over and delivered.
   */
  spool?: Spool
  /**
   * Keeps a request's work alive after its answer, where the platform ends it otherwise: on Cloudflare
   * `import { waitUntil } from 'cloudflare:workers'`. On Vercel it is found without being given.
   */
  waitUntil?: (promise: Promise<unknown>) => void
  /** Makes {@link Taximeter.lint} look at every event that is recorded. Needs `taximeter/full`. */
  lint?: boolean
  /** Makes `record()` throw instead of giving the error back. */
  strict?: boolean
  /**
   * Which LLM provider answers at a URL, for hosts that are not known (a proxy, a gateway, a simulator): e.g. `openai`.
   * Asked first; `undefined` leaves the decision to the built-in table.
   */
  provider?: (url: URL) => string | undefined
  /** The form of the events that wrapped LLM clients make. */
  llm?: LlmEvents
  /** The form of the events that a wrapped S3 client makes. */
  storage?: StorageEvents
  /**
   * What is done about an LLM stream that is left early, whose usage the provider may tell only at its end. `partial`
   * (if absent): what was told is counted. `drain`: the rest is read in the background, at your cost; the process has to
   * live until then. `estimate`: output tokens are filled in from the length of what was read, and marked `estimated`.
   */
  onAbort?: OnAbort
}

const OPTIONS = [
  'sink',
  'source',
  'meters',
  'prices',
  'fetch',
  'onFull',
  'spool',
  'waitUntil',
  'lint',
  'strict',
  'provider',
  'llm',
  'storage',
  'onAbort',
]

/** What options are; what is ignored without a word is missed later. */
const KINDS = {
  function: ['fetch', 'provider', 'waitUntil'],
  object: ['llm', 'prices', 'spool', 'storage'],
  boolean: ['lint', 'strict'],
} as const

/** Options as the core takes them. Throws a {@link TaximeterError} that says which one is wrong and how to mend it. */
export function coreOptions(options: TaximeterOptions): object {
  if (options === null || typeof options !== 'object') {
    throw new TaximeterError('invalid_option', 'Taximeter wants an object with options')
  }
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name)) {
      throw new TaximeterError('unknown_option', 'there is no such option', {
        path: name,
        help: `known here: ${OPTIONS.join(', ')}`,
      })
    }
  }
  const { sink, source, meters, prices, onFull, lint, llm, onAbort } = options
  for (const [kind, names] of Object.entries(KINDS)) {
    for (const name of names) {
      const value = options[name]
      if (value === undefined || (typeof value === kind && value !== null && !Array.isArray(value))) continue
      throw new TaximeterError('invalid_option', `this is no ${kind}`, { path: name })
    }
  }
  if (options.spool && typeof options.spool.open !== 'function') {
    throw new TaximeterError('invalid_option', 'this is no spool', {
      path: 'spool',
      help: "like fileSpool('usage.spool')",
    })
  }
  if (!Sink.is(sink)) {
    throw new TaximeterError('invalid_sink', 'the sink is missing', {
      path: 'sink',
      help: 'make one with openmeter({ url }) or dodo({ apiKey, environment })',
    })
  }
  if (onAbort !== undefined && !['partial', 'drain', 'estimate'].includes(onAbort)) {
    throw new TaximeterError('invalid_option', 'there is no such way to go on', {
      path: 'onAbort',
      help: 'partial, drain or estimate',
    })
  }
  return {
    source,
    sink: isPage() ? forPage(sink.settings) : sink.settings,
    meters,
    prices: prices && { ...prices, ...plain({ meters: prices.meters, rates: prices.rates }) },
    onFull,
    lint,
    llm,
  }
}

/** Prices as JSON can say them: a bigint as its digits; NaN, which would become null and so nothing, is refused. */
const plain = (prices: object) => JSON.parse(dataText({ prices })).prices

/** A request that outlives its page may have 64 KiB, all others of the page included. */
function forPage(settings: Sink['settings']): Sink['settings'] {
  const { batch, ...others } = settings
  return { ...others, batch: { bytes: KEEPALIVE_BYTES_MAX, ...Object(batch) } }
}
