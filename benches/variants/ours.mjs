/** Taximeter by its public entry, with default settings and a vendor that takes every batch at once. */
import { client } from '../lib/client.mjs'
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
  const { record, flush } = client(meter)
  return {
    meter,
    record,
    async flush() {
      await flush()
      const taken = bodies
      bodies = []
      return taken
    },
  }
}
