import { bodies } from '../lib/bodies.mjs'

export const metric = 'M3'
export const title = 'record + body CPU, against bare push + stringify, which makes no id or time and checks nothing'

export async function run({ rounds }) {
  const { push, ours } = await bodies('hot', 100, rounds)
  return { figures: [{ name: 'B=100', value: push.ns / ours.ns, unit: '×', atLeast: 2.5 }] }
}
