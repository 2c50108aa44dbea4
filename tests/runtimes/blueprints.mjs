// A program of a user that works alike on every runtime: a metered fetch handler, a metered stream, a measured function.
// Serves where the runtime has a server for fetch handlers.
import { openmeter, Taximeter } from 'taximeter'
import { apiGateway, stream } from 'taximeter/blueprints'

const [url] = process.argv.slice(2)
const meter = new Taximeter({ source: 'runtimes', sink: openmeter({ url }) })
const errors = []
meter.on('error', (error) => errors.push(String(error)))

async function handler(request) {
  if (request.method === 'POST') return new Response((await request.text()).toUpperCase(), { status: 201 })
  const { body } = new Response('0123456789'.repeat(1000))
  return stream.pass(meter, new Response(body, { headers: { 'content-type': 'text/plain' } }), { subject: 'acme' })
}
const metered = apiGateway.fetch(meter, handler, {
  route: ['/items/:id', '/upload'],
  subject: (request) => request.headers.get('x-customer') ?? undefined,
})

const { Deno, Bun } = globalThis
const server =
  Deno?.serve({ port: 0, hostname: '127.0.0.1', onListen() {} }, metered) ?? Bun?.serve({ port: 0, fetch: metered })
const port = server?.addr?.port ?? server?.port
const ask = (path, init) =>
  port ? fetch(`http://127.0.0.1:${port}${path}`, init) : metered(new Request(`http://localhost${path}`, init))

const headers = { 'x-customer': 'acme' }
const answers = await meter.time(
  async () => {
    const item = await (await ask('/items/7', { headers })).text()
    const chunks = new ReadableStream({
      start(controller) {
        for (const text of ['some ', 'text']) controller.enqueue(new TextEncoder().encode(text))
        controller.close()
      },
    })
    const upload = await (await ask('/upload', { method: 'POST', body: chunks, duplex: 'half', headers })).text()
    return [item.length, upload, await (await ask('/other', {})).text().then((text) => text.length)]
  },
  { subject: 'acme' },
)
while (meter.stats().recorded < 5) await new Promise((resolve) => setTimeout(resolve, 5))
await meter.close()
console.log(JSON.stringify({ answers, errors }))
await server?.shutdown?.()
await server?.stop?.(true)
