import { openmeter, Taximeter } from 'taximeter'
import { providerOf } from './run-fixture.mjs'

/** A client for the simulator whose server takes everything; or the server that `send` is. With more options. */
export function testMeter(send = async () => new Response(null, { status: 204 }), options = {}) {
  const events = []
  const meter = new Taximeter({
    source: 'wrap-test',
    sink: openmeter({ url: 'https://meter.test' }),
    provider: providerOf,
    ...options,
    fetch: async (url, init) => {
      events.push(...(await new Response(init.body).json()))
      return send(url, init)
    },
  })
  return {
    meter,
    wrap: (client, context) => meter.wrap(client, context),
    /** The events that the server got, in order. */
    async events() {
      await meter.flush()
      return events
    },
  }
}
