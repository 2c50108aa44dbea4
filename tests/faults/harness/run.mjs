/** Plays one fault: a client, a vendor, a clock, and the invariants after every step. */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { dodo, openmeter, Taximeter } from 'taximeter'
import { members } from '../../../packages/taximeter-dev/src/slice.js'
import { Clock, pause } from './clock.mjs'
import { FETCHES, trap, VALUES } from './hostile.mjs'
import { Vendor } from './server.mjs'

const KEY = 'sk-canary-4711'
const QUEUE_EVENTS_MAX = 10_000
const QUEUE_BYTES_MAX = 16 * 1024 * 1024
const BODY_BYTES_MAX = 256 * 1024

/** Plays a fault file; gives what is worth a row in a table. */
export async function play({ vendor: vendorOptions = {}, sink = {}, client = {}, steps, seed = 1 }) {
  const clock = new Clock()
  clock.install(seed)
  const world = new World(clock, vendorOptions)
  try {
    await world.open(sink, client)
    for (const step of steps) await world.step(step)
    return world.told()
  } finally {
    await world.close()
    clock.remove()
  }
}

class World {
  #clock
  #vendor
  /** Where nobody may ever call. */
  #elsewhere
  #meter
  #n = 0
  /** Every event that was taken: id → its number. */
  #taken = new Map()
  #settled = { delivered: new Set(), quarantined: new Set(), dropped: new Set() }
  #refused = []
  /** Everything a user would see. */
  #heard = []
  #flushes = []
  /** Flushes that nobody waits for here, and that have not answered. */
  #flushing = 0
  /** id → the texts that its event has to have at the vendor. */
  #exact = new Map()
  /** Requests that are given up stay open: they can't be told from those in flight. */
  #isDeaf = false
  #cleanUp = () => {}

  constructor(clock, options) {
    this.#clock = clock
    this.#vendor = new Vendor(clock, options)
    this.#elsewhere = new Vendor(clock, {})
  }

  async open(sink, { fetch, ...client }) {
    await this.#vendor.open()
    await this.#elsewhere.open()
    const url = this.#vendor.url
    const { kind = 'openmeter', ...options } = sink
    const made =
      kind === 'dodo'
        ? dodo({ url, apiKey: KEY, ...options })
        : openmeter({ url, token: KEY, dedup: 'unlimited', ...options })
    this.#meter = new Taximeter({
      source: 'faults',
      sink: made,
      ...client,
      // Where Node's own client is used, the platform's fetch is only if it is asked for.
      ...(fetch && { fetch: fetch === 'deaf' ? FETCHES.deaf() : (url, init) => globalThis.fetch(url, init) }),
    })
    this.#isDeaf = fetch === 'deaf'
    if (fetch && fetch !== 'deaf') this.#cleanUp = FETCHES[fetch](this.#meter)
    for (const name of ['error', 'sink-state', 'quarantined', 'engine-reset']) {
      this.#meter.on(name, (detail) => this.#heard.push({ name, detail }))
    }
    for (const name of ['delivered', 'dropped']) this.#meter.on(name, ({ ids }) => this.#rest(name, ids))
    this.#meter.on('quarantined', ({ id }) => this.#rest('quarantined', [id]))
  }

  /** An event comes to rest once. */
  #rest(where, ids) {
    for (const id of ids) {
      for (const [name, set] of Object.entries(this.#settled)) assert.ok(!set.has(id), `${id} is ${name} and ${where}`)
      this.#settled[where].add(id)
    }
  }

  async step(step) {
    const [[name, value], ...more] = Object.entries(step)
    assert.deepEqual(more, [], 'a step does one thing')
    const steps = {
      record: () => this.#record(this.#located(value)),
      exact: () => this.#recordExact(value),
      trap: () => trap(value),
      script: () => this.#vendor.script(this.#located(value)),
      always: () => this.#vendor.always(value && this.#located([value])[0]),
      vendor: () => this.#vendor.set(value),
      down: () => this.#vendor.shut(),
      up: () => this.#vendor.open(),
      pass: () => this.#clock.pass(value, () => this.#quiet()),
      wall: () => {
        this.#clock.wallAheadMs += value
      },
      flush: () => this.#flush(value),
      flushing: () => this.#startFlush(value),
      expect: () => this.#expect(value),
    }
    assert.ok(Object.hasOwn(steps, name), `there is no step '${name}'`)
    await steps[name]()
    await this.#quiet()
    this.#invariants()
  }

  /** `{elsewhere}` is the URL of a server that nobody may call. */
  #located(steps) {
    return JSON.parse(JSON.stringify(steps).replaceAll('{elsewhere}', this.#elsewhere.url))
  }

  /** `{ events, type?, bytes?, data?, ids? }` or their number. */
  #record(what) {
    const { events, type = 'call', bytes = 0, data, id } = typeof what === 'number' ? { events: what } : what
    for (let i = 0; i < events; i++) {
      const n = this.#n++
      const event = {
        type,
        subject: `customer-${n % 3}`,
        data: { n, ...(bytes > 0 && { pad: 'x'.repeat(bytes) }), ...data },
      }
      if (id !== undefined) event.id = id
      const { id: given, error } = this.#meter.record(event)
      if (error) this.#refused.push(error.code)
      else this.#taken.set(given, n)
    }
  }

  /**
   * Events whose `data.v` has the value of a name, or whose members are given; each is refused with `code`, or has these
   * texts at the vendor (`time`, `data.v`).
   */
  #recordExact(wanted) {
    for (const { value, event, code, wire } of wanted) {
      const n = this.#n++
      const data = value === undefined ? { n } : { n, v: VALUES[value]() }
      const { id, error } = this.#meter.record({ type: 'call', subject: 'c', data, ...event })
      assert.equal(error?.code, code, `${value ?? JSON.stringify(event)}`)
      if (error) {
        this.#refused.push(error.code)
        // The next one is taken as if nothing had been.
        this.#record(1)
      } else {
        this.#taken.set(id, n)
        this.#exact.set(id, { wire, value })
      }
    }
  }

  #startFlush(deadlineMs) {
    this.#flushing += 1
    void this.#meter.flush({ deadlineMs }).then(() => {
      this.#flushing -= 1
    })
  }

  /** A flush, over as much time as it takes. */
  async #flush(deadlineMs) {
    let result
    void this.#meter.flush({ deadlineMs }).then((counts) => {
      result = counts
    })
    await this.#clock.pass(
      deadlineMs,
      () => this.#quiet(),
      () => result !== undefined,
    )
    await this.#quiet()
    assert.ok(result, 'flush() has not answered at its deadline')
    this.#flushes.push(result)
  }

  /** Waits until the sockets have nothing to say: each request in flight is one that the vendor lets wait. */
  async #quiet() {
    const before = Date.now()
    for (let round = 0, calm = 0; calm < 2; round++) {
      await pause(1)
      const { inFlight } = this.#meter.stats()
      const { stalled } = this.#vendor
      // Some that the vendor lets wait are given up already: then a moment has to do.
      const isCalm = this.#isDeaf ? round > 50 : inFlight === stalled || (round > 20 && inFlight < stalled)
      calm = isCalm ? calm + 1 : 0
      assert.ok(round < 10_000, `${inFlight} requests in flight, ${stalled} stalled`)
    }
    assert.equal(Date.now(), before)
  }

  #stats() {
    return this.#meter.stats()
  }

  /** I1 to I6. */
  #invariants() {
    const stats = this.#stats()
    const { recorded, delivered, pending, quarantined, dropped } = stats
    // I1: every event is in one place, and the numbers say so.
    assert.equal(recorded, delivered + pending + quarantined + dropped, 'I1: the counts')
    assert.equal(recorded, this.#taken.size, 'I1: what was taken')
    const { settled } = this
    assert.deepEqual({ delivered, quarantined, dropped }, settled, 'I1: the ids')
    // I2: what is delivered is at the vendor, what is there was recorded, with its quantity, and once if it dedupes.
    const counted = this.#vendor.counted
    const keys = new Map(this.#vendor.arrivals.map(({ key, id, n }) => [key, { id, n }]))
    const atVendor = new Set()
    for (const key of counted.keys()) {
      const { id, n } = keys.get(key)
      assert.equal(n, this.#taken.get(id), 'I2: the quantity')
      atVendor.add(id)
    }
    for (const id of this.#settled.delivered) assert.ok(atVendor.has(id), `I2: ${id} is lost`)
    // I3: an event has the same bytes on every attempt.
    const bytes = new Map()
    for (const { key, sha256 } of this.#vendor.arrivals) {
      assert.equal(bytes.get(key) ?? sha256, sha256, 'I3: the bytes changed')
      bytes.set(key, sha256)
    }
    // I4: bounds.
    assert.ok(pending <= QUEUE_EVENTS_MAX && stats.queueBytes <= QUEUE_BYTES_MAX, 'I4: the queue')
    assert.ok(stats.inFlight <= 1, 'I4: requests in flight')
    assert.ok(this.#vendor.largest <= BODY_BYTES_MAX, 'I4: a body')
    // I5: nobody else is contacted, and the key is nowhere but in its header.
    assert.deepEqual(this.#elsewhere.requests, [], 'I5: somebody else was contacted')
    const shown = [
      stats,
      this.#heard,
      this.#meter,
      this.#meter.quarantined(),
      this.#vendor.requests.map(({ path }) => path),
    ]
    const text = shown.map((what) => `${JSON.stringify(what)}${inspect(what, { depth: 9, showHidden: true })}`).join()
    assert.ok(!text.includes(KEY), 'I5: the key is shown')
    // I6: no timer of ours keeps the process alive, but that of a flush that is awaited.
    assert.equal(this.#clock.held, this.#flushing, 'I6: a timer holds the process')
  }

  get settled() {
    const { delivered, quarantined, dropped } = this.#settled
    return { delivered: delivered.size, quarantined: quarantined.size, dropped: dropped.size }
  }

  #expect(wanted) {
    const { requests, arrivals, counted } = this.#vendor
    const { state, refused, inFlight, pending } = this.#stats()
    const attempts = new Map()
    for (const { key } of arrivals) attempts.set(key, (attempts.get(key) ?? 0) + 1)
    const is = {
      ...this.settled,
      pending,
      refused,
      refusedFor: () => [...new Set(this.#refused)],
      state,
      inFlight,
      requests: () => requests.length,
      requestsMax: (max) => assert.ok(requests.length <= max, `${requests.length} requests`),
      requestsMin: (min) => assert.ok(requests.length >= min, `${requests.length} requests`),
      /** Times each event came. */
      attemptsMax: (max) =>
        assert.ok(Math.max(...attempts.values()) <= max, `${Math.max(...attempts.values())} attempts`),
      attemptsMin: (min) =>
        assert.ok(Math.min(...attempts.values()) >= min, `${Math.min(...attempts.values())} attempts`),
      unique: () => counted.size,
      /** Times the vendor counted an event at most. */
      billed: () => Math.max(0, ...counted.values()),
      /** The shortest time between two requests, from the n-th on. */
      apartMs: ([min, from = 0]) => {
        const at = requests.slice(from).map((request) => request.at)
        for (let i = 1; i < at.length; i++) assert.ok(at[i] - at[i - 1] >= min, `${at[i] - at[i - 1]} ms apart`)
      },
      lastEvents: () => requests.at(-1)?.events,
      notices: () => this.#heard.filter(({ name }) => name === 'sink-state').map(({ detail }) => detail.code),
      quarantinedFor: () => [...new Set(this.#meter.quarantined().map(({ code }) => code))],
      flushed: () => this.#flushes.at(-1),
      flushing: () => this.#flushing,
      resets: () => this.#heard.filter(({ name }) => name === 'engine-reset').length,
      /** How many of the `exact` events are at the vendor, with their texts. */
      exact: () => {
        const found = this.#vendor.arrivals.filter(({ id }) => this.#exact.has(id))
        for (const { id, raw } of found) {
          const parts = members(raw)
          const { wire, value } = this.#exact.get(id)
          const data = members(parts.get('data'))
          for (const [path, text] of Object.entries(wire)) {
            assert.equal(path.startsWith('data.') ? data.get(path.slice(5)) : parts.get(path), text, value ?? path)
          }
        }
        return new Set(found.map(({ id }) => id)).size
      },
      largestMax: (max) => assert.ok(this.#vendor.largest <= max, `a body of ${this.#vendor.largest} bytes`),
      heapMax: (max) => assert.ok(process.memoryUsage().arrayBuffers < max, 'memory'),
    }
    for (const [name, want] of Object.entries(wanted)) {
      assert.ok(Object.hasOwn(is, name), `there is no expectation '${name}'`)
      const found = typeof is[name] === 'function' ? is[name](want) : is[name]
      if (found !== undefined) assert.deepEqual(found, want, name)
    }
  }

  /** What became of it, in figures. */
  told() {
    const { requests, counted, arrivals } = this.#vendor
    const { recorded, pending } = this.#stats()
    return {
      recorded,
      ...this.settled,
      pending,
      requests: requests.length,
      unique: counted.size,
      arrivals: arrivals.length,
    }
  }

  async close() {
    this.#cleanUp()
    const closing = this.#meter?.close({ deadlineMs: 1 })
    await this.#clock.pass(2, () => pause(1))
    await closing
    await this.#vendor.shut()
    await this.#elsewhere.shut()
  }
}
