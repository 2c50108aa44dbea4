// A page's events over a proxy: node examples/browser-proxy/server.mjs

import { createServer } from 'node:http'
import { openmeter, Taximeter } from 'taximeter'
import { usageProxy } from './proxy.mjs'

const sink = openmeter({
  url: process.env.OPENMETER_URL ?? 'http://localhost:8888',
  token: process.env.OPENMETER_TOKEN,
})
const meter = new Taximeter({ source: 'proxy', sink })
const post = usageProxy({
  meter,
  customer: (request) => request.headers.get('x-demo-user') ?? undefined,
  types: ['click'],
})

// In the page: new Taximeter({ source: 'page', sink: openmeter({ url: `${location.origin}/usage` }), spool: indexedDbSpool() })
createServer(async (req, res) => {
  if (req.method !== 'POST' || req.url !== '/usage/api/v1/events') return res.writeHead(404).end()
  const { headers } = req
  const { status } = await post(
    new Request(`http://localhost${req.url}`, { method: 'POST', headers, body: req, duplex: 'half' }),
  )
  res.writeHead(status).end()
}).listen(3000)
