/** The live preview, the preview of events at hand and a replay of the stream give equal rows, whatever comes when. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openmeter, preview, Taximeter } from 'taximeter'
import { replay } from 'taximeter/replay'
import { same } from '../conformance/compare.mjs'

const AGGREGATIONS = ['SUM', 'COUNT', 'UNIQUE_COUNT', 'AVG', 'MIN', 'MAX', 'LATEST']
const meters = AGGREGATIONS.map((aggregation) => ({
  slug: aggregation.toLowerCase(),
  eventType: 'call',
  aggregation,
  ...(aggregation !== 'COUNT' && { valueProperty: '$.v' }),
  groupBy: { g: '$.g', deep: '$.d.x' },
}))
meters.push({
  event_name: 'call',
  name: 'dodo',
  aggregation: { type: 'last', key: 'v' },
  filter: { conjunction: 'or', clauses: [{ key: 'g', operator: 'not_equals', value: 'a' }] },
})
const NOW = '2026-11-21T00:00:00Z'
/** Around changes of daylight saving in both zones. */
const START = Date.UTC(2026, 2, 7)

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`random events and queries, seed ${seed}`, async () => {
    let state = seed * 7919
    const random = (n) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
      return Math.floor((state / 2 ** 31) * n)
    }
    const pick = (list) => list[random(list.length)]
    const sink = openmeter({ url: 'http://127.0.0.1:1' })
    const meter = new Taximeter({ source: 's', sink, fetch: () => new Promise(() => {}), meters })
    const events = []
    const live = []
    for (let i = 0; i < 500; i++) {
      // Any order: most events are late. Those with a time or depth go as text, the others as packed words.
      const time = random(10) ? new Date(START + random(30 * 86_400) * 1000 + random(1000)).toISOString() : undefined
      const data = {
        v: pick([random(1000), random(1000) / 8, -random(9), `${random(99)}.25`, 'none', null, true]),
        ...(random(4) && { g: pick(['a', 'b', 7, true]) }),
        ...(random(3) === 0 && { d: { x: pick(['p', 'q']) } }),
      }
      const event = { type: random(9) ? 'call' : 'other', subject: `c${random(3)}`, data }
      const { error } = meter.record({ ...event, ...(time && { time }) })
      assert.equal(error, undefined)
      // An event without a time got one of now: it is read from the queue's own bytes.
      events.push({ specversion: '1.0', id: `${i}`, source: 's', ...event, time: time ?? 'now' })
      if (random(25) === 0) live.push([events.length, query()])
      if (live.at(-1)?.[0] === events.length)
        live.at(-1).push(meter.preview(live.at(-1)[1].meter, rest(live.at(-1)[1])))
    }
    function query() {
      const { slug, name = slug } = pick(meters)
      const groups = slug ? ['g', 'deep', 'subject'] : ['subject']
      return {
        meter: name,
        groupBy: groups.filter(() => random(2)),
        // Events of now are outside: their exact time is the client's.
        to: '2026-10-01T00:00:00Z',
        ...(random(3) && { windowSize: pick(['MINUTE', 'HOUR', 'DAY', 'MONTH']) }),
        ...(random(2) && { windowTimeZone: pick(['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'UTC']) }),
        ...(random(3) === 0 && { from: '2026-03-08T08:00:00Z' }),
        ...(random(3) === 0 && { subject: ['c0', 'c2'] }),
        ...(slug && random(4) === 0 && { filterGroupBy: { g: ['a', '7'] } }),
      }
    }
    function rest({ meter: _, ...query }) {
      return query
    }
    await meter.close({ deadlineMs: 0 })
    assert.ok(live.length > 5)
    for (const [count, query, result] of live) {
      const text = events
        .slice(0, count)
        .map((event) => JSON.stringify({ ...event, time: event.time === 'now' ? NOW : event.time }))
      const { result: want } = preview(meters, text.join('\n'), query, { now: NOW })
      const told = `${count} ${JSON.stringify(query)}`
      assert.ok(same(result, want, true), `${told}\n${JSON.stringify(result)}\n${JSON.stringify(want)}`)
      const { results } = await replay(
        text.map((line) => `${line}\n`),
        { meters, queries: [query], now: NOW },
      )
      assert.deepEqual(results[0], want, told)
    }
  })
}
