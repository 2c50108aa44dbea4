/** Every vendor's sink, and what is its own about it: how it is made, where it sends, how it asks to wait. */
import { autumn, creem, dodo, flexprice, lago, metronome, openmeter, orb, polar, schematic, stripe } from 'taximeter'

export const KEY = 'sk-canary-4711'
const apiKey = KEY

/**
 * - `path`: where its requests arrive, below the vendor's name
 * - `strings`: numbers arrive as strings
 * - `wait`: the header by which it asks to wait
 * - `single`: one event a request
 * - `asks`: it knows which customers exist (all that list events one by one do here)
 * - `oldest`: milliseconds
 * - `repeats`: what it says of ids that it has: `named`, or how many (`counted`); others say nothing
 */
export const VENDORS = {
  'openmeter v1': { make: (url) => openmeter({ url, token: KEY, dedup: 'unlimited' }), path: '/api/v1/events' },
  'openmeter v3': {
    make: (url) => openmeter({ url: `${url}/api/v3`, token: KEY, version: 'v3', dedup: 'unlimited' }),
    path: '/api/v3/openmeter/events',
  },
  dodo: { make: (url) => dodo({ url, apiKey }), path: '/events/ingest', asks: true, oldest: 3_600_000 },
  polar: {
    make: (url) => polar({ url: `${url}/polar`, apiKey }),
    path: '/polar/v1/events/ingest',
    asks: true,
    repeats: 'counted',
  },
  lago: {
    make: (url) => lago({ url: `${url}/lago`, apiKey }),
    path: '/lago/api/v1/events/batch',
    asks: true,
    strings: true,
    wait: 'x-ratelimit-reset',
    repeats: 'named',
  },
  'stripe v1': {
    make: (url) => stripe({ url, apiKey, quantity: 'n' }),
    path: '/v1/billing/meter_events',
    asks: true,
    single: true,
    repeats: 'named',
    oldest: 35 * 86_400_000,
  },
  'stripe v2': {
    make: (url) => stripe({ url, apiKey, quantity: 'n', api: 'v2' }),
    path: '/v2/billing/meter_events',
    asks: true,
    single: true,
    repeats: 'named',
    oldest: 35 * 86_400_000,
  },
  'stripe stream': {
    make: (url) => stripe({ url, apiKey, quantity: 'n', api: 'stream' }),
    path: '/v2/billing/meter_event_stream',
    asks: true,
    oldest: 35 * 86_400_000,
  },
  orb: { make: (url) => orb({ url: `${url}/orb`, apiKey }), path: '/orb/v1/ingest', asks: true },
  metronome: {
    make: (url) => metronome({ url: `${url}/metronome`, apiKey }),
    path: '/metronome/v1/ingest',
    asks: true,
    strings: true,
    oldest: 34 * 86_400_000,
  },
  flexprice: {
    make: (url) => flexprice({ url: `${url}/flexprice`, apiKey }),
    path: '/flexprice/v1/events/bulk',
    asks: true,
  },
  autumn: {
    make: (url) => autumn({ url: `${url}/autumn`, apiKey, quantity: 'n' }),
    path: '/autumn/v1/balances.batch_track',
    asks: true,
    repeats: 'named',
  },
  schematic: {
    make: (url) => schematic({ url: `${url}/schematic`, apiKey, quantity: 'n' }),
    path: '/schematic/batch',
    asks: true,
  },
  creem: { make: (url) => creem({ url: `${url}/creem`, apiKey }), path: '/creem/v1/events/ingest', asks: true },
}
