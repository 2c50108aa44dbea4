import { best, onEngines } from '../lib/bodies.mjs'

export const metric = 'M2'
export const title =
  'record + body CPU, against the best hand-written JavaScript (below 2, WebAssembly is not worth it)'

export async function run({ quick, rounds }) {
  const ratio = (result) => best(result) / result.ours.ns
  return { figures: await onEngines(rounds, quick, { Node: 4, Bun: 2.5, Deno: 2.5 }, ratio) }
}
