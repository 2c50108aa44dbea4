/** A flush of 1000 by gzip: CPU in nanoseconds an event, and bytes an event. Without a level as the SDK does it. */
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { advanceClock } from '../lib/clock.mjs'
import { cpuNs, median } from '../lib/numbers.mjs'
import { workloads } from '../lib/workload.mjs'

const BATCH = 1000
const BODIES = 40

const stream = (body) => buffer(new Blob([body]).stream().pipeThrough(new CompressionStream('gzip')))

export async function measure({ variant, level }) {
  advanceClock()
  const { create } = await import(`../variants/${variant}.mjs`)
  const recorder = create()
  const events = workloads.hot()
  const bodies = []
  for (let i = 0; i < BODIES; i++) {
    events.fill(BATCH)
    for (let at = 0; at < BATCH; at++) recorder.record(events.at(at))
    bodies.push(...(await recorder.flush()))
  }
  const passes = []
  let bytes = 0
  for (let i = 0; i < 4; i++) {
    const before = cpuNs()
    bytes = 0
    for (const body of bodies) bytes += (level ? gzipSync(body, { level }) : await stream(body)).length
    passes.push((cpuNs() - before) / BODIES / BATCH)
  }
  // The first one is warm-up.
  return { ns: median(passes.slice(1)), bytes: bytes / BODIES / BATCH }
}
