/**
 * Delivery from real pages of a real Firefox: `npm install --prefix tests/firefox && FIREFOX=firefox-esr node --test
 * tests/firefox/pages.mjs`. Not part of `npm test`, whose pages are Chromium's: there is what needs its debugger.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import puppeteer from 'puppeteer-core'
import { countedOnce, site } from '../js/browser/harness.mjs'
import { stories, wanted } from '../js/spool-suite.mjs'
import { until } from '../until.mjs'

const executablePath = which(process.env.FIREFOX ?? 'firefox-esr')

function which(name) {
  return name.includes('/') ? name : execFileSync('which', [name], { encoding: 'utf8' }).trim()
}

/** A vendor, a profile, and a browser of it that can be killed. */
async function world(t, options) {
  const vendor = await site(options)
  const userDataDir = mkdtempSync(join(tmpdir(), 'taximeter-firefox-'))
  let browser
  const open = async () => {
    browser = await puppeteer.launch({ browser: 'firefox', executablePath, userDataDir, timeout: 120_000 })
  }
  await open()
  t.after(async () => {
    await browser.close()
    await vendor.shut()
    rmSync(userDataDir, { recursive: true, force: true, maxRetries: 5 })
  })
  const tab = async (path = '/') => {
    const page = await browser.newPage()
    await page.goto(vendor.url + path)
    return page
  }
  /** All tabs are gone at once, and what they have in the profile is left. */
  const crash = async () => {
    const child = browser.process()
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    await open()
  }
  return { vendor, tab, crash }
}

const flush = (page) => page.evaluate(() => meter.flush({ deadlineMs: 60_000 }))

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

test('three tabs share a store: each event is sent by one of them, once, and leaves no trace', async (t) => {
  const { vendor, tab } = await world(t)
  const pages = [await tab(), await tab(), await tab()]
  await Promise.all(pages.map((page) => page.evaluate(() => start())))
  for (let round = 0; round < 5; round++) {
    await Promise.all(pages.map((page, i) => page.evaluate((n) => void record(n + 1, n + 10), 100 * i + 10 * round)))
  }
  await Promise.all(pages.map(flush))
  assert.equal(countedOnce(vendor), 150)
  await until(async () => (await pages[0].evaluate(() => stored())).clients.length === 0)
})

test('a tab is closed while its request is under way: another one takes over what it had', async (t) => {
  const { vendor, tab } = await world(t)
  const [victim, heir] = [await tab(), await tab()]
  await victim.evaluate(() => start())
  await heir.evaluate(() => start())
  vendor.script([{ commit: 'all', end: 'hang' }])
  await victim.evaluate(() => void record(1, 20))
  await until(() => vendor.requests.length === 1)
  await victim.evaluate(() => void record(21, 40))
  await until(async () => /"n":40/.test((await victim.evaluate(() => stored())).text))
  await victim.close()
  await until(() => vendor.counted.size === 40)
  assert.equal(countedOnce(vendor), 40)
})

test('the browser is killed: the next visit delivers, and counts', async (t) => {
  const { vendor, tab, crash } = await world(t)
  const options = {
    meters: [{ slug: 'clicks', eventType: 'click', aggregation: 'COUNT' }],
    prices: { meters: { clicks: { type: 'unit', amount: '0.01' } } },
  }
  const victim = await tab()
  vendor.always({ status: 503 })
  await victim.evaluate((options) => start({ ...options, spool: { durability: 'strict' } }), options)
  await victim.evaluate(() => void record(1, 20))
  await until(async () => /"n":20/.test((await victim.evaluate(() => stored())).text))
  await crash()
  vendor.always()
  const next = await tab()
  await next.evaluate((options) => start(options), options)
  assert.equal((await flush(next)).delivered, 20)
  assert.equal(countedOnce(vendor), 20)
  assert.equal(await next.evaluate(() => meter.cost().total), '0.2')
})

test('a page is left right after 30 events of 4 KB: some outlive it, the rest comes with the next visit', async (t) => {
  const { vendor, tab } = await world(t)
  const page = await tab()
  await page.evaluate(() => start())
  await flush(page)
  vendor.script([{ commit: 'all', end: 'hang' }])
  await page.evaluate(() => {
    record(1, 30, 'x'.repeat(4000))
    setTimeout(() => {
      location.href = '/elsewhere'
    })
  })
  await until(() => vendor.counted.size > 0)
  const next = await tab()
  await next.evaluate(() => start())
  await flush(next)
  await until(() => vendor.counted.size === 30)
  assert.equal(countedOnce(vendor), 30)
  assert.ok(vendor.largest <= 60 * 1024)
})

test('a tab is closed right after its events, without a spool: they arrive', async (t) => {
  const { vendor, tab } = await world(t)
  const page = await tab()
  await page.evaluate(() => start({ spool: null }))
  await page.evaluate(() => void record(1, 10))
  await page.close()
  await until(() => vendor.counted.size === 10)
  assert.equal(countedOnce(vendor), 10)
})

test('a page comes back by the back button, and goes on', async (t) => {
  const { vendor, tab } = await world(t)
  const page = await tab()
  vendor.always({ status: 503 })
  await page.evaluate(() => start())
  await page.evaluate(() => void record(1, 10))
  await until(() => vendor.requests.length > 0)
  await page.goto(`${vendor.url}/elsewhere`)
  vendor.always()
  await page.evaluate(() => void setTimeout(() => history.back()))
  await until(() => page.evaluate(() => 'stored' in globalThis).catch(() => false))
  // Kept, or loaded anew: each is counted once.
  await page.evaluate(() => globalThis.meter ?? start())
  await page.evaluate(() => void record(11, 20))
  await flush(page)
  await until(() => vendor.counted.size === 20)
  assert.equal(countedOnce(vendor), 20)
})

test('a key is refused in a page and in its workers', async (t) => {
  const { tab } = await world(t)
  const page = await tab()
  const codes = ['secret_in_browser', 'secret_in_browser', 'taken']
  assert.deepEqual(await page.evaluate(() => sinks()), codes)
  await page.evaluate(() => work())
  assert.deepEqual(await page.evaluate(() => inWorker('sinks')), codes)
})
