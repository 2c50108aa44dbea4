/** CPU of three meters and the cost, live, nanoseconds an event; the answer at the end included. */
import { advanceClock } from '../lib/clock.mjs'
import { cpuNs, median } from '../lib/numbers.mjs'
import { workloads } from '../lib/workload.mjs'

const BATCH = 1000
const BATCHES = 20
const WARM_UP_NS = 400e6
const PASS_NS = 150e6

/**
 * With `answer`, gives what the meters say instead of what they cost: the same events for every variant. With `isFresh`, what
 * the first events cost, when every customer is new; else the meters have been alive for a while.
 */
export async function measure({ variant, answer, isFresh }) {
  advanceClock()
  const { create } = await import(`../meters/${variant}.mjs`)
  const events = workloads.hot()
  if (answer) return (await ask(create(), events)).result
  const meters = create()
  const pass = (leastNs) => spend(leastNs, () => (isFresh ? once(create, events) : ask(meters, events)))
  await pass(WARM_UP_NS)
  const passes = []
  for (let i = 0; i < 3; i++) passes.push(await pass(PASS_NS))
  return { ns: median(passes) }
}

async function spend(leastNs, run) {
  let spent = 0
  let count = 0
  while (spent < leastNs) {
    spent += (await run()).spent
    count += BATCH * BATCHES
  }
  return spent / count
}

async function once(create, events) {
  const meters = create()
  const asked = await ask(meters, events)
  await meters.close?.()
  return asked
}

async function ask(meters, events) {
  const before = cpuNs()
  for (let batch = 0; batch < BATCHES; batch++) {
    events.fill(BATCH)
    for (let i = 0; i < BATCH; i++) meters.record(events.at(i))
    await meters.flush?.()
  }
  const result = meters.result?.()
  return { spent: cpuNs() - before, result }
}
