import { wires, wireTable } from '../lib/wire.mjs'

export const metric = 'M8b'
export const title = 'record to delivered, CPU, 100 events a request on both sides'
export const isSlow = true

const OURS = ['ours over fetch, bursts of 100', 'ours, bursts of 100']
/** Against ours over `fetch`, and over Node's own HTTP client, which is the default. */
const TARGETS = { 'OTel, 100': [1.3, 2.5], 'PostHog, bursts of 100': [5, 9], 'Segment, bursts of 100': [5, 9] }
const BY_HAND = ['naive + fetch, 100', 'strings by hand + fetch, 100']

export async function run({ peerRounds }) {
  const names = [...Object.keys(TARGETS), ...BY_HAND]
  const result = await wires([...names, ...OURS], peerRounds)
  const figures = names.flatMap((name) =>
    ['fetch', 'node:http'].map((client, i) => ({
      name: `${name}, ours over ${client}`,
      value: result[name].us / result[OURS[i]].us,
      unit: '×',
      ...(name in TARGETS && { atLeast: TARGETS[name][i] }),
    })),
  )
  return { figures, tables: [wireTable('M8b: 100 events a request', result)] }
}
