/** Requests per 1000 events when events come faster than the vendor answers: 20 of them in each turn of the event loop. */
import { workloads } from '../lib/workload.mjs'
import { create } from '../peers/ours.mjs'

const TURN = 20
const EVENTS = 20_000

export async function measure({ options, url }) {
  const client = create(url, options)
  const events = workloads.hot()
  await fetch(`${url}/counts`)
  for (let sent = 0; sent < EVENTS; sent += TURN) {
    events.fill(TURN)
    for (let i = 0; i < TURN; i++) client.record(events.at(i))
    await new Promise(setImmediate)
  }
  await client.flush()
  const arrived = await (await fetch(`${url}/counts`)).json()
  if (arrived.events !== EVENTS) throw new Error(`${EVENTS} events sent, ${arrived.events} arrived`)
  return { requests: (arrived.requests * 1000) / EVENTS }
}
