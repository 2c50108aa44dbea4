import { MeteredCall, type OpenCalls } from './call'
import { type Contexts, takeHeader } from './context'
import type { CallInfo, Inspected, Route, UsageContext, UsageHost } from './host'

export type Fetch = typeof globalThis.fetch
type Input = Parameters<Fetch>[0]

/** On a metering fetch: what it is made of, so that the same meter never counts an answer twice. */
const METERED = Symbol('taximeter.metered')
interface Metered {
  inner: Fetch
  host: UsageHost
  context: Partial<UsageContext>
  open: OpenCalls
  contexts: Contexts | undefined
}

/** How long an answer is read on whose caller has left. */
const DRAIN_MS = 300_000

/** The headers in which providers name a request. */
const REQUEST_ID_HEADERS = ['x-request-id', 'request-id', 'apim-request-id']

/**
 * A `fetch` that reports the usage in the answers of LLM providers and is the same as `inner` in all else: answers pass
 * through as they are read, byte for byte, and whatever goes wrong in metering leaves the call as it would be without.
 *
 * A fetch that the same meter (`open`) meters already is metered for the new context instead, not twice.
 */
export function meteredFetch(
  inner: Fetch,
  host: UsageHost,
  context: Partial<UsageContext>,
  open: OpenCalls,
  contexts?: Contexts,
): Fetch {
  const send = withoutMeter(inner, open)
  // What the caller does with its object later concerns later clients only.
  const attributed = { ...context }
  /** Set when a provider turns out to refuse what is asked for on the caller's behalf. */
  let refusesEdits = false

  const fetch: Fetch = async (given, options) => {
    const [input, init, said] = attempt(() => takeHeader(given, options)) ?? [given, options]
    const route = attempt(() => routeOf(host, input, init))
    if (route === undefined) return send(input, init)
    const who = { ...attributed, ...contexts?.current(), ...said }
    const startedAtMs = Date.now()
    const body = typeof init?.body === 'string' ? fromJson(init.body) : await readBody(input, init)
    const asked = attempt(() => host.inspect(route, gist(body)))
    const signal = init?.signal ?? requestOf(input)?.signal
    const drains = host.onAbort === 'drain' && asked?.stream === true
    const [sent, answered] = drains && signal ? detachable(init, signal) : [init]
    const edit = refusesEdits ? undefined : attempt(() => edited(input, sent, body, asked))
    let hide = edit !== undefined
    let response = await send(input, edit ?? sent)
    if (hide && response.status === 400 && (await blames(response))) {
      refusesEdits = true
      hide = false
      response = await send(input, sent)
    }
    if (!response.ok) return response
    answered?.()
    const metered = attempt(() => {
      if (typeof response.body?.getReader !== 'function' || response.bodyUsed) return undefined
      const info = callInfo(route, asked, hide, response, startedAtMs)
      const scanner = host.open(info)
      if (scanner === undefined) return undefined
      contexts?.counted()
      const call = new MeteredCall(scanner, host, who, open, drains ? undefined : signal)
      try {
        return rebuilt(response, call, signal, drains)
      } catch {
        call.discard()
        return undefined
      }
    })
    return metered ?? response
  }
  return Object.defineProperty(fetch, METERED, {
    value: { inner: send, host, context: attributed, open, contexts } satisfies Metered,
  })
}

/** Whether a meter counts what goes through a fetch. */
export function isMetered(fetch: unknown, open: OpenCalls): boolean {
  const metered = (fetch as { [METERED]?: Metered } | undefined)?.[METERED]
  return metered !== undefined && (metered.open === open || isMetered(metered.inner, open))
}

/** What is left of a fetch when one meter is taken out of it. */
function withoutMeter(fetch: Fetch, open: OpenCalls): Fetch {
  const metered: Metered | undefined = (fetch as { [METERED]?: Metered })[METERED]
  if (metered === undefined) return fetch
  const inner = withoutMeter(metered.inner, open)
  if (metered.open === open) return inner
  return inner === metered.inner
    ? fetch
    : meteredFetch(inner, metered.host, metered.context, metered.open, metered.contexts)
}

function routeOf(host: UsageHost, input: Input, init: RequestInit | undefined): Route | undefined {
  const url = typeof input === 'string' ? input : 'href' in input ? input.href : input.url
  // SDKs also probe their fetch with `data:` URLs.
  if (!/^https?:/i.test(url)) return undefined
  const route = host.route((init?.method ?? requestOf(input)?.method ?? 'GET').toUpperCase(), url)
  if (route === undefined) host.unmetered?.()
  return route
}

/** A `Request`, also of another realm or another implementation. */
function requestOf(input: Input): Request | undefined {
  return typeof input === 'object' && 'url' in input ? input : undefined
}

/** The request under a signal of its own, and what makes it go on when the caller's signal fires later. */
function detachable(init: RequestInit | undefined, signal: AbortSignal): [RequestInit, () => void] {
  const own = new AbortController()
  const forward = () => own.abort(signal.reason)
  if (signal.aborted) forward()
  else signal.addEventListener('abort', forward)
  return [{ ...init, signal: own.signal }, () => signal.removeEventListener('abort', forward)]
}

/** A request's body as far as it can be read: its members, and its text if it is JSON. */
interface Body {
  members: Record<string, unknown>
  text?: string
}

function fromJson(text: string): Body | undefined {
  return attempt(() => ({ members: JSON.parse(text), text }))
}

/** A body that is not plain text. Never uses it up. */
async function readBody(input: Input, init: RequestInit | undefined): Promise<Body | undefined> {
  try {
    const body = init?.body
    if (body instanceof FormData) {
      return { members: { model: body.get('model') ?? undefined, stream: body.get('stream') === 'true' } }
    }
    const request = body === undefined ? requestOf(input) : undefined
    if (!request?.body || !request.headers.get('content-type')?.includes('json')) return undefined
    return fromJson(await request.clone().text())
  } catch {
    // Not readable: the answer is metered by what it says itself.
    return undefined
  }
}

/** The members by which a call is metered. Prompts stay outside: they never enter the core. */
function gist(body: Body | undefined): string {
  const { model, stream, stream_options } = body?.members ?? {}
  return JSON.stringify({ model, stream, stream_options })
}

/** The request with the body that also asks for usage. */
function edited(
  input: Input,
  init: RequestInit | undefined,
  body: Body | undefined,
  asked: Inspected | undefined,
): RequestInit | undefined {
  if (asked?.body === undefined || body?.text === undefined) return undefined
  const { stream_options } = JSON.parse(asked.body)
  const text =
    'stream_options' in body.members
      ? JSON.stringify({ ...body.members, stream_options })
      : // All other bytes stay as they are.
        `${body.text.slice(0, body.text.lastIndexOf('}'))},"stream_options":${JSON.stringify(stream_options)}}`
  const headers = new Headers(init?.headers ?? requestOf(input)?.headers)
  if (!headers.has('content-length')) return { ...init, body: text }
  headers.delete('content-length')
  return { ...init, headers, body: text }
}

/** Whether a provider refuses the request because of what was added to it. */
async function blames(response: Response): Promise<boolean> {
  try {
    return /stream_options|include_usage/.test(await response.clone().text())
  } catch {
    return false
  }
}

function callInfo(
  route: Route,
  asked: Inspected | undefined,
  hide: boolean,
  { status, headers }: Response,
  startedAtMs: number,
): CallInfo {
  const requestId = REQUEST_ID_HEADERS.map((name) => headers.get(name)).find((id) => id !== null)
  return {
    route,
    status,
    stream: asked?.stream ?? false,
    hide,
    contentType: headers.get('content-type') ?? '',
    startedAtMs,
    ...(asked?.model !== undefined && { model: asked.model }),
    ...(typeof requestId === 'string' && { requestId }),
  }
}

/** The same response with a body that the call reads along; `drains` if it is read to its end without the caller too. */
function rebuilt(
  response: Response,
  call: MeteredCall,
  signal: AbortSignal | null | undefined,
  drains: boolean,
): Response {
  // Made at the first read, so that the platform can discard an answer that nobody reads; and from the response, which
  // has to stay alive: Node cancels the body of one that was collected.
  let made: ReadableStreamDefaultReader<Uint8Array> | undefined
  const reader = () => {
    made ??= (response.body as ReadableStream<Uint8Array>).getReader()
    return made
  }
  /** When the caller left, if the rest is read without it. */
  let leftAtMs: number | undefined
  let controller: ReadableStreamDefaultController<Uint8Array>
  const drain = () => {
    leftAtMs = Date.now()
    if (!call.reading) void pull()
  }
  const pull = async () => {
    call.reading = true
    try {
      // A chunk may be hidden whole; a pull that gives nothing would not be called again.
      for (;;) {
        const { done, value } = await reader().read()
        call.readAtMs = Date.now()
        const bytes = done ? call.rest() : call.push(value)
        const left = leftAtMs !== undefined
        if (bytes.length > 0 && !left) controller.enqueue(bytes)
        if (done) {
          if (!left) controller.close()
          return call.settle('end')
        }
        call.reportIfFinal()
        if (bytes.length > 0 && !left) return
        if (left && Date.now() - (leftAtMs ?? 0) > DRAIN_MS) {
          call.settle('cancel')
          return reader().cancel()
        }
      }
    } catch (error) {
      call.settle(signal?.aborted ? 'abort' : 'error')
      if (leftAtMs !== undefined) return
      const rest = call.rest()
      if (rest.length === 0) throw error
      // Reading on gives the same error again.
      controller.enqueue(rest)
    } finally {
      call.reading = false
    }
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given
        if (!drains || !signal) return
        const leave = () => {
          if (leftAtMs !== undefined) return
          controller.error(signal.reason)
          drain()
        }
        if (signal.aborted) queueMicrotask(leave)
        else signal.addEventListener('abort', leave, { once: true })
      },
      pull,
      cancel(reason) {
        if (drains) return drain()
        call.settle('cancel')
        return reader().cancel(reason)
      },
    },
    // Nothing is read before it is asked for.
    { highWaterMark: 0 },
  )
  const { status, statusText, headers } = response
  const same = new Response(body, { status, statusText, headers })
  for (const name of ['url', 'type', 'redirected'] as const) {
    Object.defineProperty(same, name, { value: response[name], enumerable: true, configurable: true })
  }
  return same
}

function attempt<T>(fn: () => T): T | undefined {
  try {
    return fn()
  } catch {
    return undefined
  }
}
