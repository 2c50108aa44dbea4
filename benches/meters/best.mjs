/** The best we can write in JavaScript: strings as small numbers, one number for a cell's key, inexact sums. */
import { HOUR_MS, METERS, PRICE, PRICED } from './definitions.mjs'

/** Different strings of one key that a cell's key has room for. */
const ROOM = 4096

export function create() {
  const subjects = names()
  const meters = METERS.map(({ slug, eventType, valueProperty, groupBy }) => ({
    slug,
    eventType,
    name: valueProperty?.slice(2),
    groups: Object.values(groupBy).map((path) => ({ name: path.slice(2), ids: names() })),
    places: new Map(),
    sums: [],
  }))
  const start = Math.floor(Date.now() / HOUR_MS)
  return {
    record({ type, subject, data }) {
      const first = (Math.floor(Date.now() / HOUR_MS) - start) * ROOM + subjects.id(subject)
      for (let m = 0; m < meters.length; m++) {
        const { eventType, name, groups, places, sums } = meters[m]
        if (eventType !== type) continue
        let key = first
        for (let g = 0; g < groups.length; g++) key = key * ROOM + groups[g].ids.id(data[groups[g].name])
        const amount = name === undefined ? 1 : data[name]
        const place = places.get(key)
        if (place !== undefined) sums[place] += amount
        else places.set(key, sums.push(amount) - 1)
      }
    },
    result() {
      const rows = {}
      let total = 0
      for (const { slug, groups, places, sums } of meters) {
        for (const [key, place] of places) {
          const texts = []
          let rest = key
          for (let g = groups.length - 1; g >= 0; g--) {
            texts.unshift(groups[g].ids.text(rest % ROOM))
            rest = Math.floor(rest / ROOM)
          }
          const row = `${slug}|${texts.join('|')}`
          rows[row] = (rows[row] ?? 0) + sums[place]
          if (slug === PRICED) total += sums[place]
        }
      }
      return { rows, cost: total * Number(PRICE) }
    },
  }
}

function names() {
  const ids = new Map()
  const texts = []
  return {
    id(text) {
      const known = ids.get(text)
      if (known !== undefined) return known
      if (texts.length === ROOM) throw new RangeError('too many different strings')
      ids.set(text, texts.length)
      return texts.push(text) - 1
    },
    text: (id) => texts[id],
  }
}
