import { onEngines } from '../lib/bodies.mjs'

export const metric = 'M3'
export const title = 'record + body CPU, against bare push + stringify, which makes no id or time and checks nothing'

export async function run({ quick, rounds }) {
  const targets = { Node: 2.5, Bun: 0.9, Deno: 1.3 }
  return { figures: await onEngines(rounds, quick, targets, ({ push, ours }) => push.ns / ours.ns) }
}
