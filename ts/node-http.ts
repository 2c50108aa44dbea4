import type { IncomingMessage } from 'node:http'
import {
  ANSWER_BYTES_MAX,
  answerText,
  BODY_PATIENCE_MS,
  type Done,
  type Target,
  type Transport,
  timeout,
} from './driver'

type Http = Pick<typeof import('node:http'), 'request'>

/**
 * Node's own HTTP client, which costs a third of its `fetch`; `undefined` where there is none. Requests go through the
 * global agent, so they keep connections alive and use whatever proxy and certificates the host has set there.
 *
 * Bun and Deno imitate it, and their `fetch` costs less; Workers imitate it with theirs, and lack libuv.
 */
export function viaNode({ url, headers, accepted, hintName }: Target): Transport | undefined {
  const { process } = globalThis as { process?: Partial<NodeJS.Process> }
  const versions = process?.versions
  if (!versions?.node || !versions.uv || versions.bun || versions.deno || !process?.getBuiltinModule) return undefined
  const load = process.getBuiltinModule.bind(process) as (name: string) => Http
  const { protocol, hostname, host, port, pathname } = new URL(url)
  const isTls = protocol === 'https:'
  const options = { method: 'POST', hostname: hostname.replace(/^\[|\]$/g, ''), port, path: pathname }
  // As a list they are sent as they stand, which costs least.
  const all = { host, accept: '*/*', 'user-agent': 'taximeter', ...headers }
  const lines = Object.entries(all).flat()
  return (body, done, more) => {
    // Looked up late, so that a module that is patched after import (tracing) is the one that is called.
    const http = load(isTls ? 'node:https' : 'node:http')
    let unsent = true
    const sent = more ? Object.entries({ ...all, ...more }).flat() : lines
    const request = http.request({ ...options, headers: [...sent, 'content-length', String(body.length)] })
    request
      .on('socket', (socket) => {
        // An awaited flush holds the process, and nothing else does.
        socket.unref()
        unsent = socket.connecting
        if (unsent)
          socket.once(isTls ? 'secureConnect' : 'connect', () => {
            unsent = false
          })
      })
      .on('response', (response) => take(response, accepted, hintName, done))
      .on('error', (thrown) => done({ thrown }))
      .end(body)
    return { abort: () => void request.destroy(), unsent: () => unsent }
  }
}

function take(response: IncomingMessage, accepted: readonly number[], hintName: string, done: Done): void {
  const { statusCode: status = 0, headers } = response
  const isAccepted = accepted.includes(status)
  const chunks: Uint8Array[] = []
  let bytes = 0
  let isOver = false
  let cancel: (() => void) | undefined
  const finish = () =>
    done({
      status,
      contentType: headers['content-type'],
      retryAfter: headers['retry-after'],
      date: headers.date,
      ...(hintName && { hint: headers[hintName] as string | undefined }),
      body: answerText(chunks),
    })
  const over = () => {
    if (isOver) return
    isOver = true
    cancel?.()
    // Not before the connection is free: the next request is to go the same way.
    queueMicrotask(finish)
  }
  response
    .on('data', (chunk: Uint8Array) => {
      if (!isAccepted) chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= ANSWER_BYTES_MAX) response.destroy()
    })
    // What was read before the connection broke still names the fault.
    .on('error', over)
    .on('end', over)
    .on('close', over)
  if (!isAccepted) return
  // Now a stalled or broken body changes nothing; it is read only to keep the connection.
  setImmediate(() => {
    if (isOver) return
    finish()
    cancel = timeout(BODY_PATIENCE_MS, () => response.destroy())
  })
}
