/** Taximeter by its public entry, with default settings and a vendor that takes every batch at once. */
import { openmeter, Taximeter } from '../lib/taximeter.mjs'
import { SOURCE } from '../lib/workload.mjs'

export function create(options = {}) {
  let bodies = []
  const answer = new Response(null, { status: 204 })
  const fetch = async (_url, { body }) => {
    bodies.push(body)
    return answer
  }
  const meter = new Taximeter({ source: SOURCE, sink: openmeter({ url: 'http://127.0.0.1:1' }), fetch, ...options })
  return {
    meter,
    record(event) {
      const { error } = meter.record(event)
      if (error) throw error
    },
    async flush() {
      const { pending, quarantined, dropped } = await meter.flush()
      if (pending + quarantined + dropped > 0) throw new Error(`${pending} pending, ${quarantined} refused`)
      const taken = bodies
      bodies = []
      return taken
    },
  }
}
