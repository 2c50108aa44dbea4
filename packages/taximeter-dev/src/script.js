/** Faults on demand: what the next ingest requests get instead of the truth. */
import { DELAY_MS_MAX, SCRIPT_STEPS_MAX } from './limits.js'

/**
 * @typedef {object} Step the fate of one ingest request; what is left out happens as usual
 * @property {number} [status] the status to answer with
 * @property {Record<string, string>} [headers] more headers for the answer
 * @property {string} [body] the body of the answer; with a `status` of its own, the default is none
 * @property {number} [delayMs] wait between storing and answering
 * @property {'none' | 'all' | number} [commit]
 *   how many of the request's events are stored: all, none, or the first so many. Default: none if `status` is an
 *   error (400 or above), else all. A request that breaks the endpoint's own rules stores nothing in any case.
 * @property {'reply' | 'reset' | 'hang' | 'half-reply'} [end]
 *   reply: answer. reset: break the connection without an answer. hang: keep it open without an answer.
 *   half-reply: send the head (200 unless `status` is given) and half a body, then hang.
 *
 * @typedef {{ status: number, headers?: Record<string, string>, body?: string }} Answer
 */

const KEYS = ['status', 'headers', 'body', 'delayMs', 'commit', 'end']
const ENDS = ['reply', 'reset', 'hang', 'half-reply']

export class Script {
  /** @type {Step[]} */
  #steps = []

  /** @param {Step[]} steps */
  add(steps) {
    if (this.#steps.length + steps.length > SCRIPT_STEPS_MAX) {
      throw new RangeError(`a script has at most ${SCRIPT_STEPS_MAX} steps`)
    }
    for (const step of steps) check(step)
    this.#steps.push(...steps)
  }

  next() {
    return this.#steps.shift()
  }

  get length() {
    return this.#steps.length
  }
}

/** @param {Step} step */
function check(step) {
  const unknown = Object.keys(step).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) throw new TypeError(`a script step has no "${unknown}"; it has ${KEYS.join(', ')}`)
  const { status = 200, delayMs = 0, commit = 'all', end = 'reply' } = step
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError('status must be 200 to 599')
  if (!(delayMs >= 0 && delayMs <= DELAY_MS_MAX)) throw new RangeError(`delayMs must be 0 to ${DELAY_MS_MAX}`)
  if (commit !== 'all' && commit !== 'none' && !(Number.isInteger(commit) && commit >= 0)) {
    throw new TypeError('commit must be "all", "none" or a count')
  }
  if (!ENDS.includes(end)) throw new TypeError(`end must be one of ${ENDS.join(', ')}`)
}

/** How many of `count` events the step lets through. @param {Step} step @param {number} count */
export function committed({ status = 200, commit = status >= 400 ? 'none' : 'all' }, count) {
  if (commit === 'none') return 0
  return commit === 'all' ? count : Math.min(commit, count)
}

/** The step's answer in place of the usual one. @param {Step} step @param {Answer} usual @returns {Answer} */
export function answerOf({ status, headers, body, end }, usual) {
  const half = end === 'half-reply' ? { status: 200, headers: {}, body: '{"half":"of a body"}' } : undefined
  const answer = status === undefined ? (half ?? usual) : { status, headers: {}, body: half?.body ?? '' }
  return { ...answer, headers: { ...answer.headers, ...headers }, body: body ?? answer.body ?? '' }
}
