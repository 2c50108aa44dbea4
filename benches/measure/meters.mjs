/** CPU of three meters and the cost, live, nanoseconds an event; the answer at the end included. */
import { advanceClock } from '../lib/clock.mjs'
import { cpuNs, median } from '../lib/numbers.mjs'
import { workloads } from '../lib/workload.mjs'

const BATCH = 1000
const BATCHES = 20
const WARM_UP_NS = 400e6
const PASS_NS = 150e6

/** With `answer`, gives what the meters say instead of what they cost: the same events for every variant. */
export async function measure({ variant, answer }) {
  advanceClock()
  const { create } = await import(`../meters/${variant}.mjs`)
  if (answer) return (await once(create, workloads.hot())).result
  const events = workloads.hot()
  await pass(create, events, WARM_UP_NS)
  const passes = []
  for (let i = 0; i < 3; i++) passes.push(await pass(create, events, PASS_NS))
  return { ns: median(passes) }
}

async function pass(create, events, leastNs) {
  let spent = 0
  let count = 0
  while (spent < leastNs) {
    spent += (await once(create, events)).spent
    count += BATCH * BATCHES
  }
  return spent / count
}

async function once(create, events) {
  const meters = create()
  const before = cpuNs()
  for (let batch = 0; batch < BATCHES; batch++) {
    events.fill(BATCH)
    for (let i = 0; i < BATCH; i++) meters.record(events.at(i))
    await meters.flush?.()
  }
  const result = meters.result?.()
  const spent = cpuNs() - before
  await meters.close?.()
  return { spent, result }
}
