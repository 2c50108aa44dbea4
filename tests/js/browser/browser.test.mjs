/** Delivery from real pages: tabs that share a store, are closed, killed, frozen and come back. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { until } from '../../until.mjs'
import { stories, wanted } from '../spool-suite.mjs'
import { closeBrowser, countedOnce, kill, openBrowser, world } from './harness.mjs'

before(openBrowser)
after(closeBrowser)

const attempts = ({ arrivals }) => Math.max(...arrivals.map(({ attempt }) => attempt))

/** Sent by a tab and by who takes over; thrice if a machine is so slow that the first one is not gone at its deadline. */
const isSentTwice = (vendor) => [2, 3].includes(attempts(vendor))
const flush = (page, deadlineMs = 60_000) => page.evaluate((ms) => meter.flush({ deadlineMs: ms }), deadlineMs)
const stats = (page) => page.evaluate(() => meter.stats())

describe('in Chromium', { concurrency: 4 }, () => {
  test('what a tab leaves is found by one that has been open for long', async (t) => {
    const { vendor, tab } = await world(t)
    const heir = await tab()
    await heir.evaluate(() => start())
    await heir.evaluate(() => meter.flush())
    const victim = await stuck(vendor, tab, 5)
    await kill(victim)
    vendor.always()
    // It looks every 15 s.
    await until(() => vendor.counted.size === 5)
    assert.equal(countedOnce(vendor), 5)
  })

  test('the spool does what every spool does', async (t) => {
    const { tab } = await world(t)
    const page = await tab()
    const found = await page.evaluate(async () => {
      const found = []
      for (const [i, story] of suite.stories.entries()) {
        found.push(await suite.tell(() => indexedDbSpool({ name: `story-${i}` }), story))
      }
      return found
    })
    for (const [i, story] of stories.entries()) assert.deepEqual(found[i], wanted(story), story.title)
  })

  test('an event is in the store before it is sent, is counted once, and leaves no trace', async (t) => {
    const { vendor, tab } = await world(t)
    const page = await tab()
    const early = await page.evaluate(async () => {
      const early = []
      const fetch = async (url, init) => {
        const { text } = await stored()
        const sent = JSON.parse(new TextDecoder().decode(init.body))
        early.push(...sent.map(({ id }) => text.includes(id) && text.includes(' sent ')))
        return globalThis.fetch(url, init)
      }
      start({ fetch })
      record(1, 50)
      await meter.flush({ deadlineMs: 60_000 })
      return early
    })
    assert.deepEqual(early, Array(50).fill(true))
    assert.deepEqual([countedOnce(vendor), attempts(vendor)], [50, 1])
    await until(async () => (await page.evaluate(() => stored())).clients.length === 0)
    const { delivered, pending, spool } = await stats(page)
    assert.deepEqual({ delivered, pending, spool }, { delivered: 50, pending: 0, spool: 'ok' })
  })

  test('three tabs share a store: each event is sent by one of them, once', async (t) => {
    const { vendor, tab } = await world(t)
    const pages = await Promise.all([tab(), tab(), tab()])
    await Promise.all(pages.map((page) => page.evaluate(() => start())))
    for (let round = 0; round < 5; round++) {
      await Promise.all(pages.map((page, i) => page.evaluate((n) => record(n + 1, n + 10), 100 * i + 10 * round)))
    }
    await Promise.all(pages.map((page) => flush(page)))
    assert.deepEqual([countedOnce(vendor), attempts(vendor)], [150, 1])
    assert.equal(new Set(vendor.arrivals.map(({ n }) => n)).size, 150)
  })

  test('a tab is killed while its request is under way: another one takes over what it had, at once', async (t) => {
    const { vendor, tab } = await world(t)
    const [victim, heir] = [await tab(), await tab()]
    await victim.evaluate(() => start())
    await heir.evaluate(() => start())
    vendor.script([{ commit: 'all', end: 'hang' }])
    await victim.evaluate(() => record(1, 20))
    await until(() => vendor.requests.length === 1)
    await victim.evaluate(async () => void record(21, 40))
    await until(async () => /"n":40/.test((await victim.evaluate(() => stored())).text))
    await kill(victim)
    await until(() => vendor.counted.size === 40)
    assert.deepEqual([countedOnce(vendor), isSentTwice(vendor)], [40, true])
    await until(async () => (await stats(heir)).delivered === 40)
    assert.equal((await stats(heir)).recorded, 40)
  })

  test('a tab is killed, and no other is open: the next visit delivers', async (t) => {
    const { vendor, tab } = await world(t)
    const victim = await stuck(vendor, tab, 20)
    await kill(victim)
    vendor.always()
    const next = await tab()
    await next.evaluate(() => start())
    assert.deepEqual(await flush(next), { delivered: 20, pending: 0, quarantined: 0, dropped: 0 })
    assert.equal(countedOnce(vendor), 20)
  })

  test('a page is left right after 30 events of 4 KB: 60 KiB outlive it, the rest comes with the next visit', async (t) => {
    const { vendor, tab } = await world(t)
    const page = await tab()
    await page.evaluate(() => start())
    // A store that is not open yet keeps nothing.
    await flush(page)
    // A page that is long in going sends no more meanwhile: its first request has no answer.
    vendor.script([{ commit: 'all', end: 'hang' }])
    await page.evaluate(() => {
      record(1, 30, 'x'.repeat(4000))
      location.href = '/elsewhere'
    })
    await until(() => vendor.counted.size > 0)
    const first = vendor.counted.size
    assert.ok(first < 16 && vendor.requests.length === 1, `${first}`)
    const next = await tab()
    await next.evaluate(() => start())
    await flush(next)
    assert.equal(countedOnce(vendor), 30)
    assert.ok(vendor.largest <= 60 * 1024)
  })

  test('a tab is closed right after its events: they arrive, without a spool too', async (t) => {
    const { vendor, tab } = await world(t)
    for (const [spool, from] of [
      [{}, 1],
      [null, 11],
    ]) {
      const page = await tab()
      await page.evaluate((spool) => start({ spool }), spool)
      await page.evaluate((from) => {
        record(from, from + 9)
        setTimeout(() => window.close())
      }, from)
      await page.close({ runBeforeUnload: true }).catch(() => {})
      await until(() => vendor.counted.size === from + 9)
    }
    const next = await tab()
    await next.evaluate(() => start())
    await flush(next)
    assert.equal(countedOnce(vendor), 20)
  })

  test('a click is recorded and the page left, while a request is under way: it goes beside that one', async (t) => {
    const { vendor, tab } = await world(t)
    const page = await tab()
    vendor.script([{ commit: 'all', end: 'hang' }])
    await page.evaluate(() => start({ spool: null }))
    await page.evaluate(() => record(1, 1))
    await until(() => vendor.requests.length === 1)
    await page.evaluate(() => {
      record(2, 2)
      location.href = '/elsewhere'
    })
    await until(() => vendor.counted.size === 2)
    assert.equal(countedOnce(vendor), 2)
  })

  test('a page comes back out of the cache of the back button, and goes on', async (t) => {
    const { vendor, tab } = await world(t)
    const page = await stuck(vendor, tab, 10)
    await leave(page)
    vendor.always()
    await comeBack(page)
    await page.evaluate(() => void record(11, 20))
    assert.deepEqual(await flush(page), { delivered: 20, pending: 0, quarantined: 0, dropped: 0 })
    assert.equal(countedOnce(vendor), 20)
    assert.deepEqual(await page.evaluate(() => errors), [])
    await until(async () => (await page.evaluate(() => stored())).clients.length === 0)
  })

  test('meanwhile another tab has taken over its events: it does not send them', async (t) => {
    const { vendor, tab } = await world(t)
    const page = await stuck(vendor, tab, 10)
    await leave(page)
    const other = await tab()
    await other.evaluate(() => start())
    // Not sooner: a page sends what it can when it is left.
    await until(async () => (await stats(other)).recorded === 10)
    vendor.always()
    assert.equal((await flush(other)).delivered, 10)
    const { length } = vendor.arrivals
    await comeBack(page)
    await page.evaluate(() => void record(11, 13))
    assert.deepEqual(await flush(page), { delivered: 3, pending: 0, quarantined: 0, dropped: 0 })
    assert.deepEqual([vendor.arrivals.length - length, (await stats(page)).recorded], [3, 3])
    assert.equal(countedOnce(vendor), 13)
    // It leaves nothing for another one to clear away: the ten that it lost are not among those that it settles.
    await other.close()
    await until(async () => (await page.evaluate(() => stored())).text === '')
  })

  test('without Web Locks: who is silent for long is taken for gone; if it is not, it finds out before it sends', async (t) => {
    const { vendor, tab } = await world(t, {
      init: () => {
        Object.defineProperty(navigator, 'locks', { value: undefined })
        const now = Date.now
        Date.now = () => now() + (location.search === '?later' ? 200_000 : 0)
      },
    })
    const silent = await tab()
    await silent.clock.install()
    vendor.always({ status: 429, headers: { 'retry-after': '250' } })
    await silent.evaluate(() => start())
    await silent.evaluate(() => record(1, 10))
    await until(() => vendor.requests.length > 0)
    vendor.always()
    const soon = await tab()
    await soon.evaluate(() => start())
    await flush(soon, 500)
    assert.equal((await stats(soon)).recorded, 0)
    await soon.close()
    const later = await tab('/?later')
    await later.evaluate(() => start())
    assert.equal((await flush(later)).delivered, 10)
    const { length } = vendor.arrivals
    await silent.clock.fastForward(400_000)
    await until(async () => (await stats(silent)).pending === 0)
    assert.deepEqual([vendor.arrivals.length, (await stats(silent)).recorded], [length, 0])
    assert.equal(countedOnce(vendor), 10)
  })

  for (const [why, init] of [
    ['there is no IndexedDB', () => Object.defineProperty(globalThis, 'indexedDB', { value: undefined })],
    [
      'IndexedDB is refused',
      () => {
        IDBFactory.prototype.open = () => {
          throw new DOMException('no', 'SecurityError')
        }
      },
    ],
  ]) {
    test(`${why}: told once, events wait in memory and are delivered`, async (t) => {
      const { vendor, tab } = await world(t, { init })
      const page = await tab()
      await page.evaluate(() => start())
      for (let n = 0; n < 3; n++) await page.evaluate((n) => void record(n, n), n)
      assert.equal((await flush(page)).delivered, 3)
      assert.deepEqual(await page.evaluate(() => errors), ['spool_degraded'])
      assert.equal((await stats(page)).spool, 'degraded')
      assert.equal(countedOnce(vendor), 3)
    })
  }

  test('the store is full: told once, events wait in memory; when there is room again they are written', async (t) => {
    const { vendor, context, tab } = await world(t)
    const page = await tab()
    const session = await context.newCDPSession(page)
    const quota = (quotaSize) => session.send('Storage.overrideQuotaForOrigin', { origin: vendor.url, quotaSize })
    vendor.always({ status: 503 })
    await page.clock.install()
    await quota(1)
    await page.evaluate(() => start())
    await page.evaluate(() => record(1, 3, 'x'.repeat(20_000)))
    await until(async () => (await stats(page)).spool === 'degraded')
    await page.evaluate(() => record(4, 6))
    assert.deepEqual(await page.evaluate(() => errors), ['spool_degraded'])
    await quota(undefined)
    await page.clock.fastForward(11_000)
    await page.evaluate(() => record(7, 7))
    await until(async () => (await stats(page)).spool === 'ok')
    await kill(page)
    vendor.always()
    const next = await tab()
    await next.evaluate(() => start())
    assert.equal((await flush(next)).delivered, 7)
    assert.equal(countedOnce(vendor), 7)
  })

  test('the site’s data is cleared: what waits is written anew', async (t) => {
    const { vendor, context, tab } = await world(t)
    const page = await stuck(vendor, tab, 3)
    const session = await context.newCDPSession(page)
    await session.send('Storage.clearDataForOrigin', { origin: vendor.url, storageTypes: 'indexeddb' })
    await page.evaluate(() => record(4, 4))
    await until(async () => /"n":3.*"n":4/s.test((await page.evaluate(() => stored())).text))
    await kill(page)
    vendor.always()
    const next = await tab()
    await next.evaluate(() => start())
    assert.equal((await flush(next)).delivered, 4)
    assert.equal(countedOnce(vendor), 4)
  })

  test('a client of another version and another sink’s are left alone; a torn record costs itself', async (t) => {
    const { vendor, tab } = await world(t)
    const victim = await tab()
    vendor.always({ status: 503 })
    await victim.evaluate(() => start())
    await victim.evaluate(() => record(1, 2))
    await until(async () => /"n":2/.test((await victim.evaluate(() => stored())).text))
    await victim.evaluate(() => record(3, 3))
    await until(async () => /"n":3/.test((await victim.evaluate(() => stored())).text))
    await kill(victim)
    const page = await tab()
    await page.evaluate(async () => {
      const db = await new Promise((resolve) => {
        indexedDB.open('taximeter').onsuccess = ({ target }) => resolve(target.result)
      })
      const tx = db.transaction(['clients', 'records'], 'readwrite')
      const [clients, records] = ['clients', 'records'].map((name) => tx.objectStore(name))
      clients.put({ version: 2, sink: `${location.origin}/api/v1/events`, of: 'a later version' }, 'b')
      records.put(new TextEncoder().encode('2 what it writes\n'), ['b', 0])
      clients.put({ version: 1, sink: 'https://elsewhere.example', at: 0 }, 'c')
      records.put(new TextEncoder().encode('nonsense'), ['c', 0])
      records.openCursor().onsuccess = ({ target }) => {
        const cursor = target.result
        const at = new TextDecoder().decode(cursor.value).indexOf('"n":2')
        if (at < 0) return cursor.continue()
        cursor.value[at + 4] += 1
        cursor.update(cursor.value)
      }
      await new Promise((resolve) => {
        tx.oncomplete = resolve
      })
      db.close()
      start()
    })
    vendor.always()
    assert.equal((await flush(page)).delivered, 2)
    assert.deepEqual(await page.evaluate(() => errors), ['spool_corrupt'])
    const { clients } = await page.evaluate(() => stored())
    assert.deepEqual(
      clients.filter(({ takenAt }) => !takenAt).map(({ version, sink }) => [version, sink]),
      [
        [2, `${vendor.url}/api/v1/events`],
        [1, 'https://elsewhere.example'],
      ],
    )
  })

  test('cost and preview in a page: of what it recorded, and of what it took over', async (t) => {
    const { vendor, tab } = await world(t)
    const options = {
      meters: [{ slug: 'clicks', eventType: 'click', aggregation: 'COUNT' }],
      prices: { meters: { clicks: { type: 'unit', amount: '0.01' } } },
    }
    const victim = await stuck(vendor, tab, 30, options)
    assert.equal(await victim.evaluate(() => meter.cost().total), '0.3')
    await kill(victim)
    vendor.always()
    const next = await tab()
    await next.evaluate((options) => start(options), options)
    await next.evaluate(() => record(31, 35))
    await flush(next)
    const [cost, [{ value }]] = await next.evaluate(() => [meter.cost().total, meter.preview('clicks').data])
    assert.deepEqual([cost, value, countedOnce(vendor)], ['0.35', 35, 35])
  })

  test('a key is refused in a page and in its workers', async (t) => {
    const { tab } = await world(t)
    const page = await tab()
    const codes = ['secret_in_browser', 'secret_in_browser', 'taken']
    assert.deepEqual(await page.evaluate(() => sinks()), codes)
    await page.evaluate(() => work())
    assert.deepEqual(await page.evaluate(() => inWorker('sinks')), codes)
  })

  test('a worker keeps its events too; what it leaves the page takes over', async (t) => {
    const { vendor, tab } = await world(t)
    const page = await tab()
    vendor.script([{ commit: 'all', end: 'hang' }])
    await page.evaluate(async () => {
      await work()
      await inWorker('start')
      await inWorker('record', 1, 10)
    })
    await until(() => vendor.requests.length === 1)
    await page.evaluate(() => {
      start()
      worker.terminate()
    })
    await until(async () => (await stats(page)).delivered === 10)
    assert.deepEqual([countedOnce(vendor), isSentTwice(vendor)], [10, true])
  })

  test('a tab that the browser freezes holds nothing back, and goes on when it is woken', async (t) => {
    const { vendor, tab } = await world(t)
    const page = await tab()
    // A tab that is watched is never frozen: it is told so.
    const tell = (what) => page.evaluate((what) => void document.dispatchEvent(new Event(what)), what)
    vendor.always({ status: 503 })
    await page.evaluate(() => start())
    await page.evaluate(() => record(1, 10))
    await until(() => vendor.requests.length > 0)
    await tell('freeze')
    const other = await tab()
    await other.evaluate(() => start())
    // Not sooner: as one that is left it has sent what it can.
    await until(async () => (await stats(other)).recorded === 10)
    vendor.always()
    await until(() => vendor.counted.size === 10)
    const { length } = vendor.arrivals
    await tell('resume')
    await page.evaluate(() => record(11, 12))
    await until(async () => (await stats(page)).delivered === 2)
    assert.deepEqual([vendor.arrivals.length - length, countedOnce(vendor), (await stats(page)).pending], [2, 12, 0])
  })

  test('a tab that is frozen while its store opens takes no lock, and goes on when it is woken', async (t) => {
    const { vendor, tab } = await world(t, {
      init: () => {
        const { open } = IDBFactory.prototype
        IDBFactory.prototype.open = function (...args) {
          const request = open.apply(this, args)
          const opened = new Promise((resolve) => request.addEventListener('success', resolve))
          return Object.defineProperty(request, 'onsuccess', {
            set(back) {
              globalThis.letOpen = () => opened.then(back)
            },
          })
        }
      },
    })
    const page = await tab()
    const held = await page.evaluate(async () => {
      start()
      record(1, 3)
      await new Promise((resolve) => setTimeout(resolve, 20))
      document.dispatchEvent(new Event('freeze'))
      await letOpen()
      await new Promise((resolve) => setTimeout(resolve))
      // Granted after what was asked for before.
      await navigator.locks.request('last', () => {})
      return (await navigator.locks.query()).held.map(({ name }) => name)
    })
    assert.deepEqual(held, [])
    await page.evaluate(() => document.dispatchEvent(new Event('resume')))
    await until(() => page.evaluate(() => letOpen()).then(() => vendor.counted.size === 3))
    assert.equal(countedOnce(vendor), 3)
  })

  test('a Content-Security-Policy has to allow wasm-unsafe-eval, and nothing else; without it the error says so', async (t) => {
    const { tab } = await world(t, { csp: "default-src 'none'; connect-src 'self'; script-src 'self'" })
    const page = await tab()
    const { code, help } = await page.evaluate(() => {
      try {
        start()
      } catch ({ code, help }) {
        return { code, help }
      }
    })
    assert.equal(code, 'core_unavailable')
    assert.match(help, /wasm-unsafe-eval/)
  })
})

/** A tab with so many events, which the vendor does not take. */
async function stuck(vendor, tab, events, options) {
  const page = await tab()
  vendor.always({ status: 503 })
  await page.evaluate((options) => start(options), options)
  await page.evaluate((events) => record(1, events), events)
  await until(() => vendor.requests.length > 0)
  return page
}

/** Leaves a page for another one, from where the back button leads back. */
async function leave(page) {
  await page.evaluate(() =>
    setTimeout(() => {
      location.href = '/elsewhere'
    }),
  )
  await page.waitForURL('**/elsewhere')
}

/** The browser has to have kept the page. */
async function comeBack(page) {
  await page.evaluate(() => void setTimeout(() => history.back()))
  await until(() => page.evaluate(() => globalThis.cameBack === true).catch(() => false))
}
