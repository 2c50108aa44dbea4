import { TaximeterError } from '../errors'
import type { StorageEvents } from '../types'
import { type AwsClient, wrapAws } from './bedrock'
import type { OpenCalls } from './call'
import type { Contexts } from './context'
import { type Fetch, meteredFetch } from './fetch'
import type { UsageContext, UsageHost } from './host'
import type { RecordUsage } from './storage'

/** A client as far as it is looked at here. No SDK is imported: they are told apart by what they have. */
type Fields = Record<string, unknown>
type Maker = new (options: Fields) => object

/** The parts of a meter that count what passes through a client. */
export interface Wrapping {
  host: UsageHost
  /** Who is billed, unless the call says otherwise. */
  context: Partial<UsageContext>
  contexts: Contexts
  open: OpenCalls
  /** For what is no LLM. */
  record: RecordUsage
  storage: StorageEvents | undefined
}

/**
 * A copy of an SDK's client that sends through the metering fetch; its class makes it, wherever it can. The client that
 * was given is left as it is, so that others may share it or wrap it for another customer.
 *
 * Throws `cannot_wrap` for what has no such way to set a fetch.
 */
export function wrapClient<Client extends object>(client: Client, wrapping: Wrapping): Client {
  const { host, context, contexts, open } = wrapping
  const meter = (inner: Fetch) => meteredFetch(inner, host, context, open, contexts)
  if (!isFunction(client) && !isObject(client)) throw cannotWrap('this is no client')
  if (isFunction(client) && /^class\b/.test(String(client))) throw cannotWrap('this is a class: wrap what `new` gives')
  if (isFunction(client) && !('languageModel' in client)) return meter(client as unknown as Fetch) as unknown as Client
  try {
    for (const [isOne, copied] of HOOKS) {
      if (!isOne(client as Fields)) continue
      const copy = copied(client as Fields, meter, wrapping) as Client
      if (copy === client || Object.getPrototypeOf(copy) !== Object.getPrototypeOf(client)) break
      keepFields(client, copy)
      return copy
    }
  } catch (cause) {
    throw cannotWrap(`the client refuses another fetch: ${cause instanceof Error ? cause.message : cause}`, cause)
  }
  throw cannotWrap('wrap() does not know this client')
}

const isFunction = (value: unknown) => typeof value === 'function'
const isObject = (value: unknown): value is Fields => value !== null && typeof value === 'object'

/** Fields in which clients for Azure, Bedrock and Vertex keep their options, and the options' names if they are others. */
const KEPT_APART: [field: string, option?: string][] = [
  ['apiVersion'],
  ['deploymentName', 'deployment'],
  ['_azureADTokenProvider', 'azureADTokenProvider'],
  ['region'],
  ['projectId'],
  ['awsRegion'],
  ['awsAccessKey'],
  ['awsSecretKey'],
  ['awsSessionToken'],
  ['providerChainResolver'],
]

/** How clients are told and how they are copied, most special first. */
const HOOKS: [
  (client: Fields) => boolean,
  (client: Fields, meter: (inner: Fetch) => Fetch, wrapping: Wrapping) => object,
][] = [
  [
    // OpenAI, Azure OpenAI, Anthropic (also for Bedrock and Vertex), Groq, Together: all of one generator.
    ({ fetch, withOptions }) => isFunction(fetch) && isFunction(withOptions),
    (client, meter) => {
      // What is no option of the class above is lost on the way through `withOptions` (openai 5 and 6, Anthropic's 0).
      const options: Fields = { fetch: meter(client.fetch as Fetch) }
      for (const [field, option = field] of KEPT_APART) if (client[field] != null) options[option] = client[field]
      // The two exclude each other.
      if (options.azureADTokenProvider) options.apiKey = ''
      return (client.withOptions as (options: Fields) => object)(options)
    },
  ],
  [
    // The AWS SDK's clients, of which Bedrock's and S3's are metered.
    ({ middlewareStack, config }) => isObject(middlewareStack) && isObject(config),
    (client, _, { host, context, contexts, open, record, storage }) =>
      wrapAws(
        client as unknown as AwsClient,
        host,
        () => ({ ...context, ...contexts.current() }),
        open,
        record,
        storage,
      ),
  ],
  [({ apiClient }) => isObject(apiClient) && isFunction(apiClient.apiCall), wrapGoogle],
  [
    // Mistral, OpenRouter: of another generator. They pass a `Request`.
    ({ _options, _baseURL }) => isObject(_options) && isObject(_options.hooks) && _baseURL !== undefined,
    (client, meter) => {
      const options = client._options as Fields
      const own = options.httpClient as { request: Fetch } | undefined
      // What is metered already has to be seen as it is.
      const bound = own && Object.hasOwn(own, 'request') ? own.request : undefined
      const send: Fetch = (input, init) => {
        const request = init === undefined && input instanceof Request ? input : new Request(input, init)
        return own === undefined ? globalThis.fetch(request) : own.request(request)
      }
      return new (client.constructor as Maker)({ ...options, httpClient: { request: meter(bound ?? send) } })
    },
  ],
  [
    // Cohere.
    ({ _options }) =>
      isObject(_options) && ('token' in _options || 'authProvider' in _options || 'clientName' in _options),
    (client, meter) => {
      const options = client._options as Fields
      if (options.fetcher !== undefined) throw new Error('its option `fetcher` leaves no place for one')
      return new (client.constructor as Maker)({ ...options, fetch: meter((options.fetch as Fetch) ?? platformFetch) })
    },
  ],
  [
    // Ollama.
    ({ fetch, config }) => isFunction(fetch) && isObject(config) && 'host' in config,
    (client, meter) =>
      new (client.constructor as Maker)({ ...(client.config as Fields), fetch: meter(client.fetch as Fetch) }),
  ],
  [
    // Models of the AI SDK's own providers.
    ({ specificationVersion, config }) => specificationVersion !== undefined && isObject(config),
    (client, meter) => {
      const config = client.config as Fields
      const copy = Object.assign(Object.create(Object.getPrototypeOf(client)), client)
      copy.config = { ...config, fetch: meter((config.fetch as Fetch) ?? platformFetch) }
      return copy
    },
  ],
]

const platformFetch: Fetch = (input, init) => globalThis.fetch(input, init)

/** On a Google client that is metered: the call of the one that was not, and what counts it. */
const METERED = Symbol('taximeter.metered')

interface GoogleApi extends Fields {
  [METERED]?: { call: GoogleApi['apiCall']; metered: (inner: Fetch) => Fetch }
  apiCall(url: string, init: RequestInit, ...rest: unknown[]): Promise<Response>
}

/**
 * `@google/genai`. Its own call stays below ours: it retries, and without a fetch of the user's it has no timeouts of
 * the platform's.
 */
function wrapGoogle(client: Fields, meter: (inner: Fetch) => Fetch): object {
  const api = client.apiClient as GoogleApi
  const { vertexai, project, location, apiKey, apiVersion } = client
  const { httpOptions } = api.clientOptions as Fields
  const copy = new (client.constructor as Maker)({ vertexai, project, location, apiKey, apiVersion, httpOptions }) as {
    apiClient: GoogleApi
  }
  // Credentials and what was resolved from the environment are those of the client that was given.
  Object.assign(copy.apiClient, api)
  const before = api[METERED]
  const call = before?.call ?? api.apiCall
  const metered = before === undefined ? meter : (inner: Fetch) => meter(before.metered(inner))
  const apiCall: GoogleApi['apiCall'] = (url, init, ...rest) => {
    const send: Fetch = (input, edited) => call.call(copy.apiClient, input as string, edited as RequestInit, ...rest)
    const signal = rest.find((arg) => arg instanceof AbortSignal)
    // Version 1 gives the method apart.
    const method = rest.find((arg) => typeof arg === 'string')
    return metered(send)(url, { ...(method !== undefined && { method }), ...(signal && { signal }), ...init })
  }
  Object.assign(copy.apiClient, { apiCall })
  meterInteractions(copy, metered)
  Object.defineProperty(copy.apiClient, METERED, { value: { call, metered } satisfies GoogleApi[typeof METERED] })
  return copy
}

/**
 * Interactions go another way: by clients that are made when they are asked for, each with an HTTP
 * client of its own. A fetch in the options would cost them their lack of timeouts, so it is put in afterwards.
 */
function meterInteractions(client: object, metered: (inner: Fetch) => Fetch): void {
  const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(client), 'interactions')?.get
  const done = new WeakSet<object>()
  const meterHttp = (made: Fields) => {
    const http = made._httpClient
    if (!isObject(http) || !isFunction(http.request) || done.has(http)) return made
    done.add(http)
    const fetch = metered((http.request as Fetch).bind(http))
    http.request = (request: Request) => fetch(request)
    return made
  }
  const get = () => {
    const interactions = own?.call(client) as { _client?: Fields; getClient?(...args: unknown[]): Fields }
    const { getClient, _client } = interactions
    if (done.has(interactions)) return interactions
    done.add(interactions)
    if (getClient) interactions.getClient = (...args) => meterHttp(getClient.apply(interactions, args))
    // Version 1.
    else if (isFunction(_client?.fetch)) (_client as Fields).fetch = metered(_client?.fetch as Fetch)
    return interactions
  }
  if (own !== undefined) Object.defineProperty(client, 'interactions', { get, configurable: true })
}

/** Fields set after the client was made (`client.apiKey = …`) are not among the options that it is made of. */
function keepFields(from: object, to: object): void {
  const fields = to as Fields
  for (const [name, value] of Object.entries(from)) {
    if (value !== null && ['object', 'function'].includes(typeof value)) continue
    if (!Object.is(fields[name], value)) fields[name] = value
  }
}

function cannotWrap(message: string, cause?: unknown): TaximeterError {
  return new TaximeterError('cannot_wrap', message, {
    path: 'client',
    help: 'update the SDK (openai from 5 on, @anthropic-ai/sdk from 0.60 on), give it `fetch: meter.wrap(fetch, context)` if it takes one, or report what it uses with observe()',
    cause,
  })
}
