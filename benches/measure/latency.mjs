/** What one call of record() takes, in nanoseconds of wall time less those of reading the timer. */
import { advanceClock } from '../lib/clock.mjs'
import { median, quantile } from '../lib/numbers.mjs'
import { workloads } from '../lib/workload.mjs'

const BATCH = 1000
const CALLS = 100_000

export async function measure({ variant }) {
  advanceClock()
  const { create } = await import(`../variants/${variant}.mjs`)
  const recorder = create()
  const events = workloads.hot()
  const times = new Float64Array(CALLS)
  const timer = new Float64Array(CALLS)
  await fill(recorder, events, times)
  await fill(recorder, events, times)
  readTimer(timer)
  readTimer(timer)
  const own = median(timer)
  return { p50: Math.round(quantile(times, 0.5) - own), p99: Math.round(quantile(times, 0.99) - own) }
}

async function fill(recorder, events, times) {
  for (let at = 0; at < CALLS; at += BATCH) {
    events.fill(BATCH)
    timed(recorder, events, times, at)
    await recorder.flush()
  }
}

function timed(recorder, events, times, at) {
  for (let i = 0; i < BATCH; i++) {
    const event = events.at(i)
    const start = performance.now()
    recorder.record(event)
    times[at + i] = (performance.now() - start) * 1e6
  }
}

function readTimer(times) {
  for (let i = 0; i < times.length; i++) {
    const start = performance.now()
    times[i] = (performance.now() - start) * 1e6
  }
}
