import { renamed } from '../../span'
import type { Json } from '../../types'
import type { Names } from '../blueprint'
import { type Recorder, refuse, tell } from '../recorder'

/** What is counted of a call, and for whom. `Given` is the request as the framework has it. */
export interface ApiOptions<Given> {
  /**
   * Whose call it is; asked when the answer is given, so that authentication has been. Nobody's call (`undefined`) is not
   * counted. What it throws is told by `on('error')`.
   */
  subject: (request: Given) => string | undefined | PromiseLike<string | undefined>
  /** Only these endpoints: `/items/:id`, `POST /items`, `/v1/*`, `POST *`. All if absent. */
  include?: readonly string[]
  /** Not these endpoints, e.g. `['/health', 'OPTIONS *']`. */
  exclude?: readonly string[]
  /** Counts calls that were refused for their rate (status 429) too. */
  rejected?: boolean
  /** More members of the event's `data`, e.g. `{ plan: 'pro' }`. */
  data?: (request: Given) => { [dimension: string]: Json | undefined }
  /** Other names, e.g. `dodoNames.apiGateway`. */
  names?: Names
}

/** What an endpoint is called that no route was found for: a path of the caller's own would be a group of its own. */
export const UNMATCHED = 'unmatched'

/** What is known of a call when it has been answered. */
export interface Answered {
  method: string
  /** The template, e.g. `/items/:id`. */
  route: string
  status: number
  /** Milliseconds. */
  duration: number
  /** Bytes of the bodies; `undefined` if they are not known. */
  ingress: number | undefined
  egress: number | undefined
}

/** What was counted already: middleware that is used twice must not bill twice. */
const counted = /* @__PURE__ */ new WeakMap<Recorder, WeakSet<object>>()

/** Counts a call. Whatever goes wrong is told by the meter's `on('error')` and reaches nobody else. */
export function count<Given extends object>(
  meter: Recorder,
  options: ApiOptions<Given>,
  request: Given,
  answered: () => Answered,
): void {
  const fail = (error: unknown) => refuse(meter, error)
  try {
    const { method, route, status, duration, ingress, egress } = answered()
    if (status === 429 && !options.rejected) return
    const { include, exclude, names } = options
    const isOne = (endpoint: string) => matches(endpoint, method, route)
    if ((include !== undefined && !include.some(isOne)) || exclude?.some(isOne)) return
    const micros = Math.round(duration * 1000)
    const data = {
      method,
      route,
      status,
      duration_ms: micros / 1e3,
      duration_seconds: micros / 1e6,
      ingress_bytes: ingress,
      egress_bytes: egress,
    }
    const record = (subject: string | undefined) => {
      if (subject === undefined || subject === null || isCounted(meter, request)) return
      tell(meter, () => ({
        type: names?.eventType ?? 'request',
        subject,
        data: renamed({ ...options.data?.(request), ...data }, names?.fields),
      }))
    }
    const subject = options.subject(request)
    if (subject instanceof Object) Promise.resolve(subject).then(record, fail)
    else record(subject)
  } catch (error) {
    fail(error)
  }
}

function isCounted(meter: Recorder, request: object): boolean {
  const requests = counted.get(meter) ?? new WeakSet()
  counted.set(meter, requests)
  const isKnown = requests.has(request)
  requests.add(request)
  return isKnown
}

/** Whether an endpoint of a list is meant: a route, after a method if there is one; `*` at the end is anything. */
function matches(endpoint: string, method: string, route: string): boolean {
  const [, wanted = method, path = ''] = /^(?:([A-Z]+) )?(.*)$/s.exec(endpoint) ?? []
  if (wanted !== method) return false
  return path.endsWith('*') ? route.startsWith(path.slice(0, -1)) : route === path
}
