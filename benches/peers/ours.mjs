/** Taximeter, by default with default settings; `overFetch` as if the platform had no HTTP client of Node. */
import { dodo, openmeter, Taximeter } from '../lib/taximeter.mjs'
import { SOURCE } from '../lib/workload.mjs'

export function create(url, { vendor = 'openmeter', batch, overFetch } = {}) {
  const sink = vendor === 'dodo' ? dodo({ apiKey: 'bench', url, batch }) : openmeter({ url, token: 'bench', batch })
  const meter = new Taximeter({ source: SOURCE, sink, ...(overFetch && { fetch: globalThis.fetch }) })
  return {
    record(event) {
      const { error } = meter.record(event)
      if (error) throw error
    },
    async flush() {
      const { pending, quarantined, dropped } = await meter.flush()
      if (pending + quarantined + dropped > 0) throw new Error(`${pending} pending, ${quarantined} refused`)
    },
  }
}
