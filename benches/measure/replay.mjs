/** CPU of answering a file of events, nanoseconds an event, warm; and the largest memory of the process, in MiB. */
import { cpuNs, median } from '../lib/numbers.mjs'

const PASSES = 3

/** With `answer`, gives what was answered instead of what it cost. */
export async function measure({ variant, file, events, meters, dedupe = false, answer }) {
  const { create } = await import(`../replays/${variant}.mjs`)
  const run = await create(file, meters, dedupe)
  if (answer) return rows(await run())
  await run()
  const passes = []
  for (let i = 0; i < PASSES; i++) {
    const before = cpuNs()
    await run()
    passes.push((cpuNs() - before) / events)
  }
  return { ns: median(passes), rss: process.resourceUsage().maxRSS / 1024 }
}

/** In one order: `[meter, …groups, value]`. */
const rows = (answer) => answer.map((row) => row.map(String)).sort((a, b) => (a.join('\0') < b.join('\0') ? -1 : 1))
