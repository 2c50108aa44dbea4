/**
 * A small stand-in for the core, so that these tests are about the server alone: the required strings, a time, an
 * object as data; one meter, SUM or COUNT of a top-level property, by one group at most.
 */
const error = (code, path, http = 400) => Object.assign(new Error(`${path} is wrong`), { code, path, http })

const REQUIRED = ['id', 'source', 'specversion', 'type', 'subject']
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/

function verdictOf(event) {
  const rejected = (code, path, http = 400) => ({ status: 'rejected', http, code, path })
  for (const field of REQUIRED) {
    if (event?.[field] == null) return rejected('field_missing', field)
    if (typeof event[field] !== 'string') return rejected('field_type', field)
    if (event[field] === '') return rejected('field_empty', field)
  }
  const { time, data } = event
  if (time != null && !TIME.test(time)) return rejected('time_invalid', 'time')
  if (data != null && (typeof data !== 'object' || Array.isArray(data))) return rejected('data_not_object', 'data')
  if (Object.values(data ?? {}).includes(Infinity)) return rejected('number_overflow', 'data', 500)
  return { status: Date.parse(time) < 1000 ? 'dropped' : 'stored' }
}

export const engine = {
  check: (events) => JSON.parse(events).map(verdictOf),

  query(meters, events, query, options) {
    const meter = meters.find(({ slug }) => slug === query.meter)
    if (typeof meter?.slug !== 'string' || !meter.eventType) throw error('meter_invalid', 'slug')
    if (query.windowSize === 'WEEK') throw error('query_invalid', 'windowSize')
    const rows = new Map()
    for (const { subject, data } of JSON.parse(events)) {
      const group = Object.fromEntries((query.groupBy ?? []).map((key) => [key, data?.[key] ?? '']))
      const key = JSON.stringify(group)
      const value = meter.aggregation === 'COUNT' ? 1 : Number(data[meter.valueProperty.slice(2)])
      if (query.subject && !query.subject.includes(subject)) continue
      rows.set(key, { value: value + (rows.get(key)?.value ?? 0), groupBy: group })
    }
    const { from, to, windowSize } = query
    return { from, to, windowSize, data: [...rows.values()], asked: query, options }
  },
}

/** The same under the name and in the form of the `taximeter` package. */
export const preview = (meters, events, query, options) => ({
  ingest: engine.check(events),
  result: query.meter === 'any' ? undefined : engine.query(meters, events, query, options),
})
