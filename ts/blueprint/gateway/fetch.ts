import { countedBody } from '../body'

/** A response whose body is counted as it is read, and what tells it: at the end of the body, or when it is left. */
export function countedResponse(response: Response, done: (bytes: number) => void): Response {
  const { status, body } = response
  // Status 101 hands a connection over; the others have no body.
  if (body === null || status < 200 || response.bodyUsed || body.locked) {
    done(0)
    return response
  }
  const counted = new Response(countedBody(body, done), response)
  for (const name of ['url', 'type', 'redirected'] as const) {
    Object.defineProperty(counted, name, { value: response[name], enumerable: true, configurable: true })
  }
  return counted
}

/** A number of bytes that is said in a header. */
export function saidLength(headers: Headers): number | undefined {
  const said = headers.get('content-length')
  return said !== null && /^\d+$/.test(said) ? Number(said) : undefined
}

/**
 * A request whose body's bytes are known: said by its header, or counted. The same request, unless its body comes without
 * a length; then one of the same class with the same body.
 */
export function countedRequest<Given extends Request>(request: Given): [Given, () => number | undefined] {
  // Some servers make the body only when it is asked for.
  if (['GET', 'HEAD'].includes(request.method)) return [request, () => 0]
  const said = saidLength(request.headers)
  if (said !== undefined || !request.body) return [request, () => said ?? 0]
  let bytes = 0
  const see = (length: number) => {
    bytes += length
  }
  const init = { body: countedBody(request.body, () => {}, see), duplex: 'half' }
  const Same = request.constructor as new (input: Request, init: object) => Given
  return [new Same(request, init), () => bytes]
}
