// A worker whose handler is metered, and one of Hono's.
import { waitUntil } from 'cloudflare:workers'
import { Hono } from 'hono'
import { openmeter, Taximeter } from 'taximeter'
import { apiGateway, stream } from 'taximeter/blueprints'

let handlers

function made({ VENDOR }) {
  const meter = new Taximeter({ source: 'worker', sink: openmeter({ url: VENDOR }), waitUntil })
  const app = new Hono()
  app.use(apiGateway.hono(meter, { subject: (c) => c.req.header('x-customer') }))
  app.post('/hono/:id', async (c) => c.text(`${c.req.param('id')} ${await c.req.text()}`))
  const film = (_request, _env, context) => {
    const body = new Response('0123456789'.repeat(1000)).body
    return context ? stream.pass(meter, new Response(body), { subject: 'acme' }) : new Response('no context')
  }
  const subject = (request) => request.headers.get('x-customer') ?? undefined
  return { app, film: apiGateway.fetch(meter, film, { route: ['/films/:id'], subject }) }
}

export default {
  fetch(request, env, context) {
    handlers ??= made(env)
    return request.url.includes('/hono/')
      ? handlers.app.fetch(request, env, context)
      : handlers.film(request, env, context)
  },
}
