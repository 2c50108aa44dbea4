import { bodies, columns } from '../lib/bodies.mjs'

export const metric = 'M1'
export const title = 'record + body CPU, against naive JavaScript'

export async function run({ quick, rounds }) {
  const { naive, ours } = await bodies('hot', 100, rounds)
  const figures = [{ name: 'B=100, clock advancing', value: naive.ns / ours.ns, unit: '×', atLeast: 11 }]
  if (quick) return { figures }
  return { figures, tables: [{ title: 'M1 to M4: ns CPU an event, record + body', rows: await columns(rounds) }] }
}
