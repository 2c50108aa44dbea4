/**
 * CPU of recording and delivering to the vendor on this machine, in microseconds an event; requests per 1000 events.
 * Bursts of `batch` events, each flushed. Every event must arrive.
 */
import { cpuNs } from '../lib/numbers.mjs'
import { workloads } from '../lib/workload.mjs'

/** Of clients that send a request an event, so many requests are under way at once. */
const IN_FLIGHT = 8

export async function measure({ peer, options, url, batch, events: count }) {
  keepHere(url)
  const { create } = await import(`../peers/${peer}.mjs`)
  const client = create(url, options)
  const events = workloads.hot()
  await bursts(client, events, batch, Math.ceil(count / 4))
  await counts(url)
  const before = cpuNs()
  const sent = await bursts(client, events, batch, count)
  const spent = cpuNs() - before
  const arrived = await counts(url)
  if (arrived.events !== sent) throw new Error(`${peer}: ${sent} events sent, ${arrived.events} arrived`)
  return { us: spent / 1000 / sent, requests: (arrived.requests * 1000) / sent }
}

async function bursts(client, events, batch, least) {
  let sent = 0
  for (; sent < least; sent += batch) {
    events.fill(batch)
    await burst(client, events, batch)
    await client.flush?.()
  }
  return sent
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

async function counts(url) {
  return (await fetch(`${url}/counts`)).json()
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
