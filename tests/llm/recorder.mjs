// The wrapper and the core's scanner with the usage records in hand, as they are before the client makes events of them.
import { readFileSync } from 'node:fs'
import { internals } from '../js/internals.mjs'
import { providerOf } from './run-fixture.mjs'

const { boot, Contexts, enter, linearMemory, OpenCalls, previewCore, usageHost, wrapClient } = await internals(
  'engine',
  'wrap/call',
  'wrap/client',
  'wrap/context',
  'wrap/usage',
)
boot(new WebAssembly.Module(readFileSync(new URL('../../pkg/core.wasm', import.meta.url))))

/** Wraps clients like a meter does, and keeps the records. */
export function recorder() {
  const open = new OpenCalls()
  const records = []
  const host = usageHost({ call: enter }, providerOf, (text) => records.push(...JSON.parse(text)))
  return {
    wrap: (client) => wrapClient(client, { host, context: { subject: 'customer-1' }, contexts: new Contexts(), open }),
    /** The records so far; answers that were left open are counted with what was seen of them. */
    records() {
      open.finishAll()
      return records
    },
  }
}

/** Makes the core trap: it is started afresh, and what was under way in it is gone. */
export function trap() {
  try {
    enter(() => previewCore('x'.repeat(65 << 20)))
  } catch (error) {
    if (error.code === 'core_trapped') return
  }
  throw new Error('no trap')
}

/** The core's scanner alone, and the memory it works in. */
export function meteredEngine() {
  const host = usageHost({ call: enter }, undefined, () => {})
  return { host, memory: () => enter(linearMemory) }
}
