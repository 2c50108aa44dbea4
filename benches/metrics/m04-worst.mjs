import { best, bodies } from '../lib/bodies.mjs'

export const metric = 'M4'
export const title = 'record + body CPU in the worst cases, against naive JavaScript'

export const isSlow = true

export async function run({ rounds }) {
  const fresh = await bodies('fresh', 100, rounds)
  const subjects = await bodies('subjects', 100, rounds)
  const figures = [
    { name: 'fresh objects, unique strings', value: fresh.naive.ns / fresh.ours.ns, unit: '×', atLeast: 8 },
    { name: 'unique subjects', value: subjects.naive.ns / subjects.ours.ns, unit: '×', atLeast: 4 },
    { name: 'fresh, against the best JavaScript', value: best(fresh) / fresh.ours.ns, unit: '×' },
    { name: 'unique subjects, against the best JavaScript', value: best(subjects) / subjects.ours.ns, unit: '×' },
  ]
  return { figures }
}
