import { isDeepStrictEqual } from 'node:util'
import { eventsFile } from '../lib/events-file.mjs'
import { compare, measured } from '../lib/rounds.mjs'

export const metric = 'M12'
export const title = 'replay of 10⁶ events from a file, warm: ours checks every line as JSON and as an event'
export const isSlow = true

const EVENTS = 1_000_000
const PEERS = [
  { variant: 'duckdb', name: 'DuckDB, one thread', atLeast: 1.5 },
  { variant: 'plain', name: 'JSON.parse in JavaScript', atLeast: 4 },
]

export async function run({ rounds }) {
  const file = eventsFile(EVENTS)
  const variants = ['ours', ...PEERS.map(({ variant }) => variant)]
  const cases = [
    { name: '1 meter', meters: 1 },
    { name: '3 meters', meters: 3 },
    { name: '3 meters, each source and id once', meters: 3, dedupe: true },
  ]
  const figures = []
  const rows = []
  for (const { name, meters, dedupe } of cases) {
    const job = (variant) => ({ measure: 'replay', variant, file, events: EVENTS, meters, dedupe })
    const [own, ...others] = await Promise.all(variants.map((variant) => measured({ ...job(variant), answer: true })))
    if (others.some((rows) => !isDeepStrictEqual(rows, own))) throw new Error(`the answers differ: ${name}`)
    const result = await compare(Object.fromEntries(variants.map((variant) => [variant, job(variant)])), rounds)
    for (const { variant, name: peer, atLeast } of PEERS) {
      figures.push({
        name: `${peer}, ${name}`,
        value: result[variant].ns / result.ours.ns,
        unit: '×',
        ...(!dedupe && { atLeast }),
      })
    }
    figures.push({
      name: `largest memory, ours, ${name}`,
      value: result.ours.rss,
      unit: 'MiB',
      ...(!dedupe && { atMost: 70 }),
    })
    for (const variant of variants) {
      const { ns, rss } = result[variant]
      rows.push({ case: name, variant, 'ns CPU an event': ns, 'largest memory, MiB': rss })
    }
  }
  return { figures, tables: [{ title: 'M12: replay of a file', rows }] }
}
