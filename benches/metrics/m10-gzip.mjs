import { compare } from '../lib/rounds.mjs'

export const metric = 'M10'
export const title =
  'gzip of a body of 1000, ours against one with random ids (zlib; no sink takes gzip, so none is sent)'

export async function run({ rounds }) {
  const job = (variant, level) => ({ measure: 'gzip', variant, level })
  const variants = {
    'random ids, level 6': job('naive', 6),
    'ours, level 6': job('ours', 6),
    'ours, level 1': job('ours', 1),
  }
  const result = await compare(variants, rounds)
  const [random, six, one] = Object.values(result)
  const figures = [
    { name: 'size, level 6 on both sides', value: random.bytes / six.bytes, unit: '×', atLeast: 1.5 },
    { name: 'size, ours at level 1 against 6', value: random.bytes / one.bytes, unit: '×', atLeast: 1.5 },
    { name: 'time, ours at level 1 against 6', value: random.ns / one.ns, unit: '×', atLeast: 6 },
  ]
  const rows = Object.entries(result).map(([body, { ns, bytes }]) => ({
    body,
    'ns CPU an event': ns,
    'bytes an event': bytes,
  }))
  return { figures, tables: [{ title: 'M10: gzip of a body of 1000', rows }] }
}
