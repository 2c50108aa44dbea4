import { after } from 'node:test'
import { startDevServer } from '../src/index.js'
import { engine } from './engine.js'

export const NOW = Date.parse('2026-11-21T02:00:10Z')
export const BATCH = 'application/cloudevents-batch+json'

/** A server that closes with the test file, and short ways to ask it. */
export async function serve(options = {}) {
  const server = await startDevServer({ engine, now: () => NOW, ...options })
  after(() => server.close())
  const request = (method, path, body, headers = {}) => fetch(server.url + path, { method, body, headers })
  const post = (body, type = BATCH, headers = {}) =>
    request('POST', '/api/v1/events', body, { ...(type && { 'content-type': type }), ...headers })
  const dodo = (body, headers = {}) =>
    request('POST', '/events/ingest', body, { 'content-type': 'application/json', ...headers })
  return { server, request, post, dodo, get: (path) => fetch(server.url + path) }
}

/** One CloudEvent as text, `data` given as text. */
export function event(id, data = '{"tokens":1284}', more = {}) {
  const head = { specversion: '1.0', id, source: 'api', type: 'llm.tokens', subject: 'cust-42', ...more }
  return `${JSON.stringify(head).slice(0, -1)},"data":${data}}`
}
export const batch = (...events) => `[${events.join(',')}]`
