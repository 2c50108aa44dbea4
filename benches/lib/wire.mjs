/** Peers end to end. */
import { compare } from './rounds.mjs'
import { vendor } from './vendor.mjs'

/** `names` of the jobs below, measured by turns. Gives name → `us` an event and `requests` per 1000 events. */
export async function wires(names, rounds) {
  const url = await vendor()
  const variants = names.map((name) => [name, { measure: 'wire', url, ...JOBS[name] }])
  return compare(Object.fromEntries(variants), rounds)
}

const THOUSAND = { events: 1000 }
/** What sends one request an event is called in small bursts only so that the clock is looked at often enough. */
const SINGLY = 40

const JOBS = {
  OpenMeter: { peer: 'openmeter', batch: SINGLY },
  Dodo: { peer: 'dodo', batch: SINGLY },
  Polar: { peer: 'polar', batch: SINGLY },
  Lago: { peer: 'lago', batch: SINGLY },
  'OpenMeter, batched by hand, 100': { peer: 'openmeter-batched', batch: 100 },
  'OpenMeter, batched by hand, 1000': { peer: 'openmeter-batched', batch: 1000 },
  'OTel, 512': { peer: 'otel', batch: 1000 },
  'OTel, 100': { peer: 'otel', batch: 100, options: 100 },
  'PostHog, 100': { peer: 'posthog', batch: 1000 },
  'PostHog, bursts of 100': { peer: 'posthog', batch: 100 },
  'Segment, 100': { peer: 'segment', batch: 1000 },
  'Segment, bursts of 100': { peer: 'segment', batch: 100 },
  'naive + fetch, 100': { peer: 'by-hand', batch: 100 },
  'naive + fetch, 1000': { peer: 'by-hand', batch: 1000 },
  'strings by hand + fetch, 100': { peer: 'by-hand', batch: 100, options: { variant: 'text' } },
  'strings by hand + fetch, 1000': { peer: 'by-hand', batch: 1000, options: { variant: 'text' } },
  'ours, bursts of 100': { peer: 'ours', batch: 100 },
  'ours over fetch, bursts of 100': { peer: 'ours', batch: 100, options: { overFetch: true } },
  'ours, bursts of 1000': { peer: 'ours', batch: 1000 },
  'ours, 1000 a request': { peer: 'ours', batch: 1000, options: { batch: THOUSAND } },
  'ours to Dodo, bursts of 100': { peer: 'ours', batch: 100, options: { vendor: 'dodo' } },
  'ours to Dodo, bursts of 1000': { peer: 'ours', batch: 1000, options: { vendor: 'dodo' } },
  'ours to Dodo, 1000 a request': { peer: 'ours', batch: 1000, options: { vendor: 'dodo', batch: THOUSAND } },
}

/** A table of what was measured. */
export function wireTable(title, results) {
  const rows = Object.entries(results).map(([client, { us, requests }]) => ({
    client,
    'µs CPU an event': us,
    'requests per 1000': requests,
  }))
  return { title, rows }
}
