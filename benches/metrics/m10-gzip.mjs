import { compare } from '../lib/rounds.mjs'

export const metric = 'M10'
export const title = 'gzip of a body of 1000, for vendors that take it, against one with random ids by zlib 6'
export const isSlow = true

export async function run({ rounds }) {
  const job = (variant, level) => ({ measure: 'gzip', variant, level })
  const result = await compare(
    {
      'random ids, zlib 6': job('naive', 6),
      'ours, as it is sent': job('ours'),
      'ours, zlib 6': job('ours', 6),
      'ours, zlib 1': job('ours', 1),
    },
    rounds,
  )
  const [random, sent, , fast] = Object.values(result)
  const figures = [
    { name: 'size, as it is sent', value: random.bytes / sent.bytes, unit: '×', atLeast: 1.5 },
    { name: 'time, as it is sent', value: random.ns / sent.ns, unit: '×', atLeast: 6 },
    { name: 'size, zlib 1', value: random.bytes / fast.bytes, unit: '×' },
    { name: 'time, zlib 1', value: random.ns / fast.ns, unit: '×' },
  ]
  const rows = Object.entries(result).map(([body, { ns, bytes }]) => ({
    body,
    'ns CPU an event': ns,
    'bytes an event': bytes,
  }))
  return { figures, tables: [{ title: 'M10: gzip of a body of 1000', rows }] }
}
