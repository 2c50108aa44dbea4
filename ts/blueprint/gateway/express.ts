import { UNMATCHED } from './call'

/** What Express keeps on a request while it looks for who answers it. */
export interface ExpressRequest {
  baseUrl: string
  params: Record<string, string | string[] | undefined>
  route?: { path: unknown } | undefined
}

/**
 * The template of the route that a request has been given to: `/users/:id/posts`, mounted routers included.
 *
 * Express knows templates of routes, but of a mounted router only the path that was asked for (`baseUrl`), and forgets it
 * when it leaves the router. So both are looked at when Express sets them: with the parameters of that moment.
 */
export function watchRoute(request: ExpressRequest): () => string {
  let baseUrl = request.baseUrl
  let { route } = request
  const mounts = new Map([[baseUrl, template(baseUrl, request.params)]])
  let found: string | undefined
  Object.defineProperty(request, 'baseUrl', {
    configurable: true,
    enumerable: true,
    get: () => baseUrl,
    set(path: string) {
      if (typeof path === 'string' && path.startsWith(baseUrl)) {
        mounts.set(path, mounts.get(baseUrl) + template(path.slice(baseUrl.length), request.params))
      }
      baseUrl = path
    },
  })
  Object.defineProperty(request, 'route', {
    configurable: true,
    enumerable: true,
    get: () => route,
    set(given: ExpressRequest['route']) {
      route = given
      if (given === undefined) return
      const mount = mounts.get(baseUrl) ?? ''
      found = given.path === '/' && mount !== '' ? mount : mount + String(given.path)
    },
  })
  return () => {
    if (found !== undefined) return found
    // Answered by a mounted handler without routes of its own, such as a folder of files.
    const mount = mounts.get(baseUrl)
    return mount ? `${mount}/*` : UNMATCHED
  }
}

/** A path with the names of its parameters for their values, the innermost first. */
function template(path: string, params: ExpressRequest['params']): string {
  const segments = path.split('/').map(decoded)
  for (const [name, value] of Object.entries(params ?? {}).reverse()) {
    const parts = typeof value === 'string' ? [value] : (value ?? [])
    if (parts.length === 0 || parts[0] === '') continue
    const named = Array.isArray(value) ? `*${name}` : `:${name}`
    const text = parts.join('/')
    const starts = segments.map((_, i) => segments.slice(i, i + parts.length).join('/'))
    const whole = starts.lastIndexOf(text)
    if (whole >= 0) segments.splice(whole, parts.length, named)
    else {
      // A part of a segment, as in /v:version.
      const part = segments.findIndex((segment) => segment.includes(text))
      if (part >= 0) segments[part] = segments[part]?.replace(text, named) ?? named
    }
  }
  return segments.join('/')
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
