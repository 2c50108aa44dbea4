/**
 * Requests per 1000 events when events come faster than the vendor answers: 20 of them in each turn of the event loop.
 * Whoever finds the queue full waits a turn.
 */
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
    for (let i = 0; i < TURN; i++) while (!isTaken(client, events.at(i))) await turn()
    await turn()
  }
  await client.flush()
  const arrived = await (await fetch(`${url}/counts`)).json()
  if (arrived.events !== EVENTS) throw new Error(`${EVENTS} events sent, ${arrived.events} arrived`)
  return { requests: (arrived.requests * 1000) / EVENTS }
}

const turn = () => new Promise(setImmediate)

function isTaken(client, event) {
  try {
    client.record(event)
    return true
  } catch (error) {
    if (error.code === 'queue_full') return false
    throw error
  }
}
