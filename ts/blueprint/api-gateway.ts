import { blueprint } from './blueprint'
import { type ApiOptions, count, UNMATCHED } from './gateway/call'
import { type ExpressRequest, watchRoute } from './gateway/express'
import { countedRequest, countedResponse, saidLength } from './gateway/fetch'
import { type NodeRequest, type NodeResponse, watch } from './gateway/node'
import { type Recorder, refuse } from './recorder'

const definition = /* @__PURE__ */ blueprint({
  name: 'api-gateway',
  about: 'calls of an API',
  eventType: 'request',
  fields: {
    method: { type: 'text', required: true, about: 'GET, POST, …' },
    route: { type: 'text', required: true, about: 'the template, e.g. /items/:id; never the path that was asked for' },
    status: { type: 'integer', about: 'of the answer; 499 if the caller left before it' },
    duration_ms: { type: 'number', about: 'until the answer was sent, in milliseconds' },
    duration_seconds: { type: 'number', about: 'the same in seconds' },
    ingress_bytes: { type: 'integer', about: 'of the body that came in' },
    egress_bytes: { type: 'integer', about: 'of the body that went out' },
  },
  meters: {
    api_requests_total: { aggregation: 'COUNT', groupBy: ['method', 'route', 'status'], unit: 'requests' },
    api_request_duration_seconds: {
      aggregation: 'SUM',
      of: 'duration_seconds',
      groupBy: ['method', 'route'],
      unit: 'seconds',
    },
    api_request_ingress_bytes: { aggregation: 'SUM', of: 'ingress_bytes', groupBy: ['method', 'route'], unit: 'bytes' },
    api_request_egress_bytes: { aggregation: 'SUM', of: 'egress_bytes', groupBy: ['method', 'route'], unit: 'bytes' },
  },
  prices: {
    // 10,000 free, then $0.40 a thousand.
    api_requests_total: { type: 'unit', amount: '0.0004', free: 10_000 },
    // $0.09 a gigabyte.
    api_request_egress_bytes: { type: 'unit', amount: '0.09', quantity: { divide_by: '1e9' } },
  },
})

/** Hono's context, as far as it is looked at, and what tells whose call it is; write `(c: Context<Env>)` for all of it. */
export interface HonoContext {
  req: {
    method: string
    raw: Request
    matchedRoutes: { path: string; method: string }[]
    routeIndex: number
    header(name: string): string | undefined
    param(name: string): string | undefined
  }
  res: Response | undefined
  env: unknown
  // biome-ignore lint/suspicious/noExplicitAny: what middleware has set is of its own kind
  get(name: string): any
}

/**
 * Middleware for Hono; use it before the routes.
 *
 * @example
 * app.use(apiGateway.hono(meter, { subject: (c) => c.get('user')?.id }))
 */
function hono<C extends HonoContext>(
  meter: Recorder,
  options: ApiOptions<C>,
): (context: C, next: () => Promise<void>) => Promise<void> {
  return async (c, next) => {
    const start = performance.now()
    const { method } = c.req
    let ingress: () => number | undefined = () => undefined
    try {
      const [raw, bytes] = countedRequest(c.req.raw)
      if (raw !== c.req.raw) c.req.raw = raw
      ingress = bytes
    } catch {
      // A body that cannot be counted is none that is known.
    }
    const done = (status: number, egress: number | undefined) =>
      count(meter, options, c, () => ({
        method,
        route: honoRoute(c.req, status),
        status,
        duration: performance.now() - start,
        ingress: ingress(),
        egress,
      }))
    try {
      await next()
    } catch (error) {
      done(500, undefined)
      throw error
    }
    answer(c, method, done)
  }
}

function answer(c: HonoContext, method: string, done: (status: number, egress: number | undefined) => void): void {
  const response = c.res
  if (response === undefined) return
  const said = method === 'HEAD' ? 0 : saidLength(response.headers)
  if (said !== undefined) {
    done(response.status, said)
    return
  }
  const counted = countedResponse(response, (bytes) => done(response.status, bytes))
  if (counted === response) return
  // Else Hono merges the headers of both.
  c.res = undefined
  c.res = counted
}

/**
 * The template of the handler that answered, or of the one that would have: middleware that answers itself has routes for
 * all methods, mostly with a star at the end.
 */
function honoRoute({ matchedRoutes, routeIndex }: HonoContext['req'], status: number): string {
  const reached = matchedRoutes.slice(routeIndex)
  const route = reached.find(({ method, path }) => method !== 'ALL' || !path.endsWith('*'))
  return route?.path ?? (status === 404 ? UNMATCHED : (reached[0]?.path ?? UNMATCHED))
}

/**
 * Middleware for Express (4 and 5); use it before the routes.
 *
 * @example
 * app.use(apiGateway.express(meter, { subject: (request) => request.user?.id }))
 */
function express<Req extends NodeRequest & ExpressRequest, Res extends NodeResponse>(
  meter: Recorder,
  options: ApiOptions<Req>,
): (request: Req, response: Res, next: () => void) => void {
  return (request, response, next) => {
    try {
      const route = watchRoute(request)
      watch(request, response, (watched) => count(meter, options, request, () => ({ ...watched, route: route() })))
    } catch (error) {
      refuse(meter, error)
    }
    next()
  }
}

interface FastifyRequest {
  raw: NodeRequest
  routeOptions: { url?: string | undefined }
  is404: boolean
}

interface FastifyApp<Req> {
  addHook(name: 'onRequest', hook: (request: Req, reply: { raw: NodeResponse }, done: () => void) => void): unknown
}

/**
 * A plugin for Fastify (4 and 5); register it before the routes.
 *
 * @example
 * app.register(apiGateway.fastify(meter, { subject: (request) => request.user?.id }))
 */
function fastify<Req extends FastifyRequest = FastifyRequest>(
  meter: Recorder,
  options: ApiOptions<Req>,
): (app: FastifyApp<Req>, given: unknown, done: () => void) => void {
  const plugin = (app: FastifyApp<Req>, _: unknown, done: () => void) => {
    app.addHook('onRequest', (request, reply, next) => {
      try {
        const { url = UNMATCHED } = request.is404 ? {} : request.routeOptions
        watch(request.raw, reply.raw, (watched) => count(meter, options, request, () => ({ ...watched, route: url })))
      } catch (error) {
        refuse(meter, error)
      }
      next()
    })
    done()
  }
  // For the routes beside it too, not only for those that it would register itself.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}

/** How a fetch handler's routes are told. */
export interface FetchRoutes<Given> {
  /**
   * The template of the route, e.g. `/items/[id]` for a route handler of Next; or templates to be matched with the path,
   * the first one wins: `['/items/:id', '/files/*']`; or what tells it.
   */
  route: string | readonly string[] | ((request: Given) => string | undefined)
}

/**
 * A fetch handler that is metered: a route handler of Next, the `fetch` of a Cloudflare Worker, what `Deno.serve` takes.
 *
 * @example
 * export const GET = apiGateway.fetch(meter, handler, { route: '/items/[id]', subject: (request) => userOf(request) })
 */
function fetch<Given extends Request, Rest extends unknown[], Answer extends Response | Promise<Response>>(
  meter: Recorder,
  handler: (request: Given, ...rest: Rest) => Answer,
  options: ApiOptions<Given> & FetchRoutes<Given>,
): (request: Given, ...rest: Rest) => Promise<Response> {
  return async function (this: unknown, given, ...rest) {
    const start = performance.now()
    let request = given
    let ingress: () => number | undefined = () => undefined
    try {
      ;[request, ingress] = countedRequest(given)
    } catch {
      // A body that cannot be counted is none that is known.
    }
    const done = (status: number, egress: number | undefined) =>
      count(meter, options, given, () => ({
        method: given.method,
        route: fetchRoute(options.route, given),
        status,
        duration: performance.now() - start,
        ingress: ingress(),
        egress,
      }))
    let response: Response
    try {
      response = await handler.call(this, request, ...rest)
    } catch (error) {
      done(500, undefined)
      throw error
    }
    const said = given.method === 'HEAD' ? 0 : saidLength(response.headers)
    if (said === undefined) return countedResponse(response, (bytes) => done(response.status, bytes))
    done(response.status, said)
    return response
  }
}

function fetchRoute<Given extends Request>(route: FetchRoutes<Given>['route'], request: Given): string {
  if (typeof route === 'function') return route(request) ?? UNMATCHED
  if (typeof route === 'string') return route
  const segments = new URL(request.url).pathname.split('/')
  const fits = (template: string) => {
    const wanted = template.split('/')
    const isOpen = wanted.at(-1) === '*'
    if (isOpen ? segments.length < wanted.length : segments.length !== wanted.length) return false
    return wanted.every((part, i) => part === '*' || (part.startsWith(':') ? segments[i] !== '' : part === segments[i]))
  }
  return route.find(fits) ?? UNMATCHED
}

/** The API gateway blueprint: calls of an API, counted by middleware. */
export const apiGateway = /* @__PURE__ */ Object.assign(definition, { hono, express, fastify, fetch })
