/** Bytes that an event takes while it waits: on the JavaScript heap, and in all (buffers and WebAssembly memory too). */
import { median } from '../lib/numbers.mjs'
import { watchWasm } from '../lib/watch-wasm.mjs'

const EVENTS = 8000
const PASSES = 15

export async function measure({ variant }) {
  const wasmBytes = watchWasm()
  const { workloads } = await import('../lib/workload.mjs')
  const { create } = await import(`../variants/${variant}.mjs`)
  const recorder = create()
  const events = workloads.hot()
  // A little first, so that code and caches stand; buffers grow while it counts.
  for (let i = 0; i < 20; i++) {
    fill(recorder, events, 100)
    await empty(recorder)
  }
  const { buffers: none } = used(wasmBytes)
  const heaps = []
  let most = 0
  // More than once: what the compiler keeps of the code is as much as what thousands of events take.
  for (let i = 0; i < PASSES; i++) {
    const { heap } = used(wasmBytes)
    fill(recorder, events, EVENTS)
    const after = used(wasmBytes)
    await empty(recorder)
    heaps.push((after.heap - heap) / EVENTS)
    // Those that are kept to be used again count too.
    most = Math.max(most, (after.buffers - none) / EVENTS)
  }
  const heap = median(heaps)
  return { heap, all: heap + most }
}

function fill(recorder, events, count) {
  events.fill(count)
  for (let i = 0; i < count; i++) recorder.record(events.at(i))
}

/** In a function of its own, so that nothing holds on to the bodies. */
async function empty(recorder) {
  await recorder.flush()
}

function used(wasmBytes) {
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return { heap: heapUsed, buffers: arrayBuffers + wasmBytes() }
}
