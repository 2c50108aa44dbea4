/**
 * How long a flush of a full batch keeps the event loop from everything else, in microseconds of wall time: from the call
 * until it has settled, with a vendor that answers at once, so that nothing is waited for in between.
 */
import { advanceClock } from '../lib/clock.mjs'
import { median } from '../lib/numbers.mjs'
import { workloads } from '../lib/workload.mjs'

const BATCH = 1000
const WARM_UP = 400
const FLUSHES = 200

export async function measure({ variant }) {
  advanceClock()
  const { create } = await import(`../variants/${variant}.mjs`)
  const recorder = create()
  const events = workloads.hot()
  const times = []
  for (let flush = 0; flush < WARM_UP + FLUSHES; flush++) {
    events.fill(BATCH)
    for (let i = 0; i < BATCH; i++) recorder.record(events.at(i))
    const start = performance.now()
    const bodies = recorder.flush()
    if (bodies instanceof Promise) await bodies
    if (flush >= WARM_UP) times.push((performance.now() - start) * 1000)
  }
  return { us: median(times) }
}
