import { wires, wireTable } from '../lib/wire.mjs'

export const metric = 'M7'
export const title = 'record to delivered, CPU, default settings on both sides (this is batching: they send one by one)'

const OURS = ['ours, bursts of 1000', 'ours, 1000 a request', 'ours, bursts of 100']
const OURS_TO_DODO = OURS.map((name) => name.replace('ours', 'ours to Dodo'))
const BY_HAND = ['100', '1000'].flatMap((batch) => [
  `OpenMeter, batched by hand, ${batch}`,
  `naive + fetch, ${batch}`,
  `strings by hand + fetch, ${batch}`,
])

export async function run({ quick, peerRounds }) {
  const peers = quick ? ['OpenMeter', 'Dodo'] : ['OpenMeter', 'Dodo', 'Polar', 'Lago']
  const result = await wires([...peers, ...BY_HAND.slice(0, quick ? 2 : 6), ...OURS, ...OURS_TO_DODO], peerRounds)
  const figures = peers.flatMap((peer) => {
    const [thousand, asked, hundred] = peer === 'Dodo' ? OURS_TO_DODO : OURS
    const against = (ours) => ({ value: result[peer].us / result[ours].us, unit: '×' })
    return [
      // Lago takes 100 events a request at most: the other figures would be another vendor's.
      ...(peer === 'Lago' ? [] : [{ name: `${peer}, bursts of 1000`, ...against(thousand), atLeast: 250 }]),
      ...(peer === 'Lago' ? [] : [{ name: `${peer}, bursts of 1000, ours set to 1000 a request`, ...against(asked) }]),
      { name: `${peer}, bursts of 100`, ...against(hundred) },
    ]
  })
  for (const name of BY_HAND.filter((name) => name in result)) {
    const ours = result[name.endsWith('1000') ? 'ours, 1000 a request' : 'ours, bursts of 100']
    figures.push({ name, value: result[name].us / ours.us, unit: '×' })
  }
  return { figures, tables: [wireTable('M7: record to delivered', result)] }
}
