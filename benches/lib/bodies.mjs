/** The comparison that M1 to M4 read: every hand-written variant and ours, until the body stands. */
import { compare } from './rounds.mjs'

export const VARIANTS = ['loop', 'push', 'naive', 'text', 'bytes', 'ours']

/** Name → `ns` an event. */
export function bodies(workload, batch, rounds, clock = 'advancing', engine = 'Node') {
  const job = (variant) => [variant, { measure: 'body', variant, workload, batch, clock, engine }]
  // The loop measures the caller's literals, and only this workload has them.
  const variants = VARIANTS.filter((variant) => variant !== 'loop' || workload === 'hot')
  return compare(Object.fromEntries(variants.map(job)), rounds)
}

/** The faster of the two hand-written best: which one it is depends on batch and workload. */
export const best = ({ text, bytes }) => Math.min(text.ns, bytes.ns)

/** The same figure on each engine: by what `ratio` says of the variants, and with what is wanted of it. */
export async function onEngines(rounds, quick, targets, ratio) {
  const figures = []
  for (const [engine, atLeast] of Object.entries(targets)) {
    if (quick && engine !== 'Node') continue
    const result = await bodies('hot', 100, rounds, 'advancing', engine)
    figures.push({ name: `${engine}, B=100, clock advancing`, value: ratio(result), unit: '×', atLeast })
  }
  return figures
}

/** What is published beside the big ratios: every batch size and workload that a ratio could flatter. */
export async function columns(rounds) {
  const rows = []
  const row = async (workload, batch, clock, engine = 'Node') => {
    const result = await bodies(workload, batch, rounds, clock, engine)
    rows.push({
      engine,
      workload,
      clock,
      batch,
      ...Object.fromEntries(VARIANTS.map((name) => [name, result[name]?.ns])),
    })
  }
  for (const batch of [1, 10, 100, 1000]) await row('hot', batch, 'advancing')
  await row('hot', 100, 'real')
  for (const workload of ['fresh', 'subjects']) await row(workload, 100, 'advancing')
  for (const engine of ['Bun', 'Deno']) {
    for (const batch of [100, 1000]) await row('hot', batch, 'advancing', engine)
  }
  return rows
}
