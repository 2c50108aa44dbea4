/** Taximeter, by default with default settings; `overFetch` as if the platform had no HTTP client of Node. */
import { client } from '../lib/client.mjs'
import { dodo, openmeter, Taximeter } from '../lib/taximeter.mjs'
import { SOURCE } from '../lib/workload.mjs'

export function create(url, { vendor = 'openmeter', batch, overFetch } = {}) {
  const sink = vendor === 'dodo' ? dodo({ apiKey: 'bench', url, batch }) : openmeter({ url, token: 'bench', batch })
  const meter = new Taximeter({ source: SOURCE, sink, ...(overFetch && { fetch: globalThis.fetch }) })
  return client(meter)
}
