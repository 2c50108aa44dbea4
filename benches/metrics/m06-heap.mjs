import { compare } from '../lib/rounds.mjs'

export const metric = 'M6'
export const title = 'memory per buffered event'

export async function run({ rounds }) {
  const variants = ['naive', 'push', 'bytes', 'ours'].map((variant) => [variant, { measure: 'heap', variant }])
  const { naive, push, bytes, ours } = await compare(Object.fromEntries(variants), rounds)
  const figures = [
    { name: 'JavaScript heap, ours', value: ours.heap, unit: 'B', atMost: 8 },
    { name: 'in all, against naive', value: naive.all / ours.all, unit: '×', atLeast: 10 },
    { name: 'in all, ours', value: ours.all, unit: 'B' },
    { name: 'in all, naive', value: naive.all, unit: 'B' },
    { name: "in all, bare push (the caller's object)", value: push.all, unit: 'B' },
    { name: 'in all, bytes by hand', value: bytes.all, unit: 'B' },
  ]
  return { figures }
}
