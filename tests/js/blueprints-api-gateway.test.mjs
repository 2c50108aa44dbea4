/** Middleware on the frameworks themselves: what is counted, and that nothing else changes. */
import assert from 'node:assert/strict'
import { createServer, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import express from 'express'
import express4 from 'express-4'
import fastify from 'fastify'
import fastify4 from 'fastify-4'
import { Hono } from 'hono'
import { streamText } from 'hono/streaming'
import { apiGateway, dodoNames } from 'taximeter/blueprints'
import { client } from './blueprints-client.mjs'

/** Whose request it is, in the words of each framework. */
const subjects = {
  hono: (c) => c.req.header('x-customer'),
  express: (request) => request.get('x-customer'),
  fastify: (request) => request.headers['x-customer'],
  fetch: (request) => request.headers.get('x-customer') ?? undefined,
}
const asCustomer = { headers: { 'x-customer': 'acme' } }

/** Serves while a function runs. */
async function served(listener, use) {
  const server = createServer(listener)
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  try {
    return await use(`http://127.0.0.1:${server.address().port}`, server)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** The same API in each framework, and how it is asked; without a meter it is the bare one. */
const FRAMEWORKS = {
  async hono(meter, options, use) {
    const app = new Hono()
    if (meter) app.use(apiGateway.hono(meter, { subject: subjects.hono, ...options }))
    app.use('/secret/*', async (c, next) => (c.req.header('x-key') ? next() : c.text('no key', 401)))
    const items = new Hono()
    items.get('/:id', (c) => c.json({ id: c.req.param('id') }))
    items.post('/', async (c) => c.text((await c.req.text()).toUpperCase(), 201))
    app.route('/shops/:shop/items', items)
    app.get('/secret/:name', (c) => c.text('told'))
    app.get('/busy', (c) => c.text('slow down', 429))
    app.get('/fails', () => {
      throw new Error('on purpose')
    })
    app.get('/stream', (c) =>
      streamText(c, async (out) => {
        await out.write('one ')
        await out.write('two ')
        await out.write('three')
      }),
    )
    app.get('/empty', (c) => c.body(null, 204))
    app.get('*', (c) => c.text('page'))
    app.onError((error, c) => c.text(error.message, 500))
    return use((path, init) => app.request(path, init))
  },
  async express(meter, options, use, { express: make = express, star = '/*rest' } = {}) {
    const app = make()
    if (meter) app.use(apiGateway.express(meter, { subject: subjects.express, ...options }))
    app.use('/secret', (request, response, next) =>
      request.get('x-key') ? next() : response.status(401).type('text').send('no key'),
    )
    const items = make.Router()
    items.get('/:id', (request, response) => response.json({ id: request.params.id }))
    items.post('/', make.text({ type: '*/*' }), (request, response) =>
      response.status(201).type('text').send(request.body.toUpperCase()),
    )
    app.use('/shops/:shop/items', items)
    app.get('/secret/:name', (_request, response) => response.type('text').send('told'))
    app.get('/busy', (_request, response) => response.status(429).type('text').send('slow down'))
    app.get('/fails', () => {
      throw new Error('on purpose')
    })
    app.get('/stream', (_request, response) => {
      response.type('text')
      response.write('one ')
      response.write('two ')
      response.end('three')
    })
    app.get('/empty', (_request, response) => response.status(204).end())
    app.get(star, (_request, response) => response.type('text').send('page'))
    app.use((error, _request, response, _next) => response.status(500).type('text').send(error.message))
    return served(app, (url) => use((path, init) => fetch(url + path, init)))
  },
  express4: (...given) => FRAMEWORKS.express(...given, { express: express4, star: '/*' }),
  async fastify(meter, options, use, make = fastify) {
    const app = make()
    if (meter) app.register(apiGateway.fastify(meter, { subject: subjects.fastify, ...options }))
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    app.register(
      async (items) => {
        items.get('/:id', (request) => ({ id: request.params.id }))
        items.post('/', (request, reply) => reply.code(201).type('text/plain').send(request.body.toUpperCase()))
      },
      { prefix: '/shops/:shop/items' },
    )
    const checked = async (request, reply) => {
      if (!request.headers['x-key']) return reply.code(401).type('text/plain').send('no key')
    }
    app.get('/secret/:name', { preHandler: checked }, (_request, reply) => reply.type('text/plain').send('told'))
    app.get('/busy', (_request, reply) => reply.code(429).type('text/plain').send('slow down'))
    app.get('/fails', () => {
      throw new Error('on purpose')
    })
    app.get('/stream', (_request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/plain' })
      reply.raw.write('one ')
      reply.raw.write('two ')
      reply.raw.end('three')
    })
    app.get('/empty', (_request, reply) => reply.code(204).send())
    app.get('/*', (_request, reply) => reply.type('text/plain').send('page'))
    app.setErrorHandler((error, _request, reply) => reply.code(500).type('text/plain').send(error.message))
    await app.listen({ port: 0, host: '127.0.0.1' })
    try {
      const url = `http://127.0.0.1:${app.server.address().port}`
      return await use((path, init) => fetch(url + path, init))
    } finally {
      app.server.closeAllConnections()
      await app.close()
    }
  },
  fastify4: (...given) => FRAMEWORKS.fastify(...given, fastify4),
  async fetch(meter, options, use) {
    const handler = async (request) => {
      const { pathname } = new URL(request.url)
      const parts = pathname.split('/')
      if (parts[1] === 'shops') {
        if (request.method === 'POST') return new Response((await request.text()).toUpperCase(), { status: 201 })
        return Response.json({ id: decodeURIComponent(parts[4]) })
      }
      if (parts[1] === 'secret') {
        return request.headers.get('x-key') ? new Response('told') : new Response('no key', { status: 401 })
      }
      if (pathname === '/busy') return new Response('slow down', { status: 429 })
      if (pathname === '/fails') return new Response('on purpose', { status: 500 })
      if (pathname === '/empty') return new Response(null, { status: 204 })
      if (pathname === '/stream') {
        const chunks = ['one ', 'two ', 'three']
        const pull = (controller) =>
          chunks.length > 0 ? controller.enqueue(new TextEncoder().encode(chunks.shift())) : controller.close()
        return new Response(new ReadableStream({ pull }))
      }
      return new Response('page')
    }
    const route = ['/shops/:shop/items/:id', '/shops/:shop/items', '/secret/:name', '/busy', '/fails', '/empty']
    const routes = [...route, '/stream', '/*']
    const metered = meter
      ? apiGateway.fetch(meter, handler, { subject: subjects.fetch, route: routes, ...options })
      : handler
    return use((path, init) => metered(new Request(`http://localhost${path}`, init)))
  },
}

/** What is asked, and what of it is counted. */
const CALLS = [
  ['/shops/7/items/42', {}, ['GET', '/shops/:shop/items/:id', 200, 0, 11]],
  ['/shops/a%20b/items/a%20b', {}, ['GET', '/shops/:shop/items/:id', 200, 0, 12]],
  ['/shops/7/items', { method: 'POST', body: 'grüß' }, ['POST', '/shops/:shop/items', 201, 6, 6]],
  ['/secret/plans', { headers: { 'x-key': '1' } }, ['GET', '/secret/:name', 200, 0, 4]],
  ['/secret/plans', {}, ['GET', '/secret/:name', 401, 0, 6]],
  ['/fails', {}, ['GET', '/fails', 500, 0, 10]],
  ['/stream', {}, ['GET', '/stream', 200, 0, 13]],
  ['/empty', {}, ['GET', '/empty', 204, 0, 0]],
  ['/stream', { method: 'HEAD' }, ['HEAD', '/stream', 200, 0, 0]],
  ['/some/page', {}, ['GET', '/*', 200, 0, 4]],
]

/** Routes that cannot be written alike everywhere. */
const NAMED = { express: { '/*': '/*rest' } }

async function asked(ask) {
  const answers = []
  for (const [path, init] of CALLS) {
    const response = await ask(path, { ...init, headers: { ...asCustomer.headers, ...init.headers } })
    const headers = [...response.headers].filter(([name]) => !['date', 'keep-alive'].includes(name))
    answers.push([response.status, headers, await response.text()])
  }
  return answers
}

for (const [name, framework] of Object.entries(FRAMEWORKS)) {
  test(`${name}: every call is counted by its route, and answered as without a meter`, async () => {
    const { meter, events, errors } = client()
    const bare = await framework(undefined, {}, asked)
    const metered = await framework(meter, {}, asked)
    assert.deepEqual(metered, bare)
    const got = await events(CALLS.length)
    for (const { data, subject: who, type } of got) {
      assert.deepEqual([who, type], ['acme', 'request'])
      assert.ok(data.duration_ms >= 0 && data.duration_ms < 60_000)
      assert.equal(Math.round(data.duration_ms * 1e3), Math.round(data.duration_seconds * 1e6))
    }
    assert.deepEqual(errors, [])
    const seen = got.map(({ data: d }) => [d.method, d.route, d.status, d.ingress_bytes, d.egress_bytes])
    const wanted = CALLS.map(([, , [method, route, ...rest]]) => [method, NAMED[name]?.[route] ?? route, ...rest])
    // Middleware of Express that answers by itself has no route but where it is mounted.
    if (name.startsWith('express')) wanted[4][1] = '/secret/*'
    assert.deepEqual(seen, wanted)
  })
}

/** A Hono app with one answer for each path. */
function small(meter, options) {
  const app = new Hono()
  app.use(apiGateway.hono(meter, { subject: subjects.hono, ...options }))
  app.get('/health', (c) => c.text('ok'))
  app.get('/items/:id', (c) => c.text('item'))
  app.post('/items', (c) => c.text('made', 201))
  app.get('/busy', (c) => c.text('slow down', 429))
  return app
}
const paths = ['GET /health', 'GET /items/1', 'POST /items', 'GET /busy', 'GET /none/of/them', 'OPTIONS /items/1']

async function counted(options) {
  const { meter, events, errors } = client()
  const app = small(meter, options)
  for (const call of paths) {
    const [method, path] = call.split(' ')
    await (await app.request(path, { method, ...asCustomer })).text()
  }
  return { calls: (await events()).map(({ data }) => `${data.method} ${data.route}`), errors }
}

test('endpoints are chosen; rejected calls only if asked for; a path of nobody is never a group', async () => {
  const all = ['GET /health', 'GET /items/:id', 'POST /items', 'GET unmatched', 'OPTIONS unmatched']
  assert.deepEqual((await counted({})).calls, all)
  assert.deepEqual((await counted({ rejected: true })).calls, all.toSpliced(3, 0, 'GET /busy'))
  assert.deepEqual((await counted({ exclude: ['/health', 'OPTIONS *', 'unmatched'] })).calls, [all[1], all[2]])
  assert.deepEqual((await counted({ include: ['/items*'], exclude: ['POST /items'] })).calls, ['GET /items/:id'])
  assert.deepEqual((await counted({ include: ['POST *', '/health'] })).calls, ['GET /health', 'POST /items'])
})

test('whose call it is may come late, or not at all; what goes wrong is told and harms nobody', async () => {
  assert.equal((await counted({ subject: async () => 'acme' })).calls.length, 5)
  assert.deepEqual(await counted({ subject: () => undefined }), { calls: [], errors: [] })
  const thrown = new Error('no such key')
  const causes = ({ errors, calls }) => [calls, errors.map(({ cause }) => cause)]
  const five = Array(5).fill(thrown)
  assert.deepEqual(causes(await counted({ subject: () => Promise.reject(thrown) })), [[], five])
  const fail = () => {
    throw thrown
  }
  assert.deepEqual(causes(await counted({ subject: fail })), [[], five])
  assert.deepEqual(causes(await counted({ data: fail })), [[], five])
  assert.deepEqual((await counted({ subject: () => '' })).errors.length, 5)
  const { meter, errors } = client({ strict: true })
  const response = await small(meter, { subject: fail }).request('/items/1')
  assert.deepEqual([response.status, await response.text(), errors.length], [200, 'item', 1])
})

test('more dimensions, and the names of meters that exist', async () => {
  const { meter, events } = client()
  const data = (c) => ({ plan: c.req.header('x-plan'), route: 'mine' })
  const app = small(meter, { data, names: dodoNames.apiGateway })
  await (await app.request('/items/1', { headers: { 'x-customer': 'acme', 'x-plan': 'pro' } })).text()
  const [{ type, data: got }] = await events(1)
  const { response_time_ms, duration_seconds, ...rest } = got
  assert.equal(type, 'api_call')
  assert.ok(response_time_ms >= 0 && duration_seconds >= 0)
  assert.deepEqual(rest, {
    plan: 'pro',
    method: 'GET',
    endpoint: '/items/:id',
    status_code: 200,
    ingress_bytes: 0,
    egress_bytes: 4,
  })
})

test('middleware that is used twice counts once, for each meter', async () => {
  const { meter, events } = client()
  const other = client()
  const app = new Hono()
  for (const one of [meter, meter, other.meter]) app.use(apiGateway.hono(one, { subject: subjects.hono }))
  app.get('/', (c) => c.text('page'))
  await (await app.request('/', asCustomer)).text()
  assert.deepEqual([(await events(1)).length, (await other.events(1)).length], [1, 1])
  const twice = express()
  for (let i = 0; i < 2; i++) twice.use(apiGateway.express(meter, { subject: subjects.express }))
  twice.get('/', (_request, response) => response.send('page'))
  await served(twice, (url) => fetch(url, asCustomer).then((response) => response.text()))
  assert.equal((await events(2)).length, 2)
})

test('what a handler throws is thrown, and counted as 500', async () => {
  const { meter, events } = client()
  const thrown = { not: 'an error' }
  const fail = () => {
    throw thrown
  }
  const app = new Hono()
  app.use(apiGateway.hono(meter, { subject: subjects.hono }))
  app.get('/', fail)
  const handler = apiGateway.fetch(meter, fail, { subject: subjects.fetch, route: '/' })
  for (const call of [
    () => app.request('/', asCustomer),
    () => handler(new Request('http://localhost/', asCustomer)),
  ]) {
    await assert.rejects(
      async () => call(),
      (error) => error === thrown,
    )
  }
  assert.deepEqual(
    (await events(2)).map(({ data }) => data.status),
    [500, 500],
  )
})

test('bodies without a length are counted as they pass, and arrive whole', async () => {
  const chunks = ['ab', 'cdé', 'f']
  const upload = () => {
    const rest = chunks.map((chunk) => new TextEncoder().encode(chunk))
    return new ReadableStream({
      pull: (controller) => (rest.length > 0 ? controller.enqueue(rest.shift()) : controller.close()),
    })
  }
  const init = () => ({ method: 'POST', body: upload(), duplex: 'half', ...asCustomer })
  const { meter, events } = client()
  const app = new Hono()
  app.use(apiGateway.hono(meter, { subject: subjects.hono }))
  app.post('/', async (c) => c.text(await c.req.text()))
  assert.equal(await (await app.request('/', init())).text(), 'abcdéf')
  const handler = async (request) => new Response(await request.text())
  const metered = apiGateway.fetch(meter, handler, { subject: subjects.fetch, route: '/' })
  assert.equal(await (await metered(new Request('http://localhost/', init()))).text(), 'abcdéf')
  const node = express()
  node.use(apiGateway.express(meter, { subject: subjects.express }))
  node.post('/', (request, response) => request.pipe(response))
  await served(node, async (url) => assert.equal(await (await fetch(url, init())).text(), 'abcdéf'))
  const bytes = (await events(3)).map(({ data }) => [data.ingress_bytes, data.egress_bytes])
  assert.deepEqual(bytes, Array(3).fill([7, 7]))
})

/** What Next hands to a route handler: a request of a class of its own, behind a proxy in most routes. */
class NextLikeRequest extends Request {
  constructor(input, init) {
    super(input, init)
    this.nextUrl = new URL(this.url)
    this.cookies = new Map([[...(this.headers.get('cookie') ?? '').split('=')]])
  }
}
const behindProxy = (request) =>
  new Proxy(request, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

test("a route handler of Next: its request keeps its class, its answer its headers, and the route's parameters arrive", async () => {
  const { meter, events, errors } = client()
  const handler = async (request, { params }) => {
    assert.ok(request instanceof NextLikeRequest)
    const headers = new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ])
    const said = { ...(await params), path: request.nextUrl.pathname, body: await request.json() }
    return Response.json(said, { status: 201, headers })
  }
  const subject = (request) => request.cookies.get('session')
  const POST = apiGateway.fetch(meter, handler, { route: '/items/[id]', subject })
  for (const given of [(request) => request, behindProxy]) {
    const body = new Blob(['{"a":1}']).stream()
    const init = { method: 'POST', headers: { cookie: 'session=acme' }, body, duplex: 'half' }
    const answer = await POST(given(new NextLikeRequest('https://a.b/items/7?x=1', init)), {
      params: Promise.resolve({ id: '7' }),
    })
    assert.deepEqual([answer.status, answer.headers.getSetCookie()], [201, ['a=1', 'b=2']])
    assert.deepEqual(await answer.json(), { id: '7', path: '/items/7', body: { a: 1 } })
  }
  const got = (await events(2)).map(({ subject, data: d }) => [subject, d.route, d.status, d.ingress_bytes])
  assert.deepEqual(got, Array(2).fill(['acme', '/items/[id]', 201, 7]))
  assert.deepEqual(errors, [])
})

test('Express: templates of mounted routers, of parameters they do not share, and after an error', async () => {
  const { meter, events, errors } = client()
  const app = express()
  app.use(apiGateway.express(meter, { subject: subjects.express }))
  const inner = express.Router()
  inner.get('/:id', (_request, response) => response.send('ok'))
  inner.get('/:id/fails', (_request, _response, next) => next(new Error('on purpose')))
  const middle = express.Router({ mergeParams: true })
  middle.use('/users/:user', inner)
  app.use('/v:version/orgs/:org', middle)
  const mounted = express()
  mounted.get('/{:page}', (_request, response) => response.send('page'))
  app.use('/docs', mounted)
  app.use('/files', (_request, response) => response.send('file'))
  app.get(['/a', '/b/:id'], (_request, response) => response.send('ok'))
  app.get(/^\/regex/, (_request, response) => response.send('ok'))
  app.use((_error, _request, response, _next) => response.status(500).send('failed'))
  await served(app, async (url) => {
    for (const path of [
      '/v2/orgs/o/users/u/i',
      '/v2/orgs/o/users/users/x/fails',
      '/docs/intro',
      '/files/a/b',
      '/b/1',
    ]) {
      await (await fetch(url + path, asCustomer)).text()
    }
    for (const path of ['/regex/x', '/none']) await (await fetch(url + path, asCustomer)).text()
  })
  assert.deepEqual(errors, [])
  assert.deepEqual(
    (await events(7)).map(({ data }) => data.route),
    [
      '/v:version/orgs/:org/users/:user/:id',
      '/v:version/orgs/:org/users/:user/:id/fails',
      '/docs/{:page}',
      '/files/*',
      '/a,/b/:id',
      '/^\\/regex/',
      'unmatched',
    ],
  )
})

test('a caller who leaves: what went out is counted; without any answer the status is 499', async () => {
  const { meter, events } = client()
  const app = express()
  app.use(apiGateway.express(meter, { subject: subjects.express }))
  let hasArrived
  const arrived = new Promise((resolve) => {
    hasArrived = resolve
  })
  app.get('/hangs', () => hasArrived())
  app.get('/endless', (_request, response) => response.write('x'.repeat(1000)))
  await served(app, async (url) => {
    for (const path of ['/hangs', '/endless']) {
      const asked = httpRequest(url + path, asCustomer)
      asked.on('error', () => {})
      asked.end()
      if (path === '/hangs') arrived.then(() => asked.destroy())
      else asked.on('response', (response) => response.once('data', () => asked.destroy()))
      await new Promise((closed) => asked.on('close', closed))
    }
    await events(2)
  })
  assert.deepEqual(
    (await events(2)).map(({ data }) => [data.route, data.status, data.egress_bytes]),
    [
      ['/hangs', 499, 0],
      ['/endless', 200, 1000],
    ],
  )
})

test('an answer is read no faster than its reader reads, and leaving it reaches its source', async () => {
  const { meter, events } = client()
  let pulled = 0
  let left
  const endless = new ReadableStream(
    {
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(1000))
      },
      cancel(reason) {
        left = reason
      },
    },
    { highWaterMark: 0 },
  )
  const handler = apiGateway.fetch(meter, () => new Response(endless), { subject: () => 'acme', route: '/endless' })
  const response = await handler(new Request('http://localhost/endless'))
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(pulled, 0)
  const reader = response.body.getReader()
  await reader.read()
  await reader.read()
  await reader.cancel('enough')
  assert.deepEqual([pulled, left], [2, 'enough'])
  assert.deepEqual(
    (await events(1)).map(({ data }) => data.egress_bytes),
    [2000],
  )
})

test('a request of Node that cannot be read is answered as ever', async () => {
  const { meter } = client()
  const app = fastify()
  app.register(apiGateway.fastify(meter, { subject: subjects.fastify }))
  app.post('/', (request, reply) => reply.send(request.body))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect(app.server.address().port, '127.0.0.1')
  socket.write(
    'POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n{x}',
  )
  let text = ''
  for await (const chunk of socket) text += chunk
  assert.match(text, /^HTTP\/1.1 400 /)
  const injected = await app.inject({ url: '/', method: 'POST', payload: { a: 1 }, headers: asCustomer.headers })
  assert.deepEqual(injected.json(), { a: 1 })
  await app.close()
})
