import { preview, TaximeterError } from 'taximeter'
import { parse, plain, stringify } from './lossless.mjs'

/** Every table of an `openmeter-meters.json` file as cases `{ id, run() → got, want }`, tried through the public `preview()`. */
export function* cases(text) {
  const file = parse(text)
  yield* queries(file.queries ?? [])
  const tables = { jsonValue, jsonPath, numbers, windows, filters, parseEvent }
  for (const [name, toCase] of Object.entries(tables)) {
    for (const [i, row] of (file[name] ?? []).entries()) yield { id: `${name}[${i}]`, ...toCase(row) }
  }
}

const event = (data, more = {}) => ({
  specversion: '1.0',
  id: '1',
  source: 's',
  type: 't',
  subject: 'u',
  time: '2024-01-01T00:00:00Z',
  ...(data !== undefined && { data }),
  ...more,
})
const NOW = '2024-06-01T00:00:00Z'

/** The rows of one event (`data` is JSON text) under one meter. */
function rowsOf(data, meter, query = {}, options = {}, more = {}) {
  const raw = data === undefined || data === '' ? undefined : parse(data)
  const events = stringify([event(raw, more)])
  return preview([{ slug: 'm', eventType: 't', ...meter }], events, { meter: 'm', ...query }, { now: NOW, ...options })
}
const attempt = (run) => {
  try {
    return run()
  } catch (error) {
    if (error instanceof TaximeterError) return { error: error.code }
    throw error
  }
}

function* queries(list) {
  for (const row of list) {
    const id = plain(row.id)
    const { meters, query, customers, events, options = {} } = row.case
    for (const numeric of ['float', 'decimal']) {
      const engines = plain(row.tags ?? []).includes('engine-version') ? ['26.7', '25.12'] : ['26.7']
      for (const engine of engines) {
        const mode = numeric === 'decimal' ? 'Decimal' : ''
        const newer = engine === '26.7' ? row[`expected${mode}NewEngine`] : undefined
        const expected = row[`contract${mode}`] ?? newer ?? row[`expected${mode}`]
        yield {
          id: `${id} ${numeric}${engine === '26.7' ? '' : ' 25.12'}`,
          want: plain(expected),
          // SUM and AVG add in an order that the server leaves open.
          tolerant:
            numeric === 'float' &&
            plain(meters).some((m) => m.slug === plain(query).meter && /SUM|AVG/.test(m.aggregation)),
          run: () => {
            try {
              const { result } = preview(plain(meters), stringify(events), plain(query), {
                ...plain(options),
                numeric,
                engine,
                ...(customers && { customers: plain(customers) }),
              })
              return { result }
            } catch (error) {
              if (error instanceof TaximeterError) return { error: { status: error.http } }
              throw error
            }
          },
        }
      }
    }
    if (row.ingest || row.diagnostics) {
      yield {
        id: `${id} ingest`,
        want: { ...(row.ingest && { ingest: plain(row.ingest) }), diagnostics: plain(row.diagnostics ?? null) },
        run: () => {
          // What becomes of the events does not depend on the query, which may be one that fails.
          const { ingest, diagnostics } = preview(
            plain(meters),
            stringify(events),
            { meter: plain(query).meter },
            plain(options),
          )
          const perEvent = ingest.map((v, i) => {
            if (v.status !== 'stored') return null
            return diagnostics
              .filter((d) => d.event === i)
              .map(({ meter, code }) => (meter === undefined ? { code } : { meter, code }))
          })
          return {
            ...(row.ingest && {
              ingest: ingest.map((v) => (v.status === 'rejected' ? `rejected:${v.http}` : v.status)),
            }),
            diagnostics: row.diagnostics || perEvent.some((d) => d?.length) ? perEvent : null,
          }
        },
      }
    }
  }
}

/** One value through every eye: as a group's text, as a number in both modes, as a unique text. */
function look(data, path) {
  const text = attempt(() => rowsOf(data, { aggregation: 'COUNT', groupBy: { g: path } }, { groupBy: ['g'] }))
  if (text.error === 'path_invalid' || text.error === 'meter_invalid') return { invalidPath: true }
  const sum = (numeric) => rowsOf(data, { aggregation: 'SUM', valueProperty: path }, {}, { numeric }).result.data[0]
  const unique = rowsOf(data, { aggregation: 'UNIQUE_COUNT', valueProperty: path }).result.data[0]
  return {
    text: text.result.data[0].groupBy.g,
    float: sum('float')?.value ?? null,
    decimal: sum('decimal')?.valueDecimal ?? null,
    unique: unique.value === 1,
  }
}

function jsonValue(row) {
  const r = plain(row)
  const { text, float, decimal, unique } = r
  const want = r.invalidPath ? { invalidPath: true } : { text, float, decimal, unique, ...r.newEngine, ...r.contract }
  return { want, run: () => look(r.data, r.path) }
}

const jsonPath = jsonValue

function numbers(row) {
  const r = plain(row)
  const want = { float: r.float, decimal: r.decimal, ...r.newEngine, ...r.contract }
  return {
    want,
    run: () => {
      const { float, decimal } = look(JSON.stringify({ v: r.text }), '$.v')
      return { float, decimal }
    },
  }
}

function windows(row) {
  const r = plain(row)
  return {
    want: r.contract ?? { start: r.start, end: r.end },
    run: () => {
      const { result } = rowsOf(
        undefined,
        { aggregation: 'COUNT' },
        { windowSize: r.windowSize, windowTimeZone: r.tz },
        {},
        { time: r.time },
      )
      return { start: result.data[0].windowStart, end: result.data[0].windowEnd }
    },
  }
}

function filters(row) {
  const r = plain(row)
  return {
    want: r.match,
    run: () => {
      const got = attempt(() =>
        rowsOf(
          JSON.stringify({ g: r.value }),
          { aggregation: 'COUNT', groupBy: { g: '$.g' } },
          { advancedMeterGroupByFilters: { g: r.filter }, groupBy: ['g'] },
        ),
      )
      return got.error ?? got.result.data.length === 1
    },
  }
}

function parseEvent(row) {
  const r = plain(row)
  return {
    want: r.diagnostic,
    run: () => {
      const got = attempt(() =>
        rowsOf(r.data, {
          aggregation: r.aggregation,
          ...(r.valueProperty !== undefined && { valueProperty: r.valueProperty }),
        }),
      )
      // A path that does not even begin with $ is already no valid meter.
      return got.error === 'meter_invalid' ? 'path_invalid' : (got.error ?? got.diagnostics[0]?.code ?? null)
    },
  }
}
