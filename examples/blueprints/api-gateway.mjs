// An API whose calls are billed: middleware counts them, by route, for the customer that authentication has found.
import { Hono } from 'hono'
import { openmeter, Taximeter } from 'taximeter'
import { apiGateway } from 'taximeter/blueprints'

const meter = new Taximeter({
  source: 'items-api',
  sink: openmeter({ url: process.env.OPENMETER_URL ?? 'http://localhost:8888' }),
  meters: apiGateway.meters,
  prices: { meters: apiGateway.prices },
})

const app = new Hono()
app.use(apiGateway.hono(meter, { subject: (c) => c.get('customer'), exclude: ['/health', 'OPTIONS *'] }))
app.use('/items/*', (c, next) => {
  c.set('customer', c.req.header('x-api-key'))
  return next()
})
app.get('/health', (c) => c.text('ok'))
app.get('/items/:id', (c) => c.json({ id: c.req.param('id') }))

// As if it were served: three calls of a customer, and one that nobody pays for.
for (const path of ['/items/1', '/items/2', '/items/3', '/health']) {
  await (await app.request(path, { headers: { 'x-api-key': 'acme' } })).text()
}
console.log(meter.preview('api_requests_total', { groupBy: ['method', 'route', 'status'] }).data)
await meter.close()
