import { best, bodies } from '../lib/bodies.mjs'

export const metric = 'M2'
export const title =
  'record + body CPU, against the best hand-written JavaScript (below 2, WebAssembly is not worth it)'

export async function run({ rounds }) {
  const result = await bodies('hot', 100, rounds)
  return { figures: [{ name: 'B=100', value: best(result) / result.ours.ns, unit: '×', atLeast: 4 }] }
}
