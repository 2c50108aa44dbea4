/** CPU of record() and flush, until the body stands, in nanoseconds an event. */
import { advanceClock } from '../lib/clock.mjs'
import { cpuNs, median } from '../lib/numbers.mjs'
import { workloads } from '../lib/workload.mjs'

const CHUNK = 10_000
const WARM_UP_NS = 400e6
const PASS_NS = 150e6

export async function measure({ variant, workload, batch, clock }) {
  if (clock === 'advancing') advanceClock()
  const { create } = await import(`../variants/${variant}.mjs`)
  const recorder = create()
  const events = workloads[workload]()
  await pass(recorder, events, batch, WARM_UP_NS)
  const passes = []
  for (let i = 0; i < 3; i++) passes.push(await pass(recorder, events, batch, PASS_NS))
  return { ns: median(passes) }
}

async function pass(recorder, events, batch, leastNs) {
  let spent = 0
  let count = 0
  while (spent < leastNs) {
    events.fill(CHUNK)
    const before = cpuNs()
    await record(recorder, events, batch)
    spent += cpuNs() - before
    count += CHUNK
  }
  return spent / count
}

async function record(recorder, events, batch) {
  for (let at = 0; at < CHUNK; at += batch) {
    for (let i = at; i < at + batch; i++) recorder.record(events.at(i))
    const bodies = recorder.flush()
    if (bodies instanceof Promise) await bodies
  }
}
