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
const FRESH = ', first 20,000 events'

export async function run({ rounds }) {
  const names = ['ours', ...BY_HAND.map(({ variant }) => variant)]
  await sameAnswers(names)
  const jobs = [...names, 'ours-alone'].map((variant) => [variant, { measure: 'meters', variant }])
  const fresh = ['ours', 'best', 'ours-alone'].map((variant) => [
    variant + FRESH,
    { measure: 'meters', variant, isFresh: true },
  ])
  const result = await compare(Object.fromEntries([...jobs, ...fresh]), rounds)
  const against = (name, variant, when, targets) => {
    const [ours, theirs, alone] = ['ours', variant, 'ours-alone'].map((one) => result[one + when].ns)
    return [
      { name: `${name}, increment${when}`, value: theirs / (ours - alone), unit: '×', atLeast: targets?.increment },
      {
        name: `${name}, total with record and delivery${when}`,
        value: theirs / ours,
        unit: '×',
        atLeast: targets?.total,
      },
    ]
  }
  const figures = BY_HAND.flatMap((one) => against(one.name, one.variant, '', one))
  figures.push(...against(BY_HAND[0].name, 'best', FRESH))
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
