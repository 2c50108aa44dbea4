import type { Transport } from '../driver'
import { TaximeterError } from '../errors'
import { encoder } from '../kept'
import { type Prepared, prepared } from './prepared'
import { type BatchOptions, checked, Sink, secret } from './sink'

/** Options of {@link webhook}. */
export interface WebhookOptions {
  /** Where events are posted to. */
  url: string
  /**
   * `batch` (if absent): arrays of CloudEvents. `structured`: one CloudEvent a request. `binary`: one event's `data` a
   * request, its attributes in headers (`ce-id`, `ce-type` …).
   */
  mode?: 'batch' | 'structured' | 'binary'
  /** A bearer token. */
  token?: string
  /** Signs requests by the Standard Webhooks scheme: `whsec_` and 24 to 64 bytes in Base64. */
  secret?: string
  /** How long the receiver remembers ids: milliseconds, `'unlimited'`, or `'off'` (if absent). */
  dedup?: number | 'unlimited' | 'off'
  batch?: BatchOptions
}

/**
 * Any HTTP endpoint, with CloudEvents 1.0. 200, 201, 202 and 204 mean that it has them; all else means what it means
 * everywhere.
 *
 * @example
 * const sink = webhook({ url: 'https://example.com/usage', secret: process.env.WEBHOOK_SECRET })
 */
export function webhook(options: WebhookOptions): Sink {
  const { mode = 'batch', token, secret: signs, ...settings } = checked(options)
  if (!['batch', 'structured', 'binary'].includes(mode)) {
    throw new TaximeterError('invalid_sink', 'there is no such mode', {
      path: 'mode',
      help: 'batch, structured or binary',
    })
  }
  const kind = mode === 'batch' ? 'webhook' : 'webhook-single'
  const signing = secret(signs, 'secret')
  return new WebhookSink(
    { kind, ...settings },
    secret(token, 'token'),
    mode,
    signing === undefined ? undefined : key(signing),
  )
}

class WebhookSink extends Sink {
  readonly #mode: string
  readonly #key: Uint8Array<ArrayBuffer> | undefined

  constructor(
    settings: Record<string, unknown>,
    token: string | undefined,
    mode: string,
    key: Uint8Array<ArrayBuffer> | undefined,
  ) {
    super(settings, token)
    this.#mode = mode
    this.#key = key
  }

  protected override prepare(transport: Transport): Transport {
    const key = this.#key
    const isBinary = this.#mode === 'binary'
    if (key === undefined && !isBinary) return transport
    return prepared(transport, async (body) => {
      const sent = isBinary ? binary(body) : { body }
      return key === undefined ? sent : { ...sent, headers: { ...sent.headers, ...(await signature(sent.body, key)) } }
    })
  }
}

/** The attributes become headers, the data the body: its bytes as they are. */
function binary(body: Uint8Array<ArrayBuffer>): Prepared {
  const text = new TextDecoder().decode(body)
  const { data: _, datacontenttype, ...attributes } = JSON.parse(text)
  // The core writes the data last, and no string has this in it: its quotes would be escaped.
  const [, data] = text.split(/,"datacontenttype":"application\/json","data":(.*)/s)
  const headers = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, headerText(String(value))])
  return {
    body: encoder.encode(data?.slice(0, -1) ?? '') as Uint8Array<ArrayBuffer>,
    headers: { ...Object.fromEntries(headers), 'content-type': datacontenttype ?? 'application/json' },
  }
}

/** As the HTTP binding of CloudEvents wants it: blanks, quotes, percent signs and all beyond ASCII are percent-encoded. */
const headerText = (text: string): string =>
  text.replace(/[^\x21\x23\x24\x26-\x7e]+/g, (part) =>
    Array.from(encoder.encode(part), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )

/** The headers of Standard Webhooks. The message's id is made of the body, so that a retry has the same one. */
async function signature(
  body: Uint8Array<ArrayBuffer>,
  secret: Uint8Array<ArrayBuffer>,
): Promise<Record<string, string>> {
  const { subtle } = crypto
  const digest = new Uint8Array(await subtle.digest('SHA-256', body))
  const id = `msg_${Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')}`
  const seconds = Math.floor(Date.now() / 1000)
  const head = encoder.encode(`${id}.${seconds}.`)
  const signed = new Uint8Array(head.length + body.length)
  signed.set(head)
  signed.set(body, head.length)
  const key = await subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const mac = new Uint8Array(await subtle.sign('HMAC', key, signed))
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${btoa(String.fromCharCode(...mac))}`,
  }
}

function key(text: string): Uint8Array<ArrayBuffer> {
  const [, base64] = /^whsec_([A-Za-z0-9+/]{32,88}={0,2})$/.exec(text) ?? []
  if (base64 === undefined) {
    throw new TaximeterError('invalid_sink', 'not a secret of Standard Webhooks', {
      path: 'secret',
      help: 'write whsec_ and 24 to 64 bytes in Base64',
    })
  }
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
}
