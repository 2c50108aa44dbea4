import type { Answer, Exchange, Transport } from '../driver'
import { encoder } from '../kept'

/** A body just before it is sent, and the headers that go with it. */
export interface Prepared {
  body: Uint8Array<ArrayBuffer>
  headers?: Record<string, string>
}

/** A transport whose bodies take time to prepare. What fails then has sent nothing. */
export const prepared =
  (transport: Transport, prepare: (body: Uint8Array<ArrayBuffer>) => Promise<Prepared>): Transport =>
  (body, done) => {
    let exchange: Exchange | undefined
    let isAborted = false
    prepare(body)
      .then(({ body, headers }) => {
        if (!isAborted) exchange = transport(body, done, headers)
      })
      .catch((thrown) => done({ thrown }))
    return {
      abort: () => {
        isAborted = true
        exchange?.abort()
      },
      unsent: () => exchange?.unsent() ?? true,
    }
  }

/** Less would not become smaller by enough. */
const GZIP_BYTES_MIN = 1024

/** Sends bodies as gzip, where the platform has it. */
export const gzipped = (transport: Transport): Transport =>
  prepared(transport, async (body) => {
    if (body.length < GZIP_BYTES_MIN || typeof CompressionStream !== 'function') return { body }
    const stream = new Blob([body]).stream().pipeThrough(new CompressionStream('gzip'))
    return {
      body: new Uint8Array(await new Response(stream).arrayBuffer()),
      headers: { 'content-encoding': 'gzip' },
    }
  })

/** A session's token is not used so shortly before its end. */
const SESSION_MARGIN_MS = 60_000
/** How long a token is used at most, whatever the clocks say. */
const SESSION_MS_MAX = 14 * 60_000
const SESSION_OVER = /"code":\s*"[a-z_]*session_expired"/

/**
 * Sends with the token of a session, which is got with the key, for as long as it holds. The end of a session costs no
 * attempt: the same bytes go out again with another token.
 */
export function withSession(
  transport: Transport,
  session: Transport,
  header: (token: string) => Record<string, string>,
): Transport {
  let token: string | undefined
  let until = 0
  return (body, done) => {
    let exchange: Exchange | undefined
    let isAborted = false
    let isSent = false
    const send = (isRetried: boolean) => {
      isSent = true
      exchange = transport(
        body,
        (answer) => {
          const isOver = 'status' in answer && answer.status === 401 && SESSION_OVER.test(answer.body)
          if (!isOver) return done(answer)
          token = undefined
          if (isRetried) return done(answer)
          isSent = false
          open(true)
        },
        header(token as string),
      )
    }
    const open = (isRetried: boolean) => {
      if (isAborted) return
      exchange = session(encoder.encode('{}') as Uint8Array<ArrayBuffer>, (answer) => {
        if ('thrown' in answer) return done(answer)
        const opened = answer.status < 300 ? parsed(answer.body) : {}
        if (typeof opened.authentication_token !== 'string') return done(notOpened(answer))
        token = opened.authentication_token
        const now = Date.parse(answer.date ?? '') || Date.now()
        const ms = Date.parse(String(opened.expires_at)) - now - SESSION_MARGIN_MS
        until = performance.now() + Math.min(ms || 0, SESSION_MS_MAX)
        if (!isAborted) send(isRetried)
      })
    }
    if (token !== undefined && performance.now() < until) send(false)
    else open(false)
    return {
      abort: () => {
        isAborted = true
        exchange?.abort()
      },
      unsent: () => !isSent || (exchange?.unsent() ?? false),
    }
  }
}

/** That no session was to be had says nothing about events: what would judge them says that something is set up wrong. */
function notOpened(answer: Answer): Answer {
  const isAboutEvents = answer.status < 400 || [400, 409, 413, 422].includes(answer.status)
  return isAboutEvents ? { ...answer, status: 403 } : answer
}

function parsed(text: string): { authentication_token?: unknown; expires_at?: unknown } {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
