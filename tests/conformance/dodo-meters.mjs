import { dodo, preview, Taximeter } from 'taximeter'
import { parse, plain, stringify } from './lossless.mjs'

/** Every table of a `dodo-meters.json` file as cases: meters through `preview()`, prices through a client's `cost()`. */
export function* cases(text) {
  const file = parse(text)
  for (const row of file.meters ?? []) {
    const { id, expect, meter } = plain(row)
    yield { id, want: decimal(expect), run: () => quantity(meter, stringify(row.requests ?? [row.events])) }
  }
  for (const row of file.prices ?? []) {
    const { id, expect_major } = plain(row)
    yield { id, want: decimal(expect_major), run: () => price(plain(row)) }
  }
}

/** `30.00` and `30` are one decimal. */
const decimal = (text) => (/\./.test(text) ? text.replace(/\.?0+$/, '') : text)

/** The quantity of the meter, or `rejected` if no request was taken. */
function quantity(meter, requests) {
  const { result, ingest } = preview([meter], requests, { meter: meter.name ?? meter.event_name })
  if (ingest.length > 0 && ingest.every((verdict) => verdict.status === 'rejected')) return 'rejected'
  const [row] = result.data
  return row.valueDecimal ?? String(row.value)
}

/** What a customer pays who used so many units. */
async function price({ units, free_threshold, price_per_unit_major }) {
  const client = new Taximeter({
    source: 'conformance',
    sink: dodo({ apiKey: 'none', url: 'http://localhost:1' }),
    fetch: async () => new Response('{}', { status: 200 }),
    meters: [{ event_name: 'e', aggregation: { type: 'sum', key: 'units' }, measurement_unit: 'n' }],
    prices: { meters: { e: { type: 'unit', amount: price_per_unit_major, free: free_threshold } } },
  })
  const { error } = client.record({ type: 'e', subject: 'cus_123', data: { units } })
  if (error) throw error
  const { total } = client.cost({ subject: 'cus_123' })
  await client.close()
  return total
}
