/**
 * A vendor on this machine, in a process of its own: takes what any of the peers sends, and counts requests and events.
 * `GET /counts` gives the counts and starts them afresh. Prints its URL when it listens.
 */
import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'

let requests = 0
let events = 0

/** Path → how many events a body holds, and what the vendor answers. */
const vendors = {
  '/api/v1/events': { events: (body) => (Array.isArray(body) ? body.length : 1), status: 204 },
  '/events/ingest': { events: (body) => body.events.length, answer: (n) => ({ ingested_count: n }) },
  '/v1/events/ingest': { events: (body) => body.events.length, answer: (n) => ({ inserted: n }) },
  '/lago/events': { events: () => 1, answer: () => ({ event: {} }) },
  '/lago/events/batch': { events: (body) => body.events.length, answer: () => ({ events: [] }) },
  '/v1/traces': { events: spans, answer: () => ({}) },
  '/batch/': { events: (body) => body.batch.length, answer: () => ({ status: 1 }) },
  '/v1/batch': { events: (body) => body.batch.length, answer: () => ({ success: true }) },
}

function spans({ resourceSpans }) {
  const scopes = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans)
  return scopes.reduce((sum, scope) => sum + scope.spans.length, 0)
}

const server = createServer((request, response) => {
  if (request.url === '/counts') {
    response.end(JSON.stringify({ requests, events }))
    requests = 0
    events = 0
    return
  }
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const vendor = vendors[request.url.split('?')[0]]
    if (vendor === undefined) return response.writeHead(404).end()
    const raw = Buffer.concat(chunks)
    const body = JSON.parse(request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw)
    const count = vendor.events(body)
    requests += 1
    events += count
    if (vendor.status === 204) return response.writeHead(204).end()
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(vendor.answer(count)))
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
// It ends with whoever started it.
process.stdin.on('end', () => process.exit(0)).resume()
