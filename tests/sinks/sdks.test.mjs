/** The vendors' own SDKs send the same event to the same server: what it gets is equal in meaning. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Taximeter } from 'taximeter'
import { startDevServer } from 'taximeter-dev'
import { KEY, VENDORS } from './vendors.mjs'

const here = new URL('./', import.meta.url)
const there = new URL('../../.cache/sinks/', import.meta.url)

/** Installed apart, and once: the repository itself stays small. */
function install() {
  const lock = 'package-lock.json'
  const wanted = readFileSync(new URL(lock, here), 'utf8')
  const at = new URL(lock, there)
  if (existsSync(new URL('node_modules/.package-lock.json', there)) && readFileSync(at, 'utf8') === wanted) return
  mkdirSync(there, { recursive: true })
  for (const file of [lock, 'package.json']) cpSync(new URL(file, here), new URL(file, there))
  execFileSync('npm', ['ci', '--ignore-scripts', '--omit=peer', '--omit=optional', '--no-audit', '--no-fund'], {
    cwd: there,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
}

install()
const require = createRequire(new URL('package.json', there))
const sdk = (name) => import(pathToFileURL(require.resolve(name)))

/** Notes the bodies, and hands everything on to the local server. */
async function recorder(target) {
  const bodies = []
  const server = createServer(async (req, res) => {
    const chunks = []
    for await (const chunk of req) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    bodies.push(body.toString())
    const { host, connection, 'content-length': _, 'transfer-encoding': __, expect, ...headers } = req.headers
    const answer = await fetch(target + req.url, { method: req.method, headers, body })
    const type = answer.headers.get('content-type')
    res.writeHead(answer.status, type ? { 'content-type': type } : {}).end(await answer.text())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${server.address().port}`, bodies, close }
}

const id = '01a1fbd4-f5fa-7d1a-9b3e-5f2c81d40a11'
const time = new Date(Math.floor(Date.now() / 1000) * 1000 - 60_000)
const timestamp = time.toISOString()
const data = { n: 1284, model: 'gpt-4o-mini' }
const strings = { n: '1284', model: 'gpt-4o-mini' }
const payload = { stripe_customer_id: 'cus_42', value: '1284', model: 'gpt-4o-mini' }

const SENDS = {
  'openmeter v1': async (url) => {
    const { OpenMeter } = await sdk('@openmeter/sdk')
    const event = { id, source: 'sinks', type: 'call', subject: 'cus_42', time, data }
    await new OpenMeter({ baseUrl: url, apiKey: KEY }).events.ingest(event)
  },
  // It has no function for v3 (and no path of it): v3 takes the same CloudEvents, so its event for v1 is what is compared.
  'openmeter v3': (url) => SENDS['openmeter v1'](url),
  dodo: async (url) => {
    const { default: DodoPayments } = await sdk('dodopayments')
    const event = { event_id: id, customer_id: 'cus_42', event_name: 'call', timestamp, metadata: data }
    await new DodoPayments({ baseURL: url, bearerToken: KEY }).usageEvents.ingest({ events: [event] })
  },
  polar: async (url) => {
    const { Polar } = await sdk('@polar-sh/sdk')
    const event = { name: 'call', externalCustomerId: 'cus_42', externalId: id, timestamp: time, metadata: data }
    await new Polar({ serverURL: `${url}/polar`, accessToken: KEY }).events.ingest({ events: [event] })
  },
  lago: async (url) => {
    const { Client } = await sdk('lago-javascript-client')
    const event = {
      transaction_id: id,
      external_subscription_id: 'cus_42',
      code: 'call',
      timestamp: `${time.getTime() / 1000}.000`,
      properties: strings,
    }
    await Client(KEY, { baseUrl: `${url}/lago/api/v1` }).events.createBatchEvents({ events: [event] })
  },
  'stripe v1': async (url) => {
    const event = { event_name: 'call', identifier: id, timestamp: time.getTime() / 1000, payload }
    await (await stripe(url)).billing.meterEvents.create(event)
  },
  'stripe v2': async (url) => {
    const event = { event_name: 'call', identifier: id, timestamp, payload }
    await (await stripe(url)).v2.billing.meterEvents.create(event)
  },
  'stripe stream': async (url) => {
    const event = { event_name: 'call', identifier: id, timestamp, payload }
    const session = await (await stripe(url)).v2.billing.meterEventSession.create()
    await (await stripe(url, session.authentication_token)).v2.billing.meterEventStream.create({ events: [event] })
  },
  orb: async (url) => {
    const { default: Orb } = await sdk('orb-billing')
    const event = {
      event_name: 'call',
      idempotency_key: id,
      external_customer_id: 'cus_42',
      timestamp,
      properties: data,
    }
    await new Orb({ baseURL: `${url}/orb/v1`, apiKey: KEY }).events.ingest({ events: [event] })
  },
  metronome: async (url) => {
    const { default: Metronome } = await sdk('@metronome/sdk')
    const event = {
      transaction_id: id,
      customer_id: 'cus_42',
      event_type: 'call',
      timestamp,
      properties: strings,
    }
    await new Metronome({ baseURL: `${url}/metronome`, bearerToken: KEY }).v1.usage.ingest({ usage: [event] })
  },
  flexprice: async (url) => {
    const { Flexprice } = await sdk('@flexprice/sdk')
    const event = {
      eventName: 'call',
      eventId: id,
      externalCustomerId: 'cus_42',
      timestamp,
      source: 'sinks',
      properties: strings,
    }
    const client = new Flexprice({ serverURL: `${url}/flexprice/v1`, apiKeyAuth: KEY })
    await client.events.ingestEventsBulk({ events: [event] })
  },
  autumn: async (url) => {
    const { Autumn } = await sdk('autumn-js')
    const { n: value, ...properties } = data
    const event = { customerId: 'cus_42', featureId: 'call', value, properties, overageBehavior: 'overflow' }
    await new Autumn({ serverURL: `${url}/autumn`, secretKey: KEY }).batchTrack([
      { ...event, timestamp: time.getTime() },
    ])
  },
  schematic: async (url) => {
    const { SchematicClient } = await sdk('@schematichq/schematic-typescript-node')
    const client = new SchematicClient({ apiKey: KEY, basePath: url, eventCaptureBaseURL: `${url}/schematic` })
    const { n: quantity, ...traits } = data
    const body = { event: 'call', company: { id: 'cus_42' }, quantity, traits }
    await client.track(body, { idempotencyKey: id, sentAt: time, trustedClientClock: true })
    await client.close()
  },
  creem: async (url) => {
    const { Creem } = await sdk('creem')
    const event = { name: 'call', externalCustomerId: 'cus_42', eventId: id, timestamp, properties: data }
    await new Creem({ serverURL: `${url}/creem`, apiKey: KEY }).events.ingestEvents({ events: [event] })
  },
}

/** What an event's data is, where an SDK takes strings only. */
const DATA = { flexprice: strings }

/** What an SDK has no field for, by the names in the body and in the store: without it a repeat counts twice. */
const UNSAID = { autumn: ['idempotency_key', 'id'] }

async function stripe(url, key = KEY) {
  const { default: Stripe } = await sdk('stripe')
  const { hostname: host, port } = new URL(url)
  return new Stripe(key, { host, port, protocol: 'http', telemetry: false })
}

for (const [vendor, send] of Object.entries(SENDS)) {
  test(`${vendor}: the SDK's body and ours mean the same`, async () => {
    const said = []
    for (const way of [send, ours(vendor)]) {
      const server = await startDevServer({ token: KEY })
      const { url, bodies, close } = await recorder(server.url)
      try {
        await way(url)
        const [event] = server.events()
        assert.ok(event, `taken: ${server.requests.map(({ status }) => status)}`)
        const { id, type, subject, data } = event
        const stored = { id, type, subject, time: Date.parse(event.time), data: JSON.parse(data) }
        said.push({ stored, body: meaning(bodies.at(-1)) })
      } finally {
        close()
        await server.close()
      }
    }
    for (const name of UNSAID[vendor] ?? []) {
      for (const part of said.flatMap(({ stored, body }) => [stored, body])) delete part[name]
    }
    assert.deepEqual(said[1], said[0])
  })
}

const ours = (vendor) => async (url) => {
  const meter = new Taximeter({ source: 'sinks', sink: VENDORS[vendor].make(url) })
  meter.record({ id, time, type: 'call', subject: 'cus_42', data: DATA[vendor] ?? data })
  assert.equal((await meter.close({ deadlineMs: 60_000 })).delivered, 1)
}

/** A body without the liberties that a vendor leaves: members' order, how a time is written, a list of one, JSON's name. */
function meaning(body) {
  if (!/^\s*[[{]/.test(body)) return Object.fromEntries(new URLSearchParams(body))
  const parsed = JSON.parse(body, (key, value) =>
    ['time', 'timestamp', 'sent_at'].includes(key) && typeof value === 'string' && value.includes('T')
      ? Date.parse(value)
      : value,
  )
  const [event] = Array.isArray(parsed) ? parsed : [parsed]
  const { datacontenttype: _, ...others } = event
  return others
}
