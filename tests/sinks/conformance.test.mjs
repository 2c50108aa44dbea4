/** Every sink against its vendor's own rules, over real HTTP, and through the same faults. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Taximeter } from 'taximeter'
import { startDevServer } from 'taximeter-dev'
import { settled } from '../until.mjs'
import { KEY, VENDORS } from './vendors.mjs'

const NOBODY = 'nobody'

/** A client and the server that it sends to; what is checked in the end holds whatever happened. */
async function play(vendor, work, options = {}) {
  const server = await startDevServer({ token: KEY, customers: (id) => id !== NOBODY, ...options.server })
  const meter = new Taximeter({ source: 'sinks', sink: vendor.make(server.url), ...options.client })
  const seen = []
  for (const name of ['error', 'sink-state', 'quarantined', 'delivered']) {
    meter.on(name, (detail) => seen.push({ name, detail }))
  }
  const record = (n, more) => {
    const { id, error } = meter.record({ type: 'call', subject: 'cus_42', data: { n, model: 'gpt-4o' }, ...more })
    assert.equal(error, undefined)
    return id
  }
  const ingests = () => server.requests.filter(({ path }) => path === vendor.path)
  try {
    await work({ server, meter, record, seen, ingests })
    const { recorded, delivered, pending, quarantined, dropped } = meter.stats()
    assert.equal(recorded, delivered + pending + quarantined + dropped, 'every event is in one place')
    const bytes = new Map()
    for (const { id, sha256 } of ingests().flatMap(({ arrivals }) => arrivals)) {
      assert.equal(bytes.get(id) ?? sha256, sha256, 'an event has the same bytes on every attempt')
      bytes.set(id, sha256)
    }
    const shown = [seen, meter, meter.stats(), meter.quarantined(), server.requests]
    assert.ok(!shown.some((what) => inspect(what, { depth: 9, showHidden: true }).includes(KEY)), 'the key is shown')
  } finally {
    await meter.close({ deadlineMs: 1 })
    await server.close()
  }
}

/** Each once, and the sum of what was recorded. */
function assertStored(server, ids, sum) {
  const events = server.events()
  assert.deepEqual(events.map(({ id }) => id).sort(), [...ids].sort())
  const quantity = ({ n, value, quantity }) => BigInt(n ?? value ?? quantity)
  assert.equal(
    events.reduce((total, { data }) => total + quantity(JSON.parse(data)), 0n),
    sum,
  )
}

const times = (n, make) => Array.from({ length: n }, (_, i) => make(i + 1))

describe('sinks', { concurrency: 24 }, () => {
  for (const [name, vendor] of Object.entries(VENDORS)) {
    const check = (what, work, options) => test(`${name}: ${what}`, () => play(vendor, work, options))

    check('what it is sent, packed or as text, it takes and keeps whole', async ({ server, meter, record }) => {
      const time = new Date(Date.now() - 60_000).toISOString()
      const ids = [...times(3, (n) => record(n)), record(4, { id: 'my-id', time })]
      const { delivered } = await settled(meter)
      assert.equal(delivered, 4)
      assertStored(server, ids, 10n)
      const mine = server.events().find(({ id }) => id === 'my-id')
      assert.equal(mine.type, 'call')
      assert.equal(mine.subject, 'cus_42')
      // Stripe's v1 has whole seconds.
      assert.equal(Math.floor(Date.parse(mine.time) / 1000), Math.floor(Date.parse(time) / 1000))
      const data = JSON.parse(mine.data)
      assert.equal(data.model, 'gpt-4o')
      assert.equal(
        typeof (data.n ?? data.quantity ?? data.value),
        vendor.strings || name.startsWith('stripe') ? 'string' : 'number',
      )
    })

    check('digits arrive as they are', async ({ server, meter }) => {
      meter.record({ type: 'call', subject: 'cus_42', data: { n: '12345678901234567890.000000000001', model: 'm' } })
      await settled(meter)
      assert.match(server.events()[0]?.data ?? '', /12345678901234567890\.?0*/)
    })

    check('an answer is lost: sent again, counted once', async ({ server, meter, record, seen }) => {
      server.script([{ commit: 'all', end: 'reset' }])
      const ids = times(3, (n) => record(n))
      const { delivered } = await settled(meter)
      assert.equal(delivered, 3)
      assertStored(server, ids, 6n)
      // They were ours; only Autumn says as much of events that it is still working on.
      const notices = seen.filter(({ name }) => name === 'sink-state').map(({ detail }) => detail)
      assert.deepEqual(repeatsOf(notices), [])
      const unverified = notices.filter(({ code }) => code === 'unverified').flatMap(({ ids }) => ids)
      assert.deepEqual(unverified.sort(), name === 'autumn' ? [...ids].sort() : [])
    })

    const repeatsOf = (notices) => notices.filter(({ code }) => code === 'duplicate_id')

    check('some of a batch are known already', async ({ server, meter, record, seen }) => {
      const ids = times(2, (n) => record(n))
      await settled(meter)
      assert.deepEqual(repeatsOf(seen.map(({ detail }) => detail)), [])
      // Known to the vendor, and forgotten by this client: another one sends them with one more.
      const other = new Taximeter({ source: 'sinks', sink: vendor.make(server.url) })
      const notices = []
      other.on('sink-state', (notice) => notices.push(notice))
      const sent = meter.stats().delivered
      for (const { id, data, time } of server.events()) {
        const { n, value, quantity } = JSON.parse(data)
        other.record({
          type: 'call',
          subject: 'cus_42',
          id,
          time,
          data: { n: Number(n ?? value ?? quantity), model: 'gpt-4o' },
        })
      }
      const { id } = other.record({ type: 'call', subject: 'cus_42', data: { n: 3, model: 'gpt-4o' } })
      const { delivered } = await settled(other)
      await other.close()
      assert.deepEqual([sent, delivered], [2, 3])
      assertStored(server, [...ids, id], 6n)
      // It counts as delivered; but whose was the id? The user is told.
      const repeats = repeatsOf(notices)
      const named = repeats.flatMap(({ ids = [] }) => ids)
      assert.deepEqual(named.sort(), vendor.repeats === 'named' ? [...ids].sort() : [])
      if (vendor.repeats === 'counted') assert.equal(JSON.parse(repeats[0].text).duplicates, 2)
    })

    check('no answer within the deadline', async ({ server, meter, record }) => {
      server.script([{ commit: 'all', end: 'hang' }])
      const ids = times(2, (n) => record(n))
      const { delivered } = await settled(meter)
      assert.equal(delivered, 2)
      assertStored(server, ids, 3n)
    })

    for (const status of [500, 503]) {
      check(`${status}: sent again`, async ({ server, meter, record }) => {
        server.script([{ status }])
        const ids = times(3, (n) => record(n))
        assert.equal((await settled(meter)).delivered, 3)
        assertStored(server, ids, 6n)
      })
    }

    check('429: waits as long as it is asked to', async ({ server, meter, record, ingests }) => {
      server.script([{ status: 429, headers: { [vendor.wait ?? 'retry-after']: '1' } }])
      record(1)
      assert.equal((await settled(meter)).delivered, 1)
      const [first, second] = ingests()
      assert.ok(second.time - first.time >= 1000, `${second.time - first.time} ms`)
    })

    check('401: everything is kept', async ({ server, meter, record }) => {
      server.script([{ status: 401 }])
      record(1)
      const isHeld = new Promise((resolve) => meter.on('sink-state', resolve))
      void meter.flush()
      assert.equal((await isHeld).code, 'hold_started')
      assert.deepEqual([meter.stats().state, meter.stats().pending], ['held', 1])
    })

    check('413: halved', async ({ server, meter, record }) => {
      server.script([{ status: 413 }])
      const ids = times(4, (n) => record(n))
      const { delivered, quarantined } = await settled(meter)
      assert.deepEqual([delivered, quarantined], vendor.single ? [3, 1] : [4, 0])
      if (!vendor.single) assertStored(server, ids, 10n)
    })

    if (vendor.asks) {
      check('one of a batch is refused: it alone', async ({ server, meter, record, ingests }) => {
        const ids = times(8, (n) => record(n, n === 3 ? { subject: NOBODY } : {}))
        const { delivered, quarantined } = await settled(meter)
        assert.deepEqual([delivered, quarantined], [7, 1])
        const [refused] = meter.quarantined()
        assert.equal(refused.code, 'rejected')
        assert.equal(refused.id, ids[2])
        assert.match(refused.text, /no such customer|no customer/)
        assertStored(
          server,
          ids.filter((id) => id !== refused.id),
          33n,
        )
        assert.ok(ingests().length <= 8, `${ingests().length} requests`)
      })
    }

    if (vendor.oldest) {
      check('too old to be taken: put aside before it is sent', async ({ meter, record, ingests }) => {
        record(1, { time: new Date(Date.now() - vendor.oldest) })
        assert.equal((await settled(meter)).quarantined, 1)
        assert.equal(meter.quarantined()[0].code, 'expired')
        assert.equal(ingests().length, 0)
      })
    }
  }

  test('creem: what it takes and does not count, it says: with its words, by id', async () => {
    const meters = [{ slug: 'calls', eventType: 'call', aggregation: 'COUNT' }]
    const work = async ({ meter, record, seen }) => {
      const ids = ['call', 'kall', 'call', 'kall'].map((type) => record(1, { type }))
      assert.equal((await settled(meter)).delivered, 4)
      const [warning, ...others] = seen.filter(({ name }) => name === 'sink-state').map(({ detail }) => detail)
      assert.deepEqual(others, [])
      assert.deepEqual(warning, {
        code: 'vendor_warning',
        text: 'no_matching_meter: No meter counts events named kall.',
        ids: [ids[1], ids[3]],
      })
    }
    await play(VENDORS.creem, work, { server: { meters } })
  })
})
