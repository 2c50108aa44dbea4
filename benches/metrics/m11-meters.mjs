import { isDeepStrictEqual } from 'node:util'
import { compare, measured } from '../lib/rounds.mjs'

export const metric = 'M11'
export const title = 'three exact meters and the cost, live, against meters in JavaScript that do nothing else'
export const isSlow = true

/** What it costs beyond record(), and with all that record() and delivery do. */
const BY_HAND = [
  { variant: 'best', name: 'best JavaScript, inexact', increment: 3, total: 1 },
  { variant: 'getters', name: 'plain JavaScript, inexact', increment: 10, total: 3 },
  { variant: 'decimal', name: 'plain with decimal.js', increment: 18, total: 6 },
  { variant: 'jsonpath', name: 'plain with jsonpath-plus, inexact', increment: 300, total: 100 },
]

export async function run({ rounds }) {
  const names = ['ours', ...BY_HAND.map(({ variant }) => variant)]
  await sameAnswers(names)
  const jobs = [...names, 'ours-alone'].map((variant) => [variant, { measure: 'meters', variant }])
  const result = await compare(Object.fromEntries(jobs), rounds)
  const own = result.ours.ns - result['ours-alone'].ns
  const figures = BY_HAND.flatMap(({ variant, name, increment, total }) => [
    { name: `${name}, increment`, value: result[variant].ns / own, unit: '×', atLeast: increment },
    {
      name: `${name}, total with record and delivery`,
      value: result[variant].ns / result.ours.ns,
      unit: '×',
      atLeast: total,
    },
  ])
  const rows = Object.entries(result).map(([variant, { ns }]) => ({ variant, 'ns CPU an event': ns }))
  return { figures, tables: [{ title: 'M11: three meters and the cost', rows }] }
}

async function sameAnswers(variants) {
  const [ours, ...others] = await Promise.all(
    variants.map((variant) => measured({ measure: 'meters', variant, answer: true })),
  )
  for (const { rows, cost } of others) {
    const isSame = isDeepStrictEqual(rows, ours.rows) && Math.abs(cost / ours.cost - 1) < 1e-9
    if (!isSame) throw new Error('the meters do not say the same')
  }
}
