/** What the pages of the tests can do; they are called from outside. */

import { indexedDbSpool } from '/indexeddb.js'
import * as suite from '/suite.mjs'
import * as taximeter from '/taximeter.js'

const { openmeter, Taximeter } = taximeter
const errors = []
let meter

Object.assign(globalThis, { suite, errors, indexedDbSpool })

addEventListener('pageshow', ({ persisted }) => {
  globalThis.cameBack = persisted
})

/** Makes this page's client. */
globalThis.start = ({ sink, spool = {}, ...options } = {}) => {
  meter = new Taximeter({
    source: 'page',
    sink: openmeter({ url: location.origin, dedup: 'unlimited', ...sink }),
    ...(spool && { spool: indexedDbSpool(spool) }),
    ...options,
  })
  globalThis.meter = meter
  meter.on('error', ({ code }) => errors.push(code))
}

/** Records events with these numbers; gives their ids. */
globalThis.record = (from, to, pad = '') => {
  const ids = []
  for (let n = from; n <= to; n++) {
    ids.push(meter.record({ type: 'click', subject: 'anna', data: { n, ...(pad && { pad }) } }).id)
  }
  return ids
}

/** What becomes of sinks with a key, and of one without. */
globalThis.sinks = () => {
  const { dodo } = taximeter
  return [
    () => openmeter({ url: location.origin, token: 'sk' }),
    () => dodo({ apiKey: 'sk', environment: 'test' }),
    () => openmeter({ url: location.origin }),
  ].map((make) => {
    try {
      make()
      return 'taken'
    } catch (error) {
      return error.code
    }
  })
}

/** A worker of the page; gives a way to call in it what is here. */
globalThis.work = async () => {
  const worker = new Worker('/worker.js', { type: 'module' })
  const answer = () =>
    new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data)
    })
  await answer()
  globalThis.worker = worker
  globalThis.inWorker = (...call) => {
    worker.postMessage(call)
    return answer()
  }
}

/** What lies in the store: clients, and all that is in the journals as text. */
globalThis.stored = (name = 'taximeter') =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(name)
    request.onupgradeneeded = () => request.transaction.abort()
    request.onerror = () => resolve({ clients: [], text: '' })
    request.onsuccess = () => {
      const tx = request.result.transaction(['clients', 'records'])
      const clients = tx.objectStore('clients').getAll()
      const records = tx.objectStore('records').getAll()
      tx.onabort = reject
      tx.oncomplete = () => {
        request.result.close()
        const text = records.result.map((bytes) => new TextDecoder().decode(bytes)).join('')
        resolve({ clients: clients.result, text })
      }
    }
  })
