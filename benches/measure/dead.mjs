/** Memory while the vendor is down: its slope in bytes an event, when the queue has long been full; and how much it is. */
import { watchWasm } from '../lib/watch-wasm.mjs'

const STEPS = 40

export async function measure({ onFull, events }) {
  const wasmBytes = watchWasm()
  const { openmeter, Taximeter } = await import('../lib/taximeter.mjs')
  // Nobody listens there.
  const meter = new Taximeter({ source: 'bench', sink: openmeter({ url: 'http://127.0.0.1:9' }), onFull })
  const points = []
  for (let step = 1; step <= STEPS; step++) {
    for (let i = 0; i < events / STEPS; i++) {
      meter.record({
        type: 'request',
        subject: `customer-${i % 1000}`,
        data: { tokens: i, model: 'gpt-5', type: 'output' },
      })
      // Timers have their turn, as in a server.
      if (i % 1000 === 999) await new Promise(setImmediate)
    }
    globalThis.gc()
    const { rss, heapUsed, external } = process.memoryUsage()
    points.push({ events: (step * events) / STEPS, rss, heap: heapUsed + external })
  }
  const { pending, dropped, requests } = meter.stats()
  await meter.close({ deadlineMs: 1 })
  const late = points.slice(STEPS / 2)
  return {
    ...{ pending, lost: events - pending, dropped, requests },
    rssSlope: slope(late, 'rss'),
    heapSlope: slope(late, 'heap'),
    rssMiB: late.at(-1).rss / 2 ** 20,
    heapMiB: late.at(-1).heap / 2 ** 20,
    wasmMiB: wasmBytes() / 2 ** 20,
  }
}

/** Fitted by least squares. */
function slope(points, name) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean((point) => point.events), mean((point) => point[name])]
  return mean((point) => (point.events - x) * (point[name] - y)) / mean((point) => (point.events - x) ** 2)
}
