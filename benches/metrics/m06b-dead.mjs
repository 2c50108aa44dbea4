import { compare } from '../lib/rounds.mjs'

export const metric = 'M6b'
export const title = 'memory while the vendor is down: its slope over the second half of 10⁶ events'
export const isSlow = true

const EVENTS = 1_000_000

export async function run() {
  const policies = ['reject', 'drop-oldest', 'drop-newest']
  const job = (onFull) => [onFull, { measure: 'dead', onFull, events: EVENTS }]
  const result = await compare(Object.fromEntries(policies.map(job)), 1)
  const figures = policies.flatMap((onFull) => {
    const { heapSlope, rssSlope } = result[onFull]
    return [
      { name: `${onFull}: heap and buffers after a collection`, value: heapSlope, unit: 'B an event', atMost: 0.5 },
      { name: `${onFull}: the whole process`, value: rssSlope, unit: 'B an event', atMost: 2 },
    ]
  })
  const rows = policies.map((onFull) => {
    const { pending, dropped, lost, requests, rssMiB, heapMiB, wasmMiB } = result[onFull]
    const refused = lost - dropped
    return {
      onFull,
      pending,
      dropped,
      refused,
      requests,
      'process, MiB': rssMiB,
      'heap, MiB': heapMiB,
      'WebAssembly, MiB': wasmMiB,
    }
  })
  return { figures, tables: [{ title: 'M6b: the vendor is down, at the end', rows }] }
}
