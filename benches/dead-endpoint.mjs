/**
 * Memory while the vendor is down: 10⁶ events are recorded, the queue is full after the first 10,000.
 *
 *     node --expose-gc benches/dead-endpoint.mjs [events] [reject|drop-oldest|drop-newest]
 *
 * Prints memory and its slope over the second half, fitted by least squares: of the whole process, and of JavaScript's
 * heap and buffers after a collection.
 */
import { watchWasm } from './lib/watch-wasm.mjs'

const [events = '1000000', onFull = 'reject'] = process.argv.slice(2)
const total = Number(events)
const STEPS = 40

const wasmBytes = watchWasm()
const { openmeter, Taximeter } = await import('./lib/taximeter.mjs')
// Nobody listens there.
const meter = new Taximeter({ source: 'bench', sink: openmeter({ url: 'http://127.0.0.1:9' }), onFull })

const points = []
const start = performance.now()
for (let step = 1; step <= STEPS; step++) {
  for (let i = 0; i < total / STEPS; i++) {
    meter.record({
      type: 'request',
      subject: `customer-${i % 1000}`,
      data: { tokens: i, model: 'gpt-5', type: 'output' },
    })
    // Timers have their turn, as in a server.
    if (i % 1000 === 999) await new Promise(setImmediate)
  }
  globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  points.push({ events: (step * total) / STEPS, rss, heap: heapUsed + external })
}
const seconds = (performance.now() - start) / 1000

const { recorded, pending, dropped, refused, queueBytes, requests } = meter.stats()
const MiB = 2 ** 20
const inMiB = (bytes) => Math.round((bytes / MiB) * 10) / 10
const memory = (name) => ({
  afterMiB: [points[0], points[STEPS / 2], points[STEPS - 1]].map((point) => inMiB(point[name])),
  bytesPerEvent: Math.round(slope(points.slice(STEPS / 2), name) * 100) / 100,
})
console.log(
  JSON.stringify({
    onFull,
    ...{ recorded, pending, dropped, refused, requests },
    queueMiB: inMiB(queueBytes),
    wasmMiB: inMiB(wasmBytes()),
    process: memory('rss'),
    heap: memory('heap'),
    microsecondsPerEvent: Math.round((seconds / total) * 1e7) / 10,
  }),
)
await meter.close({ deadlineMs: 1 })

function slope(points, name) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean((point) => point.events), mean((point) => point[name])]
  return mean((point) => (point.events - x) * (point[name] - y)) / mean((point) => (point.events - x) ** 2)
}
