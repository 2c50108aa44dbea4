/**
 * CPU of recording and delivering to the vendor on this machine, in microseconds an event; requests per 1000 events.
 * Bursts of `batch` events, each flushed. Every event must arrive.
 */
import { cpuNs } from '../lib/numbers.mjs'
import { workloads } from '../lib/workload.mjs'

/** Of clients that send a request an event, so many requests are under way at once. */
const IN_FLIGHT = 8
const WARM_UP_NS = 600e6
const PASS_NS = 400e6
const ARRIVAL_MS_MAX = 3000

export async function measure({ peer, options, url, batch }) {
  keepHere(url)
  const { create } = await import(`../peers/${peer}.mjs`)
  const client = create(url, options)
  const events = workloads.hot()
  await pass(client, events, batch, url, WARM_UP_NS)
  const { spent, sent, requests } = await pass(client, events, batch, url, PASS_NS)
  return { us: spent / 1000 / sent, requests: (requests * 1000) / sent }
}

/** Bursts until so much CPU is spent, and then until all of it has arrived. */
async function pass(client, events, batch, url, leastNs) {
  const before = cpuNs()
  let sent = 0
  while (cpuNs() - before < leastNs) {
    events.fill(batch)
    await burst(client, events, batch)
    await client.flush?.()
    sent += batch
  }
  const requests = await arrival(url, sent)
  return { spent: cpuNs() - before, sent, requests }
}

async function burst(client, events, batch) {
  let next = 0
  const lane = async (first) => {
    for (let answer = first; ; answer = client.record(events.at(next++))) {
      await answer
      if (next >= batch) return
    }
  }
  const lanes = []
  while (next < batch) {
    const answer = client.record(events.at(next++))
    if (!(answer instanceof Promise)) continue
    lanes.push(lane(answer))
    if (lanes.length === IN_FLIGHT) break
  }
  await Promise.all(lanes)
}

/** The requests it took. Some clients' flush does not wait for a request that is under way already. */
async function arrival(url, sent) {
  let arrived = 0
  let requests = 0
  for (let wait = 0; wait < ARRIVAL_MS_MAX; wait += 10) {
    const counts = await (await fetch(`${url}/counts`)).json()
    arrived += counts.events
    requests += counts.requests
    if (arrived === sent) return requests
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`${sent} events sent, ${arrived} arrived`)
}

/** No vendor is called, whatever a client's defaults are. */
function keepHere(url) {
  const { fetch } = globalThis
  globalThis.fetch = (input, init) => {
    const target = typeof input === 'string' ? input : (input.url ?? input.href)
    if (!target.startsWith(url)) throw new Error(`a request to ${target}`)
    return fetch(input, init)
  }
}
