import { openmeter, Taximeter } from 'taximeter'
import { until } from '../until.mjs'

/** A client whose sink takes everything; `events(n)` waits until there are so many and gives them. */
export function client(options = {}) {
  const sent = []
  const errors = []
  const fetch = async (_url, init) => {
    sent.push(...(await new Response(init.body).json()))
    return new Response(null, { status: 204 })
  }
  const meter = new Taximeter({ source: 'test', sink: openmeter({ url: 'http://127.0.0.1:1' }), fetch, ...options })
  meter.on('error', (error) => errors.push(error))
  const events = async (atLeast = 0) => {
    await until(() => meter.stats().recorded >= atLeast)
    await meter.flush()
    return sent
  }
  return { meter, events, errors, sent }
}
