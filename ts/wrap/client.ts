import { TaximeterError } from '../errors'
import type { Fetch } from './fetch'

/** What the SDKs that can be wrapped have in common: OpenAI's, Anthropic's, and others made by the same generator. */
interface FetchClient {
  fetch: Fetch
  withOptions(options: Record<string, unknown>): unknown
  /** AzureOpenAI keeps these apart from the options that its `withOptions` hands on (openai 5 and 6). */
  apiVersion?: string
  deploymentName?: string
}

/**
 * A copy of an SDK's client, made by the SDK itself, that sends through the metering fetch. The client that was given is
 * left as it is, so that others may share it or wrap it for another customer.
 *
 * Throws `cannot_wrap` for what has no such way to set a fetch.
 */
export function wrapClient<Client extends object>(client: Client, meter: (inner: Fetch) => Fetch): Client {
  if (!isFetchClient(client)) {
    throw cannotWrap('wrap() does not know this client')
  }
  const fetch = meter(client.fetch)
  const { apiVersion, deploymentName } = client
  let copy: unknown
  try {
    copy = client.withOptions({
      fetch,
      ...(apiVersion !== undefined && { apiVersion }),
      ...(deploymentName !== undefined && { deployment: deploymentName }),
    })
  } catch (cause) {
    throw cannotWrap(`the client refuses another fetch: ${cause instanceof Error ? cause.message : cause}`, cause)
  }
  if (!isCopyOf(copy, client) || copy.fetch !== fetch) throw cannotWrap('the client did not take the metering fetch')
  keepFields(client, copy)
  return copy
}

function isFetchClient(client: unknown): client is FetchClient {
  if (client === null || typeof client !== 'object') return false
  const { fetch, withOptions } = client as Partial<FetchClient>
  return typeof fetch === 'function' && typeof withOptions === 'function'
}

function isCopyOf<Client extends object>(copy: unknown, client: Client): copy is Client & FetchClient {
  return isFetchClient(copy) && copy !== client && Object.getPrototypeOf(copy) === Object.getPrototypeOf(client)
}

/** Fields set after the client was made (`client.apiKey = …`) are not among the options that `withOptions` hands on. */
function keepFields(from: object, to: object): void {
  const fields = to as Record<string, unknown>
  for (const [name, value] of Object.entries(from)) {
    if (value !== null && ['object', 'function'].includes(typeof value)) continue
    if (!Object.is(fields[name], value)) fields[name] = value
  }
}

function cannotWrap(message: string, cause?: unknown): TaximeterError {
  return new TaximeterError('cannot_wrap', message, {
    path: 'client',
    help: 'clients of openai >= 5 and @anthropic-ai/sdk >= 0.60 can be wrapped; older ones have to be updated, and what other clients use can be reported with record()',
    cause,
  })
}
