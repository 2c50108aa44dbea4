/** What the pages of the tests can do; they are called from outside. */

import { indexedDbSpool } from '/indexeddb.js'
import * as suite from '/suite.mjs'
import * as taximeter from '/taximeter.js'

const { openmeter, Taximeter } = taximeter
const errors = []
let meter

Object.assign(globalThis, { taximeter, suite, errors, indexedDbSpool })

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
