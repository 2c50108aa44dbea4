/** Bytes that an event takes while it waits: on the JavaScript heap, and in all (buffers and WebAssembly memory too). */
import { watchWasm } from '../lib/watch-wasm.mjs'

const EVENTS = 8000

export async function measure({ variant }) {
  const wasmBytes = watchWasm()
  const { workloads } = await import('../lib/workload.mjs')
  const { create } = await import(`../variants/${variant}.mjs`)
  const recorder = create()
  const events = workloads.hot()
  // A little first, so that code and caches stand; buffers grow while it counts.
  for (let i = 0; i < 20; i++) {
    fill(recorder, events, 100)
    await recorder.flush()
  }
  const before = used(wasmBytes)
  fill(recorder, events, EVENTS)
  const after = used(wasmBytes)
  await recorder.flush()
  return { heap: (after.heap - before.heap) / EVENTS, all: (after.all - before.all) / EVENTS }
}

function fill(recorder, events, count) {
  events.fill(count)
  for (let i = 0; i < count; i++) recorder.record(events.at(i))
}

function used(wasmBytes) {
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return { heap: heapUsed, all: heapUsed + arrayBuffers + wasmBytes() }
}
