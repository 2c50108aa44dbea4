import { wires, wireTable } from '../lib/wire.mjs'

export const metric = 'M8b'
export const title = 'record to delivered, CPU, 100 events a request on both sides, fetch'
export const isSlow = true

const TARGETS = { 'OTel, 100': 1.3, 'PostHog, bursts of 100': 5, 'Segment, bursts of 100': 5 }
const BY_HAND = ['naive + fetch, 100', 'strings by hand + fetch, 100']

export async function run({ peerRounds }) {
  const result = await wires([...Object.keys(TARGETS), ...BY_HAND, 'ours, bursts of 100'], peerRounds)
  const ours = result['ours, bursts of 100']
  const figures = [...Object.keys(TARGETS), ...BY_HAND].map((name) => ({
    name,
    value: result[name].us / ours.us,
    unit: '×',
    ...(name in TARGETS && { atLeast: TARGETS[name] }),
  }))
  return { figures, tables: [wireTable('M8b: 100 events a request', result)] }
}
