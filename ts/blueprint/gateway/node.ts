/** A request of Node's, as far as it is looked at: HTTP/1 and HTTP/2, and stand-ins for them in tests. */
export interface NodeRequest {
  method?: string | undefined
  headers: Record<string, string | string[] | undefined>
  complete?: boolean
}

export interface NodeResponse {
  statusCode: number
  headersSent: boolean
  once(event: 'finish' | 'close', listener: () => void): unknown
}

/** What a request and its answer came to. */
export interface Watched {
  method: string
  status: number
  duration: number
  ingress: number
  egress: number
}

type Method = (this: unknown, ...args: unknown[]) => unknown

/** The status of a request that its caller left before it was answered, as nginx has it. */
const CLIENT_CLOSED_REQUEST = 499

/** Counts the bytes of a request and its answer as they pass; tells once, when the answer is sent or the caller has left. */
export function watch(request: NodeRequest, response: NodeResponse, done: (watched: Watched) => void): void {
  const start = performance.now()
  const method = request.method ?? 'GET'
  let received = 0
  let sent = 0
  // Node hands a request's body in by `push`, whoever reads it.
  outermost(request, ['push'], (chunk, encoding) => {
    received += bytesOf(chunk, encoding)
  })
  outermost(response, ['write', 'end'], (chunk, encoding) => {
    sent += bytesOf(chunk, encoding)
  })
  let isDone = false
  const end = () => {
    if (isDone) return
    isDone = true
    const { statusCode, headersSent } = response
    const hasBody = method !== 'HEAD' && statusCode !== 204 && statusCode !== 304
    // What was read before this was not seen.
    const said = request.complete && received === 0 ? Number(request.headers['content-length'] ?? 0) : 0
    done({
      method,
      status: headersSent ? statusCode : CLIENT_CLOSED_REQUEST,
      duration: performance.now() - start,
      ingress: received || said,
      egress: hasBody ? sent : 0,
    })
  }
  response.once('finish', end)
  response.once('close', end)
}

/** Lets `see` look at the arguments of methods, but not of calls that they make of each other. */
function outermost(target: object, names: string[], see: (chunk: unknown, encoding: unknown) => void): void {
  const methods = target as Record<string, Method | undefined>
  let isWithin = false
  for (const name of names) {
    const method = methods[name]
    if (typeof method !== 'function') continue
    methods[name] = function (...args) {
      if (isWithin) return method.apply(this, args)
      isWithin = true
      try {
        const result = method.apply(this, args)
        see(args[0], args[1])
        return result
      } finally {
        isWithin = false
      }
    }
  }
}

function bytesOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string') {
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  }
  return chunk instanceof Uint8Array ? chunk.byteLength : 0
}
