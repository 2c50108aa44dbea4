/** Real tabs of a real Chromium, and a vendor with a ledger on their own origin. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { chromium as driver } from 'playwright-core'
import { chromium } from '../../../scripts/chromium.mjs'
import { realTime, Vendor } from '../../faults/harness/server.mjs'

const read = (path) => readFileSync(new URL(path, import.meta.url))
const FILES = {
  '/taximeter.js': read('../../../dist/inline.js'),
  '/indexeddb.js': read('../../../dist/indexeddb.js'),
  '/suite.mjs': read('../spool-suite.mjs'),
  '/page.js': read('page.js'),
  '/worker.js': `import '/page.js'
    onmessage = ({ data: [name, ...args] }) => postMessage(globalThis[name](...args))
    postMessage('ready')`,
}

/** What WebAssembly needs, and nothing more. */
const CSP = "default-src 'none'; connect-src 'self'; script-src 'self' 'wasm-unsafe-eval'"

/** How long a machine may take for what takes moments. */
const SLOW_MS = 120_000

let browser

export async function openBrowser() {
  browser = await driver.launch({
    executablePath: chromium(),
    timeout: SLOW_MS,
    // As root there is no sandbox to be had; and nothing but the tests is to use the network.
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    // What the driver switches off, users have.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
}

export const closeBrowser = () => browser?.close()

/** A vendor that has pages too. */
export function site({ csp = CSP, ...options } = {}) {
  const serve = (req, res) => {
    const path = new URL(req.url, 'http://a').pathname
    const type = /\.m?js$/.test(path) ? 'text/javascript' : 'text/html'
    const body = FILES[path] ?? (path === '/elsewhere' ? '' : '<script type="module" src="/page.js"></script>')
    res.writeHead(200, { 'content-type': type, 'content-security-policy': csp }).end(body)
  }
  return new Vendor(realTime, { serve, ...options }).open()
}

/** A vendor and a profile of its own: tabs of it share what they store, with no other's. */
export async function world(t, { init, ...options } = {}) {
  const vendor = await site(options)
  const context = await browser.newContext()
  context.setDefaultTimeout(SLOW_MS)
  if (init) await context.addInitScript(init)
  const faults = []
  context.on('weberror', (error) => faults.push(error.error()))
  t.after(async () => {
    await context.close()
    await vendor.shut()
    // Metering throws nothing into a page.
    assert.deepEqual(faults, [])
  })
  const tab = async (path = '/') => {
    const page = await context.newPage()
    await page.goto(vendor.url + path)
    return page
  }
  return { vendor, context, tab }
}

/** Kills a tab's process. */
export async function kill(page) {
  const session = await page.context().newCDPSession(page)
  const crashed = new Promise((resolve) => page.once('crash', resolve))
  session.send('Page.crash').catch(() => {})
  await crashed
}

/** Each event is counted once, whatever happened, with one set of bytes; gives how many there are. */
export function countedOnce({ counted, arrivals }) {
  const hashes = new Map()
  for (const { key, sha256 } of arrivals) hashes.set(key, (hashes.get(key) ?? new Set()).add(sha256))
  for (const [key, times] of counted) assert.deepEqual([times.length ?? times, hashes.get(key).size], [1, 1])
  return counted.size
}
