import { bodies, columns } from '../lib/bodies.mjs'

export const metric = 'M1'
export const title = 'record + body CPU, against naive JavaScript'

export async function run({ quick, rounds }) {
  const { naive, ours } = await bodies('hot', 100, rounds)
  const figures = [{ name: 'B=100, clock advancing', value: naive.ns / ours.ns, unit: '×', atLeast: 11 }]
  return { figures, ...(!quick && { columns: await columns(rounds) }) }
}
