import { enter, newCore } from './engine'
import { TaximeterError } from './errors'
import { eventsBytes } from './preview'
import type { AnyMeter } from './types'

/** What is wrong with some events, of one meter, at one place. */
export interface Finding {
  /** Stable, e.g. `no_meter`, `value_missing`, `group_missing`, `id_reused`, `too_old`. */
  code: string
  /** Not accepted or counted as it is; probably not what was meant; good to know. */
  level: 'error' | 'warning' | 'info'
  meter?: string
  /** A path of the meter, or of the event. */
  path?: string
  /** Numbers of the first five events. */
  events: number[]
  /** Of how many events it is true. */
  count: number
  message: string
  /** How to mend it. */
  help?: string
}

/** What {@link lint} looks by. */
export interface LintOptions {
  meters: AnyMeter[]
  /** Where the events go; `openmeter` if absent. */
  target?: 'openmeter' | 'dodo'
  /** When they are sent, RFC 3339; the present if absent. */
  now?: string
}

/**
 * Says what will go wrong with events before they are sent: a type that no meter counts, a value that is no number, a group
 * that is always empty, an id that is used twice … A pure function; nothing is sent or changed. Needs `taximeter/full`,
 * else it throws `lint_unavailable`.
 *
 * `events` are as in {@link preview}. The findings come with the worst first.
 *
 * @example
 * lint([{ specversion: '1.0', id: '1', source: 's', type: 'cal', subject: 'u' }], { meters })
 */
export function lint(events: object[] | string, options: LintOptions): Finding[] {
  const { meters, target = 'openmeter', now = new Date().toISOString() } = options
  const sentAt = Date.parse(now)
  if (Number.isNaN(sentAt)) throw new TaximeterError('time_invalid', 'now is not an RFC 3339 time', { path: 'now' })
  const sink = { kind: target, url: 'http://localhost' }
  const core = newCore(JSON.stringify({ source: 'lint', sink, meters }))
  try {
    return JSON.parse(enter(() => core.lint(eventsBytes(events), sentAt, 0)))
  } finally {
    core.free()
  }
}
