/**
 * The seam to the rules. What an event must look like and what a meter makes of it is decided by the core of the
 * `taximeter` package; this server only carries texts to it.
 *
 * @typedef {object} MeterDefinition a meter in the spelling of OpenMeter's v1 API
 * @property {string} slug
 * @property {string} eventType
 * @property {string} aggregation
 * @property {string} [valueProperty]
 * @property {Record<string, string>} [groupBy]
 * @property {string} [eventFrom]
 * @property {string} [name]
 * @property {string} [description]
 *
 * @typedef {object} MeterQuery the parameters of OpenMeter's v1 meter query
 * @property {string} meter
 * @property {string} [from]
 * @property {string} [to]
 * @property {string} [windowSize]
 * @property {string} [windowTimeZone]
 * @property {string[]} [subject]
 * @property {string[]} [filterCustomerId]
 * @property {string[]} [groupBy]
 * @property {Record<string, string[]>} [filterGroupBy]
 * @property {unknown} [advancedMeterGroupByFilters]
 *
 * @typedef {object} Verdict what the meter server makes of one event; the last three only for a rejected one
 * @property {'stored' | 'duplicate' | 'dropped' | 'rejected'} status
 * @property {number} [http]
 * @property {string} [code]
 * @property {string} [path]
 *
 * @typedef {object} Engine
 * @property {(events: string, now: string) => Verdict[]} check one verdict for each CloudEvent of a JSON array
 * @property {(meters: MeterDefinition[], events: string, query: MeterQuery, options: { now: string, dedupe: boolean }) => object} query
 *   `{ from?, to?, windowSize?, data }` over the events, a JSON array in order of arrival. Throws an error that has the
 *   `code`, `message` and `path` of the core and, as `http`, the status with which the meter server would answer.
 */

/** Some meter, because a preview needs one; what is asked here is only what becomes of the events. */
const ANY = [{ slug: 'any', eventType: 'any', aggregation: 'COUNT' }]

/**
 * The rules of the installed `taximeter` package.
 * @returns {Promise<Engine>}
 */
export async function loadEngine() {
  // Named by a variable, so that the types of this package can be checked before that one is built.
  const name = 'taximeter'
  const { preview } = await import(name)
  return {
    check: (events, now) => preview(ANY, events, { meter: 'any' }, { now }).ingest,
    query: (meters, events, query, options) => preview(meters, events, query, options).result,
  }
}

/** Codes of a core that failed or was called in a wrong way. */
const FAULTS = ['internal', 'core_trapped', 'core_unavailable', 'option_invalid', 'unknown_option']

/**
 * The status and the text of what the core refuses. Anything else is thrown again: it is a fault of this server.
 * @param {any} error
 */
export function explain(error) {
  if (typeof error?.code !== 'string' || FAULTS.includes(error.code)) throw error
  const where = error.path ? `${error.path}: ` : ''
  const help = error.help ? ` (${error.help})` : ''
  return { status: Number(error.http ?? 400), detail: `${error.code}: ${where}${error.message}${help}` }
}
