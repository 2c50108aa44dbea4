/** Meters as most people would write them: a Map from hour, subject and groups to a sum, with given paths and numbers. */
import { HOUR_MS, METERS, PRICE, PRICED } from './definitions.mjs'

export function plain(reader, { of, add, times, number }) {
  const meters = METERS.map(({ slug, eventType, valueProperty, groupBy }) => ({
    slug,
    eventType,
    value: valueProperty === undefined ? () => 1 : reader(valueProperty),
    groups: Object.values(groupBy).map(reader),
    cells: new Map(),
  }))
  return {
    record({ type, subject, data }) {
      const hour = Math.floor(Date.now() / HOUR_MS)
      for (const { eventType, value, groups, cells } of meters) {
        if (eventType !== type) continue
        let key = `${hour}|${subject}`
        for (const group of groups) key += `|${group(data)}`
        const amount = of(value(data))
        const cell = cells.get(key)
        cells.set(key, cell === undefined ? amount : add(cell, amount))
      }
    },
    result() {
      const rows = {}
      let total = of(0)
      for (const { slug, cells } of meters) {
        for (const [key, amount] of cells) {
          const row = `${slug}|${key.split('|').slice(2).join('|')}`
          rows[row] = row in rows ? add(rows[row], amount) : amount
          if (slug === PRICED) total = add(total, amount)
        }
      }
      for (const row of Object.keys(rows)) rows[row] = number(rows[row])
      return { rows, cost: number(times(total, of(PRICE))) }
    },
  }
}

/** JavaScript's own numbers. */
export const FLOAT = { of: Number, add: (a, b) => a + b, times: (a, b) => a * b, number: (a) => a }
/** `$.a.b` as a function that reads it. */
export function getter(path) {
  const names = path.split('.').slice(1)
  return (data) => {
    let value = data
    for (const name of names) value = value?.[name]
    return value
  }
}
