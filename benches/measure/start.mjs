/** What a process pays up to its first event: importing the package, compiling the core, making a client. */
import { cpuNs } from '../lib/numbers.mjs'
import { watchWasm } from '../lib/watch-wasm.mjs'

export async function measure() {
  const wasmBytes = watchWasm()
  const before = cpuNs()
  const { openmeter, Taximeter } = await import('../lib/taximeter.mjs')
  const fetch = async () => new Response(null, { status: 204 })
  const meter = new Taximeter({ source: 'bench', sink: openmeter({ url: 'http://127.0.0.1:1' }), fetch })
  meter.record({ type: 'request', subject: 'customer-1', data: { tokens: 1 } })
  const cpuMs = (cpuNs() - before) / 1e6
  const memoryKb = wasmBytes() / 1024
  await meter.close()
  return { cpuMs, memoryKb }
}
