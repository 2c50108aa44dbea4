import { columns, onEngines } from '../lib/bodies.mjs'

export const metric = 'M1'
export const title = 'record + body CPU, against naive JavaScript'

export async function run({ quick, rounds }) {
  const figures = await onEngines(rounds, quick, { Node: 11, Bun: 5, Deno: 9 }, ({ naive, ours }) => naive.ns / ours.ns)
  if (quick) return { figures }
  return { figures, tables: [{ title: 'M1 to M4: ns CPU an event, record + body', rows: await columns(rounds) }] }
}
