import { wires, wireTable } from '../lib/wire.mjs'

export const metric = 'M8'
export const title = 'record to delivered, CPU, each batcher at its own maximum, ours 1000 a request'

const TARGETS = { 'OTel, 512': 5, 'PostHog, 100': 20, 'Segment, 100': 20 }

export async function run({ quick, peerRounds }) {
  const peers = quick ? ['OTel, 512'] : Object.keys(TARGETS)
  const result = await wires([...peers, 'ours, 1000 a request'], peerRounds)
  const ours = result['ours, 1000 a request']
  const figures = peers.map((name) => ({ name, value: result[name].us / ours.us, unit: '×', atLeast: TARGETS[name] }))
  return { figures, tables: [wireTable('M8: each at its own maximum', result)] }
}
