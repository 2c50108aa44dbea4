/** Bytes in, bytes out. */
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { BODY_BYTES_MAX, DRAIN_BYTES_MAX } from './limits.js'

/**
 * @typedef {{ bytes: number, text: string } | { bytes: number, text?: undefined, status: number, detail: string }} Body
 */

/** @param {import('node:http').IncomingMessage} req @returns {Promise<Body>} */
export async function readBody(req) {
  /** @type {Buffer[]} */
  let chunks = []
  let bytes = 0
  for await (const chunk of req) {
    bytes += chunk.length
    if (bytes > DRAIN_BYTES_MAX) req.destroy()
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk)
    else chunks = []
  }
  if (bytes > BODY_BYTES_MAX) return { bytes, status: 413, detail: `the body has more than ${BODY_BYTES_MAX} bytes` }
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const body = Buffer.concat(chunks)
    const isGzip = req.headers['content-encoding'] === 'gzip'
    return { bytes, text: decoder.decode(isGzip ? gunzipSync(body, { maxOutputLength: BODY_BYTES_MAX }) : body) }
  } catch {
    return { bytes, status: 400, detail: 'the body is not UTF-8, or not the gzip that it should be' }
  }
}

/**
 * Waits, then answers or does not; says which status was sent.
 * @param {import('./script.js').Step} step
 * @param {import('./script.js').Answer} answer
 * @param {import('node:http').ServerResponse} res
 * @param {AbortSignal} closed
 */
export async function play({ delayMs = 0, end = 'reply' }, answer, res, closed) {
  if (delayMs > 0) await sleep(delayMs, undefined, { signal: closed }).catch(() => {})
  if (end === 'hang') return undefined
  if (end === 'reset') {
    res.socket?.resetAndDestroy()
    return undefined
  }
  if (end === 'reply') {
    send(res, answer)
  } else {
    const body = Buffer.from(answer.body ?? '')
    res.writeHead(answer.status, { ...answer.headers, 'content-length': body.length })
    res.write(body.subarray(0, body.length >> 1))
  }
  return answer.status
}

/** @param {import('node:http').ServerResponse} res @param {import('./script.js').Answer} answer */
export function send(res, { status, headers = {}, body = '' }) {
  const length = status === 204 || status === 304 ? {} : { 'content-length': `${Buffer.byteLength(body)}` }
  res.writeHead(status, { ...headers, ...length }).end(length['content-length'] ? body : undefined)
}
