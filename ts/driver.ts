import { isPage } from './lifecycle'

/** One request as the core describes it; the secret is added by the sink. */
export interface RequestShape {
  url: string
  contentType: string
  /** Name of the header that carries the secret, and what stands before it. */
  authName: string
  authPrefix: string
  /** One more header; none if empty. */
  headerName: string
  headerValue: string
  prefix: string
  separator: string
  suffix: string
  /** Statuses with which the vendor takes the batch: for these the body is not waited for, unless it is read. */
  accepted: number[]
  isRead: boolean
  /** Where a token is got that takes the key's place; none if empty. */
  sessionUrl: string
  /** A header of answers that the core wants to see; none if empty. */
  hintName: string
  /** Whether a body may be sent as gzip. */
  gzip: boolean
  /** Whether an answer may name events by their ids. */
  namesIds: boolean
}

/** Where bodies go. */
export interface Target {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly accepted: readonly number[]
  readonly hintName: string
}

/** A server's answer. */
export interface Answer {
  readonly status: number
  readonly contentType: string | undefined
  readonly retryAfter: string | undefined
  readonly date: string | undefined
  /** The header that the sink asked for. */
  readonly hint?: string | undefined
  /** The text of the first {@link ANSWER_BYTES_MAX} bytes; empty after an accepted status. */
  readonly body: string
}

/** No answer came. */
export interface Failure {
  /** The platform's code or name of the failure, e.g. `ECONNREFUSED`; or `deadline`. */
  readonly error: string
  readonly text: string
  /** Whether it is certain that nothing reached the server. */
  readonly unsent: boolean
}

export type Outcome = Answer | Failure

/** A request under way. */
export interface Exchange {
  abort(): void
  /** Whether it is certain that nothing reached the server. */
  unsent(): boolean
}

/**
 * A way to send a body to one target: {@link viaFetch} or Node's own. It follows no redirect (that could carry the key elsewhere), takes an
 * answer from its status and headers as soon as they are there if the status is accepted, and reads a bounded part of
 * the body.
 *
 * The body is JavaScript's own bytes: what lies in the core's memory may be overwritten before it is sent. `done` gets
 * the answer, or what was thrown; of several calls the first counts. `headers` are those of this request alone.
 */
export type Transport = (body: Uint8Array<ArrayBuffer>, done: Done, headers?: Record<string, string>) => Exchange
export type Done = (answer: Answer | { thrown: unknown }) => void

/** Bytes of a vendor's answer that are read. */
export const ANSWER_BYTES_MAX = 64 * 1024
/** Bytes of the requests that outlive their page: browsers take 64 KiB of all together. And how many. */
export const KEEPALIVE_BYTES_MAX = 60 * 1024
const KEEPALIVE_REQUESTS_MAX = 9
/** How long the body of an accepted answer may take before its connection is closed. */
export const BODY_PATIENCE_MS = 1000

/** Causes that are looked at: an error may be its own. */
const CAUSES_MAX = 8

/**
 * Sends one body and tells once what happened; throws nothing. Gives what ends it as its deadline would: timers may be lost.
 *
 * The deadline is raced against the request and not only signalled, since an injected `fetch` may ignore its signal.
 */
export function send(
  transport: Transport,
  body: Uint8Array<ArrayBuffer>,
  deadlineMs: number,
  done: (outcome: Outcome) => void,
): () => void {
  let exchange: Exchange | undefined
  let isOver = false
  const finish = (outcome: Outcome) => {
    if (isOver) return
    isOver = true
    cancel()
    done(outcome)
  }
  const fail = (error: string, text: string) => finish({ error, text, unsent: exchange?.unsent() ?? false })
  const expire = () => {
    fail('deadline', `no answer within ${deadlineMs} ms`)
    exchange?.abort()
  }
  const cancel = timeout(deadlineMs, expire)
  const threw = (error: unknown) => fail(failureCode(error), failureText(error))
  try {
    exchange = transport(body, (answer) => ('thrown' in answer ? threw(answer.thrown) : finish(answer)))
  } catch (error) {
    // The caller is told later, as of any other outcome.
    queueMicrotask(() => threw(error))
  }
  return expire
}

/** Sends with a `fetch`, the platform's or an injected one. */
export const viaFetch =
  (fetch: typeof globalThis.fetch, target: Target): Transport =>
  (body, done, headers) => {
    const abort = new AbortController()
    exchange(fetch, { ...target, headers: { ...target.headers, ...headers } }, body, abort, done).catch((thrown) =>
      done({ thrown }),
    )
    // It does not tell how far it came; what its failure says is the core's to judge.
    return { abort: () => abort.abort(), unsent: () => false }
  }

async function exchange(
  fetch: typeof globalThis.fetch,
  { url, headers, accepted, hintName }: Target,
  body: Uint8Array<ArrayBuffer>,
  abort: AbortController,
  done: Done,
): Promise<void> {
  const init = { method: 'POST', headers, body, redirect: 'manual', signal: abort.signal } as const
  const response = await outliving(body.length, (more) => fetch(url, { ...init, ...more }))
  const { status } = response
  const header = (name: string) => response.headers.get(name) ?? undefined
  const answer = {
    status,
    contentType: header('content-type'),
    retryAfter: header('retry-after'),
    date: header('date'),
    ...(hintName && { hint: header(hintName) }),
  }
  if (!accepted.includes(status)) return done({ ...answer, body: await readBody(response) })
  done({ ...answer, body: '' })
  if (response.body === null) return
  // After an accepted status a stalled or broken body changes nothing; it is read only to keep the connection.
  const cancel = timeout(BODY_PATIENCE_MS, () => abort.abort())
  await readBody(response)
  cancel()
}

/** Requests under way that outlive the page, and their bytes. */
const alive = { requests: 0, bytes: 0 }

/** Bytes of one more request that outlives the page. */
export const outlivingBytes = (): number =>
  isPage() && alive.requests < KEEPALIVE_REQUESTS_MAX ? KEEPALIVE_BYTES_MAX - alive.bytes : 0

/** Makes a request outlive its page while there is room: one too many would be refused. */
async function outliving<T>(bytes: number, request: (init: { keepalive?: true }) => Promise<T>): Promise<T> {
  if (bytes > outlivingBytes()) return request({})
  alive.bytes += bytes
  alive.requests += 1
  try {
    return await request({ keepalive: true })
  } finally {
    alive.bytes -= bytes
    alive.requests -= 1
  }
}

async function readBody(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (!reader) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    while (bytes < ANSWER_BYTES_MAX) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      bytes += value.length
    }
  } catch {
    // What was read before the connection broke still names the fault.
  }
  reader.cancel().catch(() => {})
  return answerText(chunks)
}

/** The text of an answer's first bytes. */
export function answerText(chunks: readonly Uint8Array[]): string {
  if (chunks.length === 0) return ''
  const decoder = new TextDecoder()
  let room = ANSWER_BYTES_MAX
  let text = ''
  for (const chunk of chunks) {
    text += decoder.decode(chunk.subarray(0, room), { stream: true })
    room = Math.max(room - chunk.length, 0)
  }
  return text
}

/** The name by which the platform calls a failure; Node keeps it in the cause. */
function failureCode(error: unknown): string {
  for (const e of causes(error)) {
    const code = (e as { code?: unknown }).code
    if (typeof code === 'string') return code
    // Happy-eyeballs failures are aggregates: the first attempt's code stands for all.
    const first = (e as { errors?: unknown[] }).errors?.[0]
    if (first instanceof Object && typeof (first as { code?: unknown }).code === 'string')
      return (first as { code: string }).code
  }
  return error instanceof Error ? error.name : 'unknown'
}

/** Its words; Deno keeps the ones that tell how far a request came in the cause. */
function failureText(error: unknown): string {
  const texts = causes(error).map(({ message }) => String(message))
  return texts.join(': ') || String(error)
}

/** An error and what caused it. */
function causes(error: unknown): { cause?: unknown; message?: unknown }[] {
  const found: { cause?: unknown }[] = []
  for (let e = error; e instanceof Object && found.length < CAUSES_MAX; e = (e as { cause?: unknown }).cause)
    found.push(e)
  return found
}

/** Longer timers than this fire at once on some platforms; a waiter that wakes early only looks again. */
const TIMER_MS_MAX = 2 ** 31 - 1

/**
 * A timer that does not keep the process alive, unless somebody awaits it (`hold`: an awaited `flush()` must not let a
 * process end before it answers). Gives what cancels it. The only place where timers are made.
 */
export function timeout(ms: number, then: () => void, hold = false): () => void {
  const timer = setTimeout(then, Math.min(Math.max(ms, 0), TIMER_MS_MAX))
  if (!hold) (timer as { unref?: () => void }).unref?.()
  return () => clearTimeout(timer)
}
