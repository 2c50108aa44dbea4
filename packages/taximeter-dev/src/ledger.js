/** What came in: every request, and of every event its bytes' hash and the number of the attempt. */
import { createHash } from 'node:crypto'
import { ARRIVALS_KEPT_MAX, REQUESTS_KEPT_MAX } from './limits.js'

/**
 * @typedef {'stored' | 'duplicate' | 'dropped' | 'withheld' | 'refused'} Outcome
 *   stored: new. duplicate: its id was known. dropped: accepted, but the meter server would throw it away.
 *   withheld: a script said not to store it. refused: the request was answered with an error before storing.
 *
 * @typedef {object} Arrival one event of one request
 * @property {string} source
 * @property {string} id
 * @property {string} sha256 of the event's bytes as they stand in the request
 * @property {number} attempt how often this source and id have arrived, this time included
 * @property {Outcome} outcome
 *
 * @typedef {object} RequestRecord
 * @property {number} n from 1
 * @property {number} time milliseconds since 1970
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string | string[] | undefined>} headers the ones with a key left out
 * @property {number} bytes of the body
 * @property {number | undefined} status sent; undefined if no answer was
 * @property {Arrival[]} arrivals
 */

export class Ledger {
  /** @type {RequestRecord[]} */
  requests = []
  counts = { requests: 0, arrivals: 0, stored: 0, duplicate: 0, dropped: 0, withheld: 0, refused: 0 }
  #opened = 0
  #arrivalsKept = 0
  /** Two generations: when the younger is full, the older is forgotten. @type {[Map<string, number>, Map<string, number>]} */
  #attempts = [new Map(), new Map()]

  /**
   * @param {{ method?: string | undefined, url?: string | undefined, headers: RequestRecord['headers'] }} req
   * @param {number} time
   * @returns {RequestRecord}
   */
  open({ method = '', url = '', headers }, time) {
    const { authorization: _, 'x-api-key': __, 'x-schematic-api-key': ___, ...others } = headers
    const path = url.split('?', 1)[0] ?? ''
    const n = ++this.#opened
    const record = { n, time, method, path, headers: others, bytes: 0, status: undefined, arrivals: [] }
    this.requests.push(record)
    this.#trim()
    return record
  }

  /**
   * @param {RequestRecord} record
   * @param {{ source: string, id: string, raw: string }} event
   * @param {Outcome} outcome
   */
  arrive(record, { source, id, raw }, outcome) {
    const [younger, older] = this.#attempts
    const key = JSON.stringify([source, id])
    const attempt = (younger.get(key) ?? older.get(key) ?? 0) + 1
    younger.set(key, attempt)
    if (younger.size >= ARRIVALS_KEPT_MAX) this.#attempts = [new Map(), younger]
    record.arrivals.push({ source, id, sha256: createHash('sha256').update(raw).digest('hex'), attempt, outcome })
    this.counts.arrivals++
    this.counts[outcome]++
    this.#arrivalsKept++
    this.#trim()
  }

  /** Forgets the oldest requests; the newest always stays. */
  #trim() {
    while (
      this.requests.length > 1 &&
      (this.requests.length > REQUESTS_KEPT_MAX || this.#arrivalsKept > ARRIVALS_KEPT_MAX)
    ) {
      this.#arrivalsKept -= this.requests.shift()?.arrivals.length ?? 0
    }
  }
}
