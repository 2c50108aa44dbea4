// Input made to hurt: what it costs and what becomes of it.
//
//     node benches/hostile.mjs            every case at its full size: CPU time, per unit, peak memory, outcome
//     node benches/hostile.mjs CASE SIZE  one case in this process, as a line of JSON
//
// A case gives the work for `n` units and the outcome that it has to have, whatever n. `tests/js/hostile.test.mjs` runs
// all of them at n and 2n in a process of their own, and holds them to it.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openmeter, preview, Taximeter } from 'taximeter'

const meter = (valueProperty, more) => ({ slug: 'm', eventType: 't', aggregation: 'SUM', valueProperty, ...more })
const count = { slug: 'm', eventType: 't', aggregation: 'COUNT', groupBy: { g: '$.g' } }
const event = (data, id = 1) =>
  `{"specversion":"1.0","type":"t","source":"s","id":"${id}","subject":"u","time":"2026-01-01T00:00:00Z","data":${data}}`
const events = (n, of) => Array.from({ length: n }, (_, at) => of(at)).join('\n')

/** What the preview says of one event: the value, or else why there is none. */
function outcome(made, text, query, options) {
  try {
    const { result, ingest, diagnostics } = preview([made], text, { meter: 'm', ...query }, options)
    const [verdict] = ingest
    return verdict?.code ?? diagnostics[0]?.code ?? result.data[0]?.value
  } catch (error) {
    return error.code
  }
}

const taken = async () => new Response(null, { status: 204 })
const client = (meters, from = Taximeter) =>
  new from({ source: 's', sink: openmeter({ url: 'http://127.0.0.1:1' }), fetch: taken, meters })

/** Records n events and lets them go as the queue fills; the answer of the meter. */
async function recorded(meters, n, of, query) {
  const live = client(meters)
  for (let at = 0; at < n; at++) {
    assert.equal(live.record({ type: 't', subject: 'u', data: of(at) }).error, undefined)
    if (at % 5_000 === 4_999) await live.flush()
  }
  await live.flush()
  try {
    return live.preview('m', query)
  } finally {
    await live.close()
  }
}

const total = ({ data }) => data.reduce((sum, { value }) => sum + value, 0)
const few = ({ data }) => data.length <= 10_001

/** name → full size, the size of the test, and the work. */
export const cases = {
  'bytes of a path': {
    size: 1_000_000,
    quick: 100_000,
    run(n) {
      for (const part of ['.a', '[*]', '[', '.', '[0,', '["', "['\\", ' ', '[0 to ', '..', '$', 'é', '\0']) {
        assert.match(outcome(meter(`$${part.repeat(n / part.length)}`), ''), /^(path_invalid|limit_exceeded)$/)
      }
    },
  },
  'elements under a path at its limits': {
    size: 300_000,
    quick: 40_000,
    run(n) {
      const list = `{"v":[${'[],'.repeat(n)}[]]}`
      assert.equal(outcome(meter(`$.v[${'0 to 99999999,'.repeat(17)}1]`), event(list)), 'value_not_scalar')
      assert.equal(outcome(meter(`$.v[${'7,'.repeat(122)}8]`), event(list)), 'value_not_scalar')
      const deep = `{"v":${'['.repeat(30)}${'{},'.repeat(n)}{}${']'.repeat(30)}}`
      assert.equal(outcome(meter(`$.v${'[*]'.repeat(30)}.x`), event(deep)), 'value_missing')
    },
  },
  'members of an event': {
    size: 100_000,
    quick: 40_000,
    run(n) {
      const made = meter('$.v', {
        groupBy: Object.fromEntries([...Array(16).keys()].map((at) => [`g${at}`, `$.k${at}`])),
      })
      assert.equal(outcome(made, event(`{${'"":0,'.repeat(n)}"v":1}`)), 1)
      assert.equal(outcome(meter('$.v'), event(`{${'"v":2,'.repeat(n)}"v":1}`)), 1)
    },
  },
  'bytes of an event beyond 1 MiB': {
    size: 28_000_000,
    quick: 3_000_000,
    run(n) {
      assert.equal(outcome(meter('$.v[*]'), event(`{"v":[${'0,'.repeat(n / 2)}0]}`)), 'limit_exceeded')
    },
  },
  'digits of a number': {
    size: 1_000_000,
    quick: 100_000,
    run(n) {
      const nines = '9'.repeat(n)
      const decimal = { numeric: 'decimal' }
      assert.equal(outcome(meter('$.v'), event(`{"v":${nines}}`)), 'number_overflow')
      assert.equal(outcome(meter('$.v'), event(`{"v":"${nines}"}`)), 'value_not_finite')
      assert.equal(outcome(meter('$.v'), event(`{"v":"${nines}"}`), {}, decimal), 'value_not_finite')
      assert.equal(outcome(meter('$.v'), event(`{"v":"-0.${nines}"}`)), -1)
      assert.equal(outcome(meter('$.v'), event(`{"v":0.${nines}}`), {}, decimal), 1)
      assert.equal(outcome(meter('$.v'), event(`{"v":"1e${nines}"}`)), 'value_not_finite')
      assert.equal(outcome(meter('$.v'), event(`{"v":"1e-${nines}"}`)), 0)
      assert.equal(outcome(meter('$.v'), event(`{"v":"${'0'.repeat(n)}1"}`), {}, decimal), 1)
      assert.equal(outcome(meter('$.v'), event(`{"v":"${nines}x"}`)), 'value_not_number')
    },
  },
  'levels of an event': {
    size: 150_000,
    quick: 40_000,
    run(n) {
      for (const [open, close] of ['[]', '{"a":}'].map((pair) => [pair.slice(0, -1), pair.at(-1)])) {
        assert.equal(outcome(meter('$.v'), event(`{"v":${open.repeat(n)}0${close.repeat(n)}}`)), 'data_too_deep')
        assert.match(outcome(meter('$.v'), event(`{"v":${open.repeat(n)}`)), /^(data_too_deep|json_invalid)$/)
      }
      let data = {}
      for (let at = 0; at < n; at++) data = { a: data }
      assert.equal(client([count]).record({ type: 't', subject: 'u', data }).error.code, 'event_too_deep')
      assert.throws(() => preview([count], [{ data }], { meter: 'm' }), { code: 'event_too_deep' })
    },
  },
  'groups that are recorded': {
    size: 1_000_000,
    quick: 30_000,
    async run(n) {
      const answer = await recorded([count], n, (at) => ({ g: `g${at}` }), { groupBy: ['g'] })
      assert.ok(few(answer) && answer.incomplete)
      assert.equal(total(answer), n)
    },
  },
  'groups that eight meters count': {
    size: 300_000,
    quick: 20_000,
    async run(n) {
      const meters = [...Array(8).keys()].map((at) => ({ ...count, slug: at ? `m${at}` : 'm' }))
      // That all are there tells that the memory has been enough: from one that ran out, the core starts afresh.
      assert.equal(total(await recorded(meters, n, (at) => ({ g: `g${at}` }))), n)
    },
  },
  'groups in the order that is worst for a tree': {
    size: 200_000,
    quick: 20_000,
    run(n) {
      // What a treap ranks by the number of the node makes a list of.
      const rank = (node) => {
        const mixed = Math.imul(node, 0x9e3779b1)
        return (Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b) >>> 0).toString(16).padStart(8, '0')
      }
      for (const id of [rank, (at) => `${at}`.padStart(8, '0'), (at) => `${99_999_999 - at}`]) {
        const text = events(Math.floor(n / 3), (at) => event(`{"g":"${id(at + 1)}"}`, id(at + 1)))
        const { result } = preview([count], text, { meter: 'm', groupBy: ['g'] })
        assert.ok(few(result))
        assert.equal(total(result), Math.floor(n / 3))
      }
    },
  },
  'distinct values': {
    size: 1_000_000,
    quick: 30_000,
    async run(n) {
      const unique = meter('$.v', { aggregation: 'UNIQUE_COUNT' })
      const answer = await recorded([unique], n, (at) => ({ v: at })).catch(({ code }) => code)
      if (n > 100_000) assert.equal(answer, 'limit_exceeded')
      else assert.equal(total(answer), n)
    },
  },
  'keys of the prototype': {
    size: 100_000,
    quick: 4_000,
    async run(n) {
      const key = (at) => ['__proto__', 'constructor', 'toString', 'hasOwnProperty'][at % 4]
      const made = {
        ...count,
        slug: 'constructor',
        groupBy: JSON.parse('{"__proto__":"$.__proto__.constructor","valueOf":"$.toString"}'),
      }
      const data = (at) => JSON.parse(`{"__proto__":{"constructor":"${key(at)}"},"toString":"x","v":1}`)
      const live = client([{ ...made, groupBy: { constructor: '$.hasOwnProperty', valueOf: '$.toString' } }])
      for (let at = 0; at < n; at++) {
        // No reader of what is sent should come upon that key.
        assert.equal(live.record({ type: 't', subject: key(at), data: data(at) }).error.code, 'forbidden_key')
        const { error } = live.record({ type: 't', subject: key(at), data: { hasOwnProperty: key(at), toString: 'x' } })
        assert.equal(error, undefined)
        if (at % 5_000 === 4_999) await live.flush()
      }
      const flat = (rows) => rows.map((row) => [row.subject, row.value, ...Object.entries(row.groupBy).flat()])
      const rows = (name) =>
        ['__proto__', 'constructor', 'hasOwnProperty', 'toString'].map((key) => [key, n / 4, name, key, 'valueOf', 'x'])
      const own = live.preview('constructor', { groupBy: ['constructor', 'valueOf', 'subject'] }).data
      assert.deepEqual(flat(own), rows('constructor'))
      const text = events(n, (at) => event(JSON.stringify(data(at)), at).replace('"u"', `"${key(at)}"`))
      const given = preview([made], text, { meter: 'constructor', groupBy: ['__proto__', 'valueOf', 'subject'] })
      assert.deepEqual(flat(given.result.data), rows('__proto__'))
      assert.deepEqual(Object.keys(Object.prototype), [])
      assert.equal({}.polluted ?? {}.v, undefined)
    },
  },
  'lines that are no events': {
    size: 300_000,
    quick: 20_000,
    run(n) {
      for (const line of ['{', '[]', 'nul', '{"id":1}', '\u0000', '"']) {
        assert.match(outcome(count, `${`${line}\n`.repeat(n / 6)}`), /^(json_invalid|field_\w+|specversion\w+)$/)
      }
    },
  },
  'bytes under a pattern': {
    size: 1_000_000,
    quick: 20_000,
    run(n) {
      const like = { groupBy: ['g'], advancedMeterGroupByFilters: { g: { $like: `${'%a_'.repeat(100)}b` } } }
      assert.equal(outcome(count, event(`{"g":"${'a'.repeat(n)}"}`), like), undefined)
    },
  },
  'levels of a filter': {
    size: 1_000_000,
    quick: 10_000,
    run(n) {
      let filter = { $eq: 'x' }
      for (let at = 0; at < 100; at++) filter = { $and: Array(1).fill(filter) }
      assert.match(
        outcome(count, '', { advancedMeterGroupByFilters: { g: filter } }),
        /^(limit_exceeded|json_too_deep)$/,
      )
      assert.equal(outcome(count, '', { advancedMeterGroupByFilters: { g: { $in: Array(n).fill('x') } } }), 0)
    },
  },
  'elements under a path of RFC 9535 that explodes': {
    size: 90_000,
    quick: 20_000,
    async run(n) {
      const full = await import('taximeter/full')
      const list = event(`{"v":[${'1,'.repeat(n)}1]}`)
      const nested = event(`{"v":${'['.repeat(28)}${'{},'.repeat(n)}{}${']'.repeat(28)}}`)
      for (const [path, text] of [
        ['$.v[?count($.v[?@ > 0]) > 0]', list],
        ['$.v[?@ == $.v || $.v == @ || count($..*) > 1]', list],
        [`$.v${'[*,*]'.repeat(28)}`, nested],
        ['$..*..*..*..*', nested],
        [`$..[?@..[?@..[?@..x]]]`, nested],
      ]) {
        const { result, diagnostics } = full.preview([meter(path, { dialect: 'rfc9535' })], text, { meter: 'm' })
        assert.deepEqual([result.excluded, diagnostics[0].code], [1, 'path_too_costly'])
      }
    },
  },
}

/** The least CPU time of a few runs, of one if it is long, in µs; and the most memory this process has had, in MB. */
export async function measure(name, n) {
  let least = Infinity
  for (let spent = 0, runs = 0; runs < 3 && spent < 200_000; runs++) {
    // The clients of the run before are let go, and with them what they have of the core's memory.
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve))
    const start = process.cpuUsage()
    await cases[name].run(n)
    const { user, system } = process.cpuUsage(start)
    least = Math.min(least, user + system)
    spent += user + system
  }
  return { us: least, peakMB: Math.round(process.resourceUsage().maxRSS / 1_000) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, size] = process.argv.slice(2)
  if (name) console.log(JSON.stringify(await measure(name, Number(size))))
  else {
    const rows = Object.entries(cases).map(([name, { size }]) => {
      const script = fileURLToPath(import.meta.url)
      const { us, peakMB } = JSON.parse(execFileSync(process.execPath, [script, name, size], { encoding: 'utf8' }))
      return {
        n: size,
        of: name,
        'CPU ms': Math.round(us / 1_000),
        'µs each': Number((us / size).toFixed(3)),
        'peak MB': peakMB,
      }
    })
    console.table(rows)
  }
}
