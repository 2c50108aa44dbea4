/** The first compile of the core in a process, in milliseconds of wall time. */
import { readFileSync } from 'node:fs'

export async function measure() {
  const bytes = readFileSync(new URL('../../dist/core.wasm', import.meta.url))
  const start = performance.now()
  new WebAssembly.Module(bytes)
  return { ms: performance.now() - start }
}
