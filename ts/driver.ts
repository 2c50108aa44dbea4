import type { Sink } from './sink'

/** One request as the core describes it; the secret is added here. */
export interface RequestShape {
  url: string
  contentType: string
  /** Name of the header that carries the secret, and what stands before it. */
  authName: string
  authPrefix: string
  prefix: string
  separator: string
  suffix: string
  /** Statuses with which the vendor takes the batch: for these the body is not waited for. */
  accepted: number[]
}

/** What came of a request, for the core to judge. */
export type Outcome =
  | {
      status: number
      contentType: string | undefined
      retryAfter: string | undefined
      date: string | undefined
      body?: string | undefined
    }
  /** `error`: the platform's code or name of the failure, e.g. `ECONNREFUSED` or `deadline`. */
  | { error: string; text: string }

/** Bytes of a vendor's answer that are read. */
const ANSWER_BYTES_MAX = 64 * 1024
/** How long the body of an accepted answer may take before its connection is closed. */
const BODY_PATIENCE_MS = 1000

/**
 * Sends one body and tells what happened; never throws.
 *
 * Redirects are not followed (a redirect could carry the key elsewhere). The deadline is raced against the request and
 * not only signalled, since an injected `fetch` may ignore its signal.
 */
export async function send(
  fetch: typeof globalThis.fetch,
  sink: Sink,
  shape: RequestShape,
  body: Uint8Array<ArrayBuffer>,
  deadlineMs: number,
): Promise<Outcome> {
  const abort = new AbortController()
  const deadline = timeout(deadlineMs)
  try {
    return await Promise.race([
      exchange(fetch, sink, shape, body, abort),
      deadline.then((): Outcome => {
        abort.abort()
        return { error: 'deadline', text: `no answer within ${deadlineMs} ms` }
      }),
    ])
  } catch (error) {
    return { error: failureCode(error), text: error instanceof Error ? error.message : String(error) }
  } finally {
    deadline.cancel()
  }
}

async function exchange(
  fetch: typeof globalThis.fetch,
  sink: Sink,
  shape: RequestShape,
  body: Uint8Array<ArrayBuffer>,
  abort: AbortController,
): Promise<Outcome> {
  const response = await fetch(shape.url, {
    method: 'POST',
    headers: { 'content-type': shape.contentType, ...sink.authorization(shape.authName, shape.authPrefix) },
    body,
    redirect: 'manual',
    signal: abort.signal,
  })
  const header = (name: string) => response.headers.get(name) ?? undefined
  const outcome = {
    status: response.status,
    contentType: header('content-type'),
    retryAfter: header('retry-after'),
    date: header('date'),
  }
  const isAccepted = shape.accepted.includes(response.status)
  if (isAccepted && response.body === null) return outcome
  const text = readBody(response)
  // After an accepted status a stalled or broken body changes nothing; it is read only to keep the connection.
  if (isAccepted) {
    const patience = timeout(BODY_PATIENCE_MS)
    void Promise.race([text, patience]).then(() => {
      patience.cancel()
      abort.abort()
    })
    return outcome
  }
  return { ...outcome, body: await text }
}

async function readBody(response: Response): Promise<string | undefined> {
  const reader = response.body?.getReader()
  if (!reader) return undefined
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.byteLength
      text += decoder.decode(value, { stream: true })
      if (bytes >= ANSWER_BYTES_MAX) break
    }
  } catch {
    // What was read before the connection broke still names the fault.
  }
  reader.cancel().catch(() => {})
  return text.slice(0, ANSWER_BYTES_MAX)
}

/** The name by which the platform calls a failure; undici and Node keep it in the cause. */
function failureCode(error: unknown): string {
  for (let e = error; e instanceof Object; e = (e as { cause?: unknown }).cause) {
    const code = (e as { code?: unknown }).code
    if (typeof code === 'string') return code
    // Happy-eyeballs failures are aggregates: the first attempt's code stands for all.
    const first = (e as { errors?: unknown[] }).errors?.[0]
    if (first instanceof Object && typeof (first as { code?: unknown }).code === 'string')
      return (first as { code: string }).code
  }
  return error instanceof Error ? error.name : 'unknown'
}

/** Longer timers than this fire at once on some platforms; a waiter that wakes early only looks again. */
const TIMER_MS_MAX = 2 ** 31 - 1

/**
 * A timer that does not keep the process alive, unless somebody awaits it (`hold`: an awaited `flush()` must not let a
 * process end before it answers). The only place where timers are made.
 */
export function timeout(ms: number, hold = false): Promise<void> & { cancel(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined
  const promise = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(Math.max(ms, 0), TIMER_MS_MAX))
    if (!hold) (timer as { unref?: () => void }).unref?.()
  })
  return Object.assign(promise, { cancel: () => clearTimeout(timer) })
}
