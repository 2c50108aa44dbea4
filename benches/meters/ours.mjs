/** Taximeter with the meters and the price; it records and delivers too. */
import { create as client } from '../variants/ours.mjs'
import { METERS, PRICE, PRICED } from './definitions.mjs'

export function create() {
  const { record, flush, meter } = client({
    meters: METERS,
    prices: { meters: { [PRICED]: { type: 'unit', amount: PRICE } } },
  })
  return {
    record,
    flush,
    close: () => meter.close(),
    result() {
      const rows = {}
      for (const { slug, groupBy } of METERS) {
        const names = Object.keys(groupBy)
        for (const row of meter.preview(slug, { groupBy: names }).data) {
          rows[[slug, ...names.map((name) => row.groupBy[name])].join('|')] = row.value
        }
      }
      return { rows, cost: Number(meter.cost().total) }
    },
  }
}
