/** Every vendor's ingest endpoint: under the vendor's name, and where its path is its own, as it is. */
import * as dodo from '../dodo.js'
import * as openmeter from '../openmeter.js'
import { lago } from './lago.js'
import { orb } from './orb.js'
import { autumn, creem, flexprice, metronome, schematic } from './others.js'
import { polar } from './polar.js'
import * as stripe from './stripe.js'
import { endpoint } from './vendor.js'

/** @typedef {{ prepare: (contentType: string | undefined, text: string, context: import('../openmeter.js').Context, headers: Record<string, string | string[] | undefined>) => import('../openmeter.js').Prepared, refuse: typeof openmeter.refuse }} Endpoint */

/** @type {[name: string, vendor: import('./vendor.js').Vendor][]} */
const VENDORS = [
  ['polar', polar],
  ['lago', lago],
  ['stripe', stripe.v1],
  ['stripe', stripe.v2],
  ['stripe', stripe.stream],
  ['orb', orb],
  ['metronome', metronome],
  ['flexprice', flexprice],
  ['autumn', autumn],
  ['schematic', schematic],
  ['creem', creem],
]

/** @type {Record<string, Endpoint>} */
export const INGEST = {
  '/api/v1/events': openmeter,
  '/api/v3/openmeter/events': { prepare: openmeter.prepareV3, refuse: openmeter.refuse },
  '/events/ingest': dodo,
}
for (const [name, vendor] of VENDORS) {
  const { path, ...methods } = endpoint(name, vendor)
  INGEST[`/${name}${path}`] = methods
  if (VENDORS.filter(([, other]) => other.path === path).length === 1) INGEST[path] = methods
}

/** Where a session of Stripe's stream is opened. */
export const SESSIONS = ['/v2/billing/meter_event_session', '/stripe/v2/billing/meter_event_session']
export { openSession } from './stripe.js'
