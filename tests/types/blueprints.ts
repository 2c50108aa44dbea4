// Blueprints with the types of the frameworks themselves; it only has to compile.
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import express from 'express'
import fastify from 'fastify'
import { type Context, Hono } from 'hono'
import { openmeter, Taximeter } from 'taximeter'
import { apiGateway, blueprint, dodoNames, llm, objectStorage, stream, timeRange } from 'taximeter/blueprints'

export const meter = new Taximeter({ source: 'types', sink: openmeter({ url: 'http://localhost:8888' }) })

export const dodo = new Taximeter({
  source: 'types',
  sink: openmeter({ url: 'http://localhost:8888' }),
  llm: dodoNames.llm,
  meters: llm.as(dodoNames.llm).dodoMeters,
  prices: { meters: llm.prices },
})
dodo.record(() => llm.event('acme', { model: 'm', total_tokens: '12' }))
dodo.span({ subject: 'acme', type: dodoNames.timeRange.eventType, fields: dodoNames.timeRange.fields }).end()

export const hono = new Hono<{ Variables: { user: { id: string } } }>()
hono.use(apiGateway.hono(meter, { subject: (c) => c.req.header('x-customer'), exclude: ['/health'] }))
hono.use('/api/*', apiGateway.hono(meter, { subject: async (c) => c.get('user')?.id, names: dodoNames.apiGateway }))
type Env = { Variables: { user: { id: string } } }
hono.use(apiGateway.hono(meter, { subject: (c: Context<Env>) => c.var.user.id }))

export const app = express()
app.use(apiGateway.express(meter, { subject: (request) => request.get('x-customer') }))

export const server = fastify()
server.register(apiGateway.fastify(meter, { subject: (request) => String(request.headers['x-customer']) }))

export const GET = apiGateway.fetch(
  meter,
  async (request: Request, { params }: { params: Promise<{ id: string }> }) =>
    Response.json({ url: request.url, ...(await params) }),
  {
    route: '/items/[id]',
    subject: (request) => request.headers.get('x-customer') ?? undefined,
    data: () => ({ n: 1 }),
  },
)
export const worker = {
  fetch: apiGateway.fetch(meter, (_request: Request, _env: { KEY: string }) => new Response('ok'), {
    route: ['/items/:id'],
    subject: () => 'acme',
  }),
}

export async function storage(): Promise<string | undefined> {
  const s3 = meter.wrap(new S3Client({}), { subject: 'acme' })
  objectStorage.snapshots(meter, {
    subject: 'acme',
    measure: () => objectStorage.sizeOf(paginateListObjectsV2({ client: s3 }, { Bucket: 'files' })),
  })
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'files', Key: 'a' }))
  return Body?.transformToString()
}

export function streams(body: ReadableStream<Uint8Array>): Response {
  const session = stream.session(meter, { subject: 'acme', concurrent: true, everyMs: 10_000 })
  return session.pass(new Response(stream.pass(meter, body, { subject: 'acme' })))
}

export async function times(): Promise<number> {
  using span = meter.span({ subject: 'acme', parallel: 8 })
  span.beat()
  return meter.time(async () => 1, { subject: 'acme' })
}

export const own = blueprint({
  name: 'translation',
  about: 'texts that are translated',
  eventType: 'translate',
  fields: {
    model: { type: 'text', required: true, about: 'who translates' },
    words: { type: 'integer', about: 'of the text' },
  },
  meters: { words_total: { aggregation: 'SUM', of: 'words', groupBy: ['model'] } },
})
own.event('acme', { model: 'm', words: 3, more: true })
// @ts-expect-error: the model is missing
own.event('acme', { words: 3 })
// @ts-expect-error: words are a number
own.event('acme', { model: 'm', words: true })
timeRange.event('acme', { duration_ms: 5 }, { id: 'a' })
// @ts-expect-error: there is no such member to sum
blueprint({ name: 'n', about: '', eventType: 't', fields: {}, meters: { a: { aggregation: 'SUM', of: 'b' } } })
