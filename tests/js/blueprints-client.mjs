import { openmeter, Taximeter } from 'taximeter'

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
    for (let i = 0; meter.stats().recorded < atLeast && i < 200; i++) await new Promise((r) => setTimeout(r, 5))
    await meter.flush()
    return sent
  }
  return { meter, events, errors, sent }
}
