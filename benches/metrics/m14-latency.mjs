import { compare } from '../lib/rounds.mjs'

export const metric = 'M14'
export const title = 'one call of record() (wall time, less the timer)'

export async function run({ rounds }) {
  const variants = ['naive', 'text', 'ours'].map((variant) => [variant, { measure: 'latency', variant }])
  const { naive, text, ours } = await compare(Object.fromEntries(variants), rounds)
  const figures = [
    { name: 'p50', value: ours.p50, unit: 'ns', atMost: 110 },
    { name: 'p99', value: ours.p99, unit: 'ns', atMost: 500 },
    { name: 'naive, p50', value: naive.p50, unit: 'ns' },
    { name: 'naive, p99', value: naive.p99, unit: 'ns' },
    { name: 'strings by hand, p50', value: text.p50, unit: 'ns' },
    { name: 'strings by hand, p99', value: text.p99, unit: 'ns' },
  ]
  return { figures }
}
