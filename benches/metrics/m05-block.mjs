import { compare } from '../lib/rounds.mjs'

export const metric = 'M5'
export const title = 'event-loop block of a flush of 1000 (wall time), against naive JavaScript'

export async function run({ rounds }) {
  const variants = ['naive', 'push', 'text', 'bytes', 'ours'].map((variant) => [variant, { measure: 'block', variant }])
  const { naive, push, text, bytes, ours } = await compare(Object.fromEntries(variants), rounds)
  const figures = [
    { name: 'against naive', value: naive.us / ours.us, unit: '×', atLeast: 40 },
    { name: 'against bare push', value: push.us / ours.us, unit: '×' },
    { name: 'against the best JavaScript', value: Math.min(text.us, bytes.us) / ours.us, unit: '×' },
    { name: 'ours', value: ours.us, unit: 'µs' },
  ]
  return { figures }
}
