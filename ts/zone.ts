import { TaximeterError } from './errors'
import type { Query, QueryV3 } from './types'

/** Seconds in a day. */
const DAY = 86_400
/** Two changes of a zone lie at least seven days apart (true since 1970), so probing every three days misses none. */
const PROBE = 3 * DAY

/** A zone's rules over a span of time: `[unix seconds from which it holds, offset in seconds]`, ascending. */
export type ZoneTable = [number, number][]

/** Formatters that are kept: they are dear to make, and zone names come from outside. */
const FORMATS_MAX = 64
const formats = new Map<string, Intl.DateTimeFormat>()

/**
 * The rules of a query's zone, an IANA name, from the platform's own data (it is too large to ship); `null` for UTC. `range` gives the
 * time to cover as JSON, `{ from, to }` in unix seconds or `null` for none; it is asked only when a zone is. Throws
 * `query_invalid` for an unknown zone.
 */
export function zoneTable(query: Query & QueryV3, range: () => string): ZoneTable | null {
  const zone = query.windowTimeZone ?? query.time_zone
  if (zone === undefined || zone === '' || zone === 'UTC') return null
  const format = formatOf(zone)
  const span: { from: number; to: number } | null = JSON.parse(range())
  if (span === null) return null
  const { from, to } = span
  const table: ZoneTable = [[from, offset(format, from)]]
  for (let at = from; at < to; ) {
    const next = Math.min(at + PROBE, to)
    const before = offset(format, at)
    const after = offset(format, next)
    if (before !== after) {
      let low = at
      let high = next
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2)
        if (offset(format, middle) === before) low = middle
        else high = middle
      }
      table.push([high, after])
    }
    at = next
  }
  return table
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  try {
    // `+01:00` is no zone with rules, though Intl takes it.
    if (typeof zone !== 'string' || /^[+-]/.test(zone)) throw new RangeError(zone)
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
    if (formats.size >= FORMATS_MAX) formats.clear()
    formats.set(zone, format)
    return format
  } catch {
    throw new TaximeterError('query_invalid', `this platform knows no time zone '${zone}'`, {
      path: 'windowTimeZone',
      help: 'use an IANA name such as Europe/Berlin',
      http: 400,
    })
  }
}

/** Seconds east of UTC at an instant; the format prints `GMT`, `GMT+05:30` or, for old times, `GMT-00:44:30`. */
function offset(format: Intl.DateTimeFormat, seconds: number): number {
  const name = format.formatToParts(seconds * 1000).find((part) => part.type === 'timeZoneName')?.value ?? ''
  const [, sign, hours, minutes, rest] = /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(name) ?? []
  if (hours === undefined) return 0
  const value = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest ?? 0)
  return sign === '-' ? -value : value
}
