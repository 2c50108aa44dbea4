// The wrapper and the core's scanner with the usage records in hand, as they are before the client makes events of them.
import { readFileSync } from 'node:fs'
import { internals } from '../js/internals.mjs'
import { providerOf } from './run-fixture.mjs'

const { boot, Contexts, enter, OpenCalls, usageHost, wrapClient } = await internals(
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
